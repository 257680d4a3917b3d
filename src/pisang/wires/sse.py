"""Event streams, read as the WHATWG HTML standard §9.2.6 says, written in Google's form.

Reading is by chunk and linear. Where the standard throws away an event that the stream did not
finish with a blank line, it is given here too, marked: a picture may be in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pisang.domain.content import Body
from pisang.errors import WireError
from pisang.wires.pieces import merge

MAX_EVENT = 4 * 1024 * 1024
"""The longest event, in bytes, without its long strings (those are spans by now)."""

_BOM = b"\xef\xbb\xbf"
_NO_LINE_ENDS = bytes.maketrans(b"\r\n", b"  ")


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its type, its data lines joined by LF, the last id the stream gave.

    `complete` is false when the stream ended before the blank line that closes it.
    """

    event: str
    data: bytes
    id: str = ""
    complete: bool = True


class Parser:
    """Takes a stream in any chunks and gives its events; any chunking gives the same ones."""

    def __init__(self, *, max_event: int = MAX_EVENT) -> None:
        self._max_event = max_event
        self._line = bytearray()  # a line whose end has not come
        self._after_cr = False  # a LF that comes now belongs to the CR before it
        self._first = True
        self._data: list[bytes] = []
        self._size = 0
        self._event = ""
        self._id = ""

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that end in this chunk. `WireError` when one is longer than the cap."""
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if not chunk:
            return []
        self._after_cr = chunk.endswith(b"\r")
        lines = chunk.splitlines()
        rest = b"" if chunk.endswith((b"\r", b"\n")) else lines.pop()
        events: list[Event] = []
        for line in lines:
            events += self._take_line(line)
        self._line += rest
        self._check(len(self._line))
        return events

    def close(self) -> list[Event]:
        """The event that the stream left unfinished, if any."""
        events = self._take_line(b"") if self._line else []
        return events + self._dispatch(complete=False)

    def _check(self, more: int) -> None:
        if self._size + more > self._max_event:
            raise WireError(wire="sse", why=f"an event is longer than {self._max_event} bytes")

    def _take_line(self, line: bytes) -> list[Event]:
        """The rest of a line, whose end was seen; an event when it was a blank one."""
        if self._line:
            line = bytes(self._line) + line
            self._line.clear()
        if self._first:
            self._first = False
            line = line.removeprefix(_BOM)
        if not line:
            return self._dispatch(complete=True)
        self._check(len(line))
        self._size += len(line)
        name, _, value = line.partition(b":")
        self._take_field(name, value.removeprefix(b" "))
        return []

    def _take_field(self, name: bytes, value: bytes) -> None:
        """A comment has an empty name; unknown names, `retry` among them, are passed over."""
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._event = value.decode(errors="replace")
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode(errors="replace")

    def _dispatch(self, *, complete: bool) -> list[Event]:
        data, event = self._data, self._event or "message"
        self._data, self._event, self._size = [], "", 0
        return [Event(event, b"\n".join(data), self._id, complete)] if data else []


def split(skeleton: bytes) -> Iterator[Event]:
    """The events of a whole stream, in order; the last is marked when it was left unfinished."""
    parser = Parser(max_event=max(MAX_EVENT, len(skeleton)))
    yield from parser.feed(skeleton)
    yield from parser.close()


def frame(pieces: Body) -> Body:
    """One JSON body as one event: `data: {json}` and a blank line, ended by CRLF as Google does.

    Line ends in the JSON are white space between its tokens, and become spaces.
    """
    line = [p.translate(_NO_LINE_ENDS) if isinstance(p, bytes) else p for p in pieces]
    return merge([b"data: ", *line, b"\r\n\r\n"])
