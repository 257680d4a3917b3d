"""Upstreams made and changed by somebody who is not at this machine: an administrator's API.

He says what the settings may say of one, but for what is this machine's own: no name of a variable
(its value would go wherever he points it), no proxy, no login of this machine. Where he points an
upstream elsewhere, no key goes along that he did not give.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace

from pisang.client.config import parse_entry
from pisang.client.config_edit import drop_upstream, put_upstream, upstream_text
from pisang.client.keys import forget_key, keep_key
from pisang.client.presets import PRESETS
from pisang.client.settings import Entry, Settings
from pisang.client.upstreams import is_moved, resolve
from pisang.domain.request import JSON
from pisang.domain.secret import Secret
from pisang.domain.upstream import Auth
from pisang.errors import NotFound, OptionInvalid, SettingsMalformed

_KEY = re.compile(r"[\x21-\x7e]{1,16384}")

LAST = 4
"""So much of a key's end is told, where it is long enough that this tells nothing."""

_LONG = 16


def make_entry(name: str, said: Mapping[str, JSON], settings: Settings) -> Entry:
    """The upstream that these words mean, in place of any older one: what that had of this machine
    stays with it while it stays where it is. Raises `OptionInvalid`."""
    values = {key: value for key, value in said.items() if value is not None}
    try:
        entry = parse_entry(name, values)
    except SettingsMalformed as error:
        raise _as_option(name, error) from None
    return _keep_at_home(entry, settings)


def change_entry(name: str, said: Mapping[str, JSON], settings: Settings) -> Entry:
    """A configured upstream with these words changed; None takes one away. Raises `OptionInvalid`,
    `NotFound`."""
    old = find_entry(name, settings)
    written = tomllib.loads(upstream_text(old)).get("upstreams", {}).get(name, {})
    own = {key: value for key, value in written.items() if key not in _MACHINE_S}
    return make_entry(name, {**own, **said}, settings)


def find_entry(name: str, settings: Settings) -> Entry:
    """A configured upstream. Raises `NotFound`."""
    entry = settings.upstreams.get(name)
    if entry is None:
        raise NotFound(what="upstream", id=name[:80], hint="pisang upstream list")
    return entry


def save_entry(entry: Entry, key: str | None, settings: Settings) -> None:
    """Write it down, its key first. One that goes elsewhere forgets the key it had. Blocks. Raises
    `SettingsMalformed` for settings that only a hand can edit, `OptionInvalid` for what is no
    key."""
    if key is not None:
        if not _KEY.fullmatch(key):
            raise OptionInvalid(
                option="key", value="…", why="that is no key: it wants one plain word"
            )
        keep_key(entry.name, Secret(key), settings.home)
        entry = replace(entry, key_env=None)
    elif is_moved(entry, settings):
        forget_key(entry.name, settings.home)
    put_upstream(settings.home, entry)


def remove_entry(name: str, settings: Settings) -> None:
    """Forget an upstream, and its key. Blocks. Raises `NotFound`."""
    find_entry(name, settings)
    drop_upstream(settings.home, name)
    forget_key(name, settings.home)


def end_of_key(name: str, settings: Settings) -> str | None:
    """What may be told of an upstream's key: that it has one, and how a long one ends."""
    key = resolve(settings, name).key
    if key is None:
        return None
    text = key.reveal()
    return f"…{text[-LAST:]}" if len(text) >= _LONG else "…"


_MACHINE_S = ("key_env", "more_key_envs", "proxy", "published", "published_on", "quirks")
"""What others than this machine's own user leave as it is."""


def _keep_at_home(entry: Entry, settings: Settings) -> Entry:
    old = settings.upstreams.get(entry.name)
    if old is not None and not is_moved(entry, settings):
        entry = replace(entry, **{name: getattr(old, name) for name in _MACHINE_S})
    preset = PRESETS[entry.preset] if entry.preset else None
    auth = entry.auth or (preset.auth if preset is not None else None)
    pointed = entry.base_url is not None and (old is None or old.base_url != entry.base_url)
    if auth is Auth.ADC and pointed:
        why = "this machine's own login goes to Google alone"
        raise OptionInvalid(option="base_url", value=entry.base_url, why=why)
    return entry


def _as_option(name: str, error: SettingsMalformed) -> OptionInvalid:
    """What is wrong with a setting, told of the field."""
    place, _, why = str(error.fields["why"]).partition(": ")
    lead = f"upstreams.{name}."
    option = place.strip("`").removeprefix(lead)
    return OptionInvalid(option=option.removeprefix(f"upstreams.{name}"), value="", why=why)
