"""One server is replaced by the next on the same home and port, under load, with a 4K call under
way: the old one sees through what it sent, and nobody loses a picture."""

from __future__ import annotations

import random
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.gateway.chaos.dialects import NATIVE, pictures_in
from tests.gateway.chaos.ring import Ring, reckon
from tests.gateway.chaos.shop import ENDS_S, LONG, Process, Shop, free_port, opened, wait_until

pytestmark = [pytest.mark.crash] if LONG else []

HANDOVERS = 20 if LONG else 2
LARGE_KB = 15_000
WAIT_S = 2.0


def test_servers_follow_one_another_under_load_and_nothing_is_lost(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    with opened(tmp_path, serve=False) as shop:
        ring = Ring(shop, free_port(), random.Random(seed))

        def hand_over() -> None:
            server = shop.open(ring.port)
            for number in range(HANDOVERS):
                server = hand_on(shop, server, ring.port, number)

        ring.run(hand_over)
        ledger = reckon(ring)
        lost = [row for row in ledger.attempts if row["state"] == "unknown"]
        assert all('"cut"' in row["prompt"] for row in lost)  # that was the upstream's doing


def hand_on(shop: Shop, old: Process, port: int, number: int) -> Process:
    """SIGTERM to the old server, a 4K picture under way in it, and the next one's start."""
    prompt = f'large {number} {{"kb": {LARGE_KB}, "wait_s": {WAIT_S}}}'
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(shop.ask, NATIVE, prompt)
        wait_until(lambda: shop.sold(prompt))
        old.send(signal.SIGTERM)
        new = shop.open(port)
        answer = waiting.result()  # from the old one
    assert answer.status == 200
    assert pictures_in(answer.body) == [sale["picture"] for sale in shop.sold(prompt)]
    assert old.running.wait(ENDS_S) == 0
    return new
