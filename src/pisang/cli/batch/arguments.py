"""What the commands of `pisang batch` take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from pisang.cli.options import Told

ConcurrencyOption = Annotated[
    int,
    typer.Option("--concurrency", min=1, max=4096, metavar="N", help="At most so many at once."),
]
BatchArgument = Annotated[
    str | None, typer.Argument(metavar="ID", help="The batch (default: the newest unfinished).")
]
OnOption = Annotated[
    str | None,
    typer.Option(
        "--on", metavar="CLUSTER", help="Workers on a Ray cluster: ray, ray://HOST:10001."
    ),
]
ForOption = Annotated[
    str | None,
    typer.Option("--for", metavar="TIME", help="Stay so long (90s, 5m); it goes on afterwards."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Told):
    """The arguments of `batch run`."""

    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE", help="CSV, JSON, JSONL or Excel; - is standard input."),
    ] = None
    each: Annotated[
        str | None,
        typer.Option("--each", metavar="GLOB", help="In place of a file: a row for each picture."),
    ] = None
    prompt: Annotated[
        str | None,
        typer.Option("--prompt", "-p", metavar="TEXT", help="Every row's; {column} is filled in."),
    ] = None
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="TEXT", help="Every file's name, such as '{sku}-{line}'."),
    ] = None
    via: Annotated[
        list[str] | None,
        typer.Option("--via", "--upstream", metavar="NAME", help="The upstream; several share."),
    ] = None
    model: Annotated[str | None, typer.Option("--model", "-m", help="Where a row says none.")] = (
        None
    )
    aspect_ratio: Annotated[
        str | None, typer.Option("--aspect-ratio", "-r", help="Where a row says none.")
    ] = None
    image_size: Annotated[
        str | None, typer.Option("--image-size", "-s", help="Where a row says none.")
    ] = None
    references: Annotated[
        list[str] | None, typer.Option("--reference", "-i", metavar="PATH", help="For every row.")
    ] = None
    out: Annotated[
        str | None, typer.Option("--out", "-o", metavar="DIR", help="Where files and results go.")
    ] = None
    concurrency: ConcurrencyOption = 8
    every: Annotated[
        str | None,
        typer.Option("--every", metavar="TIME", help="Begin no faster than one in 1.5s, say."),
    ] = None
    max_cost: Annotated[
        str | None,
        typer.Option("--max-cost", metavar="AMOUNT", help="The most for the whole batch."),
    ] = None
    start_at: Annotated[
        str | None,
        typer.Option("--start-at", metavar="TIME", help="Begin at 02:00, or 2026-12-01T02:00."),
    ] = None
    resize: Annotated[
        str | None, typer.Option("--resize", metavar="WxH", help="Every file's exact pixels.")
    ] = None
    max_bytes: Annotated[
        str | None,
        typer.Option("--max-bytes", metavar="SIZE", help="No file larger than 500kB, 2MB, say."),
    ] = None
    duplicates: Annotated[
        bool, typer.Option("--duplicates", help="Buy equal rows each, not once.")
    ] = False
    force: Annotated[bool, typer.Option("--force", help="Overwrite files.")] = False
    new: Annotated[
        bool, typer.Option("--new", help="Buy it again although the same was done before.")
    ] = False
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would be, and buy nothing.")
    ] = False
    detach: Annotated[
        bool, typer.Option("--detach", help="Return at once; it goes on by itself.")
    ] = False
    on: OnOption = None
    wait_for: ForOption = None


@dataclass(frozen=True, slots=True, kw_only=True)
class One(Told):
    """A batch, by its id."""

    batch: BatchArgument = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(One):
    """The arguments of `batch resume`."""

    concurrency: ConcurrencyOption = 8
    detach: Annotated[bool, typer.Option("--detach", help="Return at once.")] = False
    on: OnOption = None
    wait_for: ForOption = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry(Resume):
    """The arguments of `batch retry`."""

    unknown: Annotated[
        bool, typer.Option("--unknown", help="Also buy again what may have been paid for already.")
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Told):
    """The arguments of `batch list`."""

    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported(One):
    """The arguments of `batch export`."""

    out: Annotated[
        str, typer.Option("--out", "-o", metavar="FILE", help="Where to; - is standard output.")
    ] = "-"
