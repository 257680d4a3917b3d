"""Stored answers: what came over the wire, packed, and which contents it needs to be replayed."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator

from pisang.domain.answer import Answer
from pisang.domain.content import Base64Run, Content, RawRun, Span
from pisang.domain.image import read_facts
from pisang.domain.serial import Loader, answer_from_json, answer_to_json
from pisang.errors import StoreCorrupt
from pisang.store.rows import dump
from pisang.store.settle import Record

CAP = 64 * 1024 * 1024
"""A record that unpacks to more than this is not one of ours: skeletons are kilobytes."""

_LEVEL = 1
"""Of zlib's: what is large in an answer is no part of its skeleton, and 6 took 0.4 ms a call."""

_LENGTH = struct.Struct(">Q")


def pack(answer: Answer, kept: frozenset[str] = frozenset()) -> Record:
    """The answer as the ledger takes it. `kept` are the hashes of its images."""
    told = dump(answer_to_json(answer)).encode("utf-8", "replace")
    packed = zlib.compress(_LENGTH.pack(len(told)) + told + answer.skeleton, _LEVEL)
    kinds: dict[str, str] = {}
    for content, raw in contents_of(answer):
        kinds[content.sha256] = _kind(content, raw, kept)
    return Record(packed, tuple(kinds.items()))


def unpack(packed: bytes, load: Loader) -> Answer:
    """The answer again. Raises `StoreCorrupt`, and what `load` raises."""
    body = _inflate(packed)
    if body is None or len(body) < _LENGTH.size:
        raise StoreCorrupt(path="a stored answer", why="it does not unpack")
    end = _LENGTH.size + _LENGTH.unpack_from(body)[0]
    try:
        told = json.loads(body[_LENGTH.size : end])
    except ValueError as error:
        raise StoreCorrupt(path="a stored answer", why="it is no JSON") from error
    return answer_from_json(told, body[end:], load)


def is_whole(packed: bytes) -> bool:
    """Whether a record was written to its end: zlib's own checksum closes it."""
    return _inflate(packed) is not None


def contents_of(answer: Answer) -> Iterator[tuple[Content, bool]]:
    """Every content of an answer's spans, and whether it is a string's raw text."""
    for span in answer.spans:
        yield from _span_contents(span)


def _span_contents(span: Span) -> Iterator[tuple[Content, bool]]:
    for run in span.runs:
        if isinstance(run, Base64Run):
            yield run.content, False
        elif isinstance(run, RawRun):
            yield run.content, True
            if run.decoded is not None:
                yield run.decoded, False


def _kind(content: Content, raw: bool, kept: frozenset[str]) -> str:
    """`image`: kept for ever. `signature`: decoded bytes that are no picture, needed to go on
    editing. `raw`: needed only to replay the answer byte for byte."""
    if content.sha256 in kept:
        return "image"
    return "raw" if raw or read_facts(content) is not None else "signature"


def _inflate(packed: bytes) -> bytes | None:
    """What was packed; None when it is cut off, damaged, has more behind it or is too large."""
    unpacker = zlib.decompressobj()
    try:
        body = unpacker.decompress(packed, CAP)
    except zlib.error:
        return None
    return body if unpacker.eof and not unpacker.unused_data else None
