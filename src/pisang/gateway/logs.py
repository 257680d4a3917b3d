"""Structured logs: facts on one line each, written beside the loop, with nobody's secrets.

`tell` says what happened with named facts; any module may also log through `logging`. Lines are
rendered (structlog) and written by a thread of their own, and never waited for: who starts a server
and doesn't read its standard error must not stop it. What doesn't fit into the queue is counted.

Of what others log (aiohttp, asyncio) only who, what kind of error and where is told, never the
message: it may repeat a URL or a header. Our own sentences hold no secret, by the rule of
`pisang.errors`; facts are chosen one by one.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import re
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

LogFormat = Literal["json", "console"]
Facts = dict[str, Any]

log = logging.getLogger("pisang.gateway")

WAITING = 10_000
"""Lines that may wait to be written."""

_OURS = ("pisang",)
_FACTS = "pisang_facts"


def tell(level: int, event: str, /, **facts: object) -> None:
    """Log an event by its name, with what is known of it. Facts that are None are left out."""
    if log.isEnabledFor(level):
        told = {name: value for name, value in facts.items() if value is not None}
        log.log(level, event, extra={_FACTS: told})


def tell_fault(error: BaseException) -> None:
    """Log a fault of ours, by its kind and where it came from."""
    tell(logging.ERROR, "fault", **_described(error))


def tell_end(task: asyncio.Task[None]) -> None:
    """Log what ended a task that should have gone on."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        tell_fault(error)


class LogWriter(logging.Handler):
    """Writes records to a stream in one of the formats, from a thread. `dropped` counts lines that
    could not be queued or written."""

    def __init__(self, stream: TextIO, form: LogFormat) -> None:
        super().__init__()
        self.dropped = 0
        self._stream = stream
        self._form = form
        self._waiting: queue.SimpleQueue[logging.LogRecord | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record. Never waits."""
        if self._waiting.qsize() >= WAITING:
            self.dropped += 1
        else:
            self._waiting.put(record)

    def finish(self, timeout_s: float = 2.0) -> None:
        """Write what waits, for so long, and end."""
        self._waiting.put(None)
        self._thread.join(timeout_s)

    def _write(self) -> None:
        render = _renderer(self._form, colour=self._stream.isatty())
        while (record := self._waiting.get()) is not None:
            try:
                self._stream.write(render(_facts(record)) + "\n")
                if self._waiting.empty():
                    self._stream.flush()
            except (OSError, ValueError):  # nobody reads any more, or the stream is closed
                self.dropped += 1


def set_up(form: LogFormat, level: str, stream: TextIO | None = None) -> LogWriter:
    """Send what this process logs, from that level on, to a stream (standard error)."""
    writer = LogWriter(stream or sys.stderr, form)
    root = logging.getLogger()
    root.handlers[:] = [writer]
    root.setLevel(logging.WARNING)  # of others: what goes wrong
    logging.getLogger("pisang").setLevel(level.upper())
    return writer


def lines_dropped() -> int:
    """How many lines this process let go."""
    writers = (one for one in logging.getLogger().handlers if isinstance(one, LogWriter))
    return sum(writer.dropped for writer in writers)


def _facts(record: logging.LogRecord) -> Facts:
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    facts: Facts = {
        "timestamp": at.replace("+00:00", "Z"),
        "level": record.levelname.lower(),
    }
    if record.name.split(".")[0] in _OURS:
        return {**facts, "event": record.getMessage(), **getattr(record, _FACTS, {})}
    error = record.exc_info[1] if record.exc_info else None
    event = "notice" if error is None else "fault"
    return {**facts, "event": event, "logger": record.name, **_described(error)}


def _described(error: BaseException | None) -> Facts:
    """An exception by its kind and where it came from: its words may hold anything."""
    if error is None:
        return {}
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    where = [f"{one.filename.rpartition('/')[2]}:{one.lineno} {one.name}" for one in frames]
    return {"exception": type(error).__name__, "where": where}


def _renderer(form: LogFormat, *, colour: bool) -> Callable[[Facts], str]:
    """How facts become a line. Loads structlog, in the writer's thread."""
    import structlog

    if form == "json":
        json = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
        return lambda facts: str(json(None, "", facts))
    console = structlog.dev.ConsoleRenderer(colors=colour, sort_keys=False)
    return lambda facts: str(console(None, "", {k: _shown(v) for k, v in facts.items()}))


_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def _shown(value: object) -> object:
    """A value with what would steer a terminal made visible: a caller chose the path."""
    return _UNSHOWN.sub("\ufffd", value) if isinstance(value, str) else value
