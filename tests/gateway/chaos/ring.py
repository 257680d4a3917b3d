"""Stock clients that ask without a pause while their gateway dies or is replaced; the reckoning.

Eight of them, on every wire. They send again as stock clients do: some count their retries, some
send a key, most do neither. Each wish is wanted once; who gave up asks again in the end.
"""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.crash.audit import Ledger
from tests.gateway.chaos.dialects import (
    DIALECTS,
    IMAGES,
    NATIVE_EDIT,
    Dialect,
    pictures_in,
    reference_of,
    sha256,
)
from tests.gateway.chaos.shop import Answer, Cut, Shop

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
    other: str = ""
    """A second server on the same home: who sends again may come to either."""

    def url(self, dice: random.Random) -> str:
        here = f"http://127.0.0.1:{self.port}"
        return dice.choice((here, self.other or here))

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
                    wish.dialect, wish.prompt, wish.upstream, wish.headers(send), url=self.url(dice)
                )
            except Cut:
                self.cuts += 1
            else:
                if answer.status not in SENT_AGAIN:
                    self.told[wish.prompt] = answer
                    return True
            self.over.wait(0.4 * 2**send * dice.uniform(0.75, 1.0))
        return False

    def run(self, trouble: Callable[[], None]) -> None:
        """Let all clients ask while there is trouble, and then until each has an outcome."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            clients = [pool.submit(self.client, number) for number in range(CLIENTS)]
            try:
                trouble()
            finally:
                self.over.set()
            for client in clients:
                client.result()
        self.finish()

    def finish(self) -> None:
        """Users whose clients gave up ask again, until all know what became of their wish."""
        owed = [wish for prompt, wish in self.wishes.items() if prompt not in self.told]
        with ThreadPoolExecutor(CLIENTS) as pool:
            assert all(pool.map(lambda wish: self.ask(wish, random.Random(wish.prompt)), owed))


def reckon(ring: Ring) -> Ledger:
    """Hold what the clients had against both books; the ledger when all is as it must be."""
    had = Counter(answer.status for answer in ring.told.values())
    print(f"{len(ring.wishes)} wishes, {ring.cuts} cuts; told {dict(had)}")
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
    return ledger
