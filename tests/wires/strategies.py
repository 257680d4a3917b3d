"""Values that any wire may meet, for the property laws. Wires narrow them to what they can say."""

from __future__ import annotations

import json
import math

from hypothesis import strategies as st

from pisang.domain.answer import Reply, Usage
from pisang.domain.content import SPAN_THRESHOLD, Content, Span, TextRun, content_of
from pisang.domain.request import Image, Link, Part, Request, Text, Turn

MIMES = ("image/png", "image/jpeg", "image/webp")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
words = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)


def _bytes(short: bytes, times: int) -> bytes:
    return short * times


contents: st.SearchStrategy[Content] = st.one_of(
    st.binary(max_size=64).map(content_of),
    st.builds(
        _bytes, st.binary(min_size=7, max_size=13), st.just(math.ceil(SPAN_THRESHOLD / 7))
    ).map(content_of),
)
"""Short ones, which stay in the skeleton, and ones that become spans."""


def _signature(text: str) -> Span:
    return Span((TextRun(json.dumps(text, ensure_ascii=False)[1:-1].encode()),))


signatures = st.text("ABCDEFabcdef0123456789+/=", min_size=1, max_size=40).map(_signature)

text_parts = st.builds(Text, texts)
image_parts = st.builds(Image, contents, st.sampled_from(MIMES))
link_parts = st.builds(
    Link, words.map(lambda word: f"https://example.com/{word}"), st.sampled_from(MIMES)
)


def marked(parts: st.SearchStrategy[Part]) -> st.SearchStrategy[Part]:
    """The same parts, some of them thoughts, some signed."""

    def mark(part: Part, thought: bool, signature: Span | None) -> Part:
        fields = {name: getattr(part, name) for name in part.__dataclass_fields__}
        return type(part)(**fields | {"thought": thought, "signature": signature})

    return st.builds(mark, parts, st.booleans(), st.none() | signatures)


leaves = st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), texts)
json_values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
unknown_fields = st.dictionaries(
    words.map(lambda word: f"x{word.title()}"), json_values, max_size=3
)
"""Fields that no wire knows, under names that none ever will."""

ratios = st.sampled_from(["1:1", "16:9", "9:16", "4:3", "3:2", "21:9"])
sizes = st.sampled_from(["1K", "2K"])
counts = st.none() | st.integers(0, 10**6)
usages = st.builds(Usage, counts, counts, counts, counts, counts)


one = st.just(1)


def turns(parts: st.SearchStrategy[Part]) -> st.SearchStrategy[tuple[Turn, ...]]:
    """An earlier exchange: any turns, in any order."""
    listed = st.lists(parts, min_size=1, max_size=2).map(tuple)
    return st.lists(st.builds(Turn, st.sampled_from(["user", "model"]), listed), max_size=3).map(
        tuple
    )


def requests(
    wire: str,
    *,
    parts: st.SearchStrategy[Part],
    history: st.SearchStrategy[tuple[Turn, ...]],
    modalities: st.SearchStrategy[tuple[str, ...]],
    n: st.SearchStrategy[int] = one,
) -> st.SearchStrategy[Request]:
    """Wishes that the wire can say in full, with fields of its own that nobody else knows."""
    return st.builds(
        Request,
        parts=st.lists(parts, min_size=1, max_size=4).map(tuple),
        model=words,
        aspect_ratio=st.none() | ratios,
        image_size=st.none() | sizes,
        n=n,
        history=history,
        system=st.none() | texts,
        modalities=modalities,
        extra=unknown_fields.map(lambda fields: {wire: fields} if fields else {}),
    )


def replies(
    wire: str, *, parts: st.SearchStrategy[tuple[Part, ...]], **fields: st.SearchStrategy[object]
) -> st.SearchStrategy[Reply]:
    """Replies that the wire can say in full; `fields` are those of `Reply` that it has."""
    extra = unknown_fields.map(lambda known: {wire: known} if known else {})
    return st.builds(Reply, parts=parts, extra=extra, **fields)
