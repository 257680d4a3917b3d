"""A home, four upstreams at one misbehaving server, and everything that one wish came to.

The server is raw TCP in a thread of its own, so that the product may be driven as its users drive
it: the command line in this process, or the SDK with the command line's own way of telling.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from pisang.cli.entry import run
from pisang.cli.painting import tell
from pisang.cli.screen import Screen
from pisang.client.client import Client
from pisang.client.export import Exported
from pisang.domain.image import read_facts_from
from pisang.domain.ledger import AttemptRow
from tests.transport.faults import Line, Script, Site, serve

WIRES = ("gemini", "crawl", "openai-images", "openai-chat")
ERROR_KEYS = {
    "code", "message", "charged", "at_stake", "retry", "request_id", "upstream_request_id", "hint",
}  # fmt: skip
MODEL = "some-model"

_SETTINGS = """
[upstreams.{name}.limits]
interval_ms = 0
[upstreams.{name}.prices]
"some-model" = "0.07USD"
"""

_INNARDS = re.compile(
    r"Traceback|<\w+[\w.]* object|\bat 0x|\bb['\"]\\x|\w+Error\(|File \"|[\x00-\x1f]"
)
"""What no sentence for a user holds: frames, printed objects, control characters."""

_LINES = re.compile(
    r"error: .+\n(At stake: [\d.]+ USD\n)?(The upstream's request id: .+\n)?"
    r"(Next: (?:pisang|export|pip) .+\n)?(It said: .+\n)?"
)
LONGEST = 420


@dataclass(frozen=True)
class Said:
    """What a command line call came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def pisang(*words: str) -> Said:
    """The command line, called in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(list(words))
    return Said(code, out.getvalue(), err.getvalue())


def check_sentence(said: Said) -> dict[str, Any]:
    """The error object of a call that failed, after all that holds for every one was asserted."""
    error: dict[str, Any] = said.json["error"]
    assert set(error) == ERROR_KEYS
    assert said.err.startswith(f"error: {error['message']}\n")
    assert _LINES.fullmatch(said.err), said.err
    assert not _INNARDS.search(error["message"]), error["message"]
    assert 10 < len(error["message"]) <= LONGEST, error["message"]
    assert (error["at_stake"] is not None) == (error["charged"] == "unknown")
    return error


@dataclass(frozen=True)
class Outcome:
    """What one wish came to: said, written down, and seen at the server."""

    said: Said
    rows: tuple[AttemptRow, ...]
    sends: int

    @property
    def error(self) -> dict[str, Any]:
        return check_sentence(self.said)

    @property
    def warnings(self) -> set[str]:
        """The codes of the warnings that came with an image."""
        return {one["code"] for one in self.said.json["warnings"]}

    @property
    def fate(self) -> tuple[int, str, str]:
        """(exit code, the last attempt's state, what it says of money)."""
        last = self.rows[-1]
        return self.said.code, last.state.value, last.charged.value

    def agrees(self) -> None:
        """Assert that what was said, what was written down and what was sent are one story."""
        *before, last = self.rows
        assert all((row.state, row.charged) == ("failed", "no") for row in before)
        assert self.sends in (len(self.rows), 0), "each paid send has a row, each row one send"
        assert (self.said.code == 0) == (last.state == "done") == (last.charged == "yes")
        assert (self.said.code == 7) == (last.state == "unknown")
        assert (last.state == "failed") <= (last.charged == "no")
        if self.said.code == 0:
            assert "error:" not in self.said.err
            return
        error = self.error
        assert (error["code"], error["charged"]) == (last.error_code, last.charged)
        assert error["request_id"] == last.request_id


@dataclass
class Server:
    """The misbehaving server; `script` is what it does to each connection."""

    site: Site = field(default_factory=lambda: Site(0))
    script: Script | None = None

    async def _handle(self, line: Line) -> None:
        assert self.script is not None, "nobody was to call"
        await self.script(line)

    @contextmanager
    def running(self) -> Iterator[Server]:
        """In a thread, on a port of its own, until the block ends."""
        ready, done = threading.Event(), asyncio.Event()
        loop = asyncio.new_event_loop()

        async def main() -> None:
            async with serve(self._handle) as site:
                self.site = site
                ready.set()
                await done.wait()

        thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
        thread.start()
        try:
            assert ready.wait(10)
            yield self
        finally:
            loop.call_soon_threadsafe(done.set)
            thread.join()
            loop.close()


@dataclass(frozen=True)
class Stage:
    """The home and the server; `ask` makes one wish and gathers all that it came to."""

    home: Path
    server: Server
    client: Client

    def ask(self, wire: str, script: Script, *, timeout_s: float = 5.0) -> Outcome:
        """One wish over that wire's upstream, told as `generate --format json` tells it."""
        self.server.script = script
        before = len(self.server.site.requests)
        client = self.client.with_options(f"bad-{wire}", model=MODEL, timeout_s=timeout_s)
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            result = client.attempt("a lake")
            code = tell(Exported(result), Screen("json", "en")).code
        sends = len(self.server.site.requests) - before
        return Outcome(Said(code, out.getvalue(), err.getvalue()), result.attempts, sends)

    def call(self, *words: str, script: Script | None = None) -> Outcome:
        """One call of the whole command line, and what the ledger knows of its request."""
        self.server.script = script
        before = len(self.server.site.requests)
        said = pisang(*words, "--format", "json")
        told = said.json.get("error", said.json)
        rows = self.client.request(told["request_id"]).attempts if told["request_id"] else ()
        return Outcome(said, rows, len(self.server.site.requests) - before)

    def images(self) -> dict[str, bytes]:
        """Every stored image, none of them broken."""
        files = [one for one in (self.home / "images").rglob("*") if one.is_file()]
        found = {one.name: one.read_bytes() for one in files}
        for name, data in found.items():
            facts = read_facts_from(data, data[-64:], len(data))
            assert facts is not None
            assert facts.complete
            assert sha256(data).hexdigest() == name
        return found


def add_upstream(name: str, wire: str, base_url: str, home: Path, *more: str) -> None:
    """An upstream without a key, with a price and no pause between calls."""
    words = ("upstream", "add", name, "--wire", wire, "--base-url", base_url, "--auth", "none")
    added = pisang(*words, *more)
    assert added.code == 0, added.err
    with (home / "config.toml").open("a") as config:
        config.write(_SETTINGS.format(name=name))


@contextmanager
def raised(home: Path) -> Iterator[Stage]:
    """A stage, its upstreams added as a user adds them."""
    with Server().running() as server:
        for wire in WIRES:
            add_upstream(f"bad-{wire}", wire, server.site.url, home)
        assert pisang("upstream", "default", "bad-gemini").code == 0
        with Client(home=home) as client:
            yield Stage(home, server, client)
