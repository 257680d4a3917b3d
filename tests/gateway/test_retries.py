"""Public clients with their own retries on: whatever happens, the upstream sells one generation.

Each client meets each fault and is run again. The short table is always run; with
PISANG_CRASH=long streams, edits, every version and clients told to send again join it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.gateway.clients.cases import FLASH, REFERENCE
from tests.gateway.clients.roster import CLIENTS, CannotRun, Client, kill, run, start
from tests.gateway.clients.seller import Seller, selling
from tests.gateway.conftest import hurrying, serving
from tests.gateway.conftest import run as run_pisang

LONG = os.environ.get("PISANG_CRASH") == "long"
pytestmark = [pytest.mark.crash] if LONG else []
LIMIT_S = 5
"""How long the gateway waits for an upstream: the black hole's end."""

PATIENCE_S = 2
"""How long a client that gives up waits."""

EAGER = tuple(
    replace(client, name=f"{client.name}, told to send again", retries=3)
    for client in CLIENTS
    if "genai" in client.name or client.name == "curl"
)
LATER = ("google-genai 3 async (Python)", "google-genai 2 (Python)")
"""Clients that the short table leaves out: their neighbours say the same."""

ALL = (*CLIENTS, *EAGER) if LONG else tuple(one for one in CLIENTS if one.name not in LATER)


@dataclass(frozen=True)
class Row:
    """One fault: how a client is told what, and in what it ends when it is run again."""

    name: str
    fault: str
    ends: str
    timeout_s: float | None = None
    killed: bool = False
    hurried: bool = False
    """Whether the gateway has said something by then: its status is spent, an error is a cut."""


ROWS = (
    Row("the upstream says 502", "502", "unknown"),
    Row("a CDN says 524", "524", "unknown"),
    Row("the upstream's answer is cut", "cut", "unknown"),
    Row("the upstream never answers", "hole", "unknown"),
    Row("the client gives up", "slow", "picture", timeout_s=PATIENCE_S),
    Row("the client is killed", "slow", "picture", killed=True),
    Row("kept alive, the upstream never answers", "hole", "unknown", hurried=True),
    Row("kept alive, the client gives up", "slow", "picture", timeout_s=PATIENCE_S, hurried=True),
    Row("kept alive, the picture comes", "slow", "picture", hurried=True),
)
if LONG:
    ROWS = (*ROWS, Row("the upstream says 504", "504", "unknown"))
ACTIONS = ("generate", "stream", "edit") if LONG else ("generate",)
"""What is asked; a stream and an edit are calls of their own on every wire."""


@dataclass(frozen=True)
class Shop:
    """The gateway, one that speaks up after a second, and the upstream behind both."""

    url: str
    hurried: str
    seller: Seller


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Gateways that wait for a short time, over an upstream that sells."""
    folder = tmp_path_factory.mktemp("retries")
    short = {"PISANG_TIMEOUT": str(LIMIT_S)}
    with selling() as seller:
        for name in ("home", "hurried"):
            run_pisang(
                folder / name, "upstream", "add", "relay", "--wire", "gemini",
                "--base-url", seller.url, "--auth", "bearer", "--key-stdin", stdin="sk-made-up\n",
            )  # fmt: skip
        with (
            serving(folder / "home", "serve", extra=short) as (url, _),
            hurrying(folder / "hurried", short) as hurried,
        ):
            yield Shop(url, hurried, seller)


def prompt_of(client: Client, row: Row, action: str) -> str:
    return f"{row.fault} {action} for {client.name}, {row.name}"


def job_of(
    client: Client, row: Row, action: str, shop: Shop, *, again: bool = False
) -> dict[str, Any]:
    return {
        "name": row.name,
        "do": action,
        "model": FLASH,
        "picture": REFERENCE,
        "prompt": prompt_of(client, row, action),
        "timeout_s": None if again else row.timeout_s,
        "retries": client.retries,
        "url": shop.hurried if row.hurried else shop.url,
    }


@dataclass(frozen=True)
class Seen:
    """What a client told the first time; and the second, where it had got no picture."""

    first: dict[str, Any]
    second: dict[str, Any]


def meet(client: Client, shop: Shop, action: str) -> dict[str, Seen]:
    """What the client says of each row, and says when it is run again. Raises `CannotRun`."""
    calm = [job_of(client, row, action, shop) for row in ROWS if not row.killed]
    firsts = run(client, shop.url, calm)
    for row in ROWS:
        if row.killed:
            die(client, shop, row, action)
    empty = [row for row in ROWS if not firsts.get(row.name, {}).get("pictures")]
    again = [job_of(client, row, action, shop, again=True) for row in empty]
    seconds = run(client, shop.url, again)
    return {row.name: Seen(firsts.get(row.name, {}), seconds.get(row.name, {})) for row in ROWS}


def die(client: Client, shop: Shop, row: Row, action: str) -> None:
    """Kill the client while the upstream works for it."""
    job = {"url": shop.url, "key": "sk-made-up", "cases": [job_of(client, row, action, shop)]}
    running = start(client, job)
    try:
        shop.seller.wait_for(prompt_of(client, row, action))
    finally:
        kill(running)


PAIRS = [(client, action) for client in ALL for action in ACTIONS]


@pytest.fixture(scope="module")
def meeting(shop: Shop) -> Iterator[dict[tuple[str, str], Future[dict[str, Seen]]]]:
    """All clients, some at once: they wait most of the time."""
    with ThreadPoolExecutor(5) as pool:
        yield {
            (client.name, action): pool.submit(meet, client, shop, action)
            for client, action in PAIRS
        }


CELLS = [(client, action, row) for client, action in PAIRS for row in ROWS]


@pytest.mark.parametrize(
    ("client", "action", "row"),
    CELLS,
    ids=[f"{client.name}: {action}: {row.name}" for client, action, row in CELLS],
)
def test_a_client_s_retries_never_buy_twice(
    client: Client,
    action: str,
    row: Row,
    shop: Shop,
    meeting: dict[tuple[str, str], Future[dict[str, Seen]]],
) -> None:
    try:
        seen = meeting[client.name, action].result()[row.name]
    except CannotRun as why:
        pytest.skip(f"NOT RUN: {client.name}: {why}")
    assert shop.seller.count(prompt_of(client, row, action)) == 1, seen
    if row.ends == "picture":
        told = seen.first if seen.first.get("pictures") else seen.second
        assert len(told["pictures"]) == 1, seen
        return
    assert seen.second["error"]["status"] == 424, seen.second
    assert seen.first["error"]["status"] in first_statuses(client, row, action), seen.first


def first_statuses(client: Client, row: Row, action: str) -> tuple[int | None, ...]:
    """What a client is told the first time; None is the cut itself. A status that is spent can't
    be an error's: a stream is told it as an event, of which openai's SDKs keep no number."""
    if not row.hurried:
        return (424,)
    if action == "stream":
        return (None,) if client.family == "openai" else (424,)
    if client.retries:
        return (None, 424)  # not each of them takes a cut for a reason to send again
    return (424,) if client.mends_cuts else (None,)
