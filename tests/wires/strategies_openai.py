"""What the two OpenAI dialects can say in full, for their laws."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from pisang.domain.answer import Reply, Usage
from pisang.domain.content import Content, content_of
from pisang.domain.request import JSON, Image, Link, Part, Request, Text
from pisang.wires.openai_sizes import RATIOS, SIDES
from tests.wires import strategies as some

PNG = b"\x89PNG\r\n\x1a\n"


def _picture(seed: bytes, times: int) -> Content:
    return content_of(PNG + seed * times)


contents = st.builds(_picture, st.binary(min_size=1, max_size=9), st.sampled_from([1, 3, 17_000]))
"""Short pictures, and ones that leave the skeleton; all begin like a PNG."""

odd_contents = st.binary(min_size=1, max_size=40).map(lambda data: content_of(b"\0" + data))
"""Bytes that are no picture, under any declared type."""

references = st.builds(Image, contents, st.just("image/png"))
images = st.builds(Image, contents | odd_contents, st.sampled_from(some.MIMES))
prompts = some.texts.filter(str.strip)
urls = some.words.map(lambda word: f"https://cdn.pisang.net/{word}")
counts = st.integers(0, 10**6)
usages = st.builds(Usage, counts, counts, st.none() | counts, st.none() | counts, counts)
shapes = st.tuples(st.sampled_from(RATIOS), st.sampled_from(list(SIDES)))


def unique_by_bytes(parts: st.SearchStrategy[Image]) -> st.SearchStrategy[list[Image]]:
    return st.lists(parts, max_size=3, unique_by=lambda image: image.content.sha256)


def known(fields: st.SearchStrategy[dict[str, JSON]], wire: str) -> st.SearchStrategy[JSON]:
    """Unknown fields as `extra`."""
    return fields.map(lambda found: without_nulls({wire: found}, wire))


def without_nulls(extra: JSON, wire: str) -> JSON:
    """A null says the same as no field at all."""
    left = {key: value for key, value in extra.get(wire, {}).items() if value is not None}
    return {wire: left} if left else {}


# --- images ------------------------------------------------------------------------------------


@st.composite
def image_wishes(draw: st.DrawFn) -> Request:
    """A prompt and pictures, a whole shape or none; a form's fields are texts."""
    pictures = draw(unique_by_bytes(references))
    texts = st.dictionaries(some.words.map(lambda w: f"x{w}"), prompts, max_size=2)
    ratio, tier = draw(st.just((None, None)) | shapes)
    return Request(
        parts=(Text(draw(prompts)), *pictures),
        model=draw(st.just("") | some.words),
        aspect_ratio=ratio,
        image_size=tier,
        n=draw(st.integers(1, 10)),
        extra=draw(known(texts if pictures else some.unknown_fields, "openai_images")),
    )


links = st.builds(Link, urls, st.none() | st.sampled_from(some.MIMES))


@st.composite
def image_results(draw: st.DrawFn) -> Reply:
    """Text or none, then at least one picture."""
    text = draw(st.just("") | some.texts)
    pictures = draw(st.lists(images | links, min_size=1, max_size=3))
    parts: tuple[Part, ...] = ((Text(text),) if text else ()) + tuple(pictures)
    return Reply(
        parts,
        usage=draw(st.none() | usages),
        extra=draw(known(some.unknown_fields, "openai_images")),
    )


# --- chat --------------------------------------------------------------------------------------

chat_parts = st.one_of(some.text_parts, references, some.link_parts.map(lambda p: Link(p.uri)))
_wishes = some.requests(
    "openai_chat",
    parts=chat_parts,
    history=some.turns(chat_parts),
    modalities=st.sampled_from([(), ("TEXT", "IMAGE"), ("TEXT",)]),
    n=st.integers(1, 10),
).filter(lambda wish: bool(wish.prompt.strip()))
chat_wishes = _wishes.map(
    lambda wish: replace(wish, extra=without_nulls(wish.extra, "openai_chat"))
)

stops = st.sampled_from(["STOP", "MAX_TOKENS", "IMAGE_SAFETY", "NO_IMAGE", "stop", "error"])


@st.composite
def completions(draw: st.DrawFn) -> Reply:
    """Thoughts, text, then pictures, each once."""
    thought, text = draw(st.just("") | some.texts), draw(st.just("") | some.texts)
    addresses = draw(st.lists(urls, max_size=2, unique=True))
    parts: list[Part] = [Text(thought, thought=True)] if thought else []
    parts += [Text(text)] if text else []
    parts += [*draw(unique_by_bytes(images)), *map(Link, addresses)]
    return Reply(
        tuple(parts),
        finish_reason=draw(stops),
        usage=draw(st.none() | usages),
        model=draw(some.words),
        response_id=draw(some.words),
        extra=draw(known(some.unknown_fields, "openai_chat")),
    )
