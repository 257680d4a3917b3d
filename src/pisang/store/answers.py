"""An answer on its way from the wire to the ledger: incoming, kept, settled, forgotten."""

from __future__ import annotations

import secrets
import threading
from pathlib import Path

from pisang.domain.answer import Answer
from pisang.domain.content import Content
from pisang.errors import NotFound, PisangError, StoreCorrupt
from pisang.store.blobs import Blobs, Piece
from pisang.store.files import Files, remove
from pisang.store.home import Home, unusable
from pisang.store.incoming import Incoming
from pisang.store.records import contents_of, is_whole, pack, unpack
from pisang.store.settle import Record

MANY = 10**15
"""Far beyond the contents of one answer."""


class Answers:
    """What has come in for the attempts of this process and is not settled yet."""

    def __init__(self, home: Home, files: Files, blobs: Blobs) -> None:
        self._home = home
        self._files = files
        self._blobs = blobs
        self._incoming: dict[str, Incoming] = {}
        self._records: dict[str, Record] = {}
        self._lock = threading.Lock()

    def incoming(self, attempt_id: str) -> Incoming:
        """The one sink of that attempt."""
        with self._lock:
            found = self._incoming.get(attempt_id)
            if found is None:
                found = Incoming(self._home, self._files, attempt_id)
                self._incoming[attempt_id] = found
            return found

    def reopen(self, attempt_id: str) -> None:
        """A new sink for an attempt that came to an end, its files named like no other's: two
        processes may look at one attempt at once."""
        with self._lock:
            first = secrets.randbelow(MANY) + MANY
            self._incoming[attempt_id] = Incoming(self._home, self._files, attempt_id, first=first)

    def keep(self, attempt_id: str, answer: Answer, contents: tuple[Content, ...]) -> None:
        """Note the answer, sync what came in, then give every content its lasting name.

        What is settled after it has all its contents for good. What a killed process leaves is
        found in `incoming/`, the answer too; where keeping contents may take long (a bucket), also
        by whoever comes after a power cut. Blocks where there are contents, and only then.
        """
        incoming = self.incoming(attempt_id)
        images = {content.sha256: content for content in contents}
        needed = {content.sha256: content for content, _ in contents_of(answer)} | images
        sources = {sha256: self._source(incoming, needed[sha256]) for sha256 in needed}
        record, path = pack(answer, frozenset(images)), self._home.record(attempt_id)
        self._files.write_all(path, record.packed)
        if needed:
            pieces = [
                Piece(sha256, needed[sha256].size, source, image=sha256 in images)
                for sha256, source in sources.items()
                if source is not None
            ]
            waits = (path, self._home.incoming) if self._blobs.threads is not None else ()
            self._files.sync((*(piece.source for piece in pieces), *waits))
            self._blobs.keep(pieces)
        with self._lock:
            self._records[attempt_id] = record

    def adopt(self, call_id: str) -> None:
        """Keep what came in with a caller's call for good, as references."""
        incoming = self.incoming(call_id)
        pieces = {sha256: path for sha256, path in incoming.pieces.items() if path.exists()}
        self._files.sync(pieces.values())
        self._blobs.keep(
            [Piece(sha256, path.stat().st_size, path) for sha256, path in pieces.items()]
        )
        self.forget(call_id, salvage=False)

    def record(self, attempt_id: str) -> Record | None:
        """What `keep` stored of that attempt; None when it was never called."""
        with self._lock:
            return self._records.get(attempt_id)

    def forget(self, attempt_id: str, *, salvage: bool) -> None:
        """The attempt is settled: its incoming names go, unless they are left for `gc` to find
        (an answer that was never kept and whose outcome is unknown)."""
        with self._lock:
            incoming = self._incoming.pop(attempt_id, None)
            self._records.pop(attempt_id, None)
        if not salvage:
            if incoming is not None:
                incoming.discard()
            remove((self._home.record(attempt_id),))

    def release(self, attempt_id: str) -> None:
        """Nobody here works on that attempt any more; its files stay for a recovery."""
        with self._lock:
            self._incoming.pop(attempt_id, None)
            self._records.pop(attempt_id, None)

    def left_over(self) -> dict[str, list[Path]]:
        """Files in `incoming/` of attempts that nobody here works on, by attempt."""
        left: dict[str, list[Path]] = {}
        for attempt_id, path in self._home.came_in():
            left.setdefault(attempt_id, []).append(path)
        with self._lock:
            return {id: paths for id, paths in left.items() if id not in self._incoming}

    def unpack(self, packed: bytes, *, whole: bool) -> Answer:
        """A stored answer. One whose raw contents were let go names them all the same."""
        return unpack(packed, self._load if whole else self._load_rest)

    def salvage(self, attempt_id: str) -> tuple[Answer | None, tuple[Content, ...]]:
        """What a dead process left of an attempt: its stored answer, if whole, and what came in."""
        paths = [path for owner, path in self._home.came_in() if owner == attempt_id]
        pieces = [path for path in paths if path != self._home.record(attempt_id)]
        incoming = Incoming(self._home, self._files, attempt_id, pieces)
        contents = incoming.read_found()
        with self._lock:
            self._incoming[attempt_id] = incoming
        if len(pieces) == len(paths):
            return None, contents
        packed = _read(self._home.record(attempt_id))
        found = {content.sha256: content for content in contents}
        try:
            return self._unpack_found(packed, found), contents
        except PisangError:
            return None, contents

    def _unpack_found(self, packed: bytes, found: dict[str, Content]) -> Answer | None:
        if not is_whole(packed):
            return None
        return unpack(packed, lambda sha256, size: found.get(sha256) or self._load(sha256, size))

    def _source(self, incoming: Incoming, content: Content) -> Path | None:
        """The file to keep a content from; None when it lies in its place already."""
        path = incoming.pieces.get(content.sha256)
        if path is not None and path.exists():
            return path
        if content.inline is not None:
            writer = incoming.open()
            writer.write(content.inline)
            return incoming.pieces[writer.close().sha256]
        if not self._blobs.has(content.sha256):
            where = str(self._home.incoming)
            why = f"the content {content.sha256[:12]} never came in"
            raise StoreCorrupt(path=where, why=why)
        return None

    def _load(self, sha256: str, size: int) -> Content:
        content = self._blobs.content(sha256)
        if content.size != size:
            path = self._blobs.name(sha256)
            raise StoreCorrupt(path=path, why=f"it has {content.size:,} bytes, not {size:,}")
        return content

    def _load_rest(self, sha256: str, size: int) -> Content:
        try:
            return self._load(sha256, size)
        except NotFound:
            return Content(sha256, size, b"", b"")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise unusable(path, error) from error
