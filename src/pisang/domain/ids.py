"""Ids: a prefix and 26 characters that sort by time (48 bits of milliseconds, 80 of chance)."""

from __future__ import annotations

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u


def make_id(prefix: str, at_ms: int, chance: int) -> str:
    """The id of that millisecond and those 80 bits, such as `req_01k9…`."""
    value = (at_ms << 80) | chance
    letters = [_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5)]
    return f"{prefix}_{''.join(letters)}"
