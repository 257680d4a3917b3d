"""`multipart/form-data` (RFC 7578) in both roles: a form read while it arrives, a form written.

Files go to a sink as they come; short values become text. The byte machine is python-multipart's;
the caps, and what counts as malformed, are ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from pisang.domain.content import Body, FileBytes, Piece
from pisang.errors import WireError
from pisang.wires.base import FormField, Sink, Writer
from pisang.wires.pieces import merge

MAX_PARTS = 64
MAX_VALUE = 1024 * 1024
"""The longest value of a part that is no file, in bytes."""
MAX_HEADERS = 16 * 1024
"""The longest headers of one part, in bytes."""

_MAX_HEADER_COUNT = 16
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]")
_PLAIN_ENCODINGS = frozenset({b"", b"7bit", b"8bit", b"binary"})


def content_type(boundary: str) -> str:
    """The `Content-Type` header of a form with that boundary."""
    return f"multipart/form-data; boundary={_checked_boundary(boundary)}"


class _Silence:
    """What python-multipart would log of a form is in our error; foreign bytes reach no log."""

    def warning(self, *_: object) -> None: ...


class FormReader:
    """Feed it a form in any chunks; `close` gives its fields in order.

    A part with a file name, or of an image type, is a file: its bytes go to the sink. `%22` in a
    name is read as the quote that browsers mean by it. `WireError` for anything malformed or
    larger than a cap; whatever was being written is closed first.
    """

    def __init__(
        self,
        content_type: str,
        sink: Sink,
        *,
        max_bytes: int,
        max_parts: int = MAX_PARTS,
        max_value: int = MAX_VALUE,
    ) -> None:
        boundary = _boundary_of(content_type)
        self._sink = sink
        self._max_bytes = max_bytes
        self._max_parts = max_parts
        self._max_value = max_value
        self._opening: bytes | None = b"--" + boundary
        self._start = b""  # the first bytes, until they can be compared with `_opening`
        self._size = 0
        self._header_bytes = 0
        self._header_name = b""
        self._header_value = b""
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._filename: str | None = None
        self._mime: str | None = None
        self._value = bytearray()
        self._writer: Writer | None = None
        self._fields: list[FormField] = []
        self._parts = 0
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_field": self._on_header_name,
                "on_header_value": self._on_header_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_headers,
                "on_part_data": self._on_data,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
            max_header_count=_MAX_HEADER_COUNT,
            max_header_size=MAX_HEADERS,
        )
        self._parser.logger = _Silence()  # type: ignore[assignment]

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes of the form."""
        self._size += len(data)
        try:
            if self._size > self._max_bytes:
                raise _malformed(f"it is longer than {self._max_bytes} bytes")
            self._parser.write(self._checked_start(bytes(data)))
        except FormParserError as error:
            self._give_up()
            raise _malformed(str(error)) from None
        except WireError:
            self._give_up()
            raise

    def close(self) -> tuple[FormField, ...]:
        """The fields, in order. `WireError` when the form did not come to its end."""
        if not self._ended:
            self._give_up()
            raise _malformed("it ends before its last boundary")
        return tuple(self._fields)

    def _give_up(self) -> None:
        self._ended = False
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _checked_start(self, data: bytes) -> bytes:
        """Hold the first bytes until they are known to be the boundary: no preamble is taken."""
        if self._opening is None:
            return data
        self._start += data
        if not self._opening.startswith(self._start[: len(self._opening)]):
            raise _malformed("it does not begin with its boundary")
        if len(self._start) < len(self._opening):
            return b""
        self._opening = None
        return self._start

    # --- what the parser says, in the order it says it -----------------------------------------

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > self._max_parts:
            raise _malformed(f"it has more than {self._max_parts} parts")
        self._header_bytes = 0
        self._headers = {}

    def _on_header_name(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._header_value += data[start:end]

    def _count_header(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > MAX_HEADERS:
            raise _malformed(f"a part's headers are longer than {MAX_HEADERS} bytes")

    def _end_header(self) -> None:
        name = self._header_name.lower()
        if name in self._headers:
            raise _malformed("a part has the same header twice")
        self._headers[name] = self._header_value.strip(b" \t")
        self._header_name = self._header_value = b""

    def _end_headers(self) -> None:
        if self._headers.get(b"content-transfer-encoding", b"").lower() not in _PLAIN_ENCODINGS:
            raise _malformed("a part has a transfer encoding, which forms no longer have")
        kind, options = parse_options_header(self._headers.get(b"content-disposition"))
        if kind != b"form-data" or b"name" not in options:
            raise _malformed("a part has no Content-Disposition with a name")
        self._name = _text(options[b"name"]).replace("%22", '"')
        filename = options.get(b"filename")
        self._filename = None if filename is None else _text(filename).replace("%22", '"')
        mime = self._headers.get(b"content-type")
        self._mime = None if mime is None else _text(mime)
        if self._filename is not None or (self._mime or "").startswith("image/"):
            self._writer = self._sink.open()

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._writer is not None:
            self._writer.write(memoryview(data)[start:end])
            return
        self._value += data[start:end]
        if len(self._value) > self._max_value:
            raise _malformed(f"a value is longer than {self._max_value} bytes")

    def _end_part(self) -> None:
        if self._writer is not None:
            writer, self._writer = self._writer, None
            made = FormField(
                self._name, file=writer.close(), filename=self._filename, mime=self._mime
            )
        else:
            made = FormField(self._name, value=_text(bytes(self._value)), mime=self._mime)
            self._value.clear()
        self._fields.append(made)

    def _end(self) -> None:
        self._ended = True


def encode(fields: Sequence[FormField], boundary: str) -> Body:
    """The form as a body; files by content. The caller's boundary must not occur in it.

    `"` in a name is written `%22`, as browsers do. `WireError` for a control character or
    backslash in a name, file name or type, which parsers read differently, and for a boundary
    that is malformed or stands in a value.
    """
    opening = f"--{_checked_boundary(boundary)}"
    pieces: list[Piece] = []
    for field in fields:
        pieces += _part(field, opening)
    return merge([*pieces, f"{opening}--\r\n".encode()])


def _part(field: FormField, opening: str) -> tuple[Piece, ...]:
    disposition = f'form-data; name="{_quoted(field.name)}"'
    mime = field.mime
    if field.file is not None:
        disposition += f'; filename="{_quoted(field.filename or "file")}"'
        mime = mime or "application/octet-stream"
    head = f"{opening}\r\nContent-Disposition: {disposition}\r\n"
    if mime is not None:
        head += f"Content-Type: {_checked(mime)}\r\n"
    content: Piece = FileBytes(field.file) if field.file is not None else _utf8(field.value or "")
    if isinstance(content, bytes) and opening.encode() in content:
        raise _malformed(f"the value of {field.name!r} holds the boundary")
    return (_utf8(f"{head}\r\n"), content, b"\r\n")


def _quoted(name: str) -> str:
    return _checked(name).replace('"', "%22")


def _checked(text: str) -> str:
    if _UNSAFE.search(text):
        raise _malformed(f"a control character or backslash stands in {text!r}")
    return text


def _checked_boundary(boundary: str) -> str:
    if _BOUNDARY.fullmatch(boundary) is None:
        raise _malformed("its boundary is not one")
    return boundary


def _boundary_of(header: str) -> bytes:
    """The boundary named by a `Content-Type` header."""
    kind, options = parse_options_header(header if header.isascii() else "")
    if kind != b"multipart/form-data":
        raise _malformed("the content type is not multipart/form-data with a boundary")
    return _checked_boundary(options.get(b"boundary", b"").decode("ascii")).encode()


def _text(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise _malformed("a name or value is not UTF-8") from None
    return text


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _malformed("a name or value holds a lone surrogate") from None


def _malformed(why: str) -> WireError:
    return WireError(wire="multipart", why=why)
