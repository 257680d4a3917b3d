"""Options that several commands share, each defined once; short forms are DESIGN §9's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer

from pisang.cli import candidates


class FormatName(StrEnum):
    """How the result is told."""

    HUMAN = "human"
    JSON = "json"
    QUIET = "quiet"


class ModeName(StrEnum):
    """How a picture is brought to another size."""

    COVER = "cover"
    CONTAIN = "contain"
    PAD = "pad"


class FitName(StrEnum):
    """Whether small differences from the asked shape are cut away."""

    EXACT = "exact"


FormatOption = Annotated[
    FormatName | None, typer.Option("--format", help="How the result is told (default: human).")
]
ViaOption = Annotated[
    str | None,
    typer.Option(
        "--via",
        "--upstream",
        metavar="NAME",
        help="The upstream to use.",
        autocompletion=candidates.upstreams,
    ),
]
TimeoutOption = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", help="In place of the size's own time limit."),
]


ForOption = Annotated[
    str | None,
    typer.Option(
        "--for",
        metavar="TIME",
        help="Stay at most that long, such as 90s or 10m (off a terminal: 90s); it goes on.",
    ),
]

_UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3600}


def read_duration(text: str | None) -> float | None:
    """Seconds in `90`, `90s`, `10m`, `1h`; None for none. Raises `OptionInvalid`."""
    if text is None:
        return None
    number = text.rstrip("smh")
    unit = text[len(number) :]
    if not number.replace(".", "", 1).isdigit() or unit not in _UNITS_S:
        from pisang.errors import OptionInvalid

        raise OptionInvalid(option="--for", value=text, why="write it like 90s, 10m or 1h")
    return float(number) * _UNITS_S[unit]


@dataclass(frozen=True, slots=True)
class Told:
    """What every command takes."""

    format: FormatOption = None


@dataclass(frozen=True, slots=True)
class Paint(Told):
    """What `generate` and `edit` have in common."""

    prompt_option: Annotated[
        str | None, typer.Option("--prompt", "-p", metavar="TEXT", help="The words, as an option.")
    ] = None
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="Any word for it; see `pisang models`.",
            autocompletion=candidates.models,
        ),
    ] = None
    aspect_ratio: Annotated[
        str | None,
        typer.Option(
            "--aspect-ratio",
            "-r",
            metavar="W:H",
            help="Such as 16:9.",
            autocompletion=candidates.ratios,
        ),
    ] = None
    image_size: Annotated[
        str | None,
        typer.Option(
            "--image-size",
            "-s",
            metavar="SIZE",
            help="512, 1K, 2K or 4K.",
            autocompletion=candidates.sizes,
        ),
    ] = None
    n: Annotated[int, typer.Option("--n", "-n", metavar="COUNT", help="How many images.")] = 1
    references: Annotated[
        list[str] | None,
        typer.Option(
            "--reference",
            "--input",
            "-i",
            metavar="REFERENCE",
            help="A reference picture: path, image id, last, - or label=path. May be repeated.",
        ),
    ] = None
    out: Annotated[
        str | None,
        typer.Option(
            "--out", "-o", metavar="PATH", help="A file in the format it names; a folder."
        ),
    ] = None
    via: ViaOption = None
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False
    open: Annotated[bool, typer.Option("--open", help="Show the image when it is there.")] = False
    strict: Annotated[
        bool, typer.Option("--strict", help="Another size, ratio or type than asked is an error.")
    ] = False
    fit: Annotated[
        FitName | None, typer.Option("--fit", help="Cut the file to the catalogue's exact pixels.")
    ] = None
    resize: Annotated[
        str | None, typer.Option("--resize", metavar="WxH", help="Make the file of that size.")
    ] = None
    mode: Annotated[
        ModeName | None, typer.Option("--mode", help="How --resize does it (default: cover).")
    ] = None
    max_bytes: Annotated[
        str | None,
        typer.Option("--max-bytes", metavar="SIZE", help="No file larger than 500kB, 2MB, say."),
    ] = None
    set: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="K=V", help="A field of the wire's own. May be repeated."),
    ] = None
    max_cost: Annotated[
        str | None, typer.Option("--max-cost", metavar="AMOUNT", help="Such as 0.5USD, for all n.")
    ] = None
    timeout: TimeoutOption = None
    idempotency_key: Annotated[
        str | None,
        typer.Option(
            "--idempotency-key", metavar="KEY", help="Repeating it gives the same result."
        ),
    ] = None
    retry_unknown: Annotated[
        bool,
        typer.Option("--retry-unknown", help="Buy again what is unknown under that key."),
    ] = False
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="WORD", help="To find it by. Repeatable.")
    ] = None
    new: Annotated[
        bool,
        typer.Option("--new", help="Buy another, even where the same was asked and never told."),
    ] = False
    detach: Annotated[
        bool, typer.Option("--detach", help="Return at once; `pisang wait` gives it later.")
    ] = False
    wait_for: ForOption = None


# --- upstreams ----------------------------------------------------------------------------------

NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="The upstream's name.", autocompletion=candidates.upstreams
    ),
]


ProjectOption = Annotated[
    str | None, typer.Option(metavar="ID", help="The Google Cloud project (vertex).")
]
LocationOption = Annotated[
    str | None, typer.Option(metavar="PLACE", help="Its location (vertex; default: global).")
]
KeyEnvOption = Annotated[
    str | None, typer.Option(metavar="VAR", help="The variable that its key stands in.")
]
KeyStdinOption = Annotated[bool, typer.Option("--key-stdin", help="Read its key from stdin.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named(Told):
    """The arguments of a command about one upstream."""

    name: NameArgument


@dataclass(frozen=True, slots=True, kw_only=True)
class Add(Named):
    """The arguments of `upstream add`."""

    preset: Annotated[
        str | None, typer.Option(help="What it is like (default: NAME, where that is a preset).")
    ] = None
    wire: Annotated[
        str | None, typer.Option(help="gemini, crawl, openai-images or openai-chat.")
    ] = None
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Where it is; may have a path of its own.")
    ] = None
    auth: Annotated[
        str | None, typer.Option(help="bearer, x-goog-api-key, query, adc or none.")
    ] = None
    key_env: KeyEnvOption = None
    key_stdin: KeyStdinOption = False
    models: Annotated[
        str | None, typer.Option(metavar="ID,ID", help="Its own model ids (default: any).")
    ] = None
    model: Annotated[str | None, typer.Option("--model", "-m", help="Its default model.")] = None
    network: Annotated[
        str | None, typer.Option(help="Which of its networks: office or production (crawl).")
    ] = None
    project: ProjectOption = None
    location: LocationOption = None
    proxy: Annotated[str | None, typer.Option(metavar="URL", help="Only for this one.")] = None
    force: Annotated[bool, typer.Option("--force", help="Replace one of that name.")] = False


# --- unknown attempts ----------------------------------------------------------------------------

IdArgument = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="The attempt's id, or its beginning.",
        autocompletion=candidates.unknowns,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class One(Told):
    """The arguments of a command about one attempt."""

    id: IdArgument


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuy(One):
    """The arguments of `unknown rebuy`."""

    out: Annotated[
        str | None, typer.Option("--out", "-o", metavar="PATH", help="As in generate.")
    ] = None
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask before paying again.")] = False
