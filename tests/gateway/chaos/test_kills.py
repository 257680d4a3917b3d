"""`kill -9` of `pisang serve` under load, again and again, each time started anew on its home.

Eight clients ask without a pause, on every wire, and send again as stock clients do: some count
their retries, some send a key, most do neither. In the end the upstream's book is held against the
ledger: nothing that was sold is lost, nothing was bought twice, and whoever was given an answer
was given the whole of what was sold.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.chaos.dialects import (
    DIALECTS,
    IMAGES,
    NATIVE_EDIT,
    Dialect,
    pictures_in,
    reference_of,
    sha256,
)
from tests.gateway.chaos.shop import LONG, Answer, Cut, Shop, free_port, opened, wait_until

pytestmark = [pytest.mark.crash] if LONG else []

KILLS = 200 if LONG else 20
CLIENTS = 8
SENDS = 3
"""How often a stock client sends before it gives up."""

SENT_AGAIN = frozenset({408, 409, 429, 500, 502, 503, 504})

ROADS = (*((one, one.upstream) for one in (*DIALECTS, NATIVE_EDIT)), (IMAGES, "native"))

MANNERS: tuple[dict[str, Any], ...] = (
    {},
    {"wait_s": 0.2},
    {"drip_s": 0.3},
    {"kb": 400},
    {"kb": 400, "drip_s": 0.4},
    {"kb": 3000, "pause_s": 0.2},
    {"cut": 0.6},
)


@dataclass(frozen=True)
class Wish:
    """One thing that a user wants once, and how his client says so."""

    dialect: Dialect
    upstream: str
    prompt: str
    manners: str

    def headers(self, send: int) -> dict[str, str]:
        """What the client sends along with that send, counted from 0."""
        if self.manners == "counts":
            return {"x-stainless-retry-count": str(send)}
        return {"idempotency-key": sha256(self.prompt.encode())} if self.manners == "keyed" else {}


@dataclass
class Ring:
    """The clients, and what they were told."""

    shop: Shop
    port: int
    dice: random.Random
    told: dict[str, Answer] = field(default_factory=dict)
    wishes: dict[str, Wish] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)
    numbers: Iterator[int] = field(default_factory=count)
    cuts: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wish(self, dice: random.Random) -> Wish:
        dialect, upstream = dice.choice(ROADS)
        manner = json.dumps(dice.choice(MANNERS))
        prompt = f"wish {next(self.numbers)}, {dialect.name} over {upstream} {manner}"
        return Wish(dialect, upstream, prompt, dice.choice(("plain", "plain", "counts", "keyed")))

    def client(self, number: int) -> None:
        """Ask for one thing after the other, until the ring is over."""
        dice = random.Random(f"{self.dice.random()} {number}")
        while not self.over.is_set():
            wish = self.wish(dice)
            self.wishes[wish.prompt] = wish
            self.ask(wish, dice)

    def ask(self, wish: Wish, dice: random.Random) -> bool:
        """Ask as a stock client does; whether there was an outcome."""
        for send in range(SENDS):
            try:
                answer = self.shop.ask(
                    wish.dialect, wish.prompt, wish.upstream, wish.headers(send), url=self.url
                )
            except Cut:
                self.cuts += 1
            else:
                if answer.status not in SENT_AGAIN:
                    self.told[wish.prompt] = answer
                    return True
            self.over.wait(0.4 * 2**send * dice.uniform(0.75, 1.0))
        return False

    def kill(self, kills: int) -> None:
        """So many lives of the gateway, each as long as the dice will."""
        for _ in range(kills):
            served = len(self.told)
            gateway = self.shop.open(self.port)
            if self.dice.random() < 0.5:  # it dies at work, not while it starts only
                wait_until(lambda before=served: len(self.told) > before)
            time.sleep(self.dice.uniform(0.0, 0.7))
            gateway.kill()

    def finish(self) -> None:
        """Users whose clients gave up ask again, until all know what became of their wish."""
        self.shop.open(self.port)
        owed = [wish for prompt, wish in self.wishes.items() if prompt not in self.told]
        with ThreadPoolExecutor(CLIENTS) as pool:
            assert all(pool.map(lambda wish: self.ask(wish, random.Random(wish.prompt)), owed))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with opened(tmp_path, serve=False) as shop:
        yield shop


def test_kills_under_load_lose_nothing_and_buy_nothing_twice(shop: Shop) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    ring = Ring(shop, free_port(), random.Random(seed))
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(ring.client, number) for number in range(CLIENTS)]
        try:
            ring.kill(KILLS)
        finally:
            ring.over.set()
        for client in clients:
            client.result()
    ring.finish()
    check(ring)


def check(ring: Ring) -> None:
    had = Counter(answer.status for answer in ring.told.values())
    print(f"{KILLS} kills, {len(ring.wishes)} wishes, {ring.cuts} cuts; told {dict(had)}")
    assert had.keys() <= {200, 424}, [
        (prompt, answer.text[:300])
        for prompt, answer in ring.told.items()
        if answer.status not in (200, 424)
    ]
    sold = {sale["prompt"]: sale for sale in ring.shop.sales}
    acknowledged = []
    for prompt, answer in ring.told.items():
        if answer.status == 200:
            assert pictures_in(answer.body) == [sold[prompt]["picture"]], prompt
            acknowledged.append(sold[prompt]["picture"])
    references = [
        sha256(reference_of(prompt))
        for prompt, wish in ring.wishes.items()
        if wish.dialect is NATIVE_EDIT
    ]
    for left in (ring.shop.home / "incoming").glob("call_*"):
        left.unlink()  # of a body that was not read to its end: gc takes it after a day
    ledger = ring.shop.audit(acknowledged, references)
    bought = [row for row in ledger.attempts if row["state"] in ("done", "unknown")]
    print(f"sold {len(sold)}, attempts {dict(ledger.states)}")
    unsold = [row for row in bought if row["prompt"] not in sold]
    assert len(sold) == len(bought) - len(unsold)
    assert all(row["state"] == "unknown" for row in unsold)


def test_a_picture_that_came_before_the_kill_is_given_to_who_asks_again(shop: Shop) -> None:
    manner = json.dumps({"kb": 200, "pause_at": 0.99999, "pause_s": 60})
    asked = [(one, f"{one.name} over {name} {manner}", name) for one, name in ROADS]
    gateway = shop.open()
    with ThreadPoolExecutor(len(asked)) as pool:
        calls = [pool.submit(shop.ask, *one) for one in asked]
        wait_until(lambda: _have_come(shop, 200_000) == len(asked))
        gateway.kill()
        assert all(isinstance(call.exception(), Cut) for call in calls)
    shop.open()
    for dialect, prompt, upstream in asked:
        answer = shop.ask(dialect, prompt, upstream)
        assert answer.status == 200, answer.text
        assert pictures_in(answer.body) == [sale["picture"] for sale in shop.sold(prompt)]
    shop.audit(references=[sha256(reference_of(prompt)) for _, prompt, _ in asked])


def _have_come(shop: Shop, size: int) -> int:
    """How many whole pictures are in."""
    paths = (shop.home / "incoming").glob("att_*")
    return sum(path.stat().st_size > size for path in paths)
