"""The client leaves at every phase of his call, on each wire, streamed or not, and asks again.

What was bought for him is bought once, goes on to its end, and is what he is given then.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.gateway.chaos.caller import Caller
from tests.gateway.chaos.dialects import (
    CHAT,
    CRAWL,
    DIALECTS,
    IMAGES,
    NATIVE,
    NATIVE_STREAM,
    Dialect,
    pictures_in,
)
from tests.gateway.chaos.shop import LONG, Shop, opened, wait_until

pytestmark = [pytest.mark.crash] if LONG else []

LARGE_KB = 600
HUGE_KB = 20_000
"""More than the network's buffers between the gateway and its caller hold: what is in them was
handed over, as far as anybody can tell."""

PAUSE_S = 0.6
"""How long the upstream holds its answer, or the rest of it, while the caller leaves."""

RETRY_S = 0.2
"""How long the caller waits before he asks again; stock clients wait 0.4 s and longer."""

UNHEARD_S = 2.0

RELAYED = (NATIVE, NATIVE_STREAM, CRAWL, IMAGES, CHAT)
"""Answers on these are passed on while they come; the others are written anew once they came."""

THIN = "behind the first byte, over a thin line"
"""The whole picture has come, is told, and is on its way for long."""

WINDOW = 4096

Leave = Callable[[Shop, Caller, str], None]


def await_note(shop: Shop, prompt: str) -> None:
    """Until the gateway knows that he has left, which a busy machine is slow to hear. Of one who
    left in his body, or was reset behind it, it may never hear that he asked."""
    until = time.monotonic() + UNHEARD_S
    wait_until(lambda: shop.sold(prompt) or time.monotonic() > until)
    wait_until(lambda: not shop.is_attended(prompt))


def in_his_body(shop: Shop, caller: Caller, prompt: str) -> None:
    caller.send(0.5)


def behind_his_body(shop: Shop, caller: Caller, prompt: str) -> None:
    caller.send()


def while_he_waits(shop: Shop, caller: Caller, prompt: str) -> None:
    caller.send()
    wait_until(lambda: shop.sold(prompt))


def behind_the_first_byte(shop: Shop, caller: Caller, prompt: str) -> None:
    caller.send()
    assert caller.read(1)


def in_the_middle(shop: Shop, caller: Caller, prompt: str) -> None:
    caller.send()
    assert len(caller.read(LARGE_KB * 600)) == LARGE_KB * 600


def before_the_last_chunk(shop: Shop, caller: Caller, prompt: str) -> None:
    caller.send()
    caller.read(LARGE_KB * 600)
    caller.read_while_it_comes(PAUSE_S / 3)


def having_read_nothing(shop: Shop, caller: Caller, prompt: str) -> None:
    caller.send()
    wait_until(lambda: shop.sold(prompt))
    shop.wait_for_rest()


PHASES: dict[str, tuple[Leave, dict[str, Any]]] = {
    "in his body": (in_his_body, {}),
    "behind his body": (behind_his_body, {"wait_s": 0.1}),
    "while he waits": (while_he_waits, {"wait_s": PAUSE_S}),
    "behind the first byte": (behind_the_first_byte, {"kb": LARGE_KB, "pause_s": PAUSE_S}),
    "in the middle": (in_the_middle, {"kb": LARGE_KB, "pause_at": 0.8, "pause_s": PAUSE_S}),
    "before the last chunk": (
        before_the_last_chunk,
        # Long beside the silence that tells him of it: on a busy machine he is late.
        {"kb": LARGE_KB, "pause_at": 0.97, "pause_s": 4 * PAUSE_S},
    ),
    "having read nothing": (having_read_nothing, {"kb": HUGE_KB}),
    THIN: (behind_the_first_byte, {"kb": 2_500}),
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with opened(tmp_path_factory.mktemp("client-cuts")) as shop:
        yield shop
        shop.audit()


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_who_leaves_and_asks_again_is_given_what_was_bought(dialect: Dialect, shop: Shop) -> None:
    def meet(case: tuple[str, bool]) -> str:
        phase, reset = case
        leave, manner = PHASES[phase]
        if "kb" in manner and dialect not in RELAYED and phase != THIN:
            manner = {"kb": HUGE_KB}  # the upstream's pauses are none of his
        how = "by a reset" if reset else "politely"
        prompt = f"{dialect.name}, {phase}, {how} {json.dumps(manner)}"
        window = WINDOW if phase == THIN else 0
        with Caller(shop.url, dialect, prompt, window=window) as caller:
            leave(shop, caller, prompt)
            if phase == THIN:
                shop.wait_for_rest()
                time.sleep(RETRY_S)  # as much is handed over as ever will be
            caller.leave(reset=reset)
        time.sleep(RETRY_S)
        await_note(shop, prompt)
        again = shop.ask(dialect, prompt)
        sales = shop.sold(prompt)
        if again.status != 200:
            return f"{prompt}: told {again.status} {again.text[:200]}"
        if len(sales) != 1 or pictures_in(again.body) != [sales[0]["picture"]]:
            return f"{prompt}: {len(sales)} sold"
        return ""

    with ThreadPoolExecutor(8) as pool:
        phases = [one for one in PHASES if dialect in RELAYED or one != "before the last chunk"]
        cases = [(phase, reset) for phase in phases for reset in (False, True)]
        if not LONG:  # each phase one way or the other, another way on the next wire
            cases = cases[DIALECTS.index(dialect) % 2 :: 2]
        wrong = [told for told in pool.map(meet, cases) if told]
    assert not wrong, "\n".join(wrong)
