"""Wrong keys at the sign-in, by the address that they come from: so many a minute, then it waits.

A key has 256 bits and is not found by trying; what is kept off is who tries all the same, and the
rows of the log that he would fill.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping

from pisang.errors import SignInLimited

MOST = 10
WITHIN_S = 60.0

REMEMBERED = 10_000
"""How many addresses are kept in mind; the one that was wrong longest ago goes first."""


class Guesses:
    """How often each address was wrong lately, in this process."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, address: str) -> None:
        """Raises `SignInLimited`, with when to try again, where it was wrong too often."""
        times = self._wrong.get(address)
        if times is None or len(times) < MOST:
            return
        wait_s = times[0] + WITHIN_S - self._clock_s()
        if wait_s > 0:
            raise SignInLimited(retry_after_s=wait_s)

    def note(self, address: str) -> None:
        """It was wrong just now."""
        self._wrong.setdefault(address, deque(maxlen=MOST)).append(self._clock_s())
        self._wrong.move_to_end(address)
        while len(self._wrong) > REMEMBERED:
            self._wrong.popitem(last=False)


def address_of(client: str | None, headers: Mapping[str, str]) -> str:
    """Whose tries are counted together: an address, of IPv6 its network (a household has 2^64).
    Where a proxy in our own network asks, it is whom that one says it asks for."""
    said = headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    named = _parse(said) if client is None or _is_near(client) else None
    found = named or _parse(client or "")
    if found is None:
        return client or ""
    if found.version == 6:
        return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))
    return str(found)


def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _is_near(text: str) -> bool:
    found = _parse(text)
    return found is not None and found.is_private
