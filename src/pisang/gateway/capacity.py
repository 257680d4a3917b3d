"""How many calls a server takes at once: as many as the system lets it open files and sockets for.

A call that finds none left in the middle can't keep what it bought. So who would be one too many
is turned away before anything is sent, and connections beyond all of these wait to be taken.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

FILES_AT_REST = 40
"""What the server itself holds open; 22 after a start and 32 after its first calls were counted."""

FILES_OF_A_CALL = 2
"""A paid call's connection to its upstream and the one file that it writes or reads at a time; its
caller's connection is counted with theirs."""

MOST_CONNECTIONS = 65_536
"""More than this nobody has asked for yet."""

_PLENTY = 1 << 20


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many connections are taken at once, and how many paid calls."""

    connections: int
    calls: int


def capacity_of(open_files: int) -> Capacity:
    """What a process is up to that may have so many files open: each call has its own, and its
    caller's connection; an eighth more connections are for whoever is told that it is full, for
    probes and for clients who are between two calls."""
    left = max(open_files - FILES_AT_REST, 2 + FILES_OF_A_CALL)
    calls = min(left * 8 // (8 * FILES_OF_A_CALL + 9), MOST_CONNECTIONS * 8 // 9)
    return Capacity(min(left - calls * FILES_OF_A_CALL, MOST_CONNECTIONS), calls)


def raise_limit() -> int:
    """How many files this process may have open, once it may have as many as the system grants:
    the limit that shells begin with (1,024 mostly) is made for `select`."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return _PLENTY
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS grants less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return _PLENTY if soft == resource.RLIM_INFINITY else soft
