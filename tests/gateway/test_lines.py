"""Whether a caller is there, asked of the kernel: real sockets, real ends."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from pisang.gateway import lines
from pisang.gateway.lines import Line, find_line

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux's sock_diag is asked")

Ends = tuple[socket.socket, socket.socket, Line]

WAYS = {
    "v4": (socket.AF_INET, "127.0.0.1", "127.0.0.1"),
    "v4, on all addresses": (socket.AF_INET, "0.0.0.0", "127.0.0.1"),
    "v6": (socket.AF_INET6, "::1", "::1"),
    "v4 over v6": (socket.AF_INET6, "::", "127.0.0.1"),
}


@pytest.fixture(params=WAYS)
def ends(request: pytest.FixtureRequest) -> Iterator[Ends]:
    """Our end, his end, and what the kernel is asked about."""
    family, bound, called = WAYS[request.param]
    both = bound == "::"
    with socket.create_server((bound, 0), family=family, dualstack_ipv6=both) as listening:
        port = listening.getsockname()[1]
        his = socket.create_connection((called, port))
        ours, there = listening.accept()
        line = find_line({"client": there[:2], "server": (bound, str(port))})
        assert line is not None
        yield ours, his, line
        his.close()
        ours.close()


def fill(ours: socket.socket) -> None:
    """Write until nothing more is taken."""
    ours.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            ours.send(bytes(65536))


def test_who_is_there_and_has_it_all(ends: Ends) -> None:
    ours, his, line = ends
    ours.sendall(b"hello")
    assert his.recv(5) == b"hello"
    assert line.unread_bytes == 0


def test_what_he_did_not_take_yet_is_known(ends: Ends) -> None:
    ours, _, line = ends
    fill(ours)
    assert line.unread_bytes is not None and line.unread_bytes > 0


@pytest.mark.parametrize("bytes_read", [0, 1])
def test_who_left_in_the_middle_is_gone_at_once(ends: Ends, bytes_read: int) -> None:
    ours, his, line = ends
    fill(ours)
    his.recv(bytes_read)
    his.close()
    assert line.unread_bytes is None


def test_who_left_after_all_that_was_sent_is_gone_too(ends: Ends) -> None:
    _, his, line = ends
    his.close()
    assert line.unread_bytes is None


def test_another_who_comes_by_the_same_door_is_not_taken_for_him(ends: Ends) -> None:
    ours, his, line = ends
    peer = ours.getpeername()
    his.close()
    ours.close()
    assert line.unread_bytes is None
    assert find_line({"client": (peer[0], peer[1]), "server": (line.here[0], line.here[1])}) is None


@pytest.mark.parametrize(
    "scope",
    [{}, {"client": None, "server": ("127.0.0.1", 1)}, {"client": ("x", 1), "server": None}],
)
def test_a_call_without_a_network_has_no_line(scope: dict[str, object]) -> None:
    assert find_line(scope) is None


def test_nobody_is_gone_because_the_kernel_does_not_answer(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _, line = ends
    fill(ours)
    silent, _far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    silent.setblocking(False)
    monkeypatch.setattr(lines, "_diag", lambda: silent)
    assert line.unread_bytes == 0
    assert find_line({"client": line.there, "server": line.here}) is None
    silent.close()
    _far.close()


def test_an_answer_to_an_earlier_question_is_passed_over(ends: Ends) -> None:
    _, _, line = ends
    other = Line(line.family, line.here, (line.there[0], 1))
    diag = lines._diag()
    assert diag is not None
    assert other.unread_bytes is None
    diag.send(b"\x10\0\0\0\x14\0\x01\0\xff\xff\xff\xff\0\0\0\0")
    assert line.unread_bytes == 0
