"""Hypothesis strategies for the values of the domain."""

from __future__ import annotations

from hypothesis import strategies as st

from pisang.domain.answer import Answer, Ended, Usage
from pisang.domain.content import (
    Base64Run,
    Content,
    RawRun,
    Run,
    Span,
    Style,
    TextRun,
    content_of,
)
from pisang.domain.request import Image, Link, Other, Part, Request, Text, Turn
from pisang.domain.warning import Warn

words = st.text(max_size=20)
hashes = st.text("0123456789abcdef", min_size=64, max_size=64)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


def _inline(data: bytes) -> Content:
    return content_of(data)


contents = st.one_of(
    st.binary(max_size=40).map(_inline),
    st.builds(Content, hashes, st.integers(0, 2**40), st.just(b""), st.just(b"")),
)

styles = st.builds(
    Style,
    st.sampled_from(["std", "url"]),
    st.sampled_from(["plain", "escaped"]),
    st.sampled_from(["=", "\\u003d", "\\u003D", "none"]),
)

runs: st.SearchStrategy[Run] = st.one_of(
    st.builds(TextRun, st.binary(max_size=20)),
    st.builds(Base64Run, contents, styles, st.integers(0, 9)),
    st.builds(RawRun, contents, st.none() | contents),
)

spans = st.builds(Span, st.lists(runs, max_size=3).map(tuple), st.booleans())

_signatures = st.none() | spans

parts: st.SearchStrategy[Part] = st.one_of(
    st.builds(Text, words, st.booleans(), _signatures),
    st.builds(Image, contents, words, st.none() | words, st.booleans(), _signatures),
    st.builds(Link, words, st.none() | words, st.booleans(), _signatures),
    st.builds(Other, json_values, words),
)

turns = st.builds(Turn, st.sampled_from(["user", "model"]), st.lists(parts, max_size=2).map(tuple))

requests = st.builds(
    Request,
    parts=st.lists(parts, max_size=3).map(tuple),
    model=words,
    aspect_ratio=st.none() | st.sampled_from(["1:1", "16:9"]),
    image_size=st.none() | st.sampled_from(["1K", "4K"]),
    n=st.integers(1, 9),
    history=st.lists(turns, max_size=2).map(tuple),
    system=st.none() | words,
    modalities=st.lists(st.sampled_from(["IMAGE", "TEXT"]), max_size=2).map(tuple),
    extra=st.dictionaries(words, st.dictionaries(words, json_values, max_size=2), max_size=2),
)

answers = st.builds(
    Answer,
    ended=st.sampled_from(Ended),
    sent=st.booleans(),
    status=st.none() | st.integers(100, 599),
    headers=st.dictionaries(words, words, max_size=2),
    skeleton=st.binary(max_size=30),
    spans=st.lists(spans, max_size=2).map(tuple),
    body_bytes=st.integers(0, 2**40),
    elapsed_ms=st.integers(0, 2**40),
    reason=words,
)

_count = st.none() | st.integers(0, 2**31)
usages = st.builds(Usage, _count, _count, _count, _count, _count)
warnings = st.builds(Warn, words, words)
