"""Contents in a bucket: each an object named by its hash, with a cache on this machine.

    images/ab/<sha256>   the images that were made
    blobs/ab/<sha256>    references, and what an answer needs to be replayed
    aside/…              what `gc` found belonging to nothing, for a day more
    uploads/…            files that a gateway's callers handed over
    pisang.json          whose bucket this is

What comes in is always on this disk first and stays there until its rows are committed, so whatever
happens to the bucket, or between the two, is made good by doing it again.

A bucket knows no rename that fails when somebody else was faster. So two rules keep a content that
is bought again while a sweeper is at it: what lies there longer than an hour is written anew, which
renews its time, and a sweeper copies aside what it takes away. A day later it goes for good, or,
when a row names it by then, back.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from pisang.domain.content import HEAD_BYTES, TAIL_BYTES, Content
from pisang.errors import BucketRefused, BucketUnreachable, NotFound, StoreCorrupt
from pisang.store.blobs import (
    GONE,
    Lying,
    Piece,
    check_size,
    hashed,
    measured,
    stored,
    verified,
)
from pisang.store.cache import Cache
from pisang.store.home import checked_hash
from pisang.store.objects import Meta, Objects
from pisang.store.standing import Standing

RENEW_MS = 3_600_000
"""A content that was put there within this is not put there again."""

SKEW_MS = 900_000
"""How far the service's clock may be from ours (S3 itself refuses what is signed further off)."""

THREADS = 8
"""How many answers are put there at once by one process; each has 10 MiB in memory."""

MARK = "pisang.json"
_IMAGES, _BLOBS, _ASIDE = "images/", "blobs/", "aside/"


class BucketBlobs:
    """`Blobs` in a bucket. `ledger_id` names the ledger whose rows say what is wanted there."""

    def __init__(self, objects: Objects, cache: Cache, ledger_id: Callable[[], str]) -> None:
        self._objects = objects
        self._cache = cache
        self._ledger_id = ledger_id
        self.standing = Standing(self._ask)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="bucket")

    @property
    def place(self) -> str:
        """The bucket's address."""
        return self._objects.url

    @property
    def sets_aside(self) -> bool:
        """A bucket knows no rename."""
        return True

    @property
    def threads(self) -> Executor | None:
        """Threads of their own: who waits for a bucket must keep nobody else waiting."""
        return self._threads

    def prove(self) -> None:
        """The bucket answers, takes what is written, and is this ledger's. Raises
        `BucketUnreachable`, `BucketRefused`."""
        self.standing.prove()

    def hold(self) -> str | None:
        """While the bucket is looked at, and while it is waited for; see `Standing.hold`."""
        asking = self.standing.hold()
        if asking is None:
            return None
        return f"{self.place} is looked at" if asking else f"{self.place} does not answer"

    def keep(self, pieces: Sequence[Piece]) -> None:
        """Put every file there, and have it at hand here. A bucket that does not answer is waited
        for."""
        for piece in pieces:
            folder = _IMAGES if piece.image else _BLOBS
            self._keep(piece, _key(folder, piece.sha256))

    def keep_reference(self, piece: Piece) -> None:
        """Renewed where it lies as an image."""
        image = _key(_IMAGES, piece.sha256)
        there = self.standing.insist(lambda: self._objects.head(image))
        self._keep(piece, image if there is not None else _key(_BLOBS, piece.sha256))

    def has(self, sha256: str) -> bool:
        """Whether there is an object of that name."""
        return self._find(sha256) is not None

    def name(self, sha256: str) -> str:
        """The object's address."""
        return f"{self._objects.url}/{_key(_IMAGES, sha256)}"

    def spot(self, sha256: str) -> Path:
        """Where it lies when it is at hand."""
        return self._cache.spot(sha256)

    def path(self, sha256: str) -> Path:
        """The file at hand, brought here where it wasn't. Raises `NotFound`, `StoreCorrupt`, and
        what bucket and disk raise."""
        found = self._cache.find(sha256)
        if found is not None:
            return found
        there = self._there(sha256)
        chunks = self._chunks(there, 0, there.size)
        return self._cache.fill(sha256, chunks, there.size, self._name(there))

    def content(self, sha256: str) -> Content:
        """See `Blobs`."""
        found = self._cache.find(sha256)
        if found is not None:
            return measured(found, sha256)
        there = self._there(sha256)
        head = b"".join(self._chunks(there, 0, min(HEAD_BYTES, there.size)))
        start = max(0, there.size - TAIL_BYTES)
        tail = head[start:] if len(head) == there.size else self._range(there, start, there.size)
        return Content(sha256, there.size, head, tail)

    def open(self, content: Content, *, verify: bool = False) -> Iterator[bytes]:
        """From what is at hand, else from the bucket: then it is always hashed on the way."""
        if content.inline is not None:
            return iter((content.inline,))
        sha256 = content.sha256
        found = self._cache.find(sha256, content.size)
        if found is not None:
            return self._at_hand(found, content) if verify else stored(found)
        there = self._sound(content)
        return verified(self._chunks(there, 0, there.size), sha256, self._name(there))

    def part(self, content: Content, start: int, end: int) -> Iterator[bytes]:
        """See `Blobs`."""
        found = self._cache.find(content.sha256, content.size)
        if found is not None:
            return stored(found, start, end)
        return self._chunks(self._sound(content), start, end)

    def sizes(self) -> Callable[[str], int | None]:
        """All of them are listed, once."""
        found = {one.sha256: one.size for one in self.all()}
        return found.get

    def measure(self, sha256: str) -> str:
        """From the bucket, not from what is at hand."""
        there = self._there(sha256)
        return hashed(self._chunks(there, 0, there.size))

    def all(self) -> Iterator[Lying]:
        """Every object of the three folders, those aside first: they are looked at whoever has
        them in their place too."""
        for folder in (_ASIDE, _IMAGES, _BLOBS):
            for meta in self._objects.list(folder):
                yield _lying(meta)

    def lying(self, sha256: str) -> list[Lying]:
        """See `Blobs`."""
        places = (_IMAGES, _BLOBS, _ASIDE + _IMAGES, _ASIDE + _BLOBS)
        found = (self._objects.head(_key(folder, sha256)) for folder in places)
        return [_lying(meta) for meta in found if meta is not None]

    def remove(self, one: Lying, cutoff_ms: float) -> bool:
        """Set it aside; what lies aside already goes for good."""
        if not self._is_unwanted(one, cutoff_ms):
            return False
        if not one.aside and not self._objects.copy(one.where, _ASIDE + one.where):
            return False
        self._objects.delete(one.where)
        self._cache.drop(one.sha256)
        return True

    def remove_now(self, one: Lying, cutoff_ms: float) -> bool:
        """Take it away for good. What was put there within the hour before may be some attempt's
        that found it and put it there no more."""
        if not self._is_unwanted(one, cutoff_ms - RENEW_MS - SKEW_MS):
            return False
        self._objects.delete(one.where)
        self._cache.drop(one.sha256)
        return True

    def put_back(self, one: Lying) -> None:
        """See `Blobs`."""
        place = one.where.removeprefix(_ASIDE)
        if self._objects.head(place) is None:
            self._objects.copy(one.where, place)
        self._objects.delete(one.where)

    def close(self) -> None:
        """Nobody waits for the bucket any more."""
        self.standing.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _keep(self, piece: Piece, key: str) -> None:
        self.standing.insist(lambda: self._upload(piece, key))
        self._cache.link(piece.sha256, piece.source, piece.size)

    def _upload(self, piece: Piece, key: str) -> None:
        there = self._objects.head(key)
        fresh = there is not None and time.time() * 1000 - there.modified_ms < RENEW_MS
        if there is not None and there.size == piece.size and fresh:
            return
        self._objects.put_file(key, piece.source)
        found = self._objects.head(key)
        if found is None or found.size != piece.size:
            raise BucketUnreachable(bucket=self.place, why="what was put there is not there")

    def _ask(self) -> None:
        """Read the mark, and write it: so it is known that both can be done."""
        ours = json.dumps({"ledger": self._ledger_id()}).encode()
        told = self._objects.get(MARK)
        if told is None and self._objects.create(MARK, ours):
            return
        told = told if told is not None else self._objects.get(MARK)
        if told != ours:
            raise BucketRefused(bucket=self.place, why=ANOTHERS)
        self._objects.put_bytes(MARK, ours)

    def _find(self, sha256: str) -> Meta | None:
        for folder in (_IMAGES, _BLOBS, _ASIDE + _IMAGES, _ASIDE + _BLOBS):
            found = self._objects.head(_key(folder, sha256))
            if found is not None:
                return found
        return None

    def _there(self, sha256: str) -> Meta:
        found = self._find(sha256)
        if found is None:
            raise NotFound(what="content", id=sha256)
        return found

    def _sound(self, content: Content) -> Meta:
        """The object, of the right size. Raises `StoreCorrupt`."""
        found = self._find(content.sha256)
        if found is None:
            raise StoreCorrupt(path=self.name(content.sha256), why=GONE)
        check_size(content, found.size, self._name(found))
        return found

    def _chunks(self, there: Meta, start: int, end: int) -> Iterator[bytes]:
        try:
            yield from self._objects.read(there.key, start, end)
        except KeyError as error:
            raise StoreCorrupt(path=self._name(there), why=GONE) from error

    def _range(self, there: Meta, start: int, end: int) -> bytes:
        return b"".join(self._chunks(there, start, end))

    def _at_hand(self, path: Path, content: Content) -> Iterator[bytes]:
        """What is at hand, verified. A damaged file goes: the next to ask is given the bucket's."""
        try:
            yield from verified(stored(path), content.sha256, str(path))
        except StoreCorrupt:
            self._cache.drop(content.sha256)
            raise

    def _is_unwanted(self, one: Lying, cutoff_ms: float) -> bool:
        """Whether nobody has put it there since, looked at once more."""
        now = self._objects.head(one.where)
        return now is not None and now.modified_ms < cutoff_ms

    def _name(self, there: Meta) -> str:
        return f"{self._objects.url}/{there.key}"


ANOTHERS = "another ledger's images are there: give these a prefix of their own"


def _key(folder: str, sha256: str) -> str:
    return f"{folder}{checked_hash(sha256)[:2]}/{sha256}"


def _lying(meta: Meta) -> Lying:
    aside = meta.key.startswith(_ASIDE)
    name = meta.key.rpartition("/")[2]
    return Lying(name, meta.key, meta.size, meta.modified_ms, aside)
