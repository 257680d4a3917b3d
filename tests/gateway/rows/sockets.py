"""Bytes to a gateway as nobody's HTTP library would send them."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PAINT = "/v1beta/models/gemini-3-pro-image:generateContent"


@dataclass(frozen=True)
class Said:
    """What came back. `closed`: the server ended the connection."""

    raw: bytes
    closed: bool

    @property
    def status(self) -> int:
        return int(self.raw.split(b" ", 2)[1]) if self.raw else 0

    @property
    def head(self) -> dict[str, str]:
        lines = self.raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        return {
            name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)
        }

    @property
    def body(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=30)


def head(path: str, *fields: str, method: str = "POST") -> bytes:
    """A request's head as it stands, valid or not."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *fields]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def read(connection: socket.socket) -> Said:
    """All until the server closes, or says no more for a while after a whole answer."""
    raw = b""
    while not _is_whole(raw):
        try:
            chunk = connection.recv(1 << 16)
        except ConnectionError:
            return Said(raw, closed=True)
        except TimeoutError:
            return Said(raw, closed=False)
        if not chunk:
            return Said(raw, closed=True)
        raw += chunk
    return Said(raw, closed=False)


def _is_whole(raw: bytes) -> bool:
    said = Said(raw, closed=False)
    length = said.head.get("content-length") if b"\r\n\r\n" in raw else None
    return length is not None and len(said.body) >= int(length)


def ask(url: str, *pieces: bytes) -> Said:
    """Send all of it, as far as the server takes it, and read what it says."""
    with connect(url) as connection:
        send(connection, pieces)
        return read(connection)


def send(connection: socket.socket, pieces: Iterable[bytes]) -> int:
    """How many bytes the server took before it closed."""
    sent = 0
    with suppress(ConnectionError):
        for piece in pieces:
            connection.sendall(piece)
            sent += len(piece)
    return sent


def peak_kib(pid: int) -> int:
    """The most memory that a process ever had, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
