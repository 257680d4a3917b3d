"""What makes two requests the same one: a SHA-256 over their canonical form.

Spacing and key order don't count; every value does, and every long string by its hash. Used for
idempotency keys and twins (DESIGN §5), never across scopes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence

from pisang.domain.content import Base64Run, Span, TextRun
from pisang.domain.request import JSON, Request
from pisang.domain.serial import request_to_json


def fingerprint(
    route: str, stream: bool, skeleton: bytes | JSON, span_hashes: Sequence[str] = ()
) -> str:
    """The fingerprint (64 hex digits) of a call: its route, stream flag, skeleton and spans.

    `skeleton` is a scanned body whose k-th `NaN` stands for the k-th span, or a JSON value. Each
    `NaN` is replaced by its span's hash before keys are sorted: else two calls that swap their
    pictures would be one. A body that is no JSON counts as its bytes.
    """
    body = _canonical(skeleton, span_hashes) if isinstance(skeleton, bytes) else _dump(skeleton)
    digest = hashlib.sha256()
    for field in (
        route.encode(),
        b"stream" if stream else b"",
        body,
        *map(str.encode, span_hashes),
    ):
        digest.update(len(field).to_bytes(8, "big"))
        digest.update(field)
    return digest.hexdigest()


def request_fingerprint(request: Request, upstream_name: str, route: str = "request") -> str:
    """The fingerprint of a request to an upstream: for the SDK and the command line."""
    value = {"upstream": upstream_name, "request": request_to_json(request, inline=False)}
    return fingerprint(route, False, value)


def span_hash(span: Span) -> str:
    """The hash of what a span says: its text and its contents, however the base64 was written."""
    digest = hashlib.sha256()
    for run in span.runs:
        told = run.raw if isinstance(run, TextRun) else run.content.sha256.encode()
        kind = b"t" if isinstance(run, TextRun) else b"b" if isinstance(run, Base64Run) else b"r"
        digest.update(kind + len(told).to_bytes(8, "big") + told)
    return digest.hexdigest()


def _canonical(skeleton: bytes, span_hashes: Sequence[str]) -> bytes:
    hashes: Iterator[str] = iter(span_hashes)

    def constant(name: str) -> JSON:
        return {"span": next(hashes, "")} if name == "NaN" else {"constant": name}

    try:
        return _dump(json.loads(skeleton, parse_constant=constant))
    except (ValueError, RecursionError):
        return skeleton


def _dump(value: JSON) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")
