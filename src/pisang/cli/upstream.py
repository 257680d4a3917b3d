"""`pisang upstream`: add, list, test, default, remove. No key is ever taken from an argument."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pisang.cli.checking import found_json, say_found
from pisang.cli.frame import command
from pisang.cli.options import Add, KeyEnvOption, KeyStdinOption, Named, Told
from pisang.cli.screen import Screen
from pisang.cli.table import align

if TYPE_CHECKING:
    from pisang.engine.probe import Probe

ADD_EXAMPLES = """\
pisang upstream add google
pisang upstream add ikuncode --key-env IKUN_API_KEY
pisang upstream add crawl --network office --key-stdin < ak.txt
pisang upstream add mine --wire gemini --base-url https://relay.example.com --key-env MY_KEY
"""


KEY_EXAMPLES = """\
pisang upstream key ikuncode
pisang upstream key ikuncode --key-stdin < key.txt
pisang upstream key ikuncode --key-env IKUN_API_KEY
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key(Named):
    """The arguments of `upstream key`."""

    key_env: KeyEnvOption = None
    key_stdin: KeyStdinOption = False


@command(examples=ADD_EXAMPLES)
def add(asked: Add) -> int:
    """Add an upstream, by preset or by hand.

    Its key is named by a variable, read from standard input, or asked for without echo; it is kept
    in the system's keyring where there is one, else in a file that only you can read.
    """
    from pisang.cli.adding import add_upstream

    return add_upstream(asked, Screen.of(asked.format))


@command(examples="pisang upstream list --format json")
def list_(asked: Told) -> int:
    """Those configured, which one is the default, and the presets that could be added."""
    from pisang.client.loading import load_settings
    from pisang.client.presets import PRESETS
    from pisang.client.upstreams import describe
    from pisang.errors.chinese import in_chinese

    screen = Screen.of(asked.format)
    settings = load_settings()
    rows = [describe(name, settings) for name in settings.upstreams]
    free = [preset for name, preset in PRESETS.items() if name not in settings.upstreams]
    presets = [{"name": preset.name, "summary": preset.summary} for preset in free]
    screen.data({"upstreams": rows, "presets": presets})
    for row in rows:
        screen.bare(row["name"])
    for line in align([_cells(row, screen) for row in rows]):
        screen.line(line)
    if not rows:
        screen.line(screen.pick("No upstream is configured.", "还没有配置上游。"))
    screen.line()
    screen.line(screen.pick("Presets, to be added by name:", "预设，可按名称添加："))
    told = [(f"  {p.name}", screen.pick(p.summary, in_chinese(p.summary))) for p in free]
    for line in align(told):
        screen.line(line)
    return 0


def _cells(row: Mapping[str, Any], screen: Screen) -> tuple[str, ...]:
    mark = "*" if row["default"] else " "
    missing = screen.pick("no key", "无密钥")
    if row["key_env"]:
        missing = screen.pick(f"${row['key_env']} is not set", f"${row['key_env']} 未设置")
    words = {"none needed": "无需密钥", "kept": "已保存"}
    key = screen.pick(row["key"], words.get(row["key"], row["key"])) if row["key"] else missing
    return f"{mark} {row['name']}", row["wire"], row["base_url"], key


@command(examples="pisang upstream test google")
def test(asked: Named) -> int:
    """One free call: is it there, and does it take the key? Never a billed one."""
    from pisang.client.async_client import AsyncClient

    async def probe() -> Probe:
        async with AsyncClient(asked.name, face="cli") as client:
            return await client.probe()

    screen = Screen.of(asked.format)
    found = asyncio.run(probe())
    if found.error is not None:
        return screen.fail(found.error)
    screen.data(found_json(found))
    screen.bare(found.upstream)
    screen.line(f"{found.upstream} {say_found(found, screen)}")
    for model in found.models:
        screen.line(f"  {model}")
    return 0


@command(examples=KEY_EXAMPLES)
def key(asked: Key) -> int:
    """Replace its key: typed in without echo, read from standard input, or named by a variable."""
    from pisang.cli.keying import Given, given_key, keep, say_kept, typed_key
    from pisang.client.loading import load_settings
    from pisang.client.settings import Entry
    from pisang.client.upstreams import assemble, resolve
    from pisang.errors import OptionInvalid

    screen = Screen.of(asked.format)
    settings = load_settings()
    upstream = resolve(settings, asked.name)
    if not upstream.auth.takes_key:
        raise OptionInvalid(option="NAME", value=asked.name, why="it takes no key")
    given = given_key(asked.key_env, asked.key_stdin, screen)
    if given == Given():
        hint = f"pisang upstream key {asked.name} --key-stdin < key.txt"
        given = Given(typed_key(upstream, screen, hint))
    entry = settings.upstreams.get(asked.name, Entry(asked.name, preset=asked.name))
    place = keep(entry, given, settings)
    used = assemble(replace(entry, key_env=given.variable), settings).key
    screen.data({"upstream": asked.name, "key": place})
    screen.bare(asked.name)
    say_kept(place, screen)
    if given.key is not None and used != given.key:
        screen.note(
            screen.pick(
                "A variable of the environment holds another key, and goes before it.",
                "环境变量中另有密钥，会优先使用。",
            )
        )
    test = f"pisang upstream test {asked.name}"
    screen.line(screen.pick(f"Test it for free: {test}", f"免费检测：{test}"))
    return 0


@command(examples="pisang upstream default ikuncode")
def default(asked: Named) -> int:
    """Make it the one that is used when none is named."""
    from pisang.client.config_edit import put_default
    from pisang.client.loading import load_settings
    from pisang.client.upstreams import is_sandbox, resolve
    from pisang.errors import OptionInvalid

    screen = Screen.of(asked.format)
    settings = load_settings()
    upstream = resolve(settings, asked.name)
    if is_sandbox(upstream):
        why = "a fake is asked for each time, with --via sandbox or PISANG_UPSTREAM=sandbox"
        raise OptionInvalid(option="NAME", value=asked.name, why=why)
    put_default(settings.home, upstream.name)
    screen.data({"default": upstream.name})
    screen.line(screen.pick(f"{upstream.name} is the default.", f"默认上游：{upstream.name}。"))
    return 0


@command(examples="pisang upstream remove mine")
def remove(asked: Named) -> int:
    """Forget it, and its key. What it made stays."""
    from pisang.client.config_edit import drop_upstream
    from pisang.client.keys import forget_key
    from pisang.client.loading import load_settings
    from pisang.errors import UpstreamUnknown

    screen = Screen.of(asked.format)
    settings = load_settings()
    if asked.name not in settings.upstreams:
        names = ", ".join(settings.upstreams) or "none"
        raise UpstreamUnknown(name=asked.name, choices=f"configured are: {names}")
    drop_upstream(settings.home, asked.name)
    forget_key(asked.name, settings.home)
    screen.data({"removed": asked.name})
    screen.line(screen.pick(f"{asked.name} is forgotten.", f"已删除 {asked.name}。"))
    return 0
