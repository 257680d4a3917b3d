"""The engine over the in-process sandbox: orders in, what became of them out."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pisang.domain.attempt import Charged, State
from pisang.domain.ledger import Budget
from pisang.domain.money import Money
from pisang.domain.request import Image, Request, Text, Turn
from pisang.domain.secret import Secret
from pisang.domain.upstream import Auth, Upstream
from pisang.engine.engine import Engine
from pisang.engine.events import Event
from pisang.engine.ledgering import Ledgering
from pisang.engine.order import Order
from pisang.engine.replay import replay
from pisang.errors import (
    BudgetExceeded,
    IdempotencyMismatch,
    KeyMissing,
    Mismatch,
    OutcomeUnknown,
    Partial,
    PriceUnknown,
    RateUnknown,
    RatioUnsupported,
)
from pisang.sandbox.app import create_app
from pisang.transport.asgi import AsgiTransport

SANDBOX = Upstream("sandbox", "gemini", "sandbox://local", auth=Auth.NONE, kind="sandbox")
PAID = replace(SANDBOX, name="paid", kind="google")
"""The sandbox posing as Google, so that its money counts."""


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    async with await Engine.open(tmp_path / "home") as opened:
        yield opened


def order(words: str = "a kite", upstream: Upstream = SANDBOX, **changes: Any) -> Order:
    wish = {"model": "gemini-3.1-flash-image", "aspect_ratio": "1:1", "image_size": "512"}
    wish |= {name: changes.pop(name) for name in ("model", "n", "image_size") if name in changes}
    parts = changes.pop("parts", (Text(words),))
    history = changes.pop("history", ())
    return Order(Request(parts, history=history, **wish), upstream, **changes)


async def test_an_order_gives_an_image_whose_bytes_are_what_its_name_says(engine: Engine) -> None:
    ran = await engine.run(order())
    image = ran.row.images[0]
    data = engine.store.path(image.sha256).read_bytes()
    assert hashlib.sha256(data).hexdigest() == image.sha256
    assert (image.width, image.height, ran.error) == (512, 512, None)
    assert [warn.code for warn in ran.warnings] == ["sandbox"]


async def test_a_listener_hears_each_step_in_order(engine: Engine) -> None:
    heard: list[Event] = []
    await engine.run(order(), heard.append)
    kinds = list(dict.fromkeys(event.kind for event in heard))
    assert kinds == ["begun", "claimed", "sent", "received", "kept", "done"]
    received = [event.bytes for event in heard if event.kind == "received"]
    assert received == sorted(received)
    assert received[-1] > 10_000


async def test_the_same_key_is_answered_from_the_ledger(engine: Engine) -> None:
    first = await engine.run(order(idempotency_key="k"))
    again = await engine.run(order(idempotency_key="k"))
    assert again.replayed
    assert [warn.code for warn in again.warnings] == ["sandbox", "replayed"]
    assert again.row.id == first.row.id
    assert len(again.row.attempts) == 1


async def test_the_same_key_for_another_wish_is_refused(engine: Engine) -> None:
    await engine.run(order(idempotency_key="k"))
    with pytest.raises(IdempotencyMismatch):
        await engine.run(order("a boat", idempotency_key="k"))


async def test_the_same_key_at_once_waits_for_the_first_and_buys_once(engine: Engine) -> None:
    slow = "a kite [[sandbox delay=0.3]]"
    ran = await asyncio.gather(*(engine.run(order(slow, idempotency_key="k")) for _ in range(5)))
    assert len({one.row.id for one in ran}) == 1
    assert len(ran[0].row.attempts) == 1
    assert sum(one.replayed for one in ran) == 4


LOST = "a kite [[sandbox html=524]]"


async def test_an_unknown_outcome_is_not_bought_again_unless_somebody_says_so(
    engine: Engine,
) -> None:
    first = await engine.run(order(LOST, PAID, idempotency_key="k"))
    assert isinstance(first.error, OutcomeUnknown)
    assert first.error.at_stake == "0.045 USD"
    with pytest.raises(OutcomeUnknown) as refused:
        await engine.run(order(LOST, PAID, idempotency_key="k"))
    attempt_id = first.row.attempts[0].id
    assert refused.value.hint == f"pisang unknown look {attempt_id}"
    again = await engine.run(order(LOST, PAID, idempotency_key="k", retry_unknown=True))
    states = [one.state for one in again.row.attempts]
    assert states == [State.REBOUGHT, State.UNKNOWN]


async def test_an_unknown_outcome_can_be_written_off(engine: Engine) -> None:
    ran = await engine.run(order(LOST))
    await engine.resolve(ran.row.attempts[0].id, State.WRITTEN_OFF)
    assert engine.store.request(ran.row.id).state is State.WRITTEN_OFF
    assert not engine.store.unknowns()


async def test_n_images_are_n_attempts_and_a_cap_stops_those_beyond_it(engine: Engine) -> None:
    ran = await engine.run(order(upstream=PAID, n=3, max_cost=Money(100_000, "USD")))
    assert isinstance(ran.error, Partial)
    assert len({one.sha256 for one in ran.row.images}) == 2, "each is a picture of its own"
    assert sorted(one.state for one in ran.row.attempts) == [State.DONE, State.DONE, State.FAILED]
    assert [error.code for error in ran.errors] == ["budget_exceeded"]


async def test_a_cap_below_one_image_sends_nothing_and_says_so_in_the_ledger(
    engine: Engine,
) -> None:
    with pytest.raises(BudgetExceeded):
        await engine.run(order(upstream=PAID, max_cost=Money(1_000, "USD")))
    (row,) = engine.store.history()
    assert row.state is State.FAILED
    assert (row.attempts[0].charged, row.attempts[0].error_code) == (Charged.NO, "budget_exceeded")


async def test_a_price_that_nobody_knows_is_refused_under_a_cap(engine: Engine) -> None:
    relay = replace(PAID, kind="relay")
    with pytest.raises(PriceUnknown):
        await engine.run(order(upstream=relay, max_cost=Money(9_000_000, "USD")))


async def test_a_price_in_another_currency_counts_at_its_rate(tmp_path: Path) -> None:
    from decimal import Decimal

    relay = replace(PAID, kind="relay", prices={"gemini-3.1-flash-image": Money(700_000, "CNY")})
    budget = Budget("day", "all", "day", Money(150_000, "USD"))
    money = Ledgering("USD", {"CNY": Decimal("0.14")}, (budget,))
    async with await Engine.open(tmp_path / "home", money) as engine:
        assert (await engine.run(order(upstream=relay))).error is None
        with pytest.raises(BudgetExceeded):
            await engine.run(order(upstream=relay))


async def test_what_the_model_cannot_do_and_a_missing_key_leave_no_row(engine: Engine) -> None:
    impossible = order(model="gemini-2.5-flash-image")
    impossible = replace(impossible, request=replace(impossible.request, aspect_ratio="8:1"))
    with pytest.raises(RatioUnsupported):
        await engine.run(impossible)
    with pytest.raises(KeyMissing):
        await engine.run(order(upstream=replace(SANDBOX, auth=Auth.BEARER)))
    assert not engine.store.history()


async def test_strict_turns_a_wrong_size_into_an_error_and_keeps_the_image(engine: Engine) -> None:
    words = "a kite [[sandbox size=1K]]"
    assert (await engine.run(order(words))).error is None
    ran = await engine.run(order(words, strict=True))
    assert isinstance(ran.error, Mismatch)
    assert len(ran.row.images) == 1


async def test_a_caller_who_stops_waiting_loses_nothing(engine: Engine) -> None:
    task = asyncio.create_task(engine.run(order("a kite [[sandbox delay=0.3]]")))
    await asyncio.sleep(0.15)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (row,) = engine.store.history()
    ran = await engine.wait(row.id)
    assert ran.row.state is State.DONE
    assert len(ran.row.images) == 1


async def test_what_a_closed_engine_left_under_way_is_settled_by_the_next(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with await Engine.open(home) as first:
        task = asyncio.create_task(first.run(order("a kite [[sandbox delay=5]]", PAID)))
        await asyncio.sleep(0.3)
    with pytest.raises(asyncio.CancelledError):
        await task
    async with await Engine.open(home) as second:
        (attempt,) = second.store.unknowns()
        assert attempt.error_code == "outcome_unknown"
        assert attempt.cost == Money(45_000, "USD")


async def test_an_edit_goes_on_from_its_turns_and_the_upstream_takes_the_signatures(
    engine: Engine,
) -> None:
    made = (await engine.run(order("a kite"))).row.images[0]
    going = engine.go_on(made, SANDBOX)
    assert [turn.role for turn in going.history] == ["user", "model"]
    signed = [part for part in going.history[1].parts if isinstance(part, Image)]
    assert signed[0].signature is not None
    edited = await engine.run(order("at dusk", history=going.history, parent=made.sha256))
    assert edited.error is None
    assert edited.row.images[0].parent == made.sha256
    further = engine.go_on(edited.row.images[0], SANDBOX)
    assert [turn.role for turn in further.history] == ["user", "model", "user", "model"]
    assert (await engine.run(order("add a boat", history=further.history))).error is None


SIGNATURE = re.compile(rb'"thoughtSignature":\s?"([^"]+)"')


async def test_every_signature_goes_back_byte_for_byte_as_it_came(engine: Engine) -> None:
    heard: list[bytes] = []

    async def listening(scope: Any, receive: Any, send: Any) -> None:
        async def hear() -> Any:
            message = await receive()
            heard.append(message.get("body", b""))
            return message

        await app(scope, hear, send)

    app = create_app()
    engine.reach._sandbox = AsgiTransport(listening)
    came: list[bytes] = []
    history: tuple[Turn, ...] = ()
    for words in ("a kite [[sandbox signature=300000]]", "at dusk", "add a boat"):
        heard.clear()
        ran = await engine.run(order(words, history=history))
        assert ran.error is None
        assert SIGNATURE.findall(b"".join(heard)) == came
        stored = replay(engine.store, ran.row.attempts[0].id)
        assert stored is not None
        came += SIGNATURE.findall(b"".join(stored))
        history = engine.go_on(ran.row.images[0], SANDBOX).history
    assert len(came) == 3
    assert len(came[0]) > 300_000


async def test_the_sandbox_behind_another_kind_of_upstream_still_says_what_it_is(
    engine: Engine,
) -> None:
    ran = await engine.run(order(upstream=PAID))
    assert [warn.code for warn in ran.warnings] == ["sandbox"]


async def test_at_another_kind_of_upstream_the_picture_goes_anew_and_a_warning_says_so(
    engine: Engine,
) -> None:
    made = (await engine.run(order("a kite"))).row.images[0]
    going = engine.go_on(made, PAID)
    assert not going.history
    assert [type(part) for part in going.parts] == [Image]
    assert [warn.code for warn in going.warnings] == ["history_dropped"]
    elsewhere = engine.go_on(made, replace(SANDBOX, wire="openai_images"))
    assert [type(part) for part in elsewhere.parts] == [Image]
    assert [warn.code for warn in elsewhere.warnings] == ["history_dropped"]


async def test_an_image_that_came_without_turns_leaves_none_behind(engine: Engine) -> None:
    pictures = replace(SANDBOX, wire="openai_images")
    made = (await engine.run(order("a kite", pictures))).row.images[0]
    for upstream in (pictures, SANDBOX):
        going = engine.go_on(made, upstream)
        assert [type(part) for part in going.parts] == [Image]
        assert not going.warnings


async def test_a_key_is_in_no_row_and_in_no_error(engine: Engine, tmp_path: Path) -> None:
    canary = "canary-6f1c2b"
    keyed = replace(SANDBOX, auth=Auth.BEARER, key=Secret(canary))
    await engine.run(order(upstream=keyed))
    await engine.run(order(LOST, keyed))
    for path in (tmp_path / "home").rglob("*"):
        if path.is_file():
            assert canary.encode() not in path.read_bytes(), path.name


async def test_a_probe_is_free_and_says_which_models_there_are(engine: Engine) -> None:
    found = await engine.probe(SANDBOX)
    assert found.error is None
    assert "gemini-3-pro-image" in found.models
    assert not engine.store.history()
    nowhere = await engine.probe(replace(PAID, base_url="http://127.0.0.1:1"))
    assert nowhere.error is not None
    assert nowhere.error.code == "unreachable"


async def test_a_cap_in_a_currency_without_a_rate_is_still_a_cap(engine: Engine) -> None:
    prices = {"gemini-3.1-flash-image": Money(700_000, "CNY")}
    relay = replace(PAID, kind="relay", prices=prices)
    with pytest.raises(BudgetExceeded):
        await engine.run(order(upstream=relay, max_cost=Money(500_000, "CNY")))
    assert (await engine.run(order(upstream=relay, max_cost=Money(700_000, "CNY")))).error is None
    with pytest.raises(RateUnknown):
        await engine.run(order(upstream=relay, max_cost=Money(9_000_000, "EUR")))


async def test_an_attempt_that_is_stopped_while_it_is_claimed_has_cost_nothing(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    async with await Engine.open(home) as first:
        slow = order("a kite [[sandbox delay=5]]", PAID)
        tasks = [asyncio.create_task(first.run(slow)) for _ in range(4)]
        while not first.store.history():
            await asyncio.sleep(0)
    await asyncio.gather(*tasks, return_exceptions=True)
    async with await Engine.open(home) as second:
        states = {one.state for row in second.store.history() for one in row.attempts}
        assert states <= {State.FAILED, State.UNKNOWN}
        for row in second.store.history():
            for one in row.attempts:
                assert (one.state is State.FAILED) == (one.charged is Charged.NO)


async def test_the_second_image_of_its_kind_is_told_how_long_the_first_one_took(
    engine: Engine,
) -> None:
    heard: list[Event] = []
    for _ in range(2):
        await engine.run(order(), heard.append)
    first, second = [event for event in heard if event.kind == "claimed"]
    assert first.usual_s is None
    assert second.usual_s is not None and second.usual_s >= 0
    assert first.limit_s == second.limit_s == 360
