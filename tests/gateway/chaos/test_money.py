"""A budget is a budget, and one key is one purchase, however many ask at the same moment."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from tests.gateway.chaos.dialects import (
    CHAT,
    DIALECTS,
    IMAGES,
    NATIVE,
    NATIVE_STREAM,
    Dialect,
    pictures_in,
)
from tests.gateway.chaos.shop import LONG, Answer, Shop, opened
from tests.gateway.conftest import run

pytestmark = [pytest.mark.crash] if LONG else []

ASKED, PAID_FOR = 200, 10
CAP = "0.45USD"
"""Worth ten pictures at 0.045 USD."""

AT_ONCE = 50


def ask_at_once(shop: Shop, prompts: list[str], urls: list[str]) -> list[Answer]:
    """All of them in one moment, in turn at each server."""
    start = Barrier(len(prompts))

    def ask(number: int) -> Answer:
        start.wait()
        return shop.ask(NATIVE, prompts[number], url=urls[number % len(urls)])

    with ThreadPoolExecutor(len(prompts)) as pool:
        return list(pool.map(ask, range(len(prompts))))


@pytest.mark.parametrize("servers", [1, 2])
def test_two_hundred_calls_at_once_against_a_budget_for_ten_admit_ten(
    servers: int, tmp_path: Path
) -> None:
    with opened(tmp_path, cap=CAP, serve=False) as shop:
        urls = [shop.open().url for _ in range(servers)]
        prompts = [f'kite {number} {{"wait_s": 0.3}}' for number in range(ASKED)]
        told = Counter(answer.status for answer in ask_at_once(shop, prompts, urls))
        assert told == {200: PAID_FOR, 402: ASKED - PAID_FOR}
        assert len(shop.sales) == PAID_FOR
        ledger = shop.audit()
        assert ledger.states["done"] == PAID_FOR
        assert ledger.counted == PAID_FOR * 45_000


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with opened(tmp_path_factory.mktemp("keyed")) as shop:
        yield shop
        shop.audit()


SIZES = [(dialect, 12) for dialect in DIALECTS]
SIZES += [(dialect, 300) for dialect in (DIALECTS if LONG else (NATIVE_STREAM, IMAGES))]


@pytest.mark.parametrize(("dialect", "kb"), SIZES, ids=lambda one: getattr(one, "name", one))
def test_one_key_fifty_times_at_once_is_one_purchase_and_one_answer(
    dialect: Dialect, kb: int, shop: Shop
) -> None:
    key = {"Idempotency-Key": f"once {dialect.name} {kb}"}
    prompt = f"{dialect.name} {json.dumps({'kb': kb, 'wait_s': 0.2})}"
    with ThreadPoolExecutor(AT_ONCE) as pool:
        calls = [pool.submit(shop.ask, dialect, prompt, headers=key) for _ in range(AT_ONCE)]
        answers = [call.result() for call in calls]
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert pictures_in(answers[0].body) == [one["picture"] for one in shop.sold(prompt)]
    other = shop.ask(dialect, f"another {prompt}", headers=key)
    assert other.status == 422, other.text
    assert not shop.sold(f"another {prompt}")


@pytest.mark.parametrize("dialect", [NATIVE, IMAGES, CHAT], ids=lambda dialect: dialect.name)
def test_a_key_that_was_told_422_still_answers_its_own_call(dialect: Dialect, shop: Shop) -> None:
    key = {"Idempotency-Key": f"kept {dialect.name}"}
    first = shop.ask(dialect, f"kept {dialect.name}", headers=key)
    assert shop.ask(dialect, f"other {dialect.name}", headers=key).status == 422
    assert shop.ask(dialect, f"kept {dialect.name}", headers=key).body == first.body


def test_two_tenants_never_share_a_key_or_a_twin(tmp_path: Path) -> None:
    with opened(tmp_path, serve=False) as shop:
        made = [
            json.loads(run(shop.home, "key", "create", "--name", name, "--format", "json").stdout)
            for name in ("one", "other")
        ]
        shop.open()
        tenants = [{"Authorization": f"Bearer {one['key']}"} for one in made]
        for named in ({"Idempotency-Key": "the same"}, {"x-stainless-retry-count": "1"}):
            prompt = f"a kite for {len(named)} of {list(named)}"
            answers = [shop.ask(NATIVE, prompt, headers={**one, **named}) for one in tenants]
            assert [answer.status for answer in answers] == [200, 200]
            sold = [sale["picture"] for sale in shop.sold(prompt)]
            assert [pictures_in(answer.body) for answer in answers] == [[one] for one in sold]
        other = shop.ask(NATIVE, "another", headers={**tenants[0], "Idempotency-Key": "the same"})
        assert other.status == 422
