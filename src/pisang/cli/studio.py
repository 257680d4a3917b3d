"""`pisang studio`: the studio on this machine, its page opened and signed in."""

from __future__ import annotations

import webbrowser
from dataclasses import dataclass
from functools import partial
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
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio(Told):
    """The arguments of `studio`."""

    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 0
    via: ViaOption = None
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Print the address, and open no browser.")
    ] = False


@command(examples=EXAMPLES)
def studio(asked: Studio) -> int:
    """Open the studio in a browser: compose, watch, keep; batches and costs.

    A gateway for this machine alone (`pisang serve` has the same page at `/`, for a team). You are
    signed in, also where the home has keys for others: the address that is opened holds a ticket,
    good once and for five minutes. Ctrl-C ends it; what was sent is seen through.
    """
    from pisang.engine.world import now_ms
    from pisang.gateway.owner import Owner

    owner = Owner(now_ms() // 1000)
    served = Serve(
        format=asked.format, port=asked.port, via=asked.via, log_level=LogLevelName.WARNING
    )
    tell = partial(_tell, ticket=owner.ticket or "", opens=not asked.no_open)
    return serve_to_the_end(served, "`pisang studio`", tell, owner)


def _tell(url: str, screen: Screen, *, ticket: str, opens: bool) -> None:
    """Open the page; where that can't be done, say where it is, ticket and all."""
    address = f"{url}/#enter={ticket}"
    opened = opens and webbrowser.open(address)
    screen.data({"url": url if opened else address})
    screen.bare(url if opened else address)
    if opened:
        said = screen.pick(
            f"The studio is open in your browser: {url}", f"画室已在浏览器中打开：{url}"
        )
    else:
        said = screen.pick(f"Open the studio: {address}", f"打开画室：{address}")
    screen.line(f"{said} ({screen.pick('Ctrl-C ends it', 'Ctrl-C 结束')}).")
