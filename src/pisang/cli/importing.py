"""Upstreams from elsewhere: a shared file, another tool's settings; and to a file of ours."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from pisang.cli.frame import command
from pisang.cli.keying import Given, clean_key, keep, say_kept
from pisang.cli.options import Told
from pisang.cli.screen import Screen
from pisang.client.config_checks import check_name
from pisang.client.config_edit import put_default, put_upstreams
from pisang.client.files import is_private, placing, reason_of
from pisang.client.ikunimage import PLACE, Found, read_ikunimage
from pisang.client.keys import forget_key
from pisang.client.loading import load_settings
from pisang.client.presets import PRESETS, SANDBOX
from pisang.client.schema import MAX_BYTES, read_text
from pisang.client.settings import Entry, Settings
from pisang.client.sharing import read_shared, share_upstreams
from pisang.client.upstreams import assemble, describe, is_moved
from pisang.domain.request import JSON
from pisang.errors import (
    KeyMissing,
    OptionInvalid,
    OutputExists,
    OutputUnwritable,
    SettingsMalformed,
    UpstreamMissing,
    UpstreamUnknown,
)

RELAY = "ikuncode"
"""The relay that IKunImage is made for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export(Told):
    """The arguments of `upstream export`."""

    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]…", help="Those to write (default: all).")
    ] = None
    out: Annotated[
        str | None, typer.Option("--out", "-o", metavar="FILE", help="In place of the screen.")
    ] = None
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Import(Told):
    """The arguments of `upstream import`."""

    file: Annotated[str, typer.Argument(metavar="FILE", help="The file, or - for standard input.")]
    force: Annotated[bool, typer.Option("--force", help="Replace those of the same names.")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ikunimage(Told):
    """The arguments of `import ikunimage`."""

    path: Annotated[
        str | None, typer.Argument(metavar="PATH", help=f"Its config.json (default: {PLACE}).")
    ] = None
    name: Annotated[str, typer.Option(metavar="NAME", help="Its name here.")] = RELAY
    force: Annotated[bool, typer.Option("--force", help="Replace one of that name.")] = False


# --- export --------------------------------------------------------------------------------------


EXPORT_EXAMPLES = """\
pisang upstream export > upstreams.toml
pisang upstream export ikuncode --out relay.toml
"""
IMPORT_EXAMPLES = """\
pisang upstream import upstreams.toml
pisang upstream import - < upstreams.toml
"""


@command(examples=EXPORT_EXAMPLES)
def export(asked: Export) -> int:
    """Write upstreams as TOML, without their keys: to give away, or for another machine."""
    screen = Screen.of(asked.format)
    settings = load_settings()
    names = asked.names or list(settings.upstreams)
    unknown = next((name for name in names if name not in settings.upstreams), None)
    if unknown is not None:
        known = ", ".join(settings.upstreams) or "none"
        raise UpstreamUnknown(name=unknown, choices=f"configured are: {known}")
    if not names:
        raise UpstreamMissing()
    text = share_upstreams(settings.upstreams[name] for name in names)
    path = _write(Path(asked.out), text, force=asked.force) if asked.out else None
    screen.data({"upstreams": names, "path": path, "toml": text})
    if path is None:
        screen.line(text.rstrip())
        screen.bare(text.rstrip())
    else:
        screen.line(screen.pick(f"Written: {path}", f"已写入：{path}"))
        screen.bare(path)
    return 0


def _write(path: Path, text: str, *, force: bool) -> str:
    """Where the file is now. Raises `OutputExists`, `OutputUnwritable`."""
    try:
        with placing(path, overwrite=force) as temporary:
            temporary.write_bytes(text.encode())
    except FileExistsError:
        raise OutputExists(path=str(path)) from None
    except OSError as error:
        raise OutputUnwritable(path=str(path), why=reason_of(error)) from error
    return str(path)


# --- import --------------------------------------------------------------------------------------


@command(examples=IMPORT_EXAMPLES)
def import_(asked: Import) -> int:
    """Add the upstreams of a shared file: all of them, or none where anything in it is wrong.

    Keys are in no such file: they are given afterwards, with `pisang upstream key NAME`.
    """
    screen = Screen.of(asked.format)
    settings = load_settings()
    entries = read_shared(*_text(asked.file))
    there = [name for name in entries if name in settings.upstreams]
    if there and not asked.force:
        why = f"there are upstreams of these names: {', '.join(there)}; add --force to replace them"
        raise OptionInvalid(option="FILE", value=asked.file, why=why)
    for entry in entries.values():
        if is_moved(entry, settings):
            forget_key(entry.name, settings.home)
    put_upstreams(settings.home, entries.values())
    _tell(entries, set(there), load_settings(), screen)
    return 0


def _text(word: str) -> tuple[str, Path]:
    """The file's text, and what to call it in a sentence."""
    path = Path("standard input" if word == "-" else word)
    if word != "-":
        text = read_text(path)
        if text is None:
            raise SettingsMalformed(path=word, why="there is no such file")
        return text, path
    raw = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise SettingsMalformed(path=str(path), why="it is larger than 1 MiB")
    return raw.decode("utf-8-sig", "replace"), path


def _tell(
    entries: Mapping[str, Entry], replaced: set[str], settings: Settings, screen: Screen
) -> None:
    """What was added, where each goes, and which key is still wanted."""
    rows: list[JSON] = []
    for name, entry in entries.items():
        said = describe(name, settings)
        wanted = assemble(entry, settings).auth.takes_key and said["key"] is None
        command_ = f"pisang upstream key {name}" if wanted and not entry.key_env else None
        rows.append({**said, "replaced": name in replaced, "next": command_})
        done = screen.pick("added", "已添加")
        if name in replaced:
            done = screen.pick("replaced", "已替换")
        screen.bare(name)
        screen.line(f"{done} {name}  {said['base_url']}{_whence(entry, screen)}")
        if command_:
            screen.line(f"  {screen.lead('its key', '录入密钥')}{command_}")
    screen.data({"upstreams": rows})


def _whence(entry: Entry, screen: Screen) -> str:
    """The variable that will be read for it: a file from somebody else names it, so it is shown."""
    if not entry.key_env:
        return ""
    return screen.pick(f"  its key from ${entry.key_env}", f"  密钥取自 ${entry.key_env}")


# --- other tools ---------------------------------------------------------------------------------


@command(examples="pisang import ikunimage\npisang import ikunimage ./config.json --name work")
def ikunimage(asked: Ikunimage) -> int:
    """Take IKunImage's key over, for the same relay. Its file is read, and left as it is."""
    screen = Screen.of(asked.format)
    settings = load_settings()
    path = Path(asked.path or PLACE).expanduser()
    found = read_ikunimage(path)
    entry = _entry(asked, found, settings)
    if found.key is None:
        raise KeyMissing(upstream=str(path), hint=f"pisang setup {RELAY}")
    try:
        key = clean_key(found.key.reveal().encode())
    except ValueError as error:
        raise SettingsMalformed(path=str(path), why=f"`api_key`: {error}") from None
    place = keep(entry, Given(key), settings)
    is_default = settings.defaults.upstream is None
    if is_default:
        put_default(settings.home, entry.name)
    _tell_taken(found, entry, path, place, is_default, screen)
    return 0


def _entry(asked: Ikunimage, found: Found, settings: Settings) -> Entry:
    try:
        check_name(asked.name)
    except ValueError as error:
        raise OptionInvalid(option="--name", value=asked.name, why=str(error)) from error
    if asked.name == SANDBOX:
        raise OptionInvalid(option="--name", value=asked.name, why="the sandbox is always there")
    if asked.name in settings.upstreams and not asked.force:
        why = "there is another of that name: give this one its own with --name, or add --force"
        raise OptionInvalid(option="NAME", value=asked.name, why=why)
    same = found.base_url in (None, PRESETS[RELAY].base_url)
    old = settings.upstreams.get(asked.name, Entry(asked.name))
    return replace(old, preset=RELAY, base_url=None if same else found.base_url, key_env=None)


def _tell_taken(
    found: Found, entry: Entry, path: Path, place: str | None, is_default: bool, screen: Screen
) -> None:
    base_url = entry.base_url or PRESETS[RELAY].base_url
    taken = ["api_key", *(["base_url"] if found.base_url else [])]
    test = f"pisang upstream test {entry.name}"
    screen.data(
        {
            "upstream": entry.name,
            "base_url": base_url,
            "key": place,
            "default": is_default,
            "taken": list(taken),
            "left": list(found.left),
            "next": test,
        }
    )
    screen.bare(entry.name)
    screen.warn(found.notes)
    screen.line(
        screen.pick(
            f"Taken from {path}: {', '.join(taken)}. The file is as it was.",
            f"已从 {path} 导入：{'、'.join(taken)}。原文件未改动。",
        )
    )
    if found.left:
        names = ", ".join(name[:40] for name in found.left[:20])
        screen.line(screen.pick(f"Not known here, left: {names}", f"未识别、未导入的字段：{names}"))
    screen.line(screen.pick(f"{entry.name}: {base_url}", f"{entry.name}：{base_url}"))
    say_kept(place, screen)
    if is_default:
        screen.line(screen.pick(f"{entry.name} is the default.", f"默认上游：{entry.name}。"))
    if not is_private(path):
        screen.note(
            screen.pick(
                f"Others can read that file, and the key in it: chmod 600 {path}",
                f"该文件（含密钥）其他用户可读：chmod 600 {path}",
            )
        )
    screen.line(screen.pick(f"Test it for free: {test}", f"免费检测：{test}"))
