"""The disk fails under an answer that is paid for: what the flow says, and what the engine does."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from pisang.domain.attempt import Charged, State
from pisang.domain.request import Request, Text
from pisang.domain.upstream import Auth, Upstream
from pisang.engine.effects import Exchange, Keep, Settle
from pisang.engine.engine import Engine
from pisang.engine.flow import make_one
from pisang.engine.order import Order
from pisang.errors import OutcomeUnknown, PisangError, StoreFilled, StoreSuspect
from pisang.store.store import Asked
from tests.engine.script import Script, answer, errand, gemini, picture

SANDBOX = Upstream("sandbox", "gemini", "sandbox://local", auth=Auth.NONE, kind="sandbox")
ORDER = Order(
    Request((Text("a kite"),), "gemini-3.1-flash-image", image_size="512"),
    SANDBOX,
    idempotency_key="once",
)

SUSPECT = StoreSuspect(path="/home", why="Input/output error")


@pytest.mark.parametrize("where", [Exchange, Keep, Settle])
def test_what_is_paid_for_and_cant_be_kept_is_said_as_unknown(where: type) -> None:
    script = Script(answer(gemini(picture())), special={where: [SUSPECT]})
    with pytest.raises(OutcomeUnknown) as told:
        script.run(make_one(errand()))
    assert told.value.charged is Charged.UNKNOWN
    assert (told.value.at_stake, told.value.request_id) == ("0.134 USD", "req_1")
    assert "Input/output error" in told.value.message()
    assert told.value.__cause__ is SUSPECT


def test_where_nobody_knows_the_price_that_is_what_is_at_stake() -> None:
    script = Script(answer(gemini(picture())), special={Keep: [SUSPECT]})
    with pytest.raises(OutcomeUnknown) as told:
        script.run(make_one(errand(price=None, held=None)))
    assert told.value.at_stake == "an unknown amount"


Break = Callable[[Engine], None]


def fill_the_disk(engine: Engine) -> None:
    """Every file that is written from now on does not fit."""
    files = engine.store._files

    def create(path: Path) -> int:
        raise files._health.disk(OSError(errno.ENOSPC, "No space left on device"), path)

    files.create = create  # type: ignore[method-assign]


def lose_the_disk(engine: Engine) -> None:
    """The next sync of a file fails: nothing more may be trusted by this process."""
    files = engine.store._files

    def sync(fd: int, path: Path) -> None:
        raise files._health.disk(OSError(errno.EIO, "Input/output error"), path, syncing=True)

    files._sync = sync  # type: ignore[method-assign]


def mend(engine: Engine) -> None:
    """The disk is as it was."""
    for name in ("create", "_sync"):
        engine.store._files.__dict__.pop(name, None)


def states(engine: Engine) -> list[State]:
    rows = engine.store.history(Asked())
    return [one.state for row in rows for one in row.attempts]


@pytest.mark.parametrize("broken", [fill_the_disk, lose_the_disk])
async def test_the_caller_is_told_what_is_at_stake_and_the_row_stays_open(
    tmp_path: Path, broken: Break
) -> None:
    async with await Engine.open(tmp_path / "home") as engine:
        broken(engine)
        with pytest.raises(OutcomeUnknown) as told:
            await engine.run(ORDER)
        assert told.value.request_id
        assert states(engine) == [State.SENT]


async def test_once_there_is_room_again_the_same_key_gives_the_outcome_in_the_same_process(
    tmp_path: Path,
) -> None:
    async with await Engine.open(tmp_path / "home") as engine:
        keep = engine.store._files.write_all

        def write_all(path: Path, data: bytes) -> None:
            raise StoreFilled(path="/home", why="no space left on device")

        engine.store._files.write_all = write_all  # type: ignore[method-assign]
        with pytest.raises(OutcomeUnknown):
            await engine.run(ORDER)
        with pytest.raises(StoreFilled):  # still full: it says so, and waits for nothing
            await asyncio.wait_for(engine.run(ORDER), 30)
        engine.store._files.write_all = keep  # type: ignore[method-assign]
        ran = await asyncio.wait_for(engine.run(ORDER), 30)
        assert ran.replayed and ran.error is None
        assert [one.code for one in ran.warnings if one.code == "recovered"] == ["recovered"]
        assert states(engine) == [State.DONE]


async def test_a_process_whose_disk_was_lost_buys_nothing_and_the_next_one_finds_what_came(
    tmp_path: Path,
) -> None:
    async with await Engine.open(tmp_path / "home") as engine:
        lose_the_disk(engine)
        with pytest.raises(OutcomeUnknown):
            await engine.run(ORDER)
        mend(engine)  # a failed fsync is not taken back by a later one that works
        with pytest.raises(StoreSuspect):
            await asyncio.wait_for(engine.run(ORDER), 30)
    async with await Engine.open(tmp_path / "home") as engine:
        assert states(engine) == [State.DONE]
        with pytest.raises(StoreSuspect) as told:
            await engine.run(Order(ORDER.request, SANDBOX))
        assert told.value.charged is Charged.NO
        assert [one.level for one in engine.store.check() if one.code == "writes"] == ["note"]
        await engine.run(Order(ORDER.request, SANDBOX))


async def test_a_recovery_that_fails_half_way_leaves_the_rest_to_the_next(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with await Engine.open(home) as engine:
        fill_the_disk(engine)
        for _ in range(2):
            with pytest.raises(OutcomeUnknown):
                await engine.run(Order(ORDER.request, SANDBOX))
        settle = engine.store.settle
        engine.store.settle = refuse  # type: ignore[method-assign]
        with pytest.raises(PisangError):
            await engine.recover()
        engine.store.settle = settle  # type: ignore[method-assign]
        mend(engine)
        assert len(await engine.recover()) == 2
        assert states(engine) == [State.UNKNOWN] * 2


def refuse(settlement: object, *, finish: str | None = None) -> None:
    raise StoreFilled(path="/home", why="no space left on device")


async def test_even_a_fault_of_our_own_leaves_the_attempt_to_the_next_recovery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await Engine.open(tmp_path / "home") as engine:
        with monkeypatch.context() as patch:
            patch.setattr(engine.store, "keep", None)
            with pytest.raises(TypeError):
                await engine.run(ORDER)
        ran = await asyncio.wait_for(engine.run(ORDER), 30)
        assert ran.replayed
        assert states(engine) == [State.DONE]
