"""What `generate`, `edit` and `try` do: plan the file, ask, write, tell."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, replace
from datetime import datetime

from pisang.cli.opening import open_picture
from pisang.cli.options import Paint
from pisang.cli.progress import Progress
from pisang.cli.screen import Screen
from pisang.cli.words import say_amount
from pisang.client.async_client import AsyncClient
from pisang.client.derive import Shape, exact_shape, parse_resize
from pisang.client.export import Exported, export
from pisang.client.extras import parse_assignments
from pisang.client.loading import load_settings
from pisang.client.output import Label, Target, check_output, plan_output
from pisang.client.presets import SANDBOX
from pisang.client.results import Result
from pisang.client.settings import Settings
from pisang.client.upstreams import choose
from pisang.client.wishes import Options, check_n, check_prompt
from pisang.domain.catalogue import load
from pisang.domain.upstream import Upstream
from pisang.domain.warning import Warn
from pisang.errors import OptionInvalid, PromptMissing, UpstreamMissing

MAX_STDIN = 1 << 20
"""A prompt is no longer than a megabyte."""


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


def paint(asked: Paint, prompt: str | None, *, edited: str | None) -> int:
    """Do it and tell it; the exit code."""
    screen = Screen.of(asked.format)
    settings = load_settings()
    job = prepare(asked, prompt, edited, settings, screen)
    progress = Progress(screen, job.asked.n)
    try:
        exported = asyncio.run(ask(job, progress))
    except KeyboardInterrupt as stopped:
        raise KeyboardInterrupt from progress.interrupted(job.upstream.name) or stopped
    return tell(exported, screen, show=asked.open, via=asked.via)


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
    check_output(target, asked.n)
    return Job(words, edited, asked, target, upstream, settings, resize)


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
    if any(word == "-" or word.endswith("=-") for word in references):
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
                "For real images: pisang upstream add google",
                "还没有配置上游：这张图由离线沙盒绘制。要真实出图：pisang upstream add google",
            )
        )
        return choose(settings, SANDBOX)


async def ask(job: Job, progress: Progress) -> Exported:
    """Ask for the images and write their files."""
    asked = job.asked
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
        "on_event": progress.hear,
    }
    async with AsyncClient(job.upstream, settings=job.settings, face="cli") as client:
        with progress:
            result = await client.attempt(job.prompt, job.edited, **options)
        label = Label(job.settings.naming, datetime.now().astimezone(), job.prompt, result.model)
        result, shape = fit(job, result)
        return await asyncio.to_thread(export, result, job.target, label, shape)


def fit(job: Job, result: Result) -> tuple[Result, Shape | None]:
    """The pixels that the files are to have; the result says so where there are none to fit to."""
    if job.asked.fit is None or not result.images:
        return result, job.resize
    asked = result.images[0].requested
    shape = exact_shape(load(), result.model, asked.get("aspect_ratio"), asked.get("image_size"))
    if shape is not None:
        return result, shape
    why = "The catalogue knows no exact pixels of what was asked (a ratio has to be named)"
    skipped = Warn("fit_skipped", f"{why}: --fit changed nothing.")
    return replace(result, warnings=(*result.warnings, skipped)), None


def tell(exported: Exported, screen: Screen, *, show: bool = False, via: str | None = None) -> int:
    """Say what came; the exit code of the worst that happened. `via` is the upstream that was
    named: the next command has to name it too."""
    result = exported.result
    error = result.error or exported.error
    finals = result.finals
    if not finals and error is not None:
        code = screen.fail(error)
        screen.warn(result.warnings)
        if result.text:
            screen.note(f"{screen.pick('It said', '模型说')}: {result.text}")
        return code
    screen.data(result.to_json())
    for image in finals:
        screen.bare(str(image.path))
        shape = f"{image.width}×{image.height}"
        screen.line(f"{image.path}  {shape}  {image.mime}  {_size(image.size)}")
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


def _summary(result: Result, screen: Screen, via: str | None) -> str:
    cost, edit = screen.pick("cost", "费用"), screen.pick("edit it", "接着改")
    money = say_amount(result.cost, screen.language)
    onward = f" --via {via}" if via else ""
    return (
        f"{result.model} · {result.upstream} · {cost} {money} · {result.request_id}"
        f'\n{edit}: pisang edit last "…"{onward}'
    )


def _size(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB" if size >= 1_000_000 else f"{size / 1000:.0f} kB"
