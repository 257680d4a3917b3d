"""A caller's connection as the kernel has it: whether it stands, and what of our bytes it still
has to carry. The server in front of us takes bytes for a caller who left as if he read them.

Linux tells it by `NETLINK_SOCK_DIAG` (sock_diag(7), <linux/inet_diag.h>), 10 µs a question; a
socket that is gone is answered with no entry, or with the listening one (kernel 6.18, tried). Where
that is not to be had (other systems, some containers), nothing is known.
"""

from __future__ import annotations

import atexit
import errno
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import count

from pisang.wires.asgi import Scope

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_REQUEST = 1
_ERROR = 2
_ESTABLISHED = 1
_ALL_STATES = 0xFFFFFFFF
_NO_COOKIE = 0xFFFFFFFF

_HEADER = struct.Struct("=IHHII")  # nlmsghdr
_ASKED = struct.Struct("=BBBBI")  # inet_diag_req_v2, up to the id
_ID = struct.Struct("=HH16s16sIII")  # inet_diag_sockid; its ports are in network order
_CODE = struct.Struct("=i")  # nlmsgerr
_TOLD = struct.Struct("=BBBB48xIII")  # inet_diag_msg, its id passed over, up to wqueue

_NUMBERS = count(1)

_WILD = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, bound to nothing


@dataclass(frozen=True, slots=True)
class Line:
    """One connection: who is at its far end, and where it ends here."""

    family: int
    here: tuple[str, int]
    there: tuple[str, int]

    @property
    def unread_bytes(self) -> int | None:
        """How many of our bytes the far end has not acknowledged; None: it is there no longer.
        None of them where the kernel doesn't answer: nobody is gone by our not knowing."""
        try:
            return _ask(self)
        except OSError:
            return 0


def find_line(scope: Scope) -> Line | None:
    """The connection that a call came by; None where the kernel doesn't tell of it. Asked for while
    the caller is there: what it can't be seen by then is not believed later."""
    client, server = scope.get("client"), scope.get("server")
    if _diag() is None or not client or not server or not server[1]:
        return None
    family = socket.AF_INET6 if ":" in client[0] else socket.AF_INET
    here = _local_address(family, client[0]) if server[0] in _WILD else server[0]
    if here is None:
        return None
    line = Line(family, (here, int(server[1])), (client[0], int(client[1])))
    with suppress(OSError):
        return line if _ask(line) is not None else None
    return None


@lru_cache(maxsize=1024)
def _local_address(family: int, there: str) -> str | None:
    """Whence this machine would answer that address: a server on all addresses doesn't say."""
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as asked:
        asked.connect((there, 9))
        return str(asked.getsockname()[0])
    return None


@cache
def _diag() -> socket.socket | None:
    netlink = getattr(socket, "AF_NETLINK", None)
    if netlink is None:
        return None
    with suppress(OSError):
        diag = socket.socket(netlink, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG)
        diag.setblocking(False)  # unconnected: what it is given goes to the kernel
        atexit.register(diag.close)
        return diag
    return None


def _ask(line: Line) -> int | None:
    """How much is unread at the far end of that connection; None: there is none. Raises `OSError`
    where the kernel doesn't say."""
    diag = _diag()
    if diag is None:
        raise OSError
    ends = [
        socket.inet_pton(line.family, one[0]).ljust(16, b"\0") for one in (line.here, line.there)
    ]
    ports = [socket.htons(one[1]) for one in (line.here, line.there)]
    asked = _ASKED.pack(line.family, socket.IPPROTO_TCP, 0, 0, _ALL_STATES)
    asked += _ID.pack(*ports, *ends, 0, _NO_COOKIE, _NO_COOKIE)
    number = next(_NUMBERS) & 0xFFFFFFFF
    size = _HEADER.size + len(asked)
    diag.send(_HEADER.pack(size, _SOCK_DIAG_BY_FAMILY, _REQUEST, number, 0) + asked)
    while True:  # an answer to an earlier question, which was not waited for, may come first
        told = diag.recv(8192)
        _, kind, _, answered, _ = _HEADER.unpack_from(told)
        if answered == number:
            break
    if kind == _ERROR:
        code: int = -_CODE.unpack_from(told, _HEADER.size)[0]
        if code == errno.ENOENT:
            return None
        raise OSError(code, "sock_diag")
    _, state, _, _, _, _, unread = _TOLD.unpack_from(told, _HEADER.size)
    return int(unread) if state == _ESTABLISHED else None
