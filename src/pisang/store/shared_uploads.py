"""Uploaded files where several gateways share a bucket: one takes a file in, any other may use it.

    uploads/<id>.json   in the bucket from the beginning; whose it is and, once whole, its hash
    uploads/<id>        its bytes, once all of them came

The pieces of one file come to one machine's disk. A file that fits in one piece (8 MiB in Google's
SDKs) may be begun at one machine and sent to another.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pisang.errors import NotFound
from pisang.store.blobs import verified
from pisang.store.files import Files, remove
from pisang.store.home import Home
from pisang.store.objects import Objects
from pisang.store.uploads import LIFE_MS, Upload, Uploads, dump_upload, load_upload

_FOLDER = "uploads/"
_RECORD = ".json"
_SWEEP_S = 3600.0


class SharedUploads(Uploads):
    """`Uploads` whose whole files are in a bucket. Blocks; raises what the bucket raises too."""

    def __init__(
        self, home: Home, clock_ms: Callable[[], int], objects: Objects, files: Files
    ) -> None:
        super().__init__(home, clock_ms)
        self._objects = objects
        self._files = files
        self._swept_s = -_SWEEP_S

    def finish(self, upload: Upload) -> Upload:
        """It is whole from now on, for everybody. Its bytes are there before it says so."""
        whole = self._measured(upload)
        self._objects.put_file(_FOLDER + whole.id, super().path(whole))
        self._write(whole)
        return whole

    def path(self, upload: Upload) -> Path:
        """Where its bytes lie on this machine, brought here where they came to another. Raises
        `NotFound`, `StoreCorrupt`."""
        here = super().path(upload)
        if upload.sha256 is None or (here.exists() and here.stat().st_size == upload.size):
            return here
        new = here.with_suffix(".here")
        key = _FOLDER + upload.id
        try:
            chunks = self._objects.read(key, 0, upload.size)
            self._files.write_chunks(new, verified(chunks, upload.sha256, key))
            new.replace(here)
        except KeyError as error:
            raise NotFound(what="file", id=upload.id) from error
        finally:
            remove((new,))
        return here

    def _load(self, file_id: str) -> Upload | None:
        data = self._objects.get(_FOLDER + file_id + _RECORD)
        return None if data is None else load_upload(data)

    def _write(self, upload: Upload) -> None:
        self._objects.put_bytes(_FOLDER + upload.id + _RECORD, dump_upload(upload))

    def _ids(self) -> Iterator[str]:
        for meta in self._objects.list(_FOLDER):
            if meta.key.endswith(_RECORD):
                yield meta.key.removeprefix(_FOLDER).removesuffix(_RECORD)

    def _sweep(self) -> None:
        """Take away what is past its time, once an hour: its own age says so."""
        if time.monotonic() - self._swept_s < _SWEEP_S:
            return
        self._swept_s = time.monotonic()
        before_ms = self._clock_ms() - LIFE_MS
        for meta in self._objects.list(_FOLDER):
            if meta.modified_ms < before_ms:
                self._objects.delete(meta.key)
        for path in self._folder.iterdir():
            if path.stat().st_mtime * 1000 < before_ms:
                remove((path,))

    def _remove(self, file_id: str) -> None:
        for key in (_FOLDER + file_id + _RECORD, _FOLDER + file_id):
            self._objects.delete(key)
        remove((self._folder / file_id,))
