"""`pisang sandbox`: the offline painter as a server, for other programs' tests."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from pisang.cli.frame import command
from pisang.cli.options import Told
from pisang.cli.screen import Screen

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox(Told):
    """The arguments of `sandbox`."""

    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1"
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = (
        8790
    )
    book: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write down what was charged, a JSON line each."),
    ] = None


EXAMPLES = """\
pisang sandbox --port 8790
pisang upstream add local --wire gemini --base-url http://127.0.0.1:8790 --auth none
curl http://127.0.0.1:8790/v1beta/models
"""


@command(examples=EXAMPLES)
def sandbox(asked: Sandbox) -> int:
    """Serve the offline painter in every wire's server role; any key is good.

    A prompt may choose a fault: [[sandbox status=503]], delay=30, cut=0.5, finish=IMAGE_SAFETY,
    size=1K, html=524, text-only, drafts=3 and more; `curl` its address for all of them. It never
    costs anything. Ctrl-C ends it.

    Once connections are taken, one line is written to standard output: with --format json
    {"url": "http://127.0.0.1:8790"}, with --format quiet the bare address. Programs that start it
    with --port 0 wait for that line.
    """
    from pisang.errors import ExtraMissing

    if find_spec("granian") is None:
        raise ExtraMissing(feature="`pisang sandbox`", extra="server")
    from pisang.cli.serving import serve_sandbox

    screen = Screen.of(asked.format)
    serve_sandbox(asked.host, asked.port, asked.book, screen)
