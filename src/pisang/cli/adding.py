"""How an upstream is added: words checked, key kept, settings edited, in that order."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace

from pisang.cli.options import Add
from pisang.cli.screen import Screen
from pisang.client.addresses import check_proxy, clean_base_url
from pisang.client.config import check_name, check_variable
from pisang.client.config_edit import put_upstream
from pisang.client.keys import forget_key, keep_key
from pisang.client.loading import load_settings
from pisang.client.presets import PRESETS, SANDBOX, WIRES, Preset
from pisang.client.settings import Entry, Settings
from pisang.client.upstreams import assemble
from pisang.domain.secret import Secret
from pisang.domain.upstream import Auth, Upstream
from pisang.domain.warning import Warn
from pisang.errors import KeyMissing, OptionInvalid

MAX_KEY = 16 * 1024
"""Bytes; no key is longer, and a picture piped in by mistake is refused."""

_KEY = re.compile(r"^[\x21-\x7e]+$")


def add_upstream(asked: Add, screen: Screen) -> int:
    """Add it; the exit code."""
    settings = load_settings()
    entry, notes = entry_of(asked, settings)
    upstream = assemble(entry, settings)
    key = read_key(asked, upstream, screen)
    place = None
    if key is not None:
        place = keep_key(entry.name, key, settings.home)
    elif asked.key_env:
        forget_key(entry.name, settings.home)
    put_upstream(settings.home, entry)
    whence = place or (f"${asked.key_env}" if asked.key_env else None)
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
    screen.line(screen.pick(f"Added {entry.name} ({upstream.base_url}).", f"已添加 {entry.name}。"))
    if place:
        screen.line(screen.pick(f"Its key is kept in {place}.", f"密钥保存在 {place}。"))
    screen.line(
        screen.pick("Test it for free", "免费检测") + f": pisang upstream test {entry.name}"
    )
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
        key_env=_variable(asked.key_env),
        models=_models(asked.models),
        default_model=asked.model,
        proxy=_proxy(asked.proxy),
    )
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
    if asked.base_url is None:
        if preset is not None and preset.base_url is None:
            raise OptionInvalid(option="--base-url", value="", why=f"{preset.name} needs one")
        return None, ()
    try:
        return clean_base_url(asked.base_url)
    except ValueError as error:
        # What was typed may hold a key in its query or its user part: it is not repeated.
        raise OptionInvalid(option="--base-url", value="…", why=str(error)) from None


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


def _variable(name: str | None) -> str | None:
    """A variable's name. What looks like none may be a key: it is not repeated."""
    return None if name is None else _hidden("--key-env", check_variable, name)


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


def read_key(asked: Add, upstream: Upstream, screen: Screen) -> Secret | None:
    """The key to keep: from standard input, or asked for; None where a variable has it."""
    if asked.key_env and asked.key_stdin:
        raise OptionInvalid(option="--key-stdin", value="", why="--key-env is given too")
    if asked.key_stdin:
        return _clean_key(sys.stdin.buffer.read(MAX_KEY + 1), "--key-stdin")
    if asked.key_env:
        if not os.environ.get(asked.key_env):
            screen.note(
                screen.pick(
                    f"${asked.key_env} is not set yet: it is read when it is needed.",
                    f"环境变量 {asked.key_env} 还没有设置，用到时再读取。",
                )
            )
        return None
    if upstream.auth is Auth.NONE or upstream.key:
        return None
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise KeyMissing(upstream=upstream.name, hint=_piped(asked, upstream))
    from getpass import getpass

    asking = screen.pick(
        f"Key for {upstream.name} (not shown): ", f"{upstream.name} 的密钥（不显示）："
    )
    return _clean_key(getpass(asking, sys.stderr).encode(), "the key")


def _piped(asked: Add, upstream: Upstream) -> str:
    """The same command with its key on standard input."""
    told = {
        "--preset": asked.preset,
        "--wire": asked.wire,
        "--base-url": upstream.base_url if asked.base_url else None,
        "--auth": asked.auth,
        "--network": asked.network,
    }
    words = (f"{option} {value}" for option, value in told.items() if value)
    return " ".join((f"pisang upstream add {asked.name}", *words, "--key-stdin < key.txt"))


def _clean_key(raw: bytes, option: str) -> Secret:
    """The key without surrounding blanks; anything else that is odd about it is refused."""
    text = raw.decode("utf-8", "replace").strip().lstrip("\ufeff")
    if not text:
        raise OptionInvalid(option=option, value="", why="it is empty")
    if len(raw) > MAX_KEY or not _KEY.match(text):
        raise OptionInvalid(option=option, value="…", why="that is no key: it wants one plain word")
    return Secret(text)
