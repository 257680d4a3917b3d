"""Thought signatures: opaque bytes that must come back unchanged, on the part they came with.

They follow from the part that they sign, so that the sandbox can check them without remembering
anything: a magic word, the SHA-256 of the part, their size, and then noise made from those.
"""

from __future__ import annotations

import hashlib

from pisang.domain.content import Base64Run, Content, Span, TextRun, content_of
from pisang.domain.request import Image, Part, Text
from pisang.errors import WireError
from pisang.wires.strictjson import content_of as read_content

DEFAULT_BYTES = 24 * 1024
"""Long enough to be told apart from short strings; the real ones have 1 to 3 MB."""

BYPASSES = frozenset({"skip_thought_signature_validator", "context_engineering_is_the_way_to_go"})
"""What Google takes in place of a signature (ai.google.dev, thought-signatures, July 2026)."""

_MAGIC = b"pisang-sandbox\0\1"
_HEADER = len(_MAGIC) + 32 + 4


def sign(part: Part, size: int = DEFAULT_BYTES) -> Span:
    """The signature of a part: `size` bytes, and never fewer than it needs to say of what."""
    return Span((Base64Run(content_of(_noise(_digest(part), max(size, _HEADER)))),))


def is_signed(part: Part) -> bool:
    """Whether the part carries its own signature, to the byte, or one of the bypass words."""
    span = part.signature if isinstance(part, Text | Image) else None
    if span is None:
        return False
    if is_bypass(span):
        return True
    data = _bytes_of(span)
    if data is None or not data.startswith(_MAGIC + _digest(part)):
        return False
    return data == _noise(_digest(part), len(data))


def is_bypass(span: Span) -> bool:
    """Whether it is one of the words that stand for any signature."""
    text = b"".join(run.raw for run in span.runs if isinstance(run, TextRun))
    return len(span.runs) == 1 and text.decode("utf-8", "replace") in BYPASSES


def _digest(part: Part) -> bytes:
    if isinstance(part, Image):
        return bytes.fromhex(part.content.sha256)
    return hashlib.sha256(
        b"text:" + (part.text if isinstance(part, Text) else "").encode()
    ).digest()


def _noise(digest: bytes, size: int) -> bytes:
    header = _MAGIC + digest + size.to_bytes(4, "big")
    return header + hashlib.shake_128(header).digest(size - _HEADER)


def _bytes_of(span: Span) -> bytes | None:
    try:
        content: Content = read_content(span)
    except WireError:
        return None
    return content.inline
