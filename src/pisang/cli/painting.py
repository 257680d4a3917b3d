"""What `generate`, `edit` and `try` do: plan the file, ask, write, tell."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pisang.cli.callers import agent_in
from pisang.cli.carrying import Task, carry_out
from pisang.cli.opening import open_picture
from pisang.cli.options import Paint, read_duration
from pisang.cli.performing import Report, Work
from pisang.cli.screen import Screen
from pisang.cli.watching import Patience, patience_of
from pisang.cli.words import say_amount
from pisang.client.async_client import AsyncClient
from pisang.client.delivery import Delivery
from pisang.client.derive import Shape, check_bytes, parse_bytes, parse_resize
from pisang.client.export import Exported
from pisang.client.extras import parse_assignments
from pisang.client.loading import load_settings
from pisang.client.output import Target, check_output, plan_output
from pisang.client.presets import SANDBOX
from pisang.client.previews import preview_of
from pisang.client.results import Result
from pisang.client.settings import Settings
from pisang.client.upstreams import choose
from pisang.client.wishes import Options, check_n, check_prompt
from pisang.domain.request import JSON
from pisang.domain.upstream import Upstream
from pisang.engine.events import Listener
from pisang.errors import (
    OptionInvalid,
    OutputExists,
    PisangError,
    PromptMissing,
    UpstreamMissing,
)

MAX_STDIN = 1 << 20
"""A prompt is no longer than a megabyte."""

MOST_PREVIEWS = 8


@dataclass(frozen=True, slots=True)
class Job:
    """One call of the command line, all its words checked as far as they can be before opening."""

    prompt: str
    edited: str | None
    asked: Paint
    target: Target
    upstream: Upstream
    settings: Settings
    resize: Shape | None
    max_bytes: int | None

    def open(self) -> AsyncClient:
        """A client for it."""
        return AsyncClient(self.upstream, settings=self.settings, face="cli")


def paint(asked: Paint, prompt: str | None, *, edited: str | None) -> int:
    """Do it and tell it; the exit code."""
    screen = Screen.of(asked.format)
    settings = load_settings()
    job = prepare(asked, prompt, edited, settings, screen)

    def report(exported: Exported) -> Report:
        return tell(exported, screen, show=asked.open, via=asked.via)

    task = Task(
        work=Work(job.open, partial(ask, job), report),
        n=asked.n,
        upstream=job.upstream.name,
        settings=settings,
        patience=read_patience(asked),
        reads_stdin=any(is_stdin(word) for word in (*(asked.references or ()), edited or "")),
    )
    return carry_out(task, screen).code


def read_patience(asked: Paint) -> Patience:
    """How long the foreground stays. Raises `OptionInvalid`."""
    if asked.detach and asked.wait_for is not None:
        raise OptionInvalid(option="--for", value=asked.wait_for, why="--detach is given too")
    return patience_of(read_duration(asked.wait_for), os.environ, detach=asked.detach)


def is_stdin(word: str) -> bool:
    """Whether a reference's word (`-`, `label=-`) means standard input."""
    return word == "-" or word.endswith("=-")


def prepare(
    asked: Paint, prompt: str | None, edited: str | None, settings: Settings, screen: Screen
) -> Job:
    """Everything that can be wrong before anything is opened, found wrong here."""
    check_n(asked.n)
    references = [*(asked.references or ()), *((edited,) if edited else ())]
    words = read_prompt(prompt, asked.prompt_option, references)
    check_prompt(words)
    if asked.retry_unknown and not asked.idempotency_key:
        why = "it goes with --idempotency-key, which says what to buy again"
        raise OptionInvalid(option="--retry-unknown", value="", why=why)
    resize = read_resize(asked)
    upstream = choose_upstream(settings, asked.via, screen)
    parse_assignments(asked.set or (), upstream.wire)
    target = plan_output(
        asked.out or settings.defaults.out, base=settings.folder, force=asked.force
    )
    max_bytes = parse_bytes(asked.max_bytes) if asked.max_bytes else None
    check_bytes(target.mime, max_bytes)
    try:
        check_output(target, asked.n)
    except OutputExists as error:
        error.hint = asyncio.run(_hint_writer(error, words, settings))
        raise
    return Job(words, edited, asked, target, upstream, settings, resize, max_bytes)


async def _hint_writer(error: OutputExists, prompt: str, settings: Settings) -> str | None:
    """How to have what stands there already, where these very words made it: a caller that was
    killed meanwhile asks again for what its keeper has written."""
    style = settings.defaults.style
    words = f"{style}\n{prompt}" if style else prompt
    with suppress(PisangError):  # no home yet, or none that can be read: no hint
        async with AsyncClient(settings=settings, face="cli") as client:
            request_id = await client.writer(Path(error.fields["path"]), words)
            return f"pisang wait {request_id}" if request_id else None
    return None


def read_resize(asked: Paint) -> Shape | None:
    """The size that the file is to have. Raises `OptionInvalid` for options that don't go along."""
    if asked.resize is None:
        if asked.mode is not None:
            why = "it goes with --resize, as in --resize 1920x1080"
            raise OptionInvalid(option="--mode", value=asked.mode.value, why=why)
        return None
    if asked.fit is not None:
        raise OptionInvalid(option="--fit", value=asked.fit.value, why="--resize is given too")
    return parse_resize(asked.resize, asked.mode.value if asked.mode else "cover")


def read_prompt(positional: str | None, option: str | None, references: list[str]) -> str:
    """The prompt from the argument, `-p`, or standard input. Raises `OptionInvalid`."""
    if positional is not None and option is not None:
        raise OptionInvalid(option="--prompt", value=option, why="the prompt is given twice")
    words = positional if option is None else option
    if words is None:
        raise PromptMissing()
    if words != "-":
        return words
    if any(map(is_stdin, references)):
        raise OptionInvalid(option="-", value="-", why="it is the prompt and a picture at once")
    return sys.stdin.buffer.read(MAX_STDIN).decode("utf-8", "surrogateescape").strip()


def choose_upstream(settings: Settings, named: str | None, screen: Screen) -> Upstream:
    """The upstream; on a terminal where none is set up, the sandbox, saying so (DESIGN §7)."""
    try:
        return choose(settings, named)
    except UpstreamMissing:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise
        screen.note(
            screen.pick(
                "No upstream is set up: the sandbox paints this offline. "
                "For real images: pisang setup",
                "还没有配置上游：这张图由离线沙盒绘制。要真实出图：pisang setup",
            )
        )
        return choose(settings, SANDBOX)


async def ask(job: Job, client: AsyncClient, listen: Listener) -> Exported:
    """Ask for the images and write their files."""
    asked = job.asked
    naming, exact = job.settings.naming, asked.fit is not None
    delivery = Delivery(job.target, job.prompt, naming, job.resize, exact, job.max_bytes)
    options: Options = {
        "model": asked.model,
        "aspect_ratio": asked.aspect_ratio,
        "image_size": asked.image_size,
        "n": asked.n,
        "references": asked.references or (),
        "max_cost": asked.max_cost,
        "timeout_s": asked.timeout,
        "idempotency_key": asked.idempotency_key,
        "retry_unknown": asked.retry_unknown,
        "strict": asked.strict,
        "extra": parse_assignments(asked.set or (), job.upstream.wire),
        "tags": asked.tag or (),
        "on_event": listen,
    }

    result = await client.attempt(
        job.prompt, job.edited, delivery=delivery, new=asked.new, **options
    )
    return await client.deliver(result, delivery)


def tell(
    exported: Exported, screen: Screen, *, show: bool = False, via: str | None = None
) -> Report:
    """Say what came; the exit code of the worst that happened. `via` is the upstream that was
    named: the next command has to name it too."""
    pictures = tuple(str(image.path) for image in exported.result.finals)
    return Report(_tell(exported, screen, show=show, via=via), pictures)


def _tell(exported: Exported, screen: Screen, *, show: bool, via: str | None) -> int:
    result = exported.result
    error = result.error or exported.error
    finals = result.finals
    if not finals and error is not None:
        code = screen.fail(error)
        screen.warn(result.warnings)
        if result.text:
            screen.note(f"{screen.lead('It said', '模型说')}{result.text}")
        return code
    previews = _previews(result)
    screen.data(with_previews(result.to_json(), previews))
    for image in finals:
        screen.bare(str(image.path))
        shape = f"{image.width}×{image.height}"
        screen.file(image.path, f"  {shape}  {image.mime}  {_size(image.size)}")
        if image.sha256 in previews:
            screen.line(f"{screen.lead('preview', '预览')}{previews[image.sha256]}")
    screen.line(_summary(result, screen, via))
    screen.warn(result.warnings)
    if show and finals:
        screen.warn(open_picture(finals[0].path))
    if error is None:
        return 0
    screen.say(error)
    for failure in result.failures:
        if failure is not error:
            screen.say(failure)
    return error.exit_code


def _previews(result: Result) -> dict[str, Path]:
    """For an agent, which is to look at those and open no whole picture: by the image's hash."""
    if agent_in(os.environ) is None:
        return {}
    home = load_settings().home
    made = ((one.sha256, preview_of(one, home)) for one in result.finals[:MOST_PREVIEWS])
    return {sha256: path for sha256, path in made if path is not None}


def with_previews(told: dict[str, JSON], previews: Mapping[str, Path]) -> dict[str, JSON]:
    """The result with `preview` beside the path of each image that has one."""
    images = told["images"]
    if previews and isinstance(images, list):
        for image in images:
            if isinstance(image, dict) and image["sha256"] in previews:
                image["preview"] = str(previews[str(image["sha256"])])
    return told


def _summary(result: Result, screen: Screen, via: str | None) -> str:
    cost, edit = screen.pick("cost", "费用"), screen.lead("edit it", "接着改")
    money = say_amount(result.cost, screen.language)
    onward = f" --via {via}" if via else ""
    return (
        f"{result.model} · {result.upstream} · {cost} {money} · {result.request_id}"
        f'\n{edit}pisang edit last "…"{onward}'
    )


def _size(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB" if size >= 1_000_000 else f"{size / 1000:.0f} kB"
