"""What is going on while a request is under way: one live line on a terminal, else nothing."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from pisang.cli.screen import Screen
from pisang.engine.events import Event
from pisang.errors import OutcomeUnknown, PisangError

if TYPE_CHECKING:
    from rich.progress import Progress as Live
    from rich.progress import TaskID

_ENDED = frozenset({"done", "refused", "failed", "unknown"})
_QUIET_BYTES = 256 * 1024
"""The line is drawn again when this much more has come, not for every chunk."""


class Progress:
    """Hears events, draws a line, and knows what was sent when it is interrupted."""

    def __init__(self, screen: Screen, n: int) -> None:
        self._screen = screen
        self._n = n
        self._bytes: dict[str, int] = {}
        self._drawn = 0
        self._under_way: dict[str, str] = {}
        self._ended = 0
        self._live: Live | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Progress:
        if self._screen.live:
            from rich.console import Console
            from rich.progress import Progress as Live
            from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

            columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            self._live = Live(*columns, console=Console(stderr=True), transient=True)
            self._task = self._live.add_task("")
            self._live.start()
            self._draw("")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def hear(self, event: Event) -> None:
        """Take one event in; called on the engine's loop."""
        if event.kind == "claimed":  # from here on the ledger itself holds that it may be sent
            self._under_way[event.attempt_id] = event.request_id
        elif event.kind in _ENDED:
            self._under_way.pop(event.attempt_id, None)
            self._ended += event.kind == "done"
        elif event.kind == "received":
            self._bytes[event.attempt_id] = event.bytes
            if sum(self._bytes.values()) - self._drawn < _QUIET_BYTES:
                return
        self._draw(event.message)

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

    def _draw(self, message: str) -> None:
        self._drawn = sum(self._bytes.values())
        if self._live is None or self._task is None:
            return
        parts = [
            self._screen.pick("painting", "绘制中"),
            f"{self._ended}/{self._n}" if self._n > 1 else "",
            f"{self._drawn / 1e6:.1f} MB" if self._drawn else "",
            message,
        ]
        words = " · ".join(part for part in parts if part)
        # A reason may hold brackets, which rich would read as markup.
        self._live.update(self._task, description=words.replace("[", "\\["))
