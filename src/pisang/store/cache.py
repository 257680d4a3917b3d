"""Contents of a bucket that are kept at hand: a folder of bounded size, oldest use out first.

Any number of processes share it. A file has its name only once it is whole and its hash is right,
and never changes. What was used within the last minutes stays, whatever the bound: somebody may be
about to open it. All of it may be deleted at any time.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from pisang.store.blobs import verified
from pisang.store.files import Files, remove
from pisang.store.home import FOLDER_MODE, checked_hash

IN_USE_S = 600
_STALE_S = 3600
_FRESH_S = 30
"""A use is written down at most this often."""

_NEW = ".new"


class Cache:
    """`root/ab/<sha256>`."""

    def __init__(self, root: Path, most_bytes: int, files: Files) -> None:
        self._root = root
        self._most = most_bytes
        self._files = files
        self._lock = threading.Lock()
        self._added = most_bytes  # so that the first addition looks at what others left

    def spot(self, sha256: str) -> Path:
        """Where that content lies, if it does."""
        return self._root / checked_hash(sha256)[:2] / sha256

    def find(self, sha256: str, size: int | None = None) -> Path | None:
        """That content's file, which is now in use; None when it isn't here, or has another
        size."""
        path = self.spot(sha256)
        try:
            status = os.stat(path)
            if size is not None and status.st_size != size:
                remove((path,))
                return None
            if time.time() - status.st_mtime > _FRESH_S:
                os.utime(path)
        except OSError:
            return None
        return path

    def link(self, sha256: str, source: Path, size: int) -> None:
        """Have a (synced) file here too, without a copy, in place of what may be here; where that
        can't be, it isn't here."""
        path = self.spot(sha256)
        new = self._new(path)
        try:
            self._make_shelf(path)
            os.link(source, new)
            os.replace(new, path)
            os.utime(path)
        except OSError:
            return
        finally:
            remove((new,))  # which is still there when both names were one file's
        self._added_one(size)

    def fill(self, sha256: str, chunks: Iterable[bytes], size: int, name: str) -> Path:
        """Take that content in; its file. Raises what `chunks` raises, `StoreCorrupt` for bytes of
        another hash, and what the disk raises."""
        path = self.spot(sha256)
        new = self._new(path)
        try:
            self._make_shelf(path)
        except OSError as error:
            raise self._files.refused(error, path) from error
        try:
            self._files.write_chunks(new, verified(chunks, sha256, name))
            try:
                os.replace(new, path)
            except OSError as error:
                raise self._files.refused(error, path) from error
        finally:
            remove((new,))
        self._added_one(size)
        return path

    def drop(self, sha256: str) -> None:
        """Have that content here no more."""
        remove((self.spot(sha256),))

    def held_bytes(self) -> int:
        """How much is here."""
        return sum(size for _, size, _ in self._all())

    def _new(self, path: Path) -> Path:
        return path.with_name(f"{secrets.token_hex(8)}{_NEW}")

    def _make_shelf(self, path: Path) -> None:
        for folder in (self._root, path.parent):
            folder.mkdir(mode=FOLDER_MODE, exist_ok=True)

    def _added_one(self, size: int) -> None:
        """Look at the whole folder once an eighth of what it may hold was added."""
        with self._lock:
            self._added += size
            if self._added * 8 < self._most:
                return
            self._added = 0
        self._trim()

    def _trim(self) -> None:
        now = time.time()
        found = sorted(self._all())
        held = sum(size for _, size, _ in found)
        for used_s, size, path in found:
            is_new = path.name.endswith(_NEW)
            if is_new and now - used_s > _STALE_S:
                remove((path,))
            elif held > self._most * 9 // 10 and now - used_s > IN_USE_S and not is_new:
                remove((path,))
                held -= size

    def _all(self) -> Iterator[tuple[float, int, Path]]:
        """Every file: when it was last used, its size, its path."""
        for path in self._root.glob("*/*"):
            try:
                status = os.stat(path)
            except OSError:
                continue
            yield status.st_mtime, status.st_size, path
