"""`pisang serve`, but who waits hears a line break after one second in place of 45, and a bucket
that is away is waited for as long.

A test can't wait as long as a user would; nothing else of the gateway differs.
"""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace

from pisang.cli.serving import free_port, serve_app
from pisang.client.loading import load_settings
from pisang.gateway.app import Gateway
from pisang.store.bucket import BucketBlobs


class Hurried(Gateway):
    """The gateway, its pauses short."""

    async def open(self) -> None:
        await super().open()
        assert self._service is not None
        pause_s = float(os.environ.get("HURRIED_PAUSE_S", "1"))
        self._service = replace(self._service, first_keepalive_s=pause_s, next_keepalive_s=1.0)
        blobs = self._service.engine.store._blobs
        if isinstance(blobs, BucketBlobs):
            blobs.standing._patience_s = 1.0


async def main() -> None:
    port = free_port("127.0.0.1", 0)
    told = json.dumps({"url": f"http://127.0.0.1:{port}"})
    gateway = Hurried(load_settings(), None)
    await gateway.open()
    try:
        await serve_app(gateway, "127.0.0.1", port, lambda: print(told, flush=True))
    finally:
        await gateway.close()


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)  # the server's threads outlive the loop by a moment
