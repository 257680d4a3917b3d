"""How an upstream is added: words checked, key kept, settings edited, in that order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pisang.cli.keying import Given, given_key, keep, say_kept, typed_key
from pisang.cli.options import Add
from pisang.cli.screen import Screen
from pisang.client.addresses import check_proxy, clean_base_url
from pisang.client.config_checks import check_name
from pisang.client.loading import load_settings
from pisang.client.presets import PRESETS, SANDBOX, VERTEX, WIRES, Preset, vertex_url
from pisang.client.settings import Entry, Settings
from pisang.client.upstreams import assemble, is_moved
from pisang.domain.upstream import Auth, Upstream
from pisang.domain.warning import Warn
from pisang.errors import OptionInvalid


def add_upstream(asked: Add, screen: Screen) -> int:
    """Add it; the exit code."""
    settings = load_settings()
    entry, notes = entry_of(asked, settings)
    upstream = assemble(entry, settings)
    given = given_key(asked.key_env, asked.key_stdin, screen)
    if given == Given() and upstream.auth.takes_key and not upstream.key:
        given = Given(typed_key(upstream, screen, _piped(asked, upstream)))
    whence = keep(entry, given, settings)
    screen.warn(notes)
    screen.data(
        {
            "upstream": entry.name,
            "wire": entry.wire or PRESETS[entry.preset or ""].wire,
            "base_url": upstream.base_url,
            "auth": upstream.auth.value,
            "key": whence,
            "warnings": [{"code": one.code, "message": one.message} for one in notes],
        }
    )
    screen.bare(entry.name)
    added = f"{entry.name} ({upstream.base_url})"
    screen.line(screen.pick(f"Added {added}.", f"已添加 {added}。"))
    say_kept(whence, screen)
    test = f"pisang upstream test {entry.name}"
    screen.line(screen.pick(f"Test it for free: {test}", f"免费检测：{test}"))
    return 0


def entry_of(asked: Add, settings: Settings) -> tuple[Entry, tuple[Warn, ...]]:
    """What will stand in the settings, and what to say about it. Raises `OptionInvalid`."""
    _checked_name(asked.name)
    if asked.name in settings.upstreams and not asked.force:
        why = "there is one of that name: add --force to replace it"
        raise OptionInvalid(option="NAME", value=asked.name, why=why)
    preset = _preset(asked)
    base_url, notes = _base_url(asked, preset)
    old = settings.upstreams.get(asked.name, Entry(asked.name))
    entry = replace(
        old,
        preset=preset.name if preset else None,
        network=_network(asked, preset),
        wire=_choice("--wire", asked.wire, WIRES),
        base_url=base_url,
        auth=_auth(asked.auth),
        models=_models(asked.models),
        default_model=asked.model,
        proxy=_proxy(asked.proxy),
    )
    if is_moved(entry, settings):
        entry = replace(entry, key_env=None)
    return entry, notes


def _checked_name(name: str) -> None:
    try:
        check_name(name)
    except ValueError as error:
        raise OptionInvalid(option="NAME", value=name, why=str(error)) from error
    if name in (SANDBOX,):
        raise OptionInvalid(option="NAME", value=name, why="the sandbox is always there")


def _preset(asked: Add) -> Preset | None:
    """The preset that was named, or that the name is; none where the wire and address are told."""
    if asked.preset:
        return PRESETS[str(_choice("--preset", asked.preset, tuple(PRESETS)))]
    if asked.name in PRESETS and not (asked.wire and asked.base_url):
        return PRESETS[asked.name]
    missing = next(
        (o for o, v in (("--wire", asked.wire), ("--base-url", asked.base_url)) if not v), None
    )
    if missing:
        known = ", ".join(PRESETS)
        why = f"it is missing; or name a preset with --preset ({known})"
        raise OptionInvalid(option=missing, value="", why=why)
    return None


def _base_url(asked: Add, preset: Preset | None) -> tuple[str | None, tuple[Warn, ...]]:
    if preset is not None and preset.name == VERTEX and asked.base_url is None:
        return _vertex_url(asked), ()
    for option, value in (("--project", asked.project), ("--location", asked.location)):
        if value is not None:
            raise OptionInvalid(option=option, value=value, why="it goes with the preset vertex")
    if asked.base_url is None:
        if preset is not None and preset.base_url is None:
            raise OptionInvalid(option="--base-url", value="", why=f"{preset.name} needs one")
        return None, ()
    try:
        return clean_base_url(asked.base_url)
    except ValueError as error:
        # What was typed may hold a key in its query or its user part: it is not repeated.
        raise OptionInvalid(option="--base-url", value="…", why=str(error)) from None


def _vertex_url(asked: Add) -> str:
    if asked.project is None:
        why = "it is missing: the id of your Google Cloud project"
        raise OptionInvalid(option="--project", value="", why=why)
    try:
        return vertex_url(asked.project, asked.location or "global")
    except ValueError as error:
        option = "--location" if "location" in str(error) else "--project"
        value = asked.location if option == "--location" else asked.project
        raise OptionInvalid(option=option, value=value, why=str(error)) from error


def _network(asked: Add, preset: Preset | None) -> str | None:
    networks = tuple(preset.networks) if preset else ()
    if asked.network and not networks:
        raise OptionInvalid(option="--network", value=asked.network, why="it has no networks")
    return _choice("--network", asked.network, networks)


def _choice(option: str, value: str | None, choices: tuple[str, ...]) -> str | None:
    if value is not None and value not in choices:
        why = f"choose one of {', '.join(choices)}"
        raise OptionInvalid(option=option, value=value, why=why)
    return value


def _auth(value: str | None) -> Auth | None:
    word = _choice("--auth", value, tuple(Auth))
    return None if word is None else Auth(word)


def _proxy(written: str | None) -> str | None:
    """The proxy's address. A password is taken from no argument and kept in no settings of ours."""
    if written is None:
        return None
    if "@" in written:
        why = "a name and password are not taken here: set HTTPS_PROXY, or edit config.toml"
        raise OptionInvalid(option="--proxy", value="…", why=why)
    return _hidden("--proxy", check_proxy, written)


def _hidden(option: str, check: Callable[[str], str], value: str) -> str:
    """The value once checked; an error does not repeat it."""
    try:
        return check(value)
    except ValueError as error:
        raise OptionInvalid(option=option, value="…", why=str(error)) from None


def _models(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _piped(asked: Add, upstream: Upstream) -> str:
    """The same command with its key on standard input."""
    told = {
        "--preset": asked.preset,
        "--wire": asked.wire,
        "--base-url": upstream.base_url if asked.base_url else None,
        "--auth": asked.auth,
        "--network": asked.network,
        "--project": asked.project,
    }
    words = (f"{option} {value}" for option, value in told.items() if value)
    return " ".join((f"pisang upstream add {asked.name}", *words, "--key-stdin < key.txt"))
