"""The one door to an S3-compatible service: the objects of a bucket, by key.

Everything blocks; any thread may call. A call gives up by itself within a bounded time. What goes
wrong is `BucketUnreachable` (it may pass) or `BucketRefused` (somebody has to set it right), in
words of our own: what a service says may hold anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pisang.errors import BucketRefused, BucketUnreachable, ExtraMissing, PisangError
from pisang.store.storage import Bucket

PART_BYTES = 5 * 1024 * 1024
"""The least that S3 takes as a part; two at a time are in memory."""

RANGE_BYTES = 4 * 1024 * 1024
"""How much is asked for at once: each range has time limits and tries of its own."""

_AT_ONCE = 2

_TRIES = 2
"""How often a range is asked for that came short; one that was cut is asked for again below."""

Result = TypeVar("Result")

_OPTIONS = {"connect_timeout": "4s", "user_agent": "pisang"}

LONG, SHORT = "60s", "10s"
"""How long a part or a range may take (0.7 Mbit/s will do), and how long a question."""

_RETRIES: dict[str, Any] = {
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=8),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=2),
        "base": 2,
    },
}


@dataclass(frozen=True, slots=True)
class Meta:
    """One object: its key under the prefix, its size, and when it was written by the service's own
    clock (Unix time)."""

    key: str
    size: int
    modified_ms: float


class Objects:
    """The objects of one bucket under one prefix."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self.url = bucket.url

    def head(self, key: str) -> Meta | None:
        """What is known of an object; None where there is none."""
        return self._look(lambda: _meta(self._asking.head(key)))

    def put_file(self, key: str, path: Path) -> None:
        """Write an object from a file, whole or not at all; the service checks each part's hash
        (it is signed). A large one goes in parts and is never in memory whole."""
        self._do(
            lambda: self._store.put(key, path, chunk_size=PART_BYTES, max_concurrency=_AT_ONCE)
        )

    def put_bytes(self, key: str, data: bytes) -> None:
        """Write a small object."""
        self._do(lambda: self._asking.put(key, data))

    def create(self, key: str, data: bytes) -> bool:
        """Write a small object where there is none; whether there was none."""
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        try:
            self._asking.put(key, data, mode="create")
        except (AlreadyExistsError, PreconditionError):
            return False
        except Exception as error:  # noqa: BLE001 - every kind is told or raised again
            raise self._told(error) from None
        return True

    def get(self, key: str) -> bytes | None:
        """A small object whole; None where there is none."""
        return self._look(lambda: bytes(self._asking.get(key).bytes()))

    def range(self, key: str, start: int, end: int) -> bytes:
        """The bytes from `start` up to, not including, `end`: all of them. Raises `KeyError` where
        there is no such object."""
        if start >= end:
            return b""
        for _ in range(_TRIES):
            found = self._look(lambda: bytes(self._store.get_range(key, start=start, end=end)))
            if found is None:
                raise KeyError(key)
            if len(found) == end - start:
                return found
        raise BucketUnreachable(bucket=self.url, why="it gives fewer bytes than it has")

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The same, a piece at a time."""
        for place in range(start, end, RANGE_BYTES):
            yield self.range(key, place, min(place + RANGE_BYTES, end))

    def list(self, folder: str) -> Iterator[Meta]:
        """Every object whose key begins with that folder's."""
        pages = self._do(lambda: self._asking.list(folder, chunk_size=1000))
        while (page := self._do(lambda: next(pages, None))) is not None:
            yield from map(_meta, page)

    def copy(self, source: str, target: str) -> bool:
        """Write an object again under another key, inside the service; whether there was one."""
        return self._look(lambda: self._store.copy(source, target) or True) is not None

    def delete(self, key: str) -> None:
        """Take an object away, where there is one."""
        self._look(lambda: self._asking.delete(key))

    @cached_property
    def _store(self) -> Any:
        """The client for what is large."""
        return self._client(LONG)

    @cached_property
    def _asking(self) -> Any:
        """The client for what is small: a service that hangs is found out sooner."""
        return self._client(SHORT)

    def _client(self, timeout: str) -> Any:
        """Made when it is first needed: a process that only reads the ledger loads nothing of
        it."""
        try:
            from obstore.store import S3Store
        except ImportError:
            raise ExtraMissing(feature=self.url, extra="s3") from None
        store: Any = S3Store  # its options are typed for who writes them out
        try:
            return store(
                self._bucket.name,
                prefix=self._bucket.prefix or None,
                config=_config(self._bucket),
                client_options={**_client_options(self._bucket), "timeout": timeout},
                retry_config=_RETRIES,
            )
        except Exception as error:  # noqa: BLE001 - every kind is told or raised again
            raise self._told(error) from None

    def _do(self, work: Callable[[], Result]) -> Result:
        """What `work` gives. An object that is not there is a refusal."""
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - every kind is told or raised again
            raise self._told(error) from None

    def _look(self, work: Callable[[], Result]) -> Result | None:
        """What `work` gives; None where the object is not there."""
        try:
            return work()
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise self._told(error) from None
            return None
        except Exception as error:  # noqa: BLE001 - every kind is told or raised again
            raise self._told(error) from None

    def _told(self, error: Exception) -> PisangError:
        """The leaf for a failed call. What is no failure of the service's is raised as it is."""
        from obstore.exceptions import (
            BaseError,
            PermissionDeniedError,
            UnauthenticatedError,
        )

        if isinstance(error, PisangError):
            return error
        if not isinstance(error, BaseError | FileNotFoundError | OSError | ValueError):
            raise error
        text = str(error)
        code = _CODE.search(text)
        status = _STATUS.search(text)
        if any(one in text for one in _ROLES):
            return BucketRefused(bucket=self.url, why=NO_KEYS)
        why = _WORDS.get(code[1]) if code else None
        if isinstance(error, PermissionDeniedError | UnauthenticatedError):
            return BucketRefused(bucket=self.url, why=why or "it does not take these keys")
        if status and status[1][0] in "34" and status[1] not in _PASSING:
            return BucketRefused(bucket=self.url, why=why or f"it answers {status[1]}")
        if isinstance(error, FileNotFoundError):
            return BucketRefused(bucket=self.url, why=why or "it answers 404")
        if status:
            return BucketUnreachable(bucket=self.url, why=f"it answers {status[1]}")
        kind = _KIND.search(text)
        return BucketUnreachable(bucket=self.url, why=_KINDS.get(kind[1] if kind else "", CUT))


NO_KEYS = "no keys were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
CUT = "the connection was cut"

_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_STATUS = re.compile(r"non-2xx status code: (\d{3})")
_KIND = re.compile(r"\bkind: (\w+)")
_ROLES = ("169.254.169.254", "latest/api/token", "Missing AccessKeyId", "Missing SecretAccessKey")
_PASSING = frozenset({"408", "409", "425", "429"})
_KINDS: Mapping[str, str] = {
    "Connect": "no connection can be made",
    "Timeout": "it takes too long",
}
_WORDS: Mapping[str, str] = {
    "NoSuchBucket": "there is no such bucket",
    "InvalidAccessKeyId": "it does not know the access key",
    "SignatureDoesNotMatch": "the secret key is wrong",
    "ExpiredToken": "the keys have expired",
    "AccessDenied": "these keys have no right to it",
    "RequestTimeTooSkewed": "this machine's clock is wrong",
    "PermanentRedirect": "it is in another region",
    "AuthorizationHeaderMalformed": "it is in another region",
}


def _meta(found: Mapping[str, Any]) -> Meta:
    return Meta(found["path"], found["size"], found["last_modified"].timestamp() * 1000)


def _config(bucket: Bucket) -> dict[str, Any]:
    secrets = {
        "access_key_id": bucket.access_key_id,
        "secret_access_key": bucket.secret_access_key,
        "session_token": bucket.session_token,
    }
    config: dict[str, Any] = {
        "region": bucket.region,
        "virtual_hosted_style_request": not bucket.path_style,
        **{name: one.reveal() for name, one in secrets.items() if one},
    }
    if bucket.endpoint:
        config["endpoint"] = bucket.endpoint
    return config


def _client_options(bucket: Bucket) -> dict[str, Any]:
    options: dict[str, Any] = dict(_OPTIONS)
    options["allow_http"] = bool(bucket.endpoint and bucket.endpoint.startswith("http://"))
    if bucket.ca_file:
        options["root_certificate"] = Path(bucket.ca_file).read_bytes()
    return options
