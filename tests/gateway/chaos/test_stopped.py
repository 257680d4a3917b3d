"""SIGSTOP of the gateway, and of its upstream, with calls under way; then SIGCONT.

A machine that sleeps and a process that swaps look like this. Nobody is taken for dead, and
everything goes on.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest

from tests.gateway.chaos.dialects import DIALECTS, pictures_in
from tests.gateway.chaos.shop import LONG, Shop, opened, wait_until

pytestmark = [pytest.mark.crash] if LONG else []

STOP_S = 90 if LONG else 1.5
MANNERS = (
    {"wait_s": 1},
    {"kb": 400, "drip_s": 2},
    {"kb": 4000, "pause_s": 1},
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with opened(tmp_path) as shop:
        yield shop


@pytest.mark.parametrize("who", ["gateway", "upstream"])
def test_who_is_stopped_goes_on_where_he_was(who: str, shop: Shop) -> None:
    asked = [
        (dialect, f"{dialect.name} {json.dumps(manner)}")
        for dialect, manner in product(DIALECTS, MANNERS)
    ]
    stopped = shop.gateways[-1] if who == "gateway" else shop.vendor
    with ThreadPoolExecutor(len(asked)) as pool:
        calls = [pool.submit(shop.ask, *one) for one in asked]
        wait_until(lambda: len(shop.sales) > len(asked) // 2)
        stopped.send(signal.SIGSTOP)
        time.sleep(STOP_S)
        stopped.send(signal.SIGCONT)
        for (_, prompt), call in zip(asked, calls, strict=True):
            answer = call.result()
            assert answer.status == 200, answer.text
            assert pictures_in(answer.body) == [sale["picture"] for sale in shop.sold(prompt)]
    assert shop.audit().states == {"done": len(asked)}
