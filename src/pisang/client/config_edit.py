"""Changing `config.toml` without disturbing what its user wrote there.

The text is edited, never written anew from values: comments and order stay. Each edit is then read
back strictly, and is kept only when it says exactly what was meant; a file written in a way that
an edit does not understand (inline tables) is left alone, with a sentence about it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pisang.client.config import Config, parse_config
from pisang.client.files import in_turn, write_private
from pisang.client.schema import header_of, read_text
from pisang.client.settings import HOME_FILE, Entry
from pisang.errors import SettingsMalformed

_TITLE = "# Pisang's settings. Secrets are not kept here.\n"
_BARE = re.compile(r"^[A-Za-z0-9_-]+$")
_DEFAULT = re.compile(r"^\s*default_upstream\s*=")
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029]")
"""What JSON leaves as it is and TOML does not take, or a reader of lines takes for an end."""


def put_upstream(home: Path, entry: Entry) -> None:
    """Write an upstream down, in place of an older one of that name."""
    put_upstreams(home, (entry,))


@in_turn
def put_upstreams(home: Path, entries: Iterable[Entry]) -> None:
    """Write upstreams down, all or none, in place of older ones of their names."""
    text, config = read_config(home)
    known = dict(config.upstreams)
    for entry in entries:
        text = f"{_without(text, entry.name).rstrip()}\n\n" + upstream_text(entry)
        known[entry.name] = entry
    save_config(home, text, replace(config, upstreams=known))


def upstream_text(entry: Entry) -> str:
    """An upstream as it stands in a settings file."""
    return "\n".join((*_lines(entry), ""))


@in_turn
def drop_upstream(home: Path, name: str) -> None:
    """Remove an upstream, and the default where it was that one."""
    text, config = read_config(home)
    others = {key: entry for key, entry in config.upstreams.items() if key != name}
    text, expected = _without(text, name), replace(config, upstreams=others)
    if config.defaults.upstream == name:
        text = _with_default(text, None)
        expected = replace(expected, defaults=replace(config.defaults, upstream=None))
    save_config(home, text, expected)


@in_turn
def put_default(home: Path, name: str) -> None:
    """Make an upstream the default."""
    text, config = read_config(home)
    expected = replace(config, defaults=replace(config.defaults, upstream=name))
    save_config(home, _with_default(text, name), expected)


def read_config(home: Path) -> tuple[str, Config]:
    """The settings' text, and what it says. Raises `SettingsMalformed`."""
    path = home / HOME_FILE
    text = read_text(path)
    return _TITLE if text is None else text, parse_config(text or "", path)


def save_config(home: Path, text: str, expected: Config) -> None:
    """Write the settings, where they say just what is expected; else `SettingsMalformed`."""
    path = home / HOME_FILE
    try:
        understood = parse_config(text, path) == expected
    except SettingsMalformed:
        understood = False
    if not understood:
        raise SettingsMalformed(
            path=str(path), why="it is written so that it must be edited by hand"
        )
    write_private(path, text)


def _without(text: str, name: str) -> str:
    """The text without that upstream's tables; a comment above the next table stays."""
    kept: list[str] = []
    pending: list[str] = []
    dropping = False
    for line in text.splitlines():
        header = header_of(line)
        if header is not None:
            dropping = header[:2] == ("upstreams", name)
            kept += [] if dropping else pending
            pending = []
        if not dropping:
            kept.append(line)
        elif line.strip() and not line.lstrip().startswith("#"):
            pending = []
        else:
            pending.append(line)
    return "\n".join((*kept, *pending, ""))


def _with_default(text: str, name: str | None) -> str:
    """The text with `default_upstream` set among its top names, or without it."""
    lines = text.splitlines()
    top = next((i for i, line in enumerate(lines) if header_of(line)), len(lines))
    above = [line for line in lines[:top] if not _DEFAULT.match(line)]
    while above and not above[-1].strip():
        above.pop()
    setting = [] if name is None else [f"default_upstream = {toml_value(name)}"]
    below = ["", *lines[top:]] if top < len(lines) else []
    return "\n".join((*above, *setting, *below, ""))


def _lines(entry: Entry) -> Iterator[str]:
    """An upstream as TOML, one table and those inside it."""
    section = f"upstreams.{toml_key(entry.name)}"
    yield from _table(section, _own_values(entry))
    yield from _table(f"{section}.limits", _values(entry.limits))
    yield from _table(f"{section}.quirks", _values(entry.quirks))
    for part, prices in (("prices", entry.prices), ("published", entry.published)):
        said = {name: f"{one.amount}{one.currency}" for name, one in prices.items()}
        yield from _table(f"{section}.{part}", said)


_PLAIN = (
    "preset",
    "network",
    "wire",
    "base_url",
    "auth",
    "kind",
    "key_env",
    "more_key_envs",
    "models",
    "default_model",
    "default_aspect_ratio",
    "default_image_size",
    "proxy",
    "priority",
    "weight",
    "published_on",
)


def _own_values(entry: Entry) -> dict[str, object]:
    return {name: getattr(entry, name) for name in _PLAIN}


def _values(part: object) -> dict[str, object]:
    return {} if part is None else {name: getattr(part, name) for name in part.__slots__}  # type: ignore[attr-defined]


def _table(section: str, values: Mapping[str, object]) -> Iterator[str]:
    said = {name: value for name, value in values.items() if value is not None}
    if said or section.count(".") == 1:
        yield f"[{section}]"
        for name, value in said.items():
            written = list(value) if isinstance(value, tuple) else value
            yield f"{toml_key(name)} = {toml_value(written)}"
        yield ""


def toml_value(value: object) -> str:
    """A value as TOML has it: JSON's texts, numbers, true, false and lists are TOML's too."""
    text = json.dumps(value, ensure_ascii=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def toml_key(name: str) -> str:
    """A name as TOML has it."""
    return name if _BARE.match(name) else toml_value(name)
