"""Reference pictures as a user names them: a path, an image of ours, `last`, `-`, `label=…`.

What a reference is, is told by its bytes. It is copied into the store before anything is sent, so
that the request can be repeated whatever becomes of the file.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from pisang.client.files import reason_of
from pisang.domain.content import Content
from pisang.domain.image import sniff_mime
from pisang.domain.ledger import ImageRow
from pisang.errors import NotFound, PisangError, ReferenceTooLarge, ReferenceUnreadable

MAX_BYTES = 256 * 1024 * 1024
"""No upstream takes a picture beyond 100 MB; twice that is a mistake, not a picture."""

LAST = "last"
STDIN = "-"

_ID = re.compile(r"^(?:(?:req|att)_[0-9a-z]{4,26}|[0-9a-f]{6,64})$")
_LABEL = re.compile(r"^(?P<label>[^=/\\]{1,40})=(?P<rest>.+)$", re.DOTALL)
_ADDRESS = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_DATA = re.compile(r"^data:", re.IGNORECASE)


class Shelf(Protocol):
    """What is needed of the store to take a reference in, or to find an image of ours."""

    def put_bytes(self, data: bytes) -> Content: ...

    def put_file(self, path: Path) -> Content: ...

    def content(self, sha256: str) -> Content: ...

    def path(self, sha256: str) -> Path: ...

    def image(self, prefix: str) -> ImageRow: ...

    def last_image(self, folder: str, scope: str = "local") -> ImageRow | None: ...


@dataclass(frozen=True, slots=True)
class Reference:
    """A picture that is in the store. `image` is its row where it is one of ours."""

    content: Content
    mime: str
    label: str | None = None
    image: ImageRow | None = None


def take_reference(
    word: str | Path | bytes | Reference,
    shelf: Shelf,
    *,
    folder: Path,
    stdin: BinaryIO | None = None,
) -> Reference:
    """The reference that `word` names; one that a face took in itself is given back. Raises
    `ReferenceUnreadable`, `ReferenceTooLarge`, `NotFound` or `Ambiguous`."""
    if isinstance(word, Reference):
        return word
    if isinstance(word, bytes):
        return _taken(shelf.put_bytes(word), "<bytes>", None, shelf)
    if isinstance(word, Path):
        return _from_file(word, shelf, folder, None)
    label, name = _split_label(word, folder)
    if name == STDIN:
        return _from_stdin(shelf, stdin or sys.stdin.buffer, label)
    if name == LAST:
        return _ours(_last(shelf, folder), shelf, label)
    if is_address(name):
        shown = name.split("?")[0][:80]
        why = "addresses are not fetched: save the picture and give its path"
        raise ReferenceUnreadable(reference=shown, why=why)
    if is_id(name) and not (folder / name).exists():
        return _ours(shelf.image(name), shelf, label)
    return _from_file(Path(name), shelf, folder, label)


def is_id(word: str) -> bool:
    """Whether a word is an id of ours or the beginning of one: a request's, an image's."""
    return _ID.match(word) is not None


def is_address(word: str) -> bool:
    """Whether a word is a URL, `data:` included: none is ever fetched as a reference."""
    return _ADDRESS.match(word) is not None or _DATA.match(word) is not None


def _split_label(word: str, folder: Path) -> tuple[str | None, str]:
    """A file whose own name has a `=` is that file."""
    found = _LABEL.match(word)
    if found is None or _there(folder / word):
        return None, word
    return found["label"].strip() or None, found["rest"]


def _there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _last(shelf: Shelf, folder: Path) -> ImageRow:
    image = shelf.last_image(str(folder))
    if image is None:
        raise NotFound(what="image made in this folder yet, to be", id=LAST)
    return image


def _ours(image: ImageRow, shelf: Shelf, label: str | None) -> Reference:
    try:
        content = shelf.content(image.sha256)
    except PisangError as error:
        why = f"its bytes are gone ({error.message()})"
        raise ReferenceUnreadable(reference=image.sha256[:12], why=why) from error
    return Reference(content, image.mime, label, image)


def _from_file(path: Path, shelf: Shelf, folder: Path, label: str | None) -> Reference:
    shown = str(path)
    try:
        full = folder / path.expanduser()
        if not full.is_file():
            raise ReferenceUnreadable(reference=shown, why=_why_no_file(full))
        size = full.stat().st_size
        if size > MAX_BYTES:
            raise ReferenceTooLarge(size=_megabytes(size), limit=_megabytes(MAX_BYTES))
        return _taken(shelf.put_file(full), shown, label, shelf)
    except OSError as error:
        raise ReferenceUnreadable(reference=shown, why=reason_of(error)) from error
    except (ValueError, RuntimeError) as error:
        raise ReferenceUnreadable(reference=shown, why="that is no file name") from error


def _why_no_file(path: Path) -> str:
    if path.is_dir():
        return "it is a folder"
    try:
        path.stat()
    except FileNotFoundError:
        return "there is no such file"
    except OSError as error:
        return reason_of(error)
    return "it is not a plain file"


def _from_stdin(shelf: Shelf, stdin: BinaryIO, label: str | None) -> Reference:
    if stdin.isatty():
        raise ReferenceUnreadable(reference=STDIN, why="nothing is piped in")
    data = stdin.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ReferenceTooLarge(size=f"over {_megabytes(MAX_BYTES)}", limit=_megabytes(MAX_BYTES))
    return _taken(shelf.put_bytes(data), STDIN, label, shelf)


def _taken(content: Content, shown: str, label: str | None, shelf: Shelf) -> Reference:
    """The picture; bytes that were made here are the image of ours that they are."""
    if content.size == 0:
        raise ReferenceUnreadable(reference=shown, why="it is empty")
    mime = sniff_mime(content.head)
    if mime is None:
        why = "its bytes are no picture (PNG, JPEG, WebP, GIF, AVIF or HEIC)"
        raise ReferenceUnreadable(reference=shown, why=why)
    return Reference(content, mime, label, _image_of(content, shelf))


def _image_of(content: Content, shelf: Shelf) -> ImageRow | None:
    try:
        return shelf.image(content.sha256)
    except NotFound:
        return None


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.0f} MB"
