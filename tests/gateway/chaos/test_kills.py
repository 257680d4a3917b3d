"""`kill -9` of `pisang serve` under load, again and again, each time started anew on its home.

In the end the upstream's book is held against the ledger: nothing that was sold is lost, nothing
was bought twice, and whoever was given an answer was given the whole of what was sold.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.gateway.chaos.dialects import picture, pictures_in, reference_of, sha256
from tests.gateway.chaos.ring import ROADS, Ring, reckon
from tests.gateway.chaos.shop import LONG, Cut, Shop, free_port, opened, wait_until

pytestmark = [pytest.mark.crash] if LONG else []

KILLS = 200 if LONG else 20
KILLS_OF_TWO = 50 if LONG else 4


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with opened(tmp_path, serve=False) as shop:
        yield shop


def test_kills_under_load_lose_nothing_and_buy_nothing_twice(shop: Shop) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}, {KILLS} kills")
    dice = random.Random(seed)
    ring = Ring(shop, free_port(), dice)

    def kill() -> None:
        """So many lives of the gateway, each as long as the dice will."""
        for _ in range(KILLS):
            served = len(ring.told)
            gateway = shop.open(ring.port)
            if dice.random() < 0.4:  # it dies at work, not while it starts only
                wait_until(lambda before=served: len(ring.told) > before)
            time.sleep(dice.uniform(0.0, 0.5))
            gateway.kill()
        shop.open(ring.port)

    ring.run(kill)
    reckon(ring)


def test_one_of_two_servers_on_a_home_is_killed_and_the_other_knows_what_it_sent(
    shop: Shop,
) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}, {KILLS_OF_TWO} kills")
    dice = random.Random(seed)
    ring = Ring(shop, free_port(), dice, other=shop.open().url)

    def kill() -> None:
        for _ in range(KILLS_OF_TWO):
            gateway = shop.open(ring.port)
            time.sleep(dice.uniform(0.1, 0.8))
            gateway.kill()
        ring.port = int(ring.other.rpartition(":")[2])  # nobody opens it again

    ring.run(kill)
    reckon(ring)


def test_a_picture_that_came_before_the_kill_is_given_to_who_asks_again(shop: Shop) -> None:
    manner = json.dumps({"kb": 200, "pause_at": 0.99999, "pause_s": 60})
    asked = [(one, f"{one.name} over {name} {manner}", name) for one, name in ROADS]
    whole = len(picture("any", 200_000))
    gateway = shop.open()
    with ThreadPoolExecutor(len(asked)) as pool:
        calls = [pool.submit(shop.ask, *one) for one in asked]
        wait_until(lambda: _have_come(shop, whole) == len(asked))
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
    return sum(path.stat().st_size == size for path in paths)
