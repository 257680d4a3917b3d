"""What one call came to, for metrics and the log: noted while it is served, read once at its end.

The record is the call's own for as long as its context lives (`contextvars`), so the road that
carries it out needs no further argument: whoever has something to tell asks for `present`. Nothing
here holds a key, a query string, a prompt or a payload: it can't be told what it was never given.
"""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from pisang.domain.attempt import Charged
from pisang.domain.ledger import AttemptRow
from pisang.domain.money import Money
from pisang.engine.events import ENDED, Event
from pisang.engine.order import Order, Ran
from pisang.errors import PisangError
from pisang.wires.asgi import Receive, Send

OK = "ok"
LEFT = "left"
CUT = "cut"

_GONE = {"type": "http.disconnect"}
_BROKEN_OFF = [(b"content-type", b"application/json; charset=UTF-8")]

PHASES = ("intake", "claim", "first_byte", "body", "settle", "answer")
"""Where the time of a paid call goes: until it is read; until its attempt is claimed and sent;
until the upstream's first byte, and its last; until the outcome is committed; until the caller has
all of it."""


@dataclass(slots=True, eq=False)
class CallRecord:
    """One call over HTTP. Times are of the monotonic clock, in seconds; None: it was not reached.

    `wire` is empty for what is no paid call. `upstream` and `model` are what was asked last.
    `run` is what became of it in the ledger, where that is known before the call ends.
    """

    method: str
    path: str
    inner_receive: Receive = field(repr=False)
    inner_send: Send = field(repr=False)
    task: asyncio.Task[Any] | None = field(default=None, repr=False)
    started_s: float = field(default_factory=time.monotonic)
    ended_s: float | None = None
    wire: str = ""
    key_id: str = ""
    model: str = ""
    upstream: str = ""
    request_id: str = ""
    status: int | None = None
    error: PisangError | None = None
    attached: bool = False
    attempts: tuple[AttemptRow, ...] = ()
    bytes_in: int = 0
    bytes_out: int = 0
    keep_alives: int = 0
    fell_behind: bool = False
    left: bool = False
    cut: bool = False
    whole: bool = False
    queued: bool = False
    read_s: float | None = None
    sent_s: float | None = None
    first_s: float | None = None
    last_s: float | None = None
    settled_s: float | None = None
    _reader: asyncio.Task[Any] | None = field(default=None, repr=False)

    # --- between the server and the application ---------------------------------------------------

    async def receive(self) -> Any:
        """The next message of the caller. Once the call is cut, he has left."""
        if self.cut:
            return _GONE
        reader = self._reader = asyncio.current_task()
        try:
            message = await self.inner_receive()
        except asyncio.CancelledError:
            if reader is None or self._reader is reader:  # whoever waited gave it up himself
                raise
            reader.uncancel()
            return _GONE
        self._reader = None
        if message["type"] == "http.request":
            self.bytes_in += len(message.get("body", b""))
        elif not self.whole:
            self.left = True
        return message

    def send(self, message: Any) -> Any:
        """The next message to him, counted."""
        if message["type"] == "http.response.body":
            self.bytes_out += len(message.get("body", b""))
            self.whole = not message.get("more_body", False)
        elif message["type"] == "http.response.start":
            self.status = message["status"]
        return self.inner_send(message)

    def cut_off(self) -> None:
        """To whoever serves this call its caller has left from here on."""
        self.cut = True
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.cancel()

    async def break_off(self) -> None:
        """End a call that was cut so that its client sees it broken, not answered: a 200 without
        an end. (The server would answer 500 where nothing was begun, and a stock client may take
        that for the outcome of something that is paid for.)"""
        if self.status is None:
            await self.send({"type": "http.response.start", "status": 200, "headers": _BROKEN_OFF})
            await self.send({"type": "http.response.body", "body": b"\n", "more_body": True})

    # --- on the road ------------------------------------------------------------------------------

    def begin(self, order: Order) -> None:
        """It is read and planned, and an upstream is about to be asked."""
        self.wire = self.wire or "pisang"  # the management API's own way of asking
        self.read_s = self.read_s or time.monotonic()
        self.upstream = order.upstream.name
        self.model = order.request.model

    def hear(self, event: Event) -> None:
        """A step of its attempt."""
        kind = event.kind
        if kind == "received":
            self.last_s = time.monotonic()
            if self.first_s is None:
                self.first_s = self.last_s
        elif kind == "sent":
            self.sent_s, self.queued = time.monotonic(), False
            self.first_s = self.last_s = None  # of an attempt that failed free before this one
        elif kind == "begun":
            self.request_id = event.request_id
        elif kind == "queued":
            self.queued = True
        elif kind in ENDED:
            self.settled_s = time.monotonic()

    def end(self, ran: Ran | None, error: PisangError | None) -> None:
        """What became of it at that upstream."""
        self.error = error
        if ran is not None:
            self.attached = ran.joined
            self.request_id = ran.row.id
            self.attempts = ran.row.attempts
            if ran.row.attempts:
                self.upstream = ran.row.attempts[-1].upstream

    # --- read at its end --------------------------------------------------------------------------

    @property
    def outcome(self) -> str:
        """`ok`, the code of an error, or why its caller was told neither: `left`, `cut`."""
        if self.error is not None:
            return self.error.code
        if self.status == 202:
            return "accepted"
        if self.whole:
            return OK if self.status is not None and self.status < 400 else f"http_{self.status}"
        return CUT if self.cut else LEFT

    @property
    def seconds(self) -> float:
        """How long it took, or has taken until now."""
        return (self.ended_s or time.monotonic()) - self.started_s

    @property
    def stage(self) -> str:
        """What it waits for now: to be `read`, its `turn`, its `upstream`, to be `answered`."""
        if self.read_s is None:
            return "reading"
        if self.settled_s is not None or self.status is not None:
            return "answering"
        return "turn" if self.queued or self.sent_s is None else "upstream"

    @property
    def cost(self) -> Money | None:
        """What its attempts cost, where one currency says it all; None: nothing that is known."""
        charged = [one for one in self.attempts if one.charged is Charged.YES and not one.free]
        costs = [one.cost for one in charged if one.cost is not None]
        if not costs or any(one.currency != costs[0].currency for one in costs):
            return None
        return Money(sum(one.micros for one in costs), costs[0].currency)

    @property
    def charged(self) -> str:
        """Whether money moved for it, as far as is known: `no`, `yes`, `unknown`."""
        said = {one.charged for one in self.attempts}
        if self.error is not None:
            said.add(self.error.charged)
        for one in (Charged.UNKNOWN, Charged.YES):
            if one in said:
                return one.value
        return (Charged.UNKNOWN if self.sent_s and not self.settled_s else Charged.NO).value

    def phases(self) -> dict[str, float]:
        """Seconds of each phase that was gone through."""
        marks = (
            self.started_s,
            self.read_s,
            self.sent_s,
            self.first_s,
            self.last_s,
            self.settled_s,
            self.ended_s if self.whole else None,
        )
        pairs = zip(PHASES, marks, marks[1:], strict=False)
        return {
            name: max(0.0, after - before)
            for name, before, after in pairs
            if before is not None and after is not None
        }


_present: ContextVar[CallRecord | None] = ContextVar("pisang_call", default=None)


def present() -> CallRecord | None:
    """The call that this is done for; None outside of one."""
    return _present.get()


def enter(record: CallRecord) -> None:
    """What is done from here on in this context is done for that call."""
    _present.set(record)


def note_keep_alive() -> None:
    """The present call's client is sent a line break while it waits."""
    call = _present.get()
    if call is not None:
        call.keep_alives += 1


def note_fell_behind() -> None:
    """The present call's client reads slower than the upstream sends."""
    call = _present.get()
    if call is not None:
        call.fell_behind = True


def note_wire(name: str) -> None:
    """The present call is a paid one, on that wire."""
    call = _present.get()
    if call is not None:
        call.wire = name


def note_caller(key_id: str) -> None:
    """The present call comes with that key."""
    call = _present.get()
    if call is not None:
        call.key_id = key_id


def note_error(error: PisangError) -> None:
    """The present call is answered with that error."""
    call = _present.get()
    if call is not None:
        call.error = error
