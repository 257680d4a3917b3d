"""What the live line says, at any width and in both languages, and when there is none."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from pisang.cli.progress import Progress, say_duration
from pisang.cli.screen import Screen
from pisang.cli.table import width_of
from pisang.domain.attempt import State
from pisang.engine.events import Event
from pisang.errors import OutcomeUnknown
from tests.store.kit import open_store, sent

NOW = 1_800_000_000_000
EN, ZH = Screen("human", "en"), Screen("human", "zh")


def event(kind: str, attempt: str = "a", *, ago_s: float = 0, **more: object) -> Event:
    given = {"bytes": 0, **more}
    return Event(kind, "req_1", attempt, at_ms=NOW - int(ago_s * 1000), **given)


def progress(*events: Event, screen: Screen = EN, n: int = 1) -> Progress:
    heard = Progress(screen, n)
    for one in events:
        heard.hear(one)
    return heard


def said(heard: Progress, columns: int = 80) -> str:
    head, _, tail = heard.line(columns, NOW)
    return f"{head} {tail}".rstrip()


def test_nothing_was_claimed_yet() -> None:
    assert said(progress(event("begun"))) == "Preparing"
    assert said(progress(event("begun"), screen=ZH)) == "准备中"


def test_time_runs_against_the_usual_time_and_fills_the_bar() -> None:
    heard = progress(event("claimed", ago_s=12, usual_s=24.0, limit_s=360.0))
    assert heard.line(80, NOW) == ("Painting", 0.5, "12 s of usually 24 s")
    heard = progress(event("claimed", ago_s=12, usual_s=24.0, limit_s=360.0), screen=ZH)
    assert heard.line(80, NOW) == ("绘制中", 0.5, "12 秒，通常 24 秒")


def test_longer_than_usual_is_said_with_how_long_it_may_take() -> None:
    late = event("claimed", ago_s=131, usual_s=25.2, limit_s=360.0)
    assert progress(late).line(80, NOW) == (
        "Painting",
        1.0,
        "2 min 11 s, longer than usual (25 s), at most 6 min",
    )
    assert said(progress(late, screen=ZH)) == "绘制中 2 分 11 秒，比通常的 25 秒久，最长 6 分钟"


def test_without_a_usual_time_there_is_no_bar_but_the_limit() -> None:
    heard = progress(event("claimed", ago_s=5, limit_s=360.0))
    assert heard.line(80, NOW) == ("Painting", None, "5 s, at most 6 min")


def test_a_picture_that_takes_no_time_is_usually_there_in_a_second() -> None:
    assert "of usually 1 s" in said(progress(event("claimed", usual_s=0.04, limit_s=360.0)))


def test_bytes_and_images_that_came_are_counted() -> None:
    heard = progress(
        event("claimed", "a", ago_s=3, limit_s=360.0),
        event("claimed", "b", ago_s=2, limit_s=360.0),
        event("received", "a", bytes=1_000_000),
        event("received", "b", bytes=250_000),
        event("done", "a"),
        n=2,
    )
    assert said(heard) == "Painting 2 s, at most 6 min · 1 of 2 · 1.2 MB"


def test_one_that_failed_is_under_way_no_more_and_not_done() -> None:
    heard = progress(
        event("claimed", "a", ago_s=9), event("failed", "a"), event("claimed", "b", ago_s=1), n=2
    )
    assert said(heard) == "Painting 1 s · 0 of 2"


def test_a_queued_image_says_what_it_waits_for() -> None:
    waits = event("queued", message="relay takes 4 at once")
    assert said(progress(waits)) == "Queued relay takes 4 at once"
    assert said(progress(waits, screen=ZH)) == "排队中 relay 最多同时处理 4 个请求"
    assert said(progress(waits, event("claimed", limit_s=60.0))) == "Painting 0 s, at most 60 s"


def test_what_is_queued_beside_a_running_one_stands_last() -> None:
    heard = progress(
        event("claimed", "a", limit_s=60.0),
        event("queued", "b", message="relay takes 1 at once"),
        n=2,
    )
    assert said(heard) == "Painting 0 s, at most 60 s · 0 of 2 · relay takes 1 at once"


STORIES = (
    (event("begun"),),
    (event("queued", message="my-relay takes one every 60000 ms"),),
    (event("claimed", ago_s=12, usual_s=25.0, limit_s=360.0), event("received", bytes=9_000_000)),
    (event("claimed", ago_s=700, usual_s=25.0, limit_s=1200.0), event("received", bytes=10**7)),
)


@pytest.mark.parametrize(
    ("story", "screen", "columns"), [*product(STORIES, (EN, ZH), (200, 79, 39, 24, 15))]
)
def test_the_line_fits(story: tuple[Event, ...], screen: Screen, columns: int) -> None:
    assert width_of(said(progress(*story, screen=screen, n=4), columns)) <= columns


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [
        (0.9, "0 s", "0 秒"),
        (99.9, "99 s", "99 秒"),
        (120, "2 min", "2 分钟"),
        (200, "3 min 20 s", "3 分 20 秒"),
    ],
)
def test_times_are_told_as_people_do(seconds: float, en: str, zh: str) -> None:
    assert (say_duration(seconds, "en"), say_duration(seconds, "zh")) == (en, zh)


def test_an_interruption_names_what_is_open() -> None:
    assert progress(event("begun")).interrupted("relay") is None
    assert progress(event("claimed"), event("done")).interrupted("relay") is None
    left = progress(event("claimed")).interrupted("relay")
    assert isinstance(left, OutcomeUnknown)
    assert left.request_id == "req_1"


def test_off_a_terminal_nothing_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    assert not sys.stderr.isatty()
    with progress(event("begun")) as heard:
        heard.hear(event("claimed"))
        heard.hear(event("done"))
    assert capsys.readouterr() == ("", "")


def test_what_another_process_sent_counts_from_when_it_was_sent(tmp_path: Path) -> None:
    with closing(open_store(tmp_path / "home")) as store:
        (attempt,) = store.request(sent(store).request_id).attempts
    assert attempt.sent_ms is not None
    heard = progress()
    heard.take_in((attempt,))
    head, share, tail = heard.line(80, attempt.sent_ms + 5_000)
    limit = say_duration(attempt.deadline_ms / 1000, "en")
    assert (head, share, tail) == ("Painting", None, f"5 s, at most {limit}")
    assert heard.interrupted("relay") is None, "it is not this process's to cut"
    heard = progress()
    heard.take_in((replace(attempt, state=State.DONE),))
    assert said(heard) == "Preparing"
