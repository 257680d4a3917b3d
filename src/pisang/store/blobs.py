"""Contents at rest, by the SHA-256 of their bytes: what everybody else may ask of them.

Two kinds of place keep them: a folder of the home (`folder`), or a bucket (`bucket`). Nobody above
this package notices which.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from hashlib import sha256 as new_hash
from pathlib import Path
from typing import Protocol

from pisang.domain.content import HEAD_BYTES, TAIL_BYTES, Content
from pisang.errors import StoreCorrupt
from pisang.store.files import CHUNK

OTHER_BYTES = "its bytes are not the ones that were written"

GONE = "it is not there any more"

_NAME = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Piece:
    """A file that is to be kept for good: synced, and of the bytes that its hash says.

    `image`: it goes to the images, and not to what only a replay needs.
    """

    sha256: str
    size: int
    source: Path
    image: bool = False


@dataclass(frozen=True, slots=True)
class Lying:
    """Something that lies among the contents. `wanted_ms`: when it was last put there (Unix time);
    `aside`: a sweeper has taken it out of its place, and may yet let it go."""

    sha256: str
    where: str
    size: int
    wanted_ms: float
    aside: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether it has the name of a content; what has not is somebody else's."""
        return _NAME.fullmatch(self.sha256) is not None


class Blobs(Protocol):
    """Contents at rest. Everything blocks; any thread may ask."""

    @property
    def place(self) -> str:
        """Where the images are, for people to read."""
        ...

    @property
    def sets_aside(self) -> bool:
        """Whether `remove` only sets aside what lies in its place, and takes away what is aside."""
        ...

    @property
    def threads(self) -> Executor | None:
        """Threads for who has to wait long for it; None where any will do."""
        ...

    def prove(self) -> None:
        """Ask whether contents can be put there at this moment. Raises what is in the way."""
        ...

    def hold(self) -> str | None:
        """Why nothing should be bought just now, in words; None when all is well. Doesn't block.

        Raises what will not pass by waiting.
        """
        ...

    def keep(self, pieces: Sequence[Piece]) -> None:
        """Put contents there for good. One that is there already is renewed, so that `gc` sees it
        is wanted. Their own files stay. Raises what is in the way: then some may be there."""
        ...

    def keep_reference(self, piece: Piece) -> None:
        """Put a content there that may be an image of ours already: then it is renewed."""
        ...

    def has(self, sha256: str) -> bool:
        """Whether that content is there."""
        ...

    def name(self, sha256: str) -> str:
        """Where an image of that hash lies, or would lie, for people to read."""
        ...

    def spot(self, sha256: str) -> Path:
        """Where an image of that hash lies on this machine, if it does."""
        ...

    def path(self, sha256: str) -> Path:
        """A file on this machine with that content, brought here where it was elsewhere; read it
        soon. Raises `NotFound`."""
        ...

    def content(self, sha256: str) -> Content:
        """That content, with its first and last bytes read again.

        Raises `NotFound`, and `StoreCorrupt` when it can't be read.
        """
        ...

    def open(self, content: Content, *, verify: bool = False) -> Iterator[bytes]:
        """The bytes of a content, about a megabyte at a time.

        Raises `StoreCorrupt` at once when it is gone or has another size. With `verify` it is
        hashed on the way, and the last piece is held back until the hash is right: a damaged
        picture is never handed out whole.
        """
        ...

    def part(self, content: Content, start: int, end: int) -> Iterator[bytes]:
        """Its bytes from `start` up to, not including, `end`. Raises `StoreCorrupt` at once when
        it is gone."""
        ...

    def sizes(self) -> Callable[[str], int | None]:
        """The size of a content by its hash; None for what is not there."""
        ...

    def measure(self, sha256: str) -> str:
        """The hash of what lies there under that one: every byte of it is read."""
        ...

    def all(self) -> Iterator[Lying]:
        """Everything that lies there, and what is not ours beside it."""
        ...

    def lying(self, sha256: str) -> list[Lying]:
        """What lies there of that content."""
        ...

    def remove(self, one: Lying, cutoff_ms: float) -> bool:
        """Take it away unless it was wanted since; whether it went (or was set aside to go)."""
        ...

    def remove_now(self, one: Lying, cutoff_ms: float) -> bool:
        """Take it away for good unless it was wanted since: somebody asked for that by name."""
        ...

    def put_back(self, one: Lying) -> None:
        """Undo a `remove` that a sweeper was killed at: what lies aside gets its place again."""
        ...

    def close(self) -> None:
        """Wait for nothing any more, and let go."""
        ...


def verified(chunks: Iterable[bytes], sha256: str, name: str) -> Iterator[bytes]:
    """The chunks, the last of them only once all of them have that hash. Raises `StoreCorrupt`."""
    found = new_hash()
    held = b""
    for chunk in chunks:
        found.update(chunk)
        if held:
            yield held
        held = chunk
    if found.hexdigest() != sha256:
        raise StoreCorrupt(path=name, why=OTHER_BYTES)
    if held:
        yield held


def stored(path: Path, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The bytes of a file, a megabyte at a time. Raises `StoreCorrupt`."""
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(start)
            left = CHUNK if end is None else end - start
            while left > 0 and (chunk := file.read(min(CHUNK, left))):
                left -= len(chunk) if end is not None else 0
                yield chunk
    except OSError as error:
        raise unreadable(path, error) from error


def measured(path: Path, sha256: str) -> Content:
    """The content in a file, its hash believed. Raises `StoreCorrupt`."""
    try:
        with path.open("rb", buffering=0) as file:
            size = file.seek(0, 2)
            file.seek(0)
            head = file.read(HEAD_BYTES)
            file.seek(max(0, size - TAIL_BYTES))
            return Content(sha256, size, head, file.read(TAIL_BYTES))
    except OSError as error:
        raise unreadable(path, error) from error


def check_size(content: Content, size: int, name: str) -> None:
    """Raises `StoreCorrupt` where what lies there has another size."""
    if size != content.size:
        why = f"it has {size:,} bytes, and {content.size:,} were written"
        raise StoreCorrupt(path=name, why=why)


def hashed(chunks: Iterable[bytes]) -> str:
    """The SHA-256 of all these bytes."""
    found = new_hash()
    for chunk in chunks:
        found.update(chunk)
    return found.hexdigest()


def unreadable(path: Path, error: OSError) -> StoreCorrupt:
    """`StoreCorrupt` in words."""
    return StoreCorrupt(path=str(path), why=f"it can't be read ({error.strerror or error})")
