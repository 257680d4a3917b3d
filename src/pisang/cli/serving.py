"""Serving the sandbox through granian, in this one process."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pisang.cli.screen import Screen
from pisang.client.files import reason_of
from pisang.errors import OptionInvalid, OutputUnwritable

if TYPE_CHECKING:
    from granian.server.embed import Server

BACKLOG = 1024
CONNECTIONS = 65_536
"""granian takes as many connections as its backlog unless told otherwise; a call that waits for its
picture holds one for minutes."""

UNSENT_BYTES = 128 * 1024

HEADER_TIMEOUT_S = 10.0
"""How long a connection may take to say what it asks for, from its first moment and from its last
answer on. It holds for HTTP/1.1 alone: where granian 2.8 guesses the version from the first bytes,
one that sends none is never closed (tried)."""


def serve_sandbox(host: str, port: int, book: Path | None, screen: Screen) -> NoReturn:
    """Serve until Ctrl-C or SIGTERM. Raises `OptionInvalid` where the address can't be had."""
    from pisang.sandbox.app import create_app
    from pisang.sandbox.book import Book

    port = free_port(host, port)
    try:
        app = create_app(book=Book(book))
    except OSError as error:
        raise OutputUnwritable(path=str(book), why=reason_of(error)) from error
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    with suppress(KeyboardInterrupt):
        asyncio.run(serve_app(app, host, port, lambda: _announce(url, screen)))
    # granian 2.8's threads outlive the loop by a moment, and panic when the interpreter is taken
    # down under them (6 of 12 runs). Everything is served and written: leave at once.
    sys.stdout.flush()
    os._exit(0)


def free_port(host: str, port: int) -> int:
    """The port, found free just now; a free one for 0. Raises `OptionInvalid`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            if sys.platform != "win32":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            found: int = probe.getsockname()[1]
            return found
    except (OSError, UnicodeError) as error:
        why = reason_of(error) if isinstance(error, OSError) else "that is no host"
        raise OptionInvalid(option="--host/--port", value=f"{host}:{port}", why=why) from error


async def serve_app(app: Any, host: str, port: int, ready: Callable[[], None]) -> None:
    """Serve an ASGI application on this loop until SIGINT or SIGTERM; `ready` is called once
    connections are taken."""
    server = make_server(app, host, port)
    on_signals(server.stop, "SIGINT", "SIGTERM")
    serving = asyncio.create_task(server.serve())
    await listening(host, port, serving)
    if not serving.done():
        ready()
    await serving


def make_server(app: Any, host: str, port: int, connections: int = CONNECTIONS) -> Server:
    """A granian server for this loop. Its `stop` closes the port at once and every connection
    that waits for no answer; `serve` returns once the last answer has gone out. Of `connections`
    at once the next waits to be taken."""
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.server.embed import Server

    logging.getLogger("_granian").setLevel(logging.CRITICAL)
    return Server(
        app,
        host,
        port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=int(HEADER_TIMEOUT_S * 1000), max_buffer_size=UNSENT_BYTES
        ),
        backlog=BACKLOG,
        backpressure=connections,
        log_enabled=False,
    )


def on_signals(handle: Callable[[], None], *names: str) -> None:
    """Call that on the running loop for each of those signals, where the system has them.

    asyncio's own `add_signal_handler` hears of a signal by a byte in the pipe that wakes its loop.
    While some hundred wake-ups wait there, there is no room for it, and the signal is lost
    (CPython 3.11, tried: SIGTERM to a server whose thousand connections closed at once).
    """
    loop = asyncio.get_running_loop()

    def hear(*_: object) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(handle)

    for name in names:
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, hear)


async def listening(host: str, port: int, serving: asyncio.Task[None]) -> None:
    """Until a connection is taken, or the server gave up."""
    while not serving.done():
        with suppress(OSError):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            return
        await asyncio.sleep(0.02)


def hold_back(port: int) -> None:
    """Let the kernel take no more of an answer than `UNSENT_BYTES` ahead of the network.

    An answer counts as delivered once its last byte was handed over. Left to itself the kernel
    takes megabytes at once, a whole picture mostly, and a client that was cut under way would pass
    for one that has it all. Connections have it from their listening socket, which granian 2.8
    keeps to itself. Linux only; elsewhere it stays as it was.
    """
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if option is None or sys.platform != "linux":
        return
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # no socket
            one = socket.socket(fileno=int(name))
            try:
                listens = one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
                if listens and one.getsockname()[1] == port:
                    one.setsockopt(socket.IPPROTO_TCP, option, UNSENT_BYTES)
            finally:
                one.detach()


def _announce(url: str, screen: Screen) -> None:
    screen.data({"url": url})
    screen.bare(url)
    screen.line(
        screen.pick(
            f"The sandbox is at {url} (Ctrl-C ends it).", f"沙盒地址：{url}（Ctrl-C 结束）。"
        )
    )
    screen.line(f"  pisang upstream add local --wire gemini --base-url {url} --auth none")
