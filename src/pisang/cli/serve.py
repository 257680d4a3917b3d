"""`pisang serve`: the gateway."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from pisang.cli.frame import command
from pisang.cli.options import Told, ViaOption
from pisang.cli.screen import Screen

if TYPE_CHECKING:
    from pisang.domain.ledger import AttemptRow
    from pisang.errors import OptionInvalid
    from pisang.gateway.app import Gateway
    from pisang.gateway.entrance import Entrance
    from pisang.gateway.logs import LogFormat

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

NEW_OBJECTS = 10_000
"""How many objects are made, and not let go, between two looks of the garbage collector. Python's
own 700 are those of one or two calls."""

EXAMPLES = """\
pisang serve
pisang serve --port 8800 --via ikuncode
curl http://127.0.0.1:8787/v1beta/models
"""


class LogFormatName(StrEnum):
    """How lines are written on standard error."""

    JSON = "json"
    CONSOLE = "console"


class LogLevelName(StrEnum):
    """The least that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Serve(Told):
    """The arguments of `serve`."""

    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1"
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = (
        8787
    )
    via: ViaOption = None
    stop_timeout: Annotated[
        float | None,
        typer.Option(
            "--stop-timeout",
            metavar="SECONDS",
            min=0,
            help="When stopping, give up what was sent after so long (its own time limit).",
        ),
    ] = None
    log_format: Annotated[
        LogFormatName | None,
        typer.Option("--log-format", help="The log's lines (on a terminal: console, else json)."),
    ] = None
    log_level: Annotated[
        LogLevelName, typer.Option("--log-level", help="The least that is logged.")
    ] = LogLevelName.INFO


@command(examples=EXAMPLES)
def serve(asked: Serve) -> int:
    """Serve every wire over the configured upstreams: point any client's base URL here.

    Google's SDKs, OpenAI's SDKs, curl and the crawl clients work unchanged. What was paid for is
    kept and never bought twice: a client that is cut and asks again is given what it asked for
    the first time. Ctrl-C ends it.

    Ctrl-C or SIGTERM closes the port and sees through what was sent; a second one gives that up.
    SIGHUP reads the settings again, which a change of their files does by itself.
    """
    return serve_to_the_end(asked, "`pisang serve`", announce)


Announce = Callable[[str, Screen], None]
"""Tells whoever started a server where it is."""


def serve_to_the_end(
    asked: Serve,
    feature: str,
    tell: Announce,
    entrance: Entrance | None = None,
    home: Path | None = None,
) -> NoReturn:
    """Serve until it is ended, and end the process. By `entrance` its own user is let in without a
    key. `home`: in place of the environment's."""
    from pisang.errors import ExtraMissing

    if find_spec("granian") is None:
        raise ExtraMissing(feature=feature, extra="server")
    code = 0
    with suppress(KeyboardInterrupt):  # where the system has no handlers of signals
        code = asyncio.run(_serve(asked, Screen.of(asked.format), tell, entrance, home))
    sys.stdout.flush()
    os._exit(code)  # as in `serving`: granian's threads outlive the loop by a moment


async def _serve(
    asked: Serve, screen: Screen, tell: Announce, entrance: Entrance | None, home: Path | None
) -> int:
    from pisang.cli.serving import free_port
    from pisang.client.loading import load_settings
    from pisang.gateway.app import Gateway
    from pisang.gateway.logs import set_up

    port = free_port(asked.host, asked.port)
    gateway = Gateway(load_settings(home=home), asked.via, entrance)
    writer = set_up(_log_format(asked), asked.log_level.value)
    try:
        await gateway.open()
        if asked.host not in LOOPBACK and not gateway.guarded:
            raise _unguarded(asked.host)
        left = await _run(gateway, asked, port, lambda url: tell(url, screen))
        return 7 if left else 0  # the outcome of something that may be paid for is unknown
    finally:
        await gateway.close()
        writer.finish()


async def _run(
    gateway: Gateway, asked: Serve, port: int, tell: Callable[[str], None]
) -> tuple[AttemptRow, ...]:
    """Serve until a signal, then see through what was sent. The attempts that were given up."""
    from pisang.cli.serving import hold_back, listening, make_server, on_signals
    from pisang.cli.systemd import notify
    from pisang.studio.app import Studio

    app = Studio(gateway)
    server: Any = make_server(app, asked.host, port, gateway.capacity.connections)
    stopping = asyncio.Event()

    def stop() -> None:
        notify("STOPPING=1")
        server.stop()
        gateway.stop(asked.stop_timeout)
        stopping.set()

    def hang_up() -> None:  # the terminal that it was started on is gone, or: read the settings
        if on_terminal and not os.isatty(sys.stdin.fileno()):
            stop()
        else:
            gateway.reload()

    on_terminal = bool(sys.stdin and sys.stdin.isatty())
    on_signals(stop, "SIGINT", "SIGTERM")
    on_signals(hang_up, "SIGHUP")
    serving = asyncio.create_task(server.serve())
    await listening(asked.host, port, serving)
    hold_back(port)
    _spare_collector()
    if not serving.done():
        notify("READY=1")
        tell(f"http://{_bracketed(asked.host)}:{port}")
    waiting = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not stopping.is_set():
        await serving  # it gave up: raises why
    return await gateway.finish()


def _spare_collector() -> None:
    """Have the garbage collector look seldom, and only at what calls leave: at all that was loaded
    before the first of them it looked again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 10, 10)


def _log_format(asked: Serve) -> LogFormat:
    if asked.log_format is not None:
        return "json" if asked.log_format is LogFormatName.JSON else "console"
    return "console" if sys.stderr.isatty() else "json"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _unguarded(host: str) -> OptionInvalid:
    from pisang.errors import OptionInvalid

    why = "other machines may ask only where callers have keys, and there is none yet"
    hint = "pisang key create --name NAME"
    return OptionInvalid(option="--host", value=host, why=why, hint=hint)


def announce(url: str, screen: Screen) -> None:
    """Where it is, on standard output."""
    screen.data({"url": url})
    screen.bare(url)
    said = screen.pick(f"The gateway is at {url}", f"网关地址：{url}")
    screen.line(f"{said} ({screen.pick('Ctrl-C ends it', 'Ctrl-C 结束')}).")
