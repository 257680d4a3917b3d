"""Where a store keeps what: values that settings are read into, and that a store is opened with."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from pisang.domain.secret import Secret

CACHE_BYTES = 2_000_000_000
"""How much of a bucket's contents is kept at hand, unless something else is set."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""docs.aws.amazon.com, S3: general purpose bucket naming rules."""

_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()/=-]{0,512}")
"""The same, object keys: the characters that are safe everywhere."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of an S3-compatible service, and how to get at it.

    Without an `endpoint` it is Amazon's own of that `region`. `path_style`: the bucket's name is a
    part of the path, not of the host. Without keys the machine's own role is asked for them.
    """

    name: str
    prefix: str = ""
    endpoint: str | None = None
    region: str = "us-east-1"
    path_style: bool = False
    access_key_id: Secret | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None
    ca_file: str | None = None
    cache_bytes: int = CACHE_BYTES

    @property
    def url(self) -> str:
        """`s3://bucket/prefix`, which is no secret."""
        return f"s3://{self.name}/{self.prefix}".rstrip("/")


@dataclass(frozen=True, slots=True)
class Storage:
    """Where everything is kept; what is None is in the home. `ledger` is the URL of a PostgreSQL
    database, which may hold a password."""

    images: Bucket | None = None
    ledger: Secret | None = None


def parse_bucket(text: str) -> Bucket:
    """The bucket in `s3://bucket/prefix`; `ValueError` says what is wrong with anything else."""
    scheme, _, rest = text.strip().partition("://")
    name, _, prefix = rest.partition("/")
    if scheme != "s3" or not _BUCKET.fullmatch(name) or ".." in name:
        raise ValueError("write it as s3://bucket/prefix")
    prefix = prefix.strip("/")
    if not _PREFIX.fullmatch(prefix) or any(part in ("", ".", "..") for part in _parts(prefix)):
        raise ValueError("a prefix is made of letters, digits and -_.!*'()=, with / between")
    return Bucket(name, prefix)


def at_endpoint(bucket: Bucket, endpoint: str) -> Bucket:
    """The bucket at an address of its own; `ValueError` for what is none."""
    parts = urlsplit(endpoint.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("write it as https://host:port")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("an address has no keys in it: they go into variables")
    return replace(bucket, endpoint=endpoint.strip().rstrip("/"))


def _parts(prefix: str) -> list[str]:
    return prefix.split("/") if prefix else []
