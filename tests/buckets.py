"""A real S3-compatible server for the tests (moto), on the loopback, one for a test process.

And a door before it that can be told to refuse, to be slow, to hang or to cut what passes.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Literal

from pisang.domain.secret import Secret
from pisang.store.storage import Bucket, Storage

KEY_ID, SECRET_KEY = "made-up-key-id", "made-up-secret-key"

_TOLD = "TESTS_BUCKET"

Mood = Literal["good", "refuse", "hang", "reset", "cut", "refuse-writes", "forbid"]

_REFUSAL = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
_FORBIDDEN = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


class Moto:
    """moto's S3 server in a process of its own."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        kept = {one: os.environ[one] for one in ("PATH", "PYTHONPATH") if one in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**kept, "PYTHONWARNINGS": "ignore"},
        )
        self._made = 0
        for _ in range(600):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self._process.poll() is None, "moto's server did not start"
            time.sleep(0.1)
        raise AssertionError("moto's server takes no connections")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def bucket(self) -> str:
        """A new, empty bucket; its name."""
        self._made += 1
        name = f"tests-{os.getpid()}-{self._made}"
        made = urllib.request.Request(f"{self.url}/{name}", method="PUT")
        urllib.request.urlopen(made).read()
        return name

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)


def bucket_at(url: str, name: str, prefix: str = "pisang") -> Bucket:
    """That bucket as settings would say it."""
    return Bucket(
        name,
        prefix,
        endpoint=url,
        path_style=True,
        access_key_id=Secret(KEY_ID),
        secret_access_key=Secret(SECRET_KEY),
    )


@contextmanager
def tell_processes(url: str, name: str) -> Iterator[None]:
    """While it lasts, `storage_for` and `environ_for` name that bucket, in the processes that are
    begun meanwhile too."""
    os.environ[_TOLD] = f"{url} {name}"
    try:
        yield
    finally:
        del os.environ[_TOLD]


def storage_for(home: Path) -> Storage | None:
    """Where a home of the tests keeps what; None when nothing was told. Each home has a prefix."""
    if _TOLD not in os.environ:
        return None
    url, name = os.environ[_TOLD].split()
    return Storage(images=bucket_at(url, name, _prefix(home)))


def environ_for(home: Path) -> dict[str, str]:
    """The same as variables, for the command."""
    if _TOLD not in os.environ:
        return {}
    url, name = os.environ[_TOLD].split()
    return environ_at(url, name, _prefix(home))


def environ_at(url: str, name: str, prefix: str = "pisang") -> dict[str, str]:
    """That bucket as variables."""
    return {
        "PISANG_IMAGES": f"s3://{name}/{prefix}",
        "AWS_ENDPOINT_URL_S3": url,
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": "us-east-1",
    }


def _prefix(home: Path) -> str:
    return "home-" + sha256(str(home.absolute()).encode()).hexdigest()[:16]


class Door:
    """Passes connections on to a server, in the mood it is set to. `seen` counts the requests
    that it read, by method."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.mood: Mood = "good"
        self.seen: list[str] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def set(self, mood: Mood) -> None:
        """From now on; connections that stand are cut."""
        self.mood = mood
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listening.close()
        self.set("refuse")

    def _run(self) -> None:
        while True:
            try:
                caller, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        self._open.add(caller)
        try:
            with caller:
                while self._one(caller):
                    pass
        except OSError:
            pass
        finally:
            self._open.discard(caller)

    def _one(self, caller: socket.socket) -> bool:
        """One request and its answer; whether another may follow."""
        head, rest = _read_head(caller)
        if not head:
            return False
        method = head.split(b" ", 1)[0].decode()
        self.seen.append(method)
        if self.mood == "hang":
            time.sleep(600)
        if self.mood == "reset":
            return False
        found = re.search(rb"content-length: *(\d+)", head, re.I)
        length = int(found[1]) if found else 0
        writes = method in ("PUT", "POST", "DELETE")
        if self.mood == "refuse" or (self.mood == "refuse-writes" and writes):
            _drain(caller, length - len(rest))
            return _say(caller, b"503 Slow Down", _REFUSAL, method)
        if self.mood == "forbid":
            _drain(caller, length - len(rest))
            return _say(caller, b"403 Forbidden", _FORBIDDEN, method)
        with socket.create_connection(("127.0.0.1", self._to)) as server:
            told = re.sub(rb"\r\nconnection:[^\r]*", b"", head, flags=re.I)
            server.sendall(told + b"\r\nConnection: close\r\n\r\n" + rest)
            left = length - len(rest)
            while left > 0:
                data = caller.recv(min(65536, left))
                if not data:
                    return False
                left -= len(data)
                server.sendall(data)
            self._answer(server, caller)
        return False

    def _answer(self, server: socket.socket, caller: socket.socket) -> None:
        sent = 0
        while data := server.recv(65536):
            if self.mood == "cut" and sent + len(data) > 3000:
                caller.sendall(data[: max(3000 - sent, 0)])
                return
            sent += len(data)
            caller.sendall(data)


def _read_head(caller: socket.socket) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        more = caller.recv(65536)
        if not more:
            return b"", b""
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def _drain(caller: socket.socket, left: int) -> None:
    while left > 0 and (data := caller.recv(min(65536, left))):
        left -= len(data)


def _say(caller: socket.socket, status: bytes, body: bytes, method: str) -> bool:
    length = str(len(body)).encode()
    body = b"" if method == "HEAD" else body
    head = b"HTTP/1.1 " + status + b"\r\nContent-Type: application/xml\r\nContent-Length: " + length
    caller.sendall(head + b"\r\n\r\n" + body)
    return True


@contextmanager
def doored(moto: Moto) -> Iterator[Door]:
    """A door before that server."""
    door = Door(moto.port)
    try:
        yield door
    finally:
        door.close()
