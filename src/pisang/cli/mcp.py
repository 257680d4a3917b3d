"""`pisang mcp`: the MCP server, over standard input and output."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from pisang.cli.frame import command
from pisang.cli.options import Told, ViaOption

EXAMPLES = """\
claude mcp add pisang -- pisang mcp
pisang mcp --via ikuncode --out ~/Pictures/pisang --max-cost 5USD
pisang mcp --root ~/shop/photos
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mcp(Told):
    """The arguments of `mcp`."""

    via: ViaOption = None
    out: Annotated[
        str | None,
        typer.Option(
            "--out", metavar="DIR", help="Where images are written (~/Pictures/pisang, or so)."
        ),
    ] = None
    root: Annotated[
        list[str] | None,
        typer.Option(
            "--root",
            metavar="DIR",
            help="A folder whose files may be read and written too; may be repeated.",
        ),
    ] = None
    max_cost: Annotated[
        str | None,
        typer.Option("--max-cost", metavar="AMOUNT", help="The most that this session may spend."),
    ] = None


@command(examples=EXAMPLES)
def mcp(asked: Mcp) -> int:
    """Serve agents by the Model Context Protocol: a client starts this, no person does.

    Images go to --out; of other files only those below --out, the folder it is started in and
    each --root are touched. What was paid for is kept whatever becomes of the client.
    """
    from pisang.client.wishes import check_money
    from pisang.errors import ExtraMissing

    if find_spec("mcp") is None:
        raise ExtraMissing(feature="`pisang mcp`", extra="mcp")
    max_cost = asked.max_cost or None  # a plugin's option that was left empty
    check_money(max_cost)
    here = Path.cwd()
    out = Path(asked.out).expanduser() if asked.out else default_out()
    out.mkdir(parents=True, exist_ok=True)
    roots = [*map(str, asked.root or ()), *((str(here),) if _is_a_place(here) else ())]
    spec = {"via": asked.via, "out": str(out), "roots": roots, "max_cost": max_cost}
    asyncio.run(_serve(spec))
    return 0


async def _serve(spec: dict[str, Any]) -> None:
    from pisang.mcp.line import Line
    from pisang.mcp.server import Server

    async with Line(spec) as line:
        await Server(line).run_stdio_async()


def default_out() -> Path:
    """Where images go that nobody said a place for: clients start servers anywhere, in `/` too."""
    pictures = Path.home() / "Pictures"
    return pictures / "pisang" if pictures.is_dir() else Path.home() / "pisang-out"


def _is_a_place(folder: Path) -> bool:
    """Whether a folder is somebody's project rather than where everything is."""
    return folder not in (Path(folder.anchor), Path.home()) and os.access(folder, os.R_OK)
