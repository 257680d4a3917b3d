"""An answer without our key: some upstreams repeat it, and what is stored is read by others.

The key is dotted out before anything of the answer is judged, kept or told. The dots are as many
bytes as the key had, so nothing else moves. A picture's bytes are never touched.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from urllib.parse import quote

from pisang.domain.answer import Answer
from pisang.domain.content import Run, Span, TextRun
from pisang.domain.secret import Secret

SHORTEST = 8
"""Characters. What is shorter stands in any answer by chance, and is no secret."""

_DOT = "*"


def redact(answer: Answer, key: Secret | None) -> Answer:
    """The answer with every writing of the key dotted out, in its body and its headers; itself,
    where there is none."""
    if key is None or len(key.reveal()) < SHORTEST or not _may_hold(answer, key.reveal()):
        return answer
    pattern = _pattern(key.reveal())
    hidden = replace(
        answer,
        headers={name: _hide_text(pattern, value) for name, value in answer.headers.items()},
        skeleton=_hide(pattern, answer.skeleton),
        spans=tuple(_hide_in_span(pattern, span) for span in answer.spans),
        reason=_hide_text(pattern, answer.reason),
    )
    return answer if hidden == answer else hidden


def _may_hold(answer: Answer, key: str) -> bool:
    """Whether the beginning of any writing of the key stands anywhere: a search for plain bytes,
    for nearly every answer's sake."""
    texts = [run.raw for span in answer.spans for run in span.runs if isinstance(run, TextRun)]
    told = (*answer.headers.values(), answer.reason)
    lower = [text.lower() for text in (answer.skeleton, *texts)]
    lower += [text.encode("utf-8", "surrogatepass").lower() for text in told]
    return any(start in text for start in _starts(key) for text in lower)


@lru_cache(maxsize=64)
def _starts(key: str) -> tuple[bytes, ...]:
    return tuple({writing.encode()[:SHORTEST].lower() for writing in _writings(key)})


@lru_cache(maxsize=64)
def _pattern(key: str) -> re.Pattern[bytes]:
    """Every writing of the key, and the beginning of one where the body was cut off inside it."""
    writings = sorted(dict.fromkeys(_writings(key)), key=len, reverse=True)
    whole = [re.escape(one.encode()) for one in writings]
    begun = [
        re.escape(one.encode()[:size]) + rb"\Z"
        for one in writings
        for size in range(len(one) - 1, SHORTEST - 1, -1)
    ]
    return re.compile(b"|".join((*whole, *begun)), re.IGNORECASE)


def _writings(key: str) -> Iterator[str]:
    """As it is, and as it stands in JSON, in a URL and on a page."""
    yield key
    yield json.dumps(key)[1:-1]
    yield key.replace("/", "\\/")
    yield quote(key, safe="")
    yield quote(key)
    yield html.escape(key)


def _hide(pattern: re.Pattern[bytes], raw: bytes) -> bytes:
    return pattern.sub(lambda found: _dots(found[0]), raw)


def _dots(found: bytes) -> bytes:
    # A key of digits may stand in a body as a number, and has to stay one.
    return (b"1" if found.isdigit() else _DOT.encode()) * len(found)


def _hide_text(pattern: re.Pattern[bytes], text: str) -> str:
    return _hide(pattern, text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")


def _hide_in_span(pattern: re.Pattern[bytes], span: Span) -> Span:
    runs: tuple[Run, ...] = tuple(
        TextRun(_hide(pattern, run.raw)) if isinstance(run, TextRun) else run for run in span.runs
    )
    return replace(span, runs=runs)
