"""A gateway and the upstream that sells to it, each a process of its own, and their two books.

The home has one upstream for each wire, all of them the same vendor: so a caller of any wire may
be served by the same wire (his bytes are relayed) or by another (they are written anew).
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from pisang.sandbox.book import Charge
from tests.crash.audit import (
    Ledger,
    check_charges,
    check_files,
    check_images,
    check_money,
    check_states,
    hash_of,
    read_ledger,
)
from tests.crash.shell import PRICE_MICROS
from tests.gateway.chaos.dialects import CRAWL_MODEL, FLASH, Dialect
from tests.gateway.conftest import ROOT, environ
from tests.ledgers import ledger_of

LONG = os.environ.get("PISANG_CRASH") == "long"
"""Whether the figures of the promise itself are run; a part of them stands in for it else."""

ENDS_S = 120
"""What takes longer than this hangs: the test fails."""

_SETTINGS = """default_upstream = "native"

[budgets.cap]
cap = "{cap}"
period = "total"
"""
_UPSTREAM = """
[upstreams.{name}]
wire = "{wire}"
base_url = "{url}"
auth = "none"
kind = "{kind}"
{lines}
[upstreams.{name}.limits]
concurrency = 1000

[upstreams.{name}.prices]
"{flash}" = "0.045USD"
"{crawl}" = "0.045USD"
"""
_WIRES = (
    ("native", "gemini", "google"),
    ("crawler", "crawl", "crawl"),
    ("images", "openai-images", "openai"),
    ("chat", "openai-chat", "openai"),
)


@dataclass(frozen=True)
class Answer:
    """What a caller was told, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


class Cut(Exception):
    """The connection ended before the answer did, or never began."""


@dataclass
class Process:
    """One of ours while it runs; `url` is where it answers."""

    url: str
    running: subprocess.Popen[str]

    @property
    def pid(self) -> int:
        return self.running.pid

    def send(self, name: signal.Signals) -> None:
        self.running.send_signal(name)

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self.running.kill()
        self._reap()

    def end(self) -> None:
        """Ask it to end, and wait."""
        if self.running.poll() is None:
            self.running.send_signal(signal.SIGCONT)
            self.running.terminate()
        self._reap()

    def _reap(self) -> None:
        try:
            self.running.wait(ENDS_S)
        finally:
            self.running.kill()
            self.running.wait()
            for pipe in (self.running.stdout, self.running.stderr):
                if pipe is not None:
                    pipe.close()

    @property
    def peak_mb(self) -> float:
        """The most memory that it ever had, of its own and of files together, in MiB."""
        return self._memory("VmHWM")

    def _memory(self, name: str) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        line = next(line for line in status if line.startswith(f"{name}:"))
        return int(line.split()[1]) / 1024


def start(command: Sequence[str], home: Path, extra: Mapping[str, str] | None = None) -> Process:
    """A process that says its URL as its first line."""
    with (home.parent / f"stderr-{time.monotonic_ns()}").open("w") as said:
        running = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            env={**environ(home), **(extra or {})},
            cwd=ROOT,
        )
    assert running.stdout is not None
    line = running.stdout.readline()
    assert line, "it did not start"
    return Process(json.loads(line)["url"], running)


@dataclass
class Shop:
    """A home, its vendor, and the gateways on it."""

    folder: Path
    vendor: Process
    gateways: list[Process] = field(default_factory=list)
    others: list[Process] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def url(self) -> str:
        return self.gateways[-1].url

    @property
    def book(self) -> list[dict[str, Any]]:
        """Every line of the vendors' books."""
        books = sorted(self.folder.glob("book-*"))
        return [json.loads(line) for book in books for line in book.read_text().splitlines()]

    @property
    def sales(self) -> list[dict[str, Any]]:
        return [line for line in self.book if "id" in line]

    def sold(self, prompt: str) -> list[dict[str, Any]]:
        """The sales of that prompt."""
        return [line for line in self.sales if line["prompt"] == prompt]

    def open(self, port: int = 0, prefix: Sequence[str] = ()) -> Process:
        """Start a gateway on the home."""
        words = ["-m", "pisang", "serve", "--port", str(port), "--format", "json"]
        self.gateways.append(start([*prefix, sys.executable, *words], self.home))
        return self.gateways[-1]

    def set_mode(self, vendor: Process | None = None, **mode: Any) -> None:
        """How a vendor answers every call from now on; by default the one of all wires."""
        assert ask((vendor or self.vendor).url, "/mode", mode).status == 200

    def add_vendor(self, name: str, lines: str = "") -> Process:
        """One more vendor, with a book of its own, as an upstream of the native wire."""
        vendor = start_vendor(self.folder, name)
        self.others.append(vendor)
        self.add(name, "gemini", "google", vendor.url, lines)
        return vendor

    def add(self, name: str, wire: str, kind: str, url: str, lines: str) -> None:
        """Tell the settings of an upstream."""
        told = _UPSTREAM.format(
            name=name, wire=wire, kind=kind, url=url, flash=FLASH, crawl=CRAWL_MODEL, lines=lines
        )
        with (self.home / "config.toml").open("a") as config:
            config.write(told)

    def ask(
        self,
        dialect: Dialect,
        prompt: str,
        upstream: str = "",
        headers: Mapping[str, str] | None = None,
        url: str = "",
    ) -> Answer:
        """One call to the gateway, to its end. Raises `Cut`."""
        named = {"X-Pisang-Upstream": upstream or dialect.upstream, **(headers or {})}
        return ask(url or self.url, dialect.path, dialect.call(prompt), named)

    def audit(self, acknowledged: Iterable[str] = (), references: Iterable[str] = ()) -> Ledger:
        """Hold the ledger against the vendor's book, by J1 to J8, once all is at rest.

        `acknowledged` are the pictures that callers had, `references` those that they gave: one
        of a call that died before it was written down belongs to nothing, and gc takes it.
        """
        self.wait_for_rest()
        sales = self.sales
        charges = [_charge(at, sale) for at, sale in enumerate(sales)]
        ledger = read_ledger(self.home)
        check_charges(ledger, charges)
        check_states(ledger)
        check_money(ledger, charges)
        made: dict[str, set[str]] = {}
        for sale in sales:
            made.setdefault(sale["prompt"], set()).add(sale["picture"])

        def made_for(prompt: str) -> frozenset[str]:
            return frozenset(made.get(prompt, ()))

        check_images(ledger, set(acknowledged), made_for)
        known = replace(ledger, answered=ledger.answered | set(references))
        check_files(known, made_for)
        return ledger

    def wait_for_rest(self) -> None:
        """Until no attempt is open and the gateway took note of who left."""
        wait_until(lambda: not self._open())

    def _open(self) -> list[Any]:
        return self._rows("owner IS NOT NULL OR state IN ('planned', 'sent')")

    def is_attended(self, prompt: str) -> bool:
        """Whether, as far as the gateway knows, somebody waits for that prompt's picture."""
        return bool(self._rows("client_owner IS NOT NULL AND prompt = ?", prompt))

    def _rows(self, where: str, *values: str) -> list[Any]:
        asked = f"SELECT id FROM requests WHERE {where}"
        elsewhere = ledger_of(self.home)
        if elsewhere is not None:
            with psycopg.connect(elsewhere.reveal()) as there:
                return there.execute(asked.replace("?", "%s").encode(), values).fetchall()
        with closing(sqlite3.connect(self.home / "ledger.db")) as connection:
            return connection.execute(asked, values).fetchall()


def _charge(at: int, sale: Mapping[str, Any]) -> Charge:
    return Charge(
        index=at,
        id=sale["id"],
        wire=sale["wire"],
        model=FLASH,
        image_size="1K",
        images=1,
        price_micros=PRICE_MICROS,
        currency="USD",
        prompt_sha256=hash_of(sale["prompt"].encode()),
        key="",
        at=0,
    )


def start_vendor(folder: Path, name: str) -> Process:
    """A vendor whose book is `book-NAME` in that folder."""
    book = folder / f"book-{name}"
    book.touch()
    return start([sys.executable, "-m", "tests.gateway.chaos.vendor", str(book)], folder / "home")


@contextmanager
def opened(
    folder: Path, *, cap: str = "1000USD", serve: bool = True, lines: str = ""
) -> Iterator[Shop]:
    """A shop, its gateway open, under a cap; all its processes end with it. `lines` are said of
    each upstream."""
    (folder / "home").mkdir(parents=True, exist_ok=True)
    (folder / "home" / "config.toml").write_text(_SETTINGS.format(cap=cap))
    vendor = start_vendor(folder, "all")
    shop = Shop(folder, vendor)
    for name, wire, kind in _WIRES:
        shop.add(name, wire, kind, vendor.url, lines)
    try:
        if serve:
            shop.open()
        yield shop
    finally:
        for process in (*shop.gateways, *shop.others, vendor):
            process.end()


def ask(
    url: str,
    path: str,
    body: Any,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = ENDS_S,
) -> Answer:
    """One call over a connection of its own. Raises `Cut`: no answer, or no whole one."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=timeout_s)
    told = {"content-type": "application/json", "connection": "close", **(headers or {})}
    try:
        connection.request("POST", path, json.dumps(body), told)
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, names, answer.read())
    except (http.client.HTTPException, OSError) as error:
        raise Cut(repr(error)) from error
    finally:
        connection.close()


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(true: Callable[[], object]) -> None:
    """Until it is true; an error when that takes too long."""
    until = time.monotonic() + ENDS_S
    while True:
        with suppress(OSError):
            if true():
                return
        assert time.monotonic() < until, "it never came about"
        time.sleep(0.02)
