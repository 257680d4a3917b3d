"""The faulty upstream, a process of its own: `python -m prove.upstream`.

It speaks Google's native wire and OpenAI's Images wire on loopback, and keeps the book: a line of
JSON on standard output for each send, written when the work begins, whatever becomes of the
connection. Where a fault is to befall the client it says so there too, and goes on when the
other end answers `CLIENT WISH` on standard input; it ends when that closes.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from prove import pictures
from prove.faults import Fault, fault_of

KEY = re.compile(rb"sk-proof-([a-z-]+)")
WISH = re.compile(rb"wish (\d+):")
STRUCK_S = 20.0
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Call:
    """One send, as the book knows it."""

    client: str
    wish: int
    send: int
    wire: str
    fault: Fault

    @property
    def place(self) -> tuple[str, int]:
        """Whose wish it is."""
        return self.client, self.wish


class Upstream:
    """Answers, and keeps the book."""

    def __init__(self) -> None:
        self._sends: Counter[tuple[str, int]] = Counter()
        self._struck: dict[tuple[str, int], asyncio.Event] = defaultdict(asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: one request, one fault."""
        try:
            await self._answer(await self._read(reader), reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            pass  # the client went away: the book has its line already
        except asyncio.CancelledError:
            pass  # all is over, and nobody waits for this answer any more
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Call:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        body = await reader.readexactly(int(length[1])) if length else b""
        key, wish = KEY.search(head), WISH.search(body)
        if key is None or wish is None:
            raise ConnectionError(head.split(b"\r\n")[0])
        place = key[1].decode(), int(wish[1])
        self._sends[place] += 1
        wire = "gemini" if b":generateContent" in head else "openai-images"
        fault = fault_of(place[1], self._sends[place])
        return Call(*place, self._sends[place], wire, fault)

    async def _answer(
        self, call: Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        fault = call.fault
        picture = pictures.png(*call.place, call.send) if fault.billed else b""
        self._book(call, picture)
        if fault.strike and fault.share == 1.0:
            await self._strike(call)
        await asyncio.sleep(fault.work_s)
        if fault.silent:
            await asyncio.wait_for(reader.read(), PATIENCE_S)
            return
        answer = message(call, picture)
        upto = int(len(answer) * fault.share)
        writer.write(answer[:upto])
        await writer.drain()
        if fault.strike and fault.share < 1.0:
            await self._strike(call)
            writer.write(answer[upto:])
            await writer.drain()
        elif not upto:
            writer.transport.abort()

    def _book(self, call: Call, picture: bytes) -> None:
        tell(
            event="send",
            client=call.client,
            wish=call.wish,
            send=call.send,
            wire=call.wire,
            fault=call.fault.name,
            billed=int(call.fault.billed),
            sha256=hashlib.sha256(picture).hexdigest() if picture else "",
        )

    async def _strike(self, call: Call) -> None:
        """Have it done to the client, and wait until it is."""
        tell(event="strike", client=call.client, wish=call.wish, strike=call.fault.strike)
        await asyncio.wait_for(self._struck[call.place].wait(), STRUCK_S)

    async def hear(self) -> None:
        """Read what was done, to the end."""
        loop, stream = asyncio.get_running_loop(), asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), sys.stdin)
        while line := await stream.readline():
            client, wish = line.decode().split()
            self._struck[client, int(wish)].set()


def message(call: Call, picture: bytes) -> bytes:
    """The whole HTTP answer."""
    fault, native = call.fault, call.wire == "gemini"
    if fault.shape == "page":
        return _framed(fault, "text/html", pictures.page(fault.status))
    if fault.shape == "refusal":
        refusal = pictures.gemini_refusal if native else pictures.openai_refusal
        return _framed(fault, "application/json", refusal(fault.status), "Retry-After: 1\r\n")
    answer = pictures.gemini_answer if native else pictures.openai_answer
    return _framed(fault, "application/json; charset=UTF-8", answer(picture))


def _framed(fault: Fault, kind: str, body: bytes, more: str = "") -> bytes:
    if fault.chunked:
        length, body = "Transfer-Encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    else:
        length = f"Content-Length: {len(body)}"
    head = f"HTTP/1.1 {fault.status} Proof\r\nContent-Type: {kind}\r\n{length}\r\n{more}"
    return f"{head}Connection: close\r\n\r\n".encode() + body


def tell(**event: Any) -> None:
    """One line of the book, or of what is to be done."""
    print(json.dumps(event), flush=True)


async def main() -> None:
    """Serve until standard input closes."""
    upstream = Upstream()
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    tell(event="ready", port=server.sockets[0].getsockname()[1])
    await upstream.hear()


if __name__ == "__main__":
    asyncio.run(main())
