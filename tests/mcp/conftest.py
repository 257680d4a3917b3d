"""What the MCP server's tests share: sessions of the official client with a real `pisang mcp`."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from tests.cli.conftest import environ, folder, home, local, pisang, server

__all__ = ["environ", "folder", "home", "local", "pisang", "server"]

Opener = Callable[..., AbstractAsyncContextManager[Client]]


@dataclass(frozen=True)
class Place:
    """A user's machine: how the server is started there, and where its images go."""

    folder: Path
    environ: Mapping[str, str]
    out: Path

    def command(self, *words: str, via: str = "local") -> list[str]:
        return [
            sys.executable, "-m", "pisang", "mcp", "--via", via, "--out", str(self.out), *words,
        ]  # fmt: skip


@pytest.fixture
def place(environ: Mapping[str, str], folder: Path, tmp_path: Path) -> Place:
    whole = {**os.environ, **environ, "MY_KEY": "CANARY-mine-9a3c"}
    return Place(folder, whole, tmp_path / "out")


@pytest.fixture
def session(place: Place) -> Opener:
    """`async with session("--max-cost", "1USD") as client`: another server each time."""

    @asynccontextmanager
    async def opened(*words: str, via: str = "local") -> AsyncIterator[Client]:
        command, *rest = place.command(*words, via=via)
        started = StdioServerParameters(
            command=command, args=rest, env=dict(place.environ), cwd=place.folder
        )
        async with Client(started) as client:
            yield client

    return opened


def words_of(result: Any) -> str:
    """The text of a result."""
    return "\n".join(one.text for one in result.content if one.type == "text")
