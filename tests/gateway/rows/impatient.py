"""`pisang serve`, its patience with slow callers two and a half seconds in place of ten and twenty.

A test can't wait as long as a server would; nothing else of the gateway differs.
"""

from __future__ import annotations

import asyncio
import json
import os

from pisang.cli import serving
from pisang.client.loading import load_settings
from pisang.gateway import visits
from pisang.gateway.app import Gateway

PATIENCE_S = 2.5


async def main() -> None:
    serving.HEADER_TIMEOUT_S = PATIENCE_S
    visits.GRACE_S = PATIENCE_S
    port = serving.free_port("127.0.0.1", 0)
    told = json.dumps({"url": f"http://127.0.0.1:{port}"})
    gateway = Gateway(load_settings(), None)
    await gateway.open()
    try:
        await serving.serve_app(gateway, "127.0.0.1", port, lambda: print(told, flush=True))
    finally:
        await gateway.close()


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)  # the server's threads outlive the loop by a moment
