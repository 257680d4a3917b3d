"""A caller over a bare socket, who leaves when a test wants it, and reads as slowly as it likes."""

from __future__ import annotations

import http.client
import json
import socket
import struct
from types import TracebackType
from urllib.parse import urlsplit

from tests.gateway.chaos.dialects import Dialect
from tests.gateway.chaos.shop import ENDS_S


class Caller:
    """One call of one dialect on its way; nothing is sent yet."""

    def __init__(self, url: str, dialect: Dialect, prompt: str, *, window: int = 0) -> None:
        place = urlsplit(url)
        body = json.dumps(dialect.call(prompt)).encode()
        head = (
            f"POST {dialect.path} HTTP/1.1\r\nhost: {place.netloc}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
            f"x-pisang-upstream: {dialect.upstream}\r\n\r\n"
        )
        self._head, self._body = head.encode(), body
        self._socket = socket.socket()
        if window:  # before it connects, or the kernel has promised more already
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self._socket.settimeout(ENDS_S)
        self._socket.connect((place.hostname, place.port))
        self.had = b""

    def __enter__(self) -> Caller:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def send(self, share: float = 1.0) -> None:
        """Send the head, and that share of the body."""
        self._socket.sendall(self._head + self._body[: int(len(self._body) * share)])

    def read(self, count: int) -> bytes:
        """The next bytes of the answer, so many of them unless it ends."""
        before = len(self.had)
        while len(self.had) < before + count:
            chunk = self._socket.recv(min(65_536, before + count - len(self.had)))
            if not chunk:
                break
            self.had += chunk
        return self.had[before:]

    def read_while_it_comes(self, pause_s: float) -> None:
        """All there is, until nothing came for so long."""
        self._socket.settimeout(pause_s)
        try:
            while chunk := self._socket.recv(65_536):
                self.had += chunk
        except TimeoutError:
            pass
        finally:
            self._socket.settimeout(ENDS_S)

    def begin(self) -> http.client.HTTPResponse:
        """The answer's head; what comes of its body is read from it, as slowly as is liked."""
        answer = http.client.HTTPResponse(self._socket, method="POST")
        answer.begin()
        return answer

    def widen(self) -> None:
        """From here on the caller's kernel takes more for him at once."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)

    def leave(self, *, reset: bool = False) -> None:
        """Close the connection, politely or not."""
        if reset:
            linger = struct.pack("ii", 1, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._socket.close()
