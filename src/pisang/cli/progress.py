"""What is going on while a request is under way: one live line on a terminal, else nothing.

    Painting ━━━━━━━━━━━━╸━━━━━━━━━━━━━ 12 s of usually 25 s · 1 of 4 · 1.2 MB

All that it knows it has heard, so events may come from this process or through a pipe. The line
is never as wide as the terminal, whatever its width is at that moment: what doesn't fit is left
out, the bar first, then from the right.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from pisang.cli.callers import agent_in
from pisang.cli.screen import Screen
from pisang.cli.table import clip, width_of
from pisang.domain.attempt import State
from pisang.engine.events import ENDED, Event
from pisang.errors import OutcomeUnknown, PisangError
from pisang.errors.chinese import in_chinese

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
    from rich.live import Live

    from pisang.domain.ledger import AttemptRow

_PER_SECOND = 4
"""How often the line is drawn: the seconds tick, and a slow connection is not filled with it."""

_BAR_COLUMNS = (10, 30)
"""A bar is so wide; narrower it says nothing, and is left out."""

_BANANA = "yellow"


@dataclass(frozen=True, slots=True)
class Pace:
    """Since when an attempt is under way, how long such a one usually takes, how long it may."""

    since_ms: int
    usual_s: float | None
    limit_s: float | None


class Progress:
    """Hears events, draws a line, and knows what was sent when it is interrupted."""

    def __init__(self, screen: Screen, n: int) -> None:
        self._screen = screen
        self._n = n
        self._bytes: dict[str, int] = {}
        self._queued: dict[str, str] = {}
        self._paces: dict[str, Pace] = {}
        self._under_way: dict[str, str] = {}
        self._done = 0
        self._live: Live | None = None

    def __enter__(self) -> Progress:
        if self._screen.live and agent_in(os.environ) is None:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(
                Line(self),
                console=Console(stderr=True),
                refresh_per_second=_PER_SECOND,
                transient=True,
                redirect_stdout=False,
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Draw no more, and take away what was drawn; may be called again."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def hear(self, event: Event) -> None:
        """Take one event in; cheap, and safe to call from any thread."""
        name = event.attempt_id
        if event.kind == "queued":
            self._queued[name] = event.message
        elif event.kind == "claimed":  # from here on the ledger itself holds that it may be sent
            self._queued.pop(name, None)
            self._paces[name] = Pace(event.at_ms, event.usual_s, event.limit_s)
            self._under_way[name] = event.request_id
        elif event.kind in ENDED:
            for known in (self._queued, self._paces, self._under_way):
                known.pop(name, None)
            self._done += event.kind == "done"
        elif event.kind == "received":
            self._bytes[name] = event.bytes

    def take_in(self, attempts: Iterable[AttemptRow]) -> None:
        """Know what another process sent: since when, and how long it may take."""
        for one in attempts:
            if one.state is State.SENT and one.sent_ms is not None:
                self._paces[one.id] = Pace(one.sent_ms, None, one.deadline_ms / 1000)

    def interrupted(self, upstream: str) -> PisangError | None:
        """What an interruption leaves open: None when nothing was under way."""
        if not self._under_way:
            return None
        request_id = next(iter(self._under_way.values()))
        return OutcomeUnknown(
            upstream=upstream,
            why="you interrupted it after it was sent",
            request_id=request_id,
            hint="pisang unknown list",
        )

    def line(self, columns: int, now_ms: int) -> tuple[str, float | None, str]:
        """What stands before the bar, how full that is (None: there is none), what stands behind
        it; all that fits into so many columns."""
        pick = self._screen.pick
        pace = min(list(self._paces.values()), key=lambda one: one.since_ms, default=None)
        if pace is None:
            waiting = bool(self._queued)
            head = pick("Queued", "排队中") if waiting else pick("Preparing", "准备中")
            return head, None, _fitting(self._others(), columns - width_of(head) - 1)
        head = pick("Painting", "绘制中")
        elapsed_s = max(0.0, (now_ms - pace.since_ms) / 1000)
        room = columns - width_of(head) - 1
        told = _told(pace, elapsed_s, self._screen)
        said = next((one for one in told if width_of(one) <= room), told[-1])
        share = None if pace.usual_s is None else min(1.0, elapsed_s / max(pace.usual_s, 0.001))
        return head, share, _fitting([said, *self._others()], room)

    def _others(self) -> list[str]:
        """What else there is to say, the most important first."""
        pick = self._screen.pick
        received = sum(list(self._bytes.values()))
        reason = next(iter(list(self._queued.values())), "")
        count = pick(f"{self._done} of {self._n}", f"已完成 {self._done}/{self._n}")
        why = in_chinese(reason) if self._screen.language == "zh" else reason
        size = f"{received / 1e6:.1f} MB" if received else ""
        count = count if self._n > 1 else ""
        parts = (count, size, why) if self._paces else (why, count, size)
        return [part for part in parts if part]


class Line:
    """The line as rich draws it, anew for the width of each moment."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        columns = options.max_width - 1
        head, share, tail = self._progress.line(columns, time.time_ns() // 1_000_000)
        cells: list[RenderableType] = [_cell(clip(head, columns))]
        least, most = _BAR_COLUMNS
        spare = min(most, columns - width_of(head) - width_of(tail) - 2)
        if share is not None and spare >= least:
            cells.append(ProgressBar(1.0, share, spare, complete_style=_BANANA))
        if tail:
            cells.append(_cell(tail))
        row = Table.grid(padding=(0, 1))
        row.add_row(*cells)
        yield row


def _cell(words: str) -> RenderableType:
    from rich.text import Text

    return Text(words, no_wrap=True, overflow="crop")


def _fitting(parts: Sequence[str], columns: int) -> str:
    """As many of the parts, from the left, as go into so many columns."""
    line = clip(parts[0], max(1, columns)) if parts else ""
    for part in parts[1:]:
        longer = f"{line} · {part}"
        if width_of(longer) > columns:
            break
        line = longer
    return line


def _told(pace: Pace, elapsed_s: float, screen: Screen) -> tuple[str, ...]:
    """How long it has been, against what is usual and what is allowed; shorter and shorter."""

    def say(seconds: float) -> str:
        return say_duration(seconds, screen.language)

    now = say(elapsed_s)
    limit = say(pace.limit_s) if pace.limit_s is not None else ""
    if pace.usual_s is None:
        most = screen.pick(f"{now}, at most {limit}", f"{now}，最长 {limit}")
        return (most, now) if limit else (now,)
    usual = say(max(1, pace.usual_s))
    if elapsed_s <= max(1, pace.usual_s):
        return (screen.pick(f"{now} of usually {usual}", f"{now}，通常 {usual}"), now)
    longer = screen.pick(f"{now}, longer than usual ({usual})", f"{now}，比通常的 {usual}久")
    whole = screen.pick(f"{longer}, at most {limit}", f"{longer}，最长 {limit}")
    short = screen.pick(f"{now} (usually {usual})", f"{now}（通常 {usual}）")
    return (whole, longer, short, now) if limit else (longer, short, now)


def say_duration(seconds: float, language: str) -> str:
    """A time for eyes: `25 s`, `3 min 20 s`, `6 min`."""
    whole = int(seconds)
    minutes, rest = divmod(whole, 60)
    if whole < 100:
        return f"{whole} 秒" if language == "zh" else f"{whole} s"
    if language == "zh":
        return f"{minutes} 分 {rest} 秒" if rest else f"{minutes} 分钟"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"
