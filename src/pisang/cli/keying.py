"""Keys on their way in: from standard input, from a variable's name, or typed and not shown."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, replace

from pisang.cli.choosing import Guide, may_ask
from pisang.cli.screen import Screen
from pisang.client.config_checks import check_variable
from pisang.client.config_edit import put_upstream
from pisang.client.keys import forget_key, keep_key
from pisang.client.settings import Entry, Settings
from pisang.client.upstreams import is_moved
from pisang.domain.secret import Secret
from pisang.domain.upstream import Upstream
from pisang.errors import KeyMissing, OptionInvalid

MAX_KEY = 16 * 1024
"""Bytes; no key is longer, and a picture piped in by mistake is refused."""

_KEY = re.compile(r"^[\x21-\x7e]+$")
_WRAPPING = re.compile(r"^(?:authorization\s*:\s*)?(?:bearer\s+)?", re.IGNORECASE)
_AROUND = " \t\r\n\ufeff\u200b\u00a0\u3000\"'`“”‘’「」"


@dataclass(frozen=True, slots=True)
class Given:
    """How a key was given: itself, the name of a variable, or (neither) as it was before."""

    key: Secret | None = None
    variable: str | None = None


def clean_key(raw: bytes) -> Secret:
    """The key without what came along with it (blanks, quotes, `Bearer`). `ValueError`, which does
    not repeat it, for what is none."""
    text = raw.decode("utf-8", "replace").strip(_AROUND)
    text = _WRAPPING.sub("", text, count=1).strip(_AROUND)
    if not text:
        raise ValueError("it is empty")
    if len(raw) > MAX_KEY or not _KEY.match(text):
        raise ValueError("that is no key: it wants one plain word")
    return Secret(text)


def given_key(key_env: str | None, key_stdin: bool, screen: Screen) -> Given:
    """What the options say of the key. Raises `OptionInvalid`."""
    if key_env is not None:
        if key_stdin:
            raise OptionInvalid(option="--key-stdin", value="", why="--key-env is given too")
        return Given(variable=_variable(key_env, screen))
    if not key_stdin:
        return Given()
    raw = sys.stdin.buffer.read(MAX_KEY + 1)
    try:
        return Given(clean_key(raw))
    except ValueError as error:
        shown = "…" if raw.strip() else ""
        raise OptionInvalid(option="--key-stdin", value=shown, why=str(error)) from None


def _variable(name: str, screen: Screen) -> str:
    """A variable's name. What looks like none may be a key: it is not repeated."""
    try:
        check_variable(name)
    except ValueError as error:
        raise OptionInvalid(option="--key-env", value="…", why=str(error)) from None
    if not os.environ.get(name):
        screen.note(
            screen.pick(
                f"${name} is not set yet: it is read when it is needed.",
                f"环境变量 {name} 还没有设置，用到时再读取。",
            )
        )
    return name


def typed_key(upstream: Upstream, screen: Screen, hint: str) -> Secret:
    """The key, asked for without echo. Raises `KeyMissing` with that hint where nobody can be
    asked."""
    if not may_ask(screen):
        raise KeyMissing(upstream=upstream.name, hint=hint)
    return Guide(screen).secret(question(upstream.name, screen), _read)


def question(name: str, screen: Screen) -> str:
    """How a key is asked for."""
    return screen.pick(f"Key for {name} (not shown)", f"{name} 的密钥（输入时不显示）")


def _read(typed: str) -> Secret:
    return clean_key(typed.encode("utf-8", "replace"))


def keep(entry: Entry, given: Given, settings: Settings) -> str | None:
    """Keep the key and write the upstream down; where the key is now, None where it is as it was.

    The key goes first: settings that name an upstream without one would be half a step. One that
    was kept for another address is forgotten.
    """
    place = None
    if given.key is not None:
        place = keep_key(entry.name, given.key, settings.home)
        entry = replace(entry, key_env=None)
    elif given.variable or is_moved(entry, settings):
        forget_key(entry.name, settings.home)
        entry = replace(entry, key_env=given.variable or entry.key_env)
    put_upstream(settings.home, entry)
    return place or (f"${entry.key_env}" if entry.key_env else None)


def say_kept(place: str | None, screen: Screen) -> None:
    """Where the key is, for eyes."""
    if place is None:
        return
    if place.startswith("$"):
        screen.line(screen.pick(f"Its key is read from {place}.", f"密钥从 {place} 读取。"))
        return
    where = screen.pick(place, "系统钥匙串" if place == "the keyring" else place)
    screen.line(screen.pick(f"Its key is kept in {where}.", f"密钥位置：{where}"))
