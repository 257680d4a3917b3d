"""`pisang setup`: from a key to a first image. Asks on a terminal; the same by options elsewhere.

Nothing is written down before the free check is over: a key that is wrong replaces none that is
right.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace

from pisang.cli.adding import entry_of
from pisang.cli.checking import check_now, found_json, say_found
from pisang.cli.choosing import Guide, may_ask
from pisang.cli.frame import command
from pisang.cli.keying import Given, clean_key, given_key, keep, question, say_kept
from pisang.cli.screen import Screen
from pisang.cli.setup_words import Setup, words_of
from pisang.cli.trial import PROMPT
from pisang.client.config_edit import put_default
from pisang.client.keys import key_from_env
from pisang.client.loading import load_settings
from pisang.client.presets import PRESETS
from pisang.client.settings import Entry, Settings
from pisang.client.upstreams import assemble
from pisang.domain.secret import Secret
from pisang.domain.upstream import Auth, Upstream
from pisang.domain.warning import Warn
from pisang.engine.probe import Probe
from pisang.errors import Cancelled, ConfigError, KeyInvalid, KeyMissing, PisangError

EXAMPLES = """\
pisang setup
pisang setup google
pisang setup ikuncode --key-stdin --format json < key.txt
pisang setup ikuncode --name second --key-env SECOND_KEY
pisang setup crawl --network office
pisang setup vertex --project my-project
pisang setup https://images.example.com
"""


@dataclass(frozen=True, slots=True)
class Draft:
    """An upstream that is about to be kept: what would be written, and itself with its key."""

    entry: Entry
    upstream: Upstream
    given: Given
    notes: tuple[Warn, ...]


@command(examples=EXAMPLES)
def setup(asked: Setup) -> int:
    """Set an upstream up: choose it, give its key, try it for free, make it the default.

    On a terminal it asks for what it wasn't told. Elsewhere it never asks: the key is read from
    standard input, or named by a variable. Run it again for another upstream, or for a new key.
    """
    screen = Screen.of(asked.format)
    settings = load_settings()
    guide = Guide(screen) if may_ask(screen) else None
    draft = _draft(asked, settings, screen, guide)
    found = None
    if asked.check:
        draft, found = _checked(draft, screen, guide)
    place = keep(draft.entry, draft.given, settings)
    is_default = asked.default or settings.defaults.upstream in (None, draft.entry.name)
    if is_default:
        put_default(settings.home, draft.entry.name)
    _tell(draft, found, place, is_default, screen)
    return 0


def _draft(asked: Setup, settings: Settings, screen: Screen, guide: Guide | None) -> Draft:
    """The upstream as it would be, its key in hand."""
    add = words_of(asked, settings, guide)
    entry, notes = entry_of(add, settings)
    screen.warn(notes)
    if entry.name in settings.upstreams and guide is not None:
        screen.note(screen.pick(f"{entry.name} is set up already.", f"{entry.name} 已经设置过。"))
    given = given_key(asked.key_env, asked.key_stdin, screen)
    if given.variable:
        entry = replace(entry, key_env=given.variable)
    elif given.key:
        entry = replace(entry, key_env=None)
    upstream = assemble(entry, settings)
    if given.key:
        return Draft(entry, replace(upstream, key=given.key), given, notes)
    if given.variable or not upstream.auth.takes_key:
        return Draft(entry, upstream, given, notes)
    if _from_environment(entry, upstream, settings, screen):
        return Draft(entry, upstream, given, notes)
    if guide is None:
        if not upstream.key:
            raise KeyMissing(upstream=upstream.name, hint=again(draft_words(entry), key=True))
        return Draft(entry, upstream, given, notes)
    return _with_typed_key(Draft(entry, upstream, given, notes), guide)


def _from_environment(entry: Entry, upstream: Upstream, settings: Settings, screen: Screen) -> bool:
    """Whether the vendor's own variable holds the key in use, which is then said."""
    preset = PRESETS[entry.preset or ""]
    at_hand = key_from_env(preset.key_envs, settings.environ)
    if at_hand is None or upstream.key != at_hand:
        return False
    name = next(one for one in preset.key_envs if settings.environ.get(one))
    screen.note(screen.pick(f"Its key is taken from ${name}.", f"使用环境变量 {name} 中的密钥。"))
    return True


def _with_typed_key(draft: Draft, guide: Guide) -> Draft:
    """The draft with a key that is typed in; a server of one's own may need none."""
    screen, upstream = guide.screen, draft.upstream
    own = PRESETS[draft.entry.preset or ""].base_url is None
    none = screen.pick(", empty for none", "，不需要密钥请直接回车") if own else ""

    def read(typed: str) -> Secret | None:
        return None if own and not typed.strip() else clean_key(typed.encode("utf-8", "replace"))

    key = guide.secret(question(upstream.name, screen).rstrip(")）") + none + _close(screen), read)
    if key is None:
        entry = replace(draft.entry, auth=Auth.NONE, key_env=None)
        bare = replace(upstream, auth=Auth.NONE, key=None)
        return replace(draft, entry=entry, upstream=bare, given=Given())
    entry = replace(draft.entry, key_env=None)
    return replace(draft, entry=entry, upstream=replace(upstream, key=key), given=Given(key))


def _close(screen: Screen) -> str:
    return screen.pick(")", "）")


# --- the free check ------------------------------------------------------------------------------


def _checked(draft: Draft, screen: Screen, guide: Guide | None) -> tuple[Draft, Probe | None]:
    """The draft once it was tried, with another key perhaps. Raises what is wrong with it where
    nobody can be asked, and `Cancelled` where somebody gives up: nothing was kept then."""
    while True:
        if guide is not None:
            name = f"{draft.upstream.name} ({draft.upstream.base_url})"
            screen.note(screen.pick(f"Trying {name}, for free …", f"正在免费检测 {name} …"))
        (found,) = check_now((draft.upstream,))
        if found.error is None:
            return draft, found
        if guide is None:
            raise _final(found.error, draft)
        told = found.error.message(screen.language)
        screen.note(f"{screen.lead('error', '错误')}{told}")
        if found.error.hint:
            screen.note(f"  → {found.error.hint}")
        retype = _is_about_key(found.error, draft)
        choice = guide.choose(*_ways_on(retype, screen))
        if choice == 1:
            return draft, None
        if choice == 2:
            raise Cancelled(hint="pisang setup")
        if retype:
            draft = _with_typed_key(draft, guide)


def _is_about_key(error: PisangError, draft: Draft) -> bool:
    """Whether another key may help: it was turned down, and is not in a variable."""
    turned_down = isinstance(error, ConfigError)
    return turned_down and draft.upstream.auth.takes_key and not draft.given.variable


def _ways_on(retype: bool, screen: Screen) -> tuple[str, list[tuple[str]]]:
    first = screen.pick("type the key again", "重新输入密钥")
    if not retype:
        first = screen.pick("try again", "再试一次")
    return screen.pick("What now", "接下来"), [
        (first,),
        (screen.pick("keep it as it is", "仍然保存"),),
        (screen.pick("give up (nothing is changed)", "放弃（不作任何改动）"),),
    ]


def _final(error: PisangError, draft: Draft) -> PisangError:
    """The error of a check that nobody can be asked about, with the command that goes on."""
    words = draft_words(draft.entry)
    if isinstance(error, KeyInvalid) and draft.upstream.auth.takes_key:
        error.hint = again(words, key=True)
    elif not error.hint:
        variable = f" --key-env {draft.given.variable}" if draft.given.variable else ""
        error.hint = again(f"{words}{variable} --no-check", key=bool(draft.given.key))
    return error


def draft_words(entry: Entry) -> str:
    """The command that sets this upstream up, without its key."""
    words = ["pisang", "setup", entry.preset or ""]
    named = None if entry.name == entry.preset else entry.name
    for option, value in (
        ("--name", named),
        ("--network", entry.network),
        ("--base-url", entry.base_url),
        ("--auth", entry.auth and entry.auth.value),
        ("--model", entry.default_model),
        ("--proxy", entry.proxy),
    ):
        words += [option, value] if value else []
    return shlex.join(words)


def again(words: str, *, key: bool) -> str:
    """The command once more, its key on standard input where it takes one."""
    return f"{words} --key-stdin < key.txt" if key else words


# --- telling -------------------------------------------------------------------------------------


def _tell(
    draft: Draft, found: Probe | None, place: str | None, is_default: bool, screen: Screen
) -> None:
    name, upstream = draft.entry.name, draft.upstream
    onward = "" if is_default else f" --via {name}"
    prompt = screen.pick("a kitten in a garden, oil painting", PROMPT)
    first = f'pisang generate "{prompt}" --out cat.png{onward}'
    screen.data(
        {
            "upstream": name,
            "preset": draft.entry.preset,
            "wire": upstream.wire.replace("_", "-"),
            "base_url": upstream.base_url,
            "auth": upstream.auth.value,
            "key": place,
            "default": is_default,
            "check": found_json(found) if found else None,
            "next": first,
            "warnings": [{"code": one.code, "message": one.message} for one in draft.notes],
        }
    )
    screen.bare(name)
    if found is not None:
        screen.line(f"✓ {name} {say_found(found, screen)}")
    else:
        test = f"pisang upstream test {name}"
        screen.line(screen.pick(f"Kept, not tried: {test}", f"已保存，尚未检测：{test}"))
    say_kept(place, screen)
    if is_default:
        screen.line(screen.pick(f"{name} is the default.", f"默认上游：{name}。"))
    else:
        switch = f"pisang upstream default {name}"
        screen.line(screen.pick(f"Make it the default: {switch}", f"设为默认：{switch}"))
    screen.line()
    screen.line(screen.pick("Your first image:", "生成第一张图："))
    screen.line(f"  {first}")
