"""Ids: a prefix and 26 characters that sort by time (48 bits of milliseconds, 80 of chance)."""

from __future__ import annotations

import random
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u


def new_id(prefix: str) -> str:
    """A fresh id such as `req_01k9…`: unique, ordered by the millisecond it was made in.

    No id is a right to anything, so its chance need not be secret: `random` seeds itself from the
    system, anew in a child that was forked, and asks it for nothing afterwards.
    """
    value = (time.time_ns() // 1_000_000 << 80) | random.getrandbits(80)
    letters = [_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5)]
    return f"{prefix}_{''.join(letters)}"
