"""An upstream with a book: it sells a generation for every call that it has read to its end.

A word in the prompt chooses what becomes of the answer. What was sold stays sold: that is how real
gateways bill, and what a second call for the same picture would cost.
"""

from __future__ import annotations

import base64
import json
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SLOW_S = 3.5


def painted(shade: int = 0) -> bytes:
    """A PNG of 64 pixels each way whose bytes don't compress: 12 KB."""
    rows = b"".join(b"\0" + bytes((x * y * 7 + shade) % 251 for x in range(192)) for y in range(64))
    head = struct.pack(">2I5B", 64, 64, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b""))
    told = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(told)


PAINTED = painted()


class Seller(ThreadingHTTPServer):
    """`sold` are the prompts of all calls that came, in order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.sold: list[str] = []
        self.closing = threading.Event()
        self._news = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def sell(self, prompt: str) -> None:
        with self._news:
            self.sold.append(prompt)
            self._news.notify_all()

    def count(self, prompt: str) -> int:
        """How many generations of that prompt were sold."""
        return self.sold.count(prompt)

    def wait_for(self, prompt: str) -> None:
        """Until one was."""
        with self._news:
            assert self._news.wait_for(lambda: prompt in self.sold, timeout=60), prompt


class _Handler(BaseHTTPRequestHandler):
    server: Seller
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        prompt = next(part["text"] for part in body["contents"][-1]["parts"] if "text" in part)
        self.server.sell(prompt)
        fault = prompt.split()[0]
        if fault.isdigit():
            self._page(int(fault))
        elif fault == "hole":
            self.server.closing.wait(30)
            self.close_connection = True
        else:
            if fault == "slow":
                self.server.closing.wait(SLOW_S)
            self._answer(cut=fault == "cut")

    def _page(self, status: int) -> None:
        page = f"<html><head><title>{status}</title></head><body>no answer</body></html>".encode()
        self._send(status, "text/html", page)

    def _answer(self, *, cut: bool) -> None:
        picture = {"mimeType": "image/png", "data": base64.b64encode(PAINTED).decode()}
        content = {"role": "model", "parts": [{"inlineData": picture}]}
        body = json.dumps({"candidates": [{"content": content, "finishReason": "STOP"}]}).encode()
        if not cut:
            self._send(200, "application/json", body)
            return
        self._send(200, "application/json", body, len(body) // 2)
        self.close_connection = True

    def _send(self, status: int, kind: str, body: bytes, most: int | None = None) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:most])

    def log_message(self, *_: object) -> None:
        pass

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True


@contextmanager
def selling() -> Iterator[Seller]:
    """One of them, until the block ends."""
    with Seller() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()
