"""The fixture `pisang_sandbox`: a real sandbox server on loopback for people's own tests.

    def test_my_app(pisang_sandbox):
        my_app(base_url=pisang_sandbox.base_url, api_key=pisang_sandbox.key).draw("a cat")
        assert len(pisang_sandbox.book) == 1

pytest loads this module at start-up wherever Pisang is installed, so it imports nothing heavy.
The server needs the extra `server`: pip install 'pisang[server]'.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pisang.sandbox.book import Charge

STOP_S = 10


@dataclass(frozen=True, slots=True)
class SandboxServer:
    """A running sandbox. `base_url` has no trailing slash; any `key` would do, this is one."""

    base_url: str
    key: str
    book_path: Path
    first: int = 0

    @property
    def book(self) -> tuple[Charge, ...]:
        """What was charged since the test began, oldest first."""
        return self.all_charges[self.first :]

    @property
    def all_charges(self) -> tuple[Charge, ...]:
        """What was charged since the server started."""
        from pisang.sandbox.book import read_charges

        return read_charges(self.book_path)


@pytest.fixture(scope="session")
def pisang_sandbox_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """One server for the whole run, on a free port of 127.0.0.1."""
    book = tmp_path_factory.mktemp("pisang-sandbox") / "book.jsonl"
    command = [sys.executable, "-m", "pisang", "sandbox", "--port", "0", "--format", "json"]
    said = book.with_name("stderr.txt")
    with said.open("w") as stderr:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [*command, "--book", str(book)], stdout=subprocess.PIPE, stderr=stderr, text=True
        )
    try:
        yield SandboxServer(_url_from(process, said), "sandbox-key", book)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


@pytest.fixture
def pisang_sandbox(pisang_sandbox_server: SandboxServer) -> SandboxServer:
    """A real sandbox server: `.base_url`, `.key`, and `.book`, what it charged since this test
    began. A prompt may choose a fault: `a cat [[sandbox status=503]]`."""
    before = len(pisang_sandbox_server.all_charges)
    server = pisang_sandbox_server
    return SandboxServer(server.base_url, server.key, server.book_path, before)


def _url_from(process: subprocess.Popen[str], said: Path) -> str:
    """The address that the server says first, on standard output; or why it says none."""
    line = process.stdout.readline() if process.stdout else ""
    try:
        url: str = json.loads(line)["url"]
    except (ValueError, KeyError, TypeError):
        process.wait(STOP_S)
        why = f"{line}{said.read_text()}".strip()
        raise RuntimeError(f"`pisang sandbox` did not start: {why}") from None
    return url
