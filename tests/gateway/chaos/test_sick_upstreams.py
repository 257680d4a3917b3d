"""An upstream that says it is busy, that is sick among well ones, or that names its pace."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest

from tests.gateway.chaos.dialects import NATIVE
from tests.gateway.chaos.shop import LONG, Shop, ask, opened, wait_until

pytestmark = [pytest.mark.crash] if LONG else []

STORM_S, RATE = (30, 100) if LONG else (4, 150)
AMPLIFIES = 1.2
LANES = 4
CALLS = 90 if LONG else 45
CUT = 0
"""Told to who waited for 45 s, on a machine that can't keep the pace, and heard line breaks."""

IN_A_ROW = 5
"""Failures after which an upstream is left alone (Envoy's)."""

EJECTED_S = 30


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with opened(tmp_path) as shop:
        yield shop


async def storm(shop: Shop, calls: int, name: str) -> Counter[int]:
    """So many calls at the rate of the storm; how often each status was told."""
    limits = aiohttp.TCPConnector(limit=0, force_close=True)
    headers = {"X-Pisang-Upstream": "native"}
    async with aiohttp.ClientSession(connector=limits, headers=headers) as session:

        async def call(number: int) -> int:
            await asyncio.sleep(number / RATE)
            body = NATIVE.call(f"{name} {number}")
            async with session.post(shop.url + NATIVE.path, json=body) as answer:
                try:
                    await answer.read()
                except aiohttp.ClientPayloadError:
                    return CUT
                return answer.status

        return Counter(await asyncio.gather(*map(call, range(calls))))


async def test_a_storm_of_503_is_not_made_worse_and_passes(shop: Shop) -> None:
    await asyncio.to_thread(shop.set_mode, status=503)
    calls = STORM_S * RATE
    told = await storm(shop, calls, "in the storm")
    assert told.keys() <= {503, CUT}
    refused = len(shop.book)
    print(f"{calls} calls, {refused} sends: {refused / calls:.3f}; told {dict(told)}")
    assert calls <= refused <= AMPLIFIES * calls
    await asyncio.to_thread(shop.set_mode)
    assert await storm(shop, RATE, "after it") == {200: RATE}
    assert len(shop.sales) == RATE
    shop.audit()


@pytest.mark.parametrize("sickness", [{"status": 503}, {"status": 429}, {"cut": "before"}])
def test_one_sick_upstream_of_three_is_left_alone_and_no_request_is_lost(
    sickness: dict[str, int], tmp_path: Path
) -> None:
    with opened(tmp_path, serve=False, lines="priority = 7") as shop:
        sick, *_ = [shop.add_vendor(name, "priority = 1") for name in ("a", "b", "c")]
        shop.set_mode(sick, **sickness)
        shop.open()

        def call(number: int) -> int:
            return ask(shop.url, NATIVE.path, NATIVE.call(f"a kite {number}")).status

        with ThreadPoolExecutor(LANES) as pool:
            told = Counter(pool.map(call, range(CALLS)))
        met = len((shop.folder / "book-a").read_text().splitlines())
        assert met < IN_A_ROW + LANES
        # What may have been charged is told; what was free was had elsewhere.
        assert told == ({200: CALLS - met, 424: met} if "cut" in sickness else {200: CALLS})
        if LONG and sickness != {"status": 429}:
            shop.set_mode(sick)
            time.sleep(EJECTED_S + 1)
            assert [call(1000 + number) for number in range(60)] == [200] * 60
            assert len((shop.folder / "book-a").read_text().splitlines()) > met + 5
        shop.audit()


def test_an_upstream_s_retry_after_is_waited_out_once_and_told_where_it_is_long(shop: Shop) -> None:
    shop.set_mode(status=429, retry_after_s=2)
    with ThreadPoolExecutor(1) as pool:
        patient = pool.submit(shop.ask, NATIVE, "a patient kite")
        wait_until(lambda: shop.book)
        shop.set_mode()
        assert patient.result().status == 200
    assert all(after["at"] - before["at"] >= 2 for before, after in pairwise(shop.book))
    assert len(shop.book) == 2
    shop.set_mode(status=429, retry_after_s=120)
    told = shop.ask(NATIVE, "a kite for later")
    assert told.status == 429
    assert told.headers["retry-after"] == "120"
    assert len(shop.book) == 3
    shop.audit()
