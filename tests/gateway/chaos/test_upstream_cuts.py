"""The upstream's answer is cut at every phase, on each wire, streamed or not.

Whatever is cut: what was bought is bought once; the retry is given it where its picture came
whole, and told 424 with the amount where it didn't; and both books agree.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.gateway.chaos.dialects import (
    CHAT_STREAM,
    DIALECTS,
    IMAGES,
    NATIVE,
    Dialect,
    pictures_in,
)
from tests.gateway.chaos.shop import LONG, Answer, Cut, Shop, opened

pytestmark = [pytest.mark.crash] if LONG else []

SIZES_KB = {"small": 12, "large": 150}
"""A small answer is told once it is settled; a large one is relayed while it comes."""

PHASES: dict[str, dict[str, Any]] = {
    "before the head": {"cut": "before"},
    "before the head, by a reset": {"cut": "before", "reset": True},
    "behind the head": {"cut": "head"},
    "behind the head, by a reset": {"cut": "head", "reset": True},
    "in the middle, by a reset": {"cut": 0.5, "reset": True},
    "before the last byte": {"cut": -1},
    "behind a whole body, by a reset": {"dirty": True},
    "behind a whole body whose end is never said": {"open": True},
}
SHARES = [at / 200 for at in range(1, 200)] if LONG else (0.001, 0.5, 0.98)
TAILS = range(2, 400) if LONG else (2, 150)
PHASES |= {f"at {share:.1%}": {"cut": share} for share in SHARES}
PHASES |= {f"{tail} bytes before the end": {"cut": -tail} for tail in TAILS}

ROADS = [
    *((dialect, dialect.upstream) for dialect in DIALECTS),
    (IMAGES, "native"),
    (NATIVE, "chat"),
    (CHAT_STREAM, "native"),
]
"""The wire of the caller, and the upstream's: the same, or another."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with opened(tmp_path_factory.mktemp("upstream-cuts")) as shop:
        yield shop
        shop.audit()


CASES = [
    (dialect, upstream, size)
    for dialect, upstream in ROADS
    for size in SIZES_KB
    if LONG or size == "small" or dialect.upstream == upstream
]


@pytest.mark.parametrize(
    ("dialect", "upstream", "size"),
    CASES,
    ids=[f"{one.name} over {name}, {size}" for one, name, size in CASES],
)
def test_an_answer_cut_at_any_phase_is_bought_once_and_kept_where_its_picture_came(
    dialect: Dialect, upstream: str, size: str, shop: Shop
) -> None:
    def meet(phase: str) -> str:
        told = json.dumps(PHASES[phase] | {"kb": SIZES_KB[size]})
        return check(
            shop, dialect, upstream, f"{phase}, {dialect.name} over {upstream}, {size} {told}"
        )

    with ThreadPoolExecutor(8) as pool:
        wrong = [told for told in pool.map(meet, PHASES) if told]
    assert not wrong, "\n".join(wrong)


def check(shop: Shop, dialect: Dialect, upstream: str, prompt: str) -> str:
    """Ask, and ask again as a client whose call failed does; what is wrong with what he is told."""
    try:
        first = shop.ask(dialect, prompt, upstream)
    except Cut:
        first = None
    if first is not None and first.status == 200:
        return check_pictured(shop, prompt, first)
    if first is not None and first.status != 424:
        return f"{prompt}: told {first.status} {first.text[:200]}"
    again = shop.ask(dialect, prompt, upstream)
    if again.status == 200:
        return check_pictured(shop, prompt, again)
    sales = shop.sold(prompt)
    if again.status != 424 or "0.045 USD" not in again.text:
        return f"{prompt}: then told {again.status} {again.text[:200]}"
    if len(sales) != 1 or sales[0]["pictured"]:
        return f"{prompt}: {len(sales)} sold, and its picture came: told {again.text[:200]}"
    return ""


def check_pictured(shop: Shop, prompt: str, answer: Answer) -> str:
    sales = shop.sold(prompt)
    had = pictures_in(answer.body)
    if len(sales) != 1 or had != [sales[0]["picture"]] or sales[0]["unpictured"]:
        return f"{prompt}: {len(sales)} sold, given {len(had)} pictures: {answer.text[:100]}"
    return ""
