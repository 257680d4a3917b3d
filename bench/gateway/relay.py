"""The floor: the least that a relay in this language can be. Bytes through, nothing kept.

Run as `python -m bench.gateway.relay PORT UPSTREAM`.
"""

from __future__ import annotations

import sys

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

CHUNK = 1 << 20
UPSTREAM = web.AppKey("upstream", str)
SESSION = web.AppKey("session", ClientSession)


async def relay(request: web.Request) -> web.StreamResponse:
    url, body = request.app[UPSTREAM] + request.path, await request.read()
    headers = {"Content-Type": "application/json"}
    async with request.app[SESSION].post(url, data=body, headers=headers) as answer:
        copied = {name: answer.headers[name] for name in ("Content-Type", "Content-Length")}
        response = web.StreamResponse(status=answer.status, headers=copied)
        await response.prepare(request)
        async for data in answer.content.iter_any():
            await response.write(data)
        return response


async def create(upstream: str) -> web.Application:
    app = web.Application()
    app[UPSTREAM] = upstream
    app[SESSION] = ClientSession(
        connector=TCPConnector(limit=0), timeout=ClientTimeout(total=None), read_bufsize=CHUNK
    )
    app.router.add_post("/{path:.*}", relay)
    return app


if __name__ == "__main__":
    web.run_app(
        create(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), print=None, backlog=4096
    )
