"""Which upstream a wish goes to, and everything known of it put together.

Chosen in order (DESIGN §9): the flag, `PISANG_UPSTREAM`, the folder's or home's default, the only
one configured, the only preset whose key is in the environment. The sandbox is never chosen here:
a fake must not answer production, so it has to be named (or be asked for by the command line on a
terminal, which says so).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches

from pisang.client.keys import kept_key, key_from_env
from pisang.client.presets import BARE, PRESETS, SANDBOX, VERTEX, Preset
from pisang.client.settings import Entry, Settings
from pisang.domain.request import JSON
from pisang.domain.secret import Secret
from pisang.domain.upstream import Auth, Upstream
from pisang.errors import (
    ConfigError,
    OptionInvalid,
    UpstreamMissing,
    UpstreamUnknown,
)


def choose(settings: Settings, named: str | None = None) -> Upstream:
    """The upstream for a wish, with its key. `named` is a flag's or argument's word.

    Raises `UpstreamMissing` when none is set, `UpstreamUnknown` when there is none of that name,
    `ConfigError` when several could be meant.
    """
    name = named or settings.defaults.upstream or _only_configured(settings) or _implied(settings)
    if name is None:
        raise UpstreamMissing(hint="pisang setup")
    return resolve(settings, name)


def resolve(settings: Settings, name: str) -> Upstream:
    """The upstream of that name: a configured one, else a preset as it stands."""
    entry = settings.upstreams.get(name)
    if entry is not None:
        return assemble(entry, settings)
    if name in PRESETS:
        return assemble(Entry(name=name, preset=name), settings)
    known = tuple(dict.fromkeys((*settings.upstreams, *PRESETS)))
    near = get_close_matches(name, known, 1, 0.6)
    choices = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    raise UpstreamUnknown(name=name, choices=choices.rstrip("?"))


def assemble(entry: Entry, settings: Settings) -> Upstream:
    """What the user wrote, filled up from its preset, with its key."""
    preset = PRESETS[entry.preset] if entry.preset else _bare(entry)
    base_url = _address(entry, settings)
    if base_url is None:
        option = "--project PROJECT" if preset.name == VERTEX else "--base-url https://…"
        raise ConfigError(
            what=f"The upstream {entry.name} needs a base URL.",
            hint=f"pisang setup {preset.name} {option}",
        )
    return Upstream(
        name=entry.name,
        wire=(entry.wire or preset.wire).replace("-", "_"),
        base_url=base_url,
        auth=entry.auth or preset.auth,
        key=find_key(entry, preset, settings),
        kind=entry.kind or preset.kind,
        models=preset.models if entry.models is None else entry.models,
        default_model=entry.default_model or preset.default_model,
        default_aspect_ratio=entry.default_aspect_ratio or preset.default_aspect_ratio,
        default_image_size=entry.default_image_size or preset.default_image_size,
        limits=entry.limits or preset.limits,
        quirks=entry.quirks or preset.quirks,
        prices=entry.prices,
        published=entry.published,
        proxy=entry.proxy,
        preset=preset.name or None,
    )


def is_moved(entry: Entry, settings: Settings) -> bool:
    """Whether this puts a configured upstream at another address: the key that was given for the
    old one must not go there."""
    old = settings.upstreams.get(entry.name)
    return old is not None and _address(old, settings) != _address(entry, settings)


def _address(entry: Entry, settings: Settings) -> str | None:
    preset = PRESETS[entry.preset] if entry.preset else _bare(entry)
    return entry.base_url or _network_url(preset, entry, settings) or preset.base_url


def find_key(entry: Entry, preset: Preset, settings: Settings) -> Secret | None:
    """The upstream's key, or None. A vendor's own variable is read only for the vendor's own host:
    a key must not go to whatever address somebody typed."""
    if not (entry.auth or preset.auth).takes_key:
        return None
    if entry.key_env:
        return key_from_env((entry.key_env,), settings.environ)
    kept = None if is_moved(entry, settings) else kept_key(entry.name, settings.home)
    at_home = entry.base_url in (None, preset.base_url, *preset.networks.values())
    vendors = key_from_env(preset.key_envs, settings.environ) if at_home else None
    # A second upstream of one vendor ("work-google") was given a key of its own on purpose.
    return (vendors or kept) if entry.name == preset.name else (kept or vendors)


def more_keys(name: str, settings: Settings) -> tuple[Secret, ...]:
    """The further keys of a configured upstream, those of its variables that are set."""
    entry = settings.upstreams.get(name)
    names = (entry.more_key_envs or ()) if entry is not None else ()
    found = (key_from_env((one,), settings.environ) for one in names)
    return tuple(key for key in found if key is not None)


def how_to_key(upstream: Upstream, settings: Settings) -> str:
    """The command that gives a key to an upstream that has none."""
    entry = settings.upstreams.get(upstream.name)
    if entry is not None and entry.key_env:
        return f"export {entry.key_env}=…"
    if entry is not None:
        return f"pisang upstream key {upstream.name}"
    if upstream.name in PRESETS:
        return f"pisang setup {upstream.name}"
    wire = upstream.wire.replace("_", "-")
    return f"pisang upstream add {upstream.name} --wire {wire} --base-url {upstream.base_url}"


def implied_presets(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The presets whose key stands in the environment."""
    return tuple(name for name, preset in PRESETS.items() if key_from_env(preset.key_envs, environ))


def _only_configured(settings: Settings) -> str | None:
    names = tuple(settings.upstreams)
    if len(names) > 1:
        raise ConfigError(what=_say_which(names), hint=f"pisang upstream default {names[0]}")
    return names[0] if names else None


def _implied(settings: Settings) -> str | None:
    names = implied_presets(settings.environ)
    if len(names) > 1:
        raise ConfigError(what=_say_which(names), hint=f"pisang upstream default {names[0]}")
    return names[0] if names else None


def _say_which(names: tuple[str, ...]) -> str:
    return (
        f"Several upstreams could be meant ({', '.join(names)}): choose one with --via, "
        "or set one with `pisang upstream default NAME`."
    )


def _network_url(preset: Preset, entry: Entry, settings: Settings) -> str | None:
    """The host of the network that was chosen, where the preset has several."""
    if not preset.networks:
        return None
    named = entry.network or settings.environ.get("PISANG_CRAWL_NETWORK")
    if not named:
        return None
    if named not in preset.networks:
        why = f"choose one of {', '.join(preset.networks)}"
        raise OptionInvalid(option="PISANG_CRAWL_NETWORK", value=named, why=why)
    return preset.networks[named]


def _bare(entry: Entry) -> Preset:
    """What is known of an upstream that has no preset: its wire's usual ways."""
    usual = BARE[entry.wire or "gemini"]
    return replace(usual, default_model=entry.models[0]) if entry.models else usual


def is_sandbox(upstream: Upstream) -> bool:
    """Whether this is the built-in painter."""
    return upstream.kind == SANDBOX


def describe(name: str, settings: Settings) -> dict[str, JSON]:
    """One configured upstream for a list: where it is, and whence its key is, never the key."""
    entry = settings.upstreams[name]
    preset = PRESETS[entry.preset] if entry.preset else _bare(entry)
    return {
        "name": name,
        "preset": entry.preset,
        "wire": entry.wire or preset.wire,
        "base_url": _address(entry, settings),
        "auth": (entry.auth or preset.auth).value,
        "key": _whence(entry, preset, settings),
        "key_env": entry.key_env,
        "models": list(preset.models if entry.models is None else entry.models),
        "default": settings.defaults.upstream == name or tuple(settings.upstreams) == (name,),
    }


def _whence(entry: Entry, preset: Preset, settings: Settings) -> str | None:
    """Where the key of an upstream would come from; None where there is none."""
    auth = entry.auth or preset.auth
    if not auth.takes_key:
        return "none needed" if auth is Auth.NONE else "Google Cloud's login"
    if entry.key_env:
        return f"${entry.key_env}" if settings.environ.get(entry.key_env) else None
    if kept_key(entry.name, settings.home):
        return "kept"
    names = (one for one in preset.key_envs if settings.environ.get(one))
    return next((f"${one}" for one in names), None) if find_key(entry, preset, settings) else None
