"""What may be asked of contents: references taken in, pictures and stored answers given out.

One half of the store's door (`store.Store`), which is one of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pisang.domain.content import Content
from pisang.errors import StoreCorrupt
from pisang.store.answers import Answers
from pisang.store.blobs import Blobs
from pisang.store.incoming import Incoming
from pisang.store.references import References


class Contents:
    """Bytes by the hash of them. What says so blocks; any thread may ask."""

    _answers: Answers
    _blobs: Blobs
    _references: References

    def put_bytes(self, data: bytes) -> Content:
        """Take bytes in for good, as a reference; the content they are."""
        return self._references.put_bytes(data)

    def put_file(self, path: Path) -> Content:
        """Take a file in for good, as a reference. Raises `ReferenceUnreadable`,
        `ReferenceTooLarge`."""
        return self._references.put_file(path)

    def spool(self, call_id: str) -> Incoming:
        """Where the long strings of a caller's call are written while they arrive. `adopt` keeps
        them as references, `let_go` takes them away."""
        return self._answers.incoming(call_id)

    def adopt(self, call_id: str) -> None:
        """Keep what came in with a call, before its request is written down. Blocks."""
        self._answers.adopt(call_id)

    def content(self, sha256: str, size: int | None = None) -> Content:
        """The content of that hash. Raises `NotFound`, and `StoreCorrupt` when a size is given
        and is not the file's."""
        content = self._blobs.content(sha256)
        if size is not None and content.size != size:
            why = f"it has {content.size:,} bytes, and {size:,} were written"
            raise StoreCorrupt(path=self._blobs.name(sha256), why=why)
        return content

    def path(self, sha256: str) -> Path:
        """A file on this machine with that content; read it soon, never write it. Blocks where
        it has to be brought here first. Raises `NotFound`."""
        return self._blobs.path(sha256)

    def bring(self, contents: Iterable[Content]) -> None:
        """Have these contents on this machine. Blocks. Raises what is in the way."""
        for content in contents:
            if content.inline is None:
                self._blobs.path(content.sha256)

    def spot(self, sha256: str) -> Path:
        """Where an image lies on this machine, if it does. Touches nothing."""
        return self._blobs.spot(sha256)

    def part(self, content: Content, start: int, end: int) -> Iterator[bytes]:
        """Its bytes from `start` up to, not including, `end`. Raises `StoreCorrupt` when it is not
        there."""
        return self._blobs.part(content, start, end)

    def read(self, content: Content, *, verify: bool = False) -> Iterator[bytes]:
        """The bytes of a content, a megabyte at a time. Raises `StoreCorrupt` when they are not
        there; with `verify`, the last of them come only once their hash was right."""
        return self._blobs.open(content, verify=verify)
