"""What `pisang setup` is told, and what it asks for: which upstream, where, under which name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import urlsplit

import typer

from pisang.cli.adding import entry_of
from pisang.cli.choosing import Guide
from pisang.cli.options import (
    Add,
    KeyEnvOption,
    KeyStdinOption,
    LocationOption,
    ProjectOption,
    Told,
)
from pisang.client.addresses import clean_base_url, looks_like_url
from pisang.client.config_checks import check_name
from pisang.client.presets import PRESETS, SANDBOX, VERTEX, Preset, vertex_url
from pisang.client.settings import Settings
from pisang.client.upstreams import is_moved
from pisang.errors import OptionInvalid
from pisang.errors.chinese import in_chinese


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup(Told):
    """The arguments of `setup`."""

    what: Annotated[
        str | None, typer.Argument(metavar="PRESET|URL", help="A preset, or another Pisang's URL.")
    ] = None
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Its name here (default: the preset's).")
    ] = None
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Where it is; may have a path of its own.")
    ] = None
    network: Annotated[
        str | None, typer.Option(help="Which of its networks: office or production (crawl).")
    ] = None
    project: ProjectOption = None
    location: LocationOption = None
    auth: Annotated[
        str | None, typer.Option(help="bearer, x-goog-api-key, query, adc or none.")
    ] = None
    key_env: KeyEnvOption = None
    key_stdin: KeyStdinOption = False
    model: Annotated[str | None, typer.Option("--model", "-m", help="Its default model.")] = None
    proxy: Annotated[str | None, typer.Option(metavar="URL", help="Only for this one.")] = None
    default: Annotated[
        bool, typer.Option("--default", help="Use it by default, though another is the default.")
    ] = False
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Try it for free before it is kept.")
    ] = True
    force: Annotated[bool, typer.Option("--force", help="Replace another of that name.")] = False


EXAMPLE = "pisang setup ikuncode --key-stdin < key.txt"


def words_of(asked: Setup, settings: Settings, guide: Guide | None) -> Add:
    """Everything said as `upstream add` takes it; what is missing is asked for, where somebody can
    answer. Raises `OptionInvalid`."""
    preset, base_url = _whom(asked, settings, guide)
    base_url = asked.base_url or base_url
    network, project, location = asked.network, asked.project, asked.location
    if guide is not None:
        if preset.networks and not network:
            network = _ask_network(preset, settings, guide)
        if preset.name == VERTEX and not base_url:
            project, location = _ask_place(project, location, settings, guide)
        elif preset.base_url is None and not base_url:
            base_url = guide.line(_base_url(guide, preset), _checked_url)
    elif preset.name == VERTEX and not base_url:
        project = project or settings.environ.get("GOOGLE_CLOUD_PROJECT")
        location = location or settings.environ.get("GOOGLE_CLOUD_LOCATION")
    add = Add(
        name=asked.name or preset.name,
        preset=preset.name,
        base_url=base_url,
        network=network,
        project=project,
        location=location,
        auth=asked.auth,
        model=asked.model,
        proxy=asked.proxy,
        force=asked.force,
    )
    return _named(add, asked, settings, guide)


# --- which one -----------------------------------------------------------------------------------


def _whom(asked: Setup, settings: Settings, guide: Guide | None) -> tuple[Preset, str | None]:
    """The preset, and the base URL where that is what was said."""
    if asked.what is not None:
        return read_word(asked.what)
    if guide is None:
        raise OptionInvalid(
            option="PRESET", value="", why=f"choose one of {', '.join(offered())}", hint=EXAMPLE
        )
    guide.screen.note(
        guide.screen.pick("Where do your images come from?", "图片从哪里来？请选择上游：")
    )
    names = offered()
    picked = guide.choose(
        guide.screen.pick("Number", "编号"),
        [_row(PRESETS[name], settings, guide) for name in names],
    )
    return PRESETS[names[picked]], None


def offered() -> tuple[str, ...]:
    """The presets that can be set up; the sandbox is always there."""
    return tuple(name for name in PRESETS if name != SANDBOX)


def read_word(word: str) -> tuple[Preset, str | None]:
    """A preset by its name, or by its own host; any other URL is another Pisang. Raises
    `OptionInvalid`, which repeats nothing that may hold a key."""
    name = word.strip().lower()
    if name == SANDBOX:
        why = "it needs no setting up: pisang try"
        raise OptionInvalid(option="PRESET", value=name, why=why, hint="pisang try")
    if name in PRESETS:
        return PRESETS[name], None
    if not looks_like_url(word):
        why = f"choose one of {', '.join(offered())}, or give the URL of another Pisang"
        shown = word if len(word) <= _LONGEST_NAME else "…"
        raise OptionInvalid(option="PRESET", value=shown, why=why)
    try:
        base_url, _ = clean_base_url(word)
    except ValueError as error:
        raise OptionInvalid(option="URL", value="…", why=str(error)) from None
    host = urlsplit(base_url).hostname
    for preset in PRESETS.values():
        urls = (preset.base_url, *preset.networks.values())
        url = next((url for url in urls if url and urlsplit(url).hostname == host), None)
        if url is not None:
            return preset, None if url == preset.base_url else word
    return PRESETS["pisang"], word


_LONGEST_NAME = 24
"""Characters. A longer word that is no preset may be a key pasted into the wrong place."""


def _row(preset: Preset, settings: Settings, guide: Guide) -> tuple[str, str]:
    line = guide.screen.pick(preset.summary, in_chinese(preset.summary))
    there = next((one for one in preset.key_envs if settings.environ.get(one)), None)
    found = guide.screen.pick(f" · key in ${there}", f" · 已有 ${there}") if there else ""
    ours = any(one.preset == preset.name for one in settings.upstreams.values())
    known = guide.screen.pick(" · set up", " · 已设置") if ours else ""
    return preset.name, f"{line}{found}{known}"


# --- where ---------------------------------------------------------------------------------------


def _ask_network(preset: Preset, settings: Settings, guide: Guide) -> str:
    names = tuple(preset.networks)
    guide.screen.note(guide.screen.pick("From which network?", "从哪个网络访问？"))
    told = settings.environ.get("PISANG_CRAWL_NETWORK", "")
    first = names.index(told) if told in names else 0
    rows = [(name, preset.networks[name]) for name in names]
    return names[guide.choose(guide.screen.pick("Number", "编号"), rows, first)]


def _ask_place(
    project: str | None, location: str | None, settings: Settings, guide: Guide
) -> tuple[str, str]:
    """Vertex's project and location, from the options, else asked for with the environment's."""
    pick, environ = guide.screen.pick, settings.environ

    def checked_project(word: str) -> str:
        vertex_url(word)
        return word

    if project is None:
        told = environ.get("GOOGLE_CLOUD_PROJECT", "")
        asking = pick("Google Cloud project (its id)", "Google Cloud 项目 ID")
        project = guide.line(asking, checked_project, told)

    def checked_location(word: str) -> str:
        vertex_url(str(project), word)
        return word

    if location is None:
        told = environ.get("GOOGLE_CLOUD_LOCATION", "") or "global"
        location = guide.line(pick("Location", "区域"), checked_location, told)
    return project, location


def _base_url(guide: Guide, preset: Preset) -> str:
    return guide.screen.pick(
        f"Base URL of {preset.name} (https://…)", f"{preset.name} 的 base URL（https://…）"
    )


def _checked_url(word: str) -> str:
    clean_base_url(word)
    return word


# --- under which name ----------------------------------------------------------------------------


def _named(add: Add, asked: Setup, settings: Settings, guide: Guide | None) -> Add:
    """The same under a name that is free, or that is this very upstream's."""
    if add.name not in settings.upstreams or asked.force:
        return replace(add, force=True)
    if _is_same(add, settings):
        return replace(add, force=True)
    if guide is None or asked.name is not None:
        why = "there is another of that name: give this one its own with --name, or add --force"
        raise OptionInvalid(option="NAME", value=add.name, why=why)
    screen = guide.screen
    screen.note(
        screen.pick(
            f"There is another upstream named {add.name}: this one needs a name of its own.",
            f"已有名为 {add.name} 的另一个上游：请给这个取个名字。",
        )
    )
    name = guide.line(screen.pick("Name", "名称"), _free(settings), _next_name(add.name, settings))
    return replace(add, name=name, force=True)


def _is_same(add: Add, settings: Settings) -> bool:
    """Whether this is the upstream that has the name already: the same preset, the same place."""
    entry, _ = entry_of(replace(add, force=True), settings)
    old = settings.upstreams[add.name]
    return old.preset == entry.preset and not is_moved(entry, settings)


def _free(settings: Settings) -> Callable[[str], str]:
    def check(word: str) -> str:
        if check_name(word) in settings.upstreams or word == SANDBOX:
            raise ValueError("there is one of that name")
        return word

    return check


def _next_name(name: str, settings: Settings) -> str:
    return next(made for n in range(2, 1000) if (made := f"{name}-{n}") not in settings.upstreams)
