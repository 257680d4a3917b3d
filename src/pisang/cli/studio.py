"""`pisang studio`: the studio on this machine, its page opened and signed in."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from pisang.cli.frame import command
from pisang.cli.options import Told, ViaOption
from pisang.cli.screen import Screen
from pisang.cli.serve import LogLevelName, Serve, serve_to_the_end

EXAMPLES = """\
pisang studio
pisang studio --port 8800
pisang studio --no-open    # prints the address to open
pisang studio --via sandbox
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio(Told):
    """The arguments of `studio`."""

    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 0
    via: ViaOption = None
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Print the address, and open no browser.")
    ] = False
    home: Annotated[
        Path | None,
        typer.Option("--home", metavar="PATH", help="The home to look at (default: PISANG_HOME)."),
    ] = None


@command(examples=EXAMPLES)
def studio(asked: Studio) -> int:
    """Open the studio in a browser: compose, watch, keep; batches and costs.

    A gateway for this machine alone (`pisang serve` has the same page at `/`, for a team). You are
    signed in, also where the home has keys for others: the address that is opened holds a ticket,
    good once and for five minutes. Ctrl-C ends it; what was sent is seen through.
    """
    from pisang.gateway.entrance import Entrance

    entrance = Entrance()
    served = Serve(
        format=asked.format, port=asked.port, via=asked.via, log_level=LogLevelName.WARNING
    )
    opens = not asked.no_open and has_browser()
    tell = partial(_tell, write_ticket=entrance.write_ticket, opens=opens)
    return serve_to_the_end(served, "`pisang studio`", tell, entrance, asked.home)


def has_browser() -> bool:
    """Whether there is one with a window: one in the terminal would take that from us."""
    if sys.platform in ("darwin", "win32"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def _tell(url: str, screen: Screen, *, write_ticket: Callable[[], str], opens: bool) -> None:
    """Open the page, beside the loop; where that can't be done, say where it is, ticket and all."""
    address = f"{url}/#enter={write_ticket()}"
    screen.data({"url": url if opens else address})
    screen.bare(url if opens else address)
    ends = screen.pick("Ctrl-C ends it", "Ctrl-C 结束")
    if opens:
        said = screen.pick(f"The studio is at {url}", f"工作室地址：{url}")
        screen.line(f"{said} ({ends}).")
        threading.Thread(target=_open, args=(address, screen), daemon=True).start()
    else:
        screen.line(f"{_open_yourself(address, screen)} ({ends}).")


def _open(address: str, screen: Screen) -> None:
    opened = False
    with suppress(webbrowser.Error):
        opened = webbrowser.open(address)
    if not opened:
        screen.line(_open_yourself(address, screen))


def _open_yourself(address: str, screen: Screen) -> str:
    return screen.pick(f"Open the studio: {address}", f"打开工作室：{address}")
