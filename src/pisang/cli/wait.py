"""`pisang wait`: the images of a request that somebody started, whoever that was."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import Annotated

import typer

from pisang.cli import candidates
from pisang.cli.frame import command
from pisang.cli.options import ForOption, Told, read_duration
from pisang.cli.screen import Screen

EXAMPLES = """\
pisang wait
pisang wait req_01k9 --for 90s
pisang wait req_01k9 --for 10m --format json
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(Told):
    """The arguments of `wait`."""

    id: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            help="The request (default: the newest of this folder).",
            autocompletion=candidates.requests,
        ),
    ] = None
    wait_for: ForOption = None


@command(examples=EXAMPLES)
def wait(asked: Wait) -> int:
    """Wait for a request that is under way, and tell what came of it as `generate` would.

    Files go where `generate` or `edit` was told to put them, also where its process was killed.
    Exit code 9: still under way; calling it again goes on waiting. Nothing is ever bought.
    """
    from pisang.cli.watching import patience_of

    screen = Screen.of(asked.format)
    for_s = patience_of(read_duration(asked.wait_for), os.environ, detach=False).for_s
    return asyncio.run(_wait(asked.id, for_s, screen))


async def _wait(word: str | None, for_s: float | None, screen: Screen) -> int:
    """Tell what came of it, or where it stands when the time is up; the exit code."""
    from pisang.cli.painting import tell
    from pisang.cli.progress import Progress
    from pisang.cli.watching import Left, tell_left
    from pisang.client.async_client import AsyncClient

    async with AsyncClient(face="cli") as client:
        request = await client.newest(word)
        try:
            with Progress(screen, 1) as progress:
                progress.take_in(request.attempts)
                result = await client.wait(request.request_id, for_s)
        except TimeoutError:
            left = Left(request.request_id, request.state.value)
            return tell_left(left, screen, asked=False)
        code = tell(await client.collect(result), screen).code
        await client.release(request.request_id, told=True)  # once it is: not before
        return code
