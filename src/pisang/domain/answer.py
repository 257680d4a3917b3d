"""What came back over the wire (`Answer`), and what a wire makes of it (`Reply`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pisang.domain.content import Content, Span
from pisang.domain.request import JSON, Image, Link, Part


class Ended(StrEnum):
    """How an exchange ended. What it proves about money is in `Answer.sent`."""

    WHOLE = "whole"  # the body came to its end as HTTP framing says
    CUT = "cut"  # connection lost inside headers or body
    TIMEOUT = "timeout"  # our deadline or idle limit passed
    TOO_LARGE = "too_large"  # a cap of ours was passed (body, span, ratio of compression)
    MALFORMED = "malformed"  # not HTTP, refused encoding, header limits
    NOT_CONNECTED = "not_connected"  # DNS, connect or TLS failed: nothing was written
    CANCELLED = "cancelled"  # we gave up before sending


@dataclass(frozen=True, slots=True)
class Answer:
    """One exchange, whole or not. Long strings are in `spans`; `skeleton` holds the rest.

    `skeleton` is the body with each span's string (quotes included) replaced by the token `NaN`,
    which strict JSON does not have: the k-th `NaN` stands for `spans[k]`. For a body that is not
    JSON or SSE, `skeleton` is its first 64 KiB and `spans` is empty; but a body that is a picture
    itself is, whole, the one span, and its skeleton is empty. `status` is None when no status
    line came. `headers` has lower-case names, and only those worth keeping. `sent` is
    false only with proof that no byte of the request was written.
    """

    ended: Ended
    sent: bool
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    skeleton: bytes = field(default=b"", repr=False)
    spans: tuple[Span, ...] = field(default=(), repr=False)
    body_bytes: int = 0
    elapsed_ms: int = 0
    reason: str = ""

    @property
    def content_type(self) -> str:
        """The media type without parameters, lower case; empty when none was given."""
        return self.headers.get("content-type", "").split(";", 1)[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts as the upstream gave them; `None` where it gave none."""

    prompt_tokens: int | None = None
    output_tokens: int | None = None
    image_tokens: int | None = None
    thoughts_tokens: int | None = None
    total_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said: parts in order, why it stopped, what it counted.

    `finish_reason` and `block_reason` are Google's names where the wire has them, else the
    wire's own. `message` is the upstream's own sentence about stopping. `extra` keeps unknown
    top-level fields under the wire's name, so that the same wire gives them out again.
    """

    parts: tuple[Part, ...]
    finish_reason: str | None = None
    block_reason: str | None = None
    message: str | None = None
    usage: Usage | None = None
    model: str | None = None
    response_id: str | None = None
    extra: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)

    @property
    def pictures(self) -> tuple[Image | Link, ...]:
        """The pictures that a client is shown, in order: those that are no thoughts."""
        shown = (part for part in self.parts if isinstance(part, Image | Link))
        return tuple(part for part in shown if not part.thought)


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What an image is, read from its bytes: media type, pixels, and whether its end is there."""

    mime: str
    width: int
    height: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Made:
    """One image of an outcome. `declared` is the type the upstream claimed."""

    content: Content
    facts: ImageFacts
    declared: str | None = None
    draft: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """What an answer that is no reply says of itself, read by its wire.

    `code` is the wire's own word (`RESOURCE_EXHAUSTED`, `insufficient_user_quota`, `1001`);
    `own` is true when the body is the wire's or relay's own JSON (a CDN's HTML page is not).
    `wraps` is true when a relay's JSON carries Google's error inside (then `code` and
    `status` are the inner ones). `excerpt` is the first 2 KB as text, markup stripped.
    `final` marks a limit that waiting will not lift (per-day quota, `limit: 0`).
    """

    status: int | None
    code: str | None = None
    message: str = ""
    own: bool = False
    wraps: bool = False
    final: bool = False
    retry_after_s: float | None = None
    request_id: str | None = None
    excerpt: str = ""
