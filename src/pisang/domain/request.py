"""What a user wants: parts in order, a model, a shape, how many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pisang.domain.content import Content, Span

JSON = Any
"""A value out of `json`: dict, list, str, int, float, bool or None. Never holds a picture."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text part. `signature` is the upstream's thought signature, kept as it stood."""

    text: str
    thought: bool = False
    signature: Span | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """A picture part: a reference in a request, an image in a reply.

    `mime` is what was declared (a reply) or what the bytes are (a reference of ours). `label` is
    the user's name for a reference ("style", "the dog"); wires render it as a text part before
    the picture. `style` is how its base64 stood on the wire it came from.
    """

    content: Content
    mime: str
    label: str | None = None
    thought: bool = False
    signature: Span | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A picture named by URI only (`fileData`, an image URL): nobody has its bytes yet."""

    uri: str
    mime: str | None = None
    thought: bool = False
    signature: Span | None = None


@dataclass(frozen=True, slots=True)
class Other:
    """A part of a kind we do not know, kept as its JSON so that its own wire can send it again.

    `is_picture` marks one that claims to be a picture and can't be read: it may have been paid
    for, so it is broken, not absent.
    """

    json: JSON
    wire: str
    is_picture: bool = field(default=False, compare=False)


Part = Text | Image | Link | Other


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of an earlier exchange, sent again so that an edit goes on from it."""

    role: Literal["user", "model"]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One wish. `parts` are in the user's order; `history` is what came before, oldest first.

    `model` is what the user wrote or what the catalogue made of it; `None` shapes are left to the
    upstream. `n` images are wanted. `modalities` is what the answer may hold. `extra` holds, per
    wire name, fields that only that wire knows: decoded from a caller and sent again, or given
    with `--set`.
    """

    parts: tuple[Part, ...]
    model: str
    aspect_ratio: str | None = None
    image_size: str | None = None
    n: int = 1
    history: tuple[Turn, ...] = ()
    system: str | None = None
    modalities: tuple[str, ...] = ("IMAGE",)
    extra: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ValueError("n is at least 1")

    @property
    def prompt(self) -> str:
        """The user's words: the text parts, joined by newlines."""
        return "\n".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def references(self) -> tuple[Image, ...]:
        """The pictures that this request (not its history) carries, in order."""
        return tuple(part for part in self.parts if isinstance(part, Image))
