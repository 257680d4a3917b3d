"""`pisang worker`: does the jobs of batches, wherever they were written down."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pisang.cli.frame import command
from pisang.cli.options import Told
from pisang.cli.screen import Screen

if TYPE_CHECKING:
    from pisang.jobs.runner import Runner

HEALTH_S = 60.0
"""How often a worker says how it is."""

EXAMPLES = """\
pisang worker
pisang worker --concurrency 200
PISANG_LEDGER=postgresql://… pisang worker --once
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work(Told):
    """The arguments of `worker`."""

    concurrency: Annotated[
        int,
        typer.Option(min=1, max=4096, metavar="N", help="At most so many images at once, here."),
    ] = 64
    once: Annotated[bool, typer.Option("--once", help="End when no job is left that is due.")] = (
        False
    )


@command(examples=EXAMPLES)
def worker(asked: Work) -> int:
    """Do the jobs of every open batch of this home, beside whoever else does.

    Any number of workers may run, on one machine or on many that share a database and a bucket: the
    limits of upstreams and batches hold for all of them together, and nothing is bought twice. When
    one dies, the others take over within seconds what it had not sent.

    Ctrl-C or SIGTERM begins nothing more and sees through what was sent. Every minute one line says
    how it is, on standard error; with --format json as an object a line on standard output.
    """
    return asyncio.run(_work(asked, Screen.of(asked.format)))


async def _work(asked: Work, screen: Screen) -> int:
    from pisang.cli.serving import on_signals
    from pisang.cli.systemd import notify
    from pisang.client.hub import Hub
    from pisang.client.loading import load_settings
    from pisang.client.working import upstreams_by_name
    from pisang.jobs.runner import Runner

    hub = Hub(None, load_settings())
    try:
        engine = await hub.engine()
        runner = Runner(engine, upstreams_by_name(hub.settings), concurrency=asked.concurrency)

        def stop() -> None:
            notify("STOPPING=1")
            runner.stop()

        on_signals(stop, "SIGINT", "SIGTERM", "SIGHUP")
        notify("READY=1")
        screen.note(screen.pick("Working (Ctrl-C ends it).", "正在工作（Ctrl-C 结束）。"))
        saying = asyncio.create_task(_say_health(runner, screen))
        try:
            await runner.run(forever=not asked.once)
        finally:
            saying.cancel()
        _say(runner, screen)
    finally:
        await hub.close()
    return 0


async def _say_health(runner: Runner, screen: Screen) -> None:
    while True:
        await asyncio.sleep(HEALTH_S)
        _say(runner, screen)


def _say(runner: Runner, screen: Screen) -> None:
    """One line: what is under way, what came of the rest since it began, what is in the way."""
    from pisang.cli.words import STATES_ZH

    tally = {state.value: count for state, count in sorted(runner.tally.items())}
    problem = runner.problem
    screen.data({"working": runner.working, **tally, "problem": problem and problem.code})
    parts = [screen.pick(f"{runner.working} under way", f"{runner.working} 个进行中")]
    parts += [
        screen.pick(f"{count} {state}", f"{count} 个{STATES_ZH[state]}")
        for state, count in tally.items()
    ]
    screen.note(screen.pick(", ", "，").join(parts))
    if problem is not None:
        screen.note(problem.message(screen.language))
