"""How many calls a server takes at once: as many as the system lets it open files and sockets for.

A call that finds none left in the middle can't keep what it bought. So who would be one too many
is turned away before anything is sent, and connections beyond all of these wait to be taken.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

FILES_AT_REST = 40
"""What the server itself holds open; 22 after a start and 32 after its first calls were counted."""

FILES_OF_A_CALL = 3
"""A paid call's connection to its upstream, and two files; its caller's is counted with theirs."""

MOST_CONNECTIONS = 65_536
"""More than this nobody has asked for yet."""

_PLENTY = 1 << 20


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many connections are taken at once, and how many paid calls."""

    connections: int
    calls: int


def capacity_of(open_files: int) -> Capacity:
    """What a process is up to that may have so many files open: one half of those that are left
    goes to callers' connections, the other to what their calls need."""
    half = max(open_files - FILES_AT_REST, 2 * FILES_OF_A_CALL) // 2
    return Capacity(min(half, MOST_CONNECTIONS), half // FILES_OF_A_CALL)


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
