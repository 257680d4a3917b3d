"""Fresh ids."""

from __future__ import annotations

import random
import time

from pisang.domain.ids import make_id


def new_id(prefix: str) -> str:
    """A fresh id such as `req_01k9…`: unique, ordered by the millisecond it was made in.

    No id is a right to anything, so its chance need not be secret: `random` seeds itself from the
    system, anew in a child that was forked, and asks it for nothing afterwards.
    """
    return make_id(prefix, time.time_ns() // 1_000_000, random.getrandbits(80))
