"""Files that callers of a gateway handed over, for two days (Google's Files API keeps as long).

    uploads/<id>.json   what it is, and the hash of the right to send its bytes
    uploads/<id>        its bytes, as far as they came

They are no part of the ledger: what a request used of them is a reference of its own by then.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pisang.errors import NotFound, OptionInvalid
from pisang.store.home import FILE_MODE, Home, checked_name, unusable

LIFE_MS = 48 * 3_600_000
"""ai.google.dev, Files API: files are stored for 48 hours."""

MOST_BYTES = 100 * 1024 * 1024
"""As much as a request may hold."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One file. `sha256` is None until its last byte came; `scope` is whose it is."""

    id: str
    scope: str
    mime: str
    name: str | None
    token_hash: str
    created_ms: int
    ended_ms: int | None = None
    size: int = 0
    sha256: str | None = None

    @property
    def expires_ms(self) -> int:
        """When it is gone, in Unix milliseconds."""
        return self.created_ms + LIFE_MS


class Uploads:
    """The folder of them. Blocks; what the disk refuses is `HomeUnusable`."""

    def __init__(self, home: Home, clock_ms: Callable[[], int]) -> None:
        self._folder = home.uploads
        self._clock_ms = clock_ms

    def begin(self, scope: str, mime: str, name: str | None) -> tuple[Upload, str]:
        """A new one, and the right to send its bytes: who holds it needs no key."""
        self._sweep()
        token = secrets.token_hex(32)
        digest = hashlib.sha256(token.encode()).hexdigest()
        upload = Upload(secrets.token_hex(10), scope, mime, name, digest, self._clock_ms())
        self._write(upload)
        return upload, f"{upload.id}.{token}"

    def open(self, right: str) -> Upload:
        """The one that this is the right to. Raises `NotFound`."""
        file_id, _, token = right.partition(".")
        upload = self._read(file_id)
        digest = hashlib.sha256(token.encode()).hexdigest()
        if upload is None or not hmac.compare_digest(digest, upload.token_hash):
            raise NotFound(what="upload", id=file_id[:40])
        return upload

    def received(self, upload: Upload) -> int:
        """How many bytes of it are there."""
        path = self.path(upload)
        return path.stat().st_size if path.exists() else 0

    def append(self, upload: Upload, data: bytes) -> None:
        """Write more of its bytes. Raises `OptionInvalid` where they are too many."""
        if upload.sha256 is not None or self.received(upload) + len(data) > MOST_BYTES:
            why = f"it holds at most {MOST_BYTES:,} bytes, sent once"
            raise OptionInvalid(option="file", value=upload.id, why=why)
        path = self.path(upload)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            with os.fdopen(os.open(path, flags, FILE_MODE), "ab") as file:
                file.write(data)
        except OSError as error:
            raise unusable(path, error) from error

    def finish(self, upload: Upload) -> Upload:
        """It is whole from now on."""
        whole = self._measured(upload)
        self._write(whole)
        return whole

    def _measured(self, upload: Upload) -> Upload:
        self.append(upload, b"")
        with self.path(upload).open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = self.received(upload)
        return replace(upload, ended_ms=self._clock_ms(), size=size, sha256=sha256)

    def get(self, file_id: str, scope: str) -> Upload:
        """The whole file of that id that is that scope's. Raises `NotFound`."""
        upload = self._read(file_id)
        if upload is None or upload.scope != scope or upload.sha256 is None:
            raise NotFound(what="file", id=file_id[:40])
        return upload

    def all(self, scope: str) -> list[Upload]:
        """The whole files of that scope, newest first."""
        mine = [one for one in self._alive() if one.scope == scope and one.sha256]
        return sorted(mine, key=lambda one: one.created_ms, reverse=True)

    def delete(self, file_id: str, scope: str) -> None:
        """Take it away. Raises `NotFound`."""
        self._remove(self.get(file_id, scope).id)

    def path(self, upload: Upload) -> Path:
        """Where its bytes lie."""
        return self._folder / upload.id

    def _read(self, file_id: str) -> Upload | None:
        if not file_id.isascii() or not file_id.isalnum():
            return None
        upload = self._load(file_id)
        return upload if upload and self._clock_ms() < upload.expires_ms else None

    def _load(self, file_id: str) -> Upload | None:
        try:
            return load_upload(self._record(file_id).read_bytes())
        except FileNotFoundError:
            return None

    def _write(self, upload: Upload) -> None:
        record = self._record(upload.id)
        new = record.with_suffix(".new")
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
            with os.fdopen(descriptor, "wb") as file:
                file.write(dump_upload(upload))
            new.replace(record)
        except OSError as error:
            raise unusable(record, error) from error

    def _alive(self) -> Iterator[Upload]:
        for file_id in self._ids():
            upload = self._read(file_id)
            if upload is not None:
                yield upload

    def _ids(self) -> Iterator[str]:
        return (record.stem for record in self._folder.glob("*.json"))

    def _sweep(self) -> None:
        """Take away what has expired."""
        for record in self._folder.glob("*.json"):
            if self._read(record.stem) is None:
                self._remove(record.stem)

    def _remove(self, file_id: str) -> None:
        self._record(file_id).unlink(missing_ok=True)
        (self._folder / file_id).unlink(missing_ok=True)

    def _record(self, file_id: str) -> Path:
        return self._folder / f"{checked_name(file_id)}.json"


def dump_upload(upload: Upload) -> bytes:
    """What is kept of an upload beside its bytes."""
    return json.dumps(asdict(upload)).encode()


def load_upload(data: bytes) -> Upload:
    """The upload that `dump_upload` wrote."""
    return Upload(**json.loads(data))
