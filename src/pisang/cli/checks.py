"""What `pisang doctor` looks at: each check gives one line, and none of them sends anything."""

from __future__ import annotations

import asyncio
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Literal

from pisang.client.files import is_private
from pisang.client.keys import FILE
from pisang.client.loading import load_settings
from pisang.client.settings import Settings
from pisang.client.upstreams import assemble, describe, implied_presets
from pisang.domain.upstream import Auth
from pisang.errors import PisangError

State = Literal["good", "note", "bad"]

_STATE_OF: dict[str, State] = {"ok": "good", "note": "note", "warning": "note", "error": "bad"}
"""What the store's own levels are here."""

_EXTRAS = {"keyring": "keyring", "server": "granian"}
"""An extra, and the module that is there when it is installed."""


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: `good`, `note` (fine, but to be known) or `bad` (to be put right)."""

    name: str
    state: State
    message: str


def all_checks() -> list[Check]:
    """Every check, in order; one that fails does not stop the others."""
    found = [*_machine()]
    try:
        settings = load_settings()
    except PisangError as error:
        return [*found, Check("settings", "bad", error.message())]
    found.append(Check("settings", "good", f"read from {settings.path}"))
    checks: tuple[Callable[[Settings], Iterator[Check]], ...] = (
        _home,
        _files,
        _ledger,
        _upstreams,
        _environment,
    )
    for check in checks:
        found.extend(_guarded(check, settings))
    return found


def _guarded(check: Callable[[Settings], Iterator[Check]], settings: Settings) -> list[Check]:
    found: list[Check] = []
    try:
        found.extend(check(settings))
    except PisangError as error:
        found.append(Check(check.__name__.strip("_"), "bad", error.message()))
    return found


def _machine() -> Iterator[Check]:
    yield Check("pisang", "good", version("pisang"))
    yield Check("python", "good", f"{platform.python_version()} on {sys.platform}")
    for extra, module in _EXTRAS.items():
        if find_spec(module) is None:
            message = f"not installed (optional): pip install 'pisang[{extra}]'"
            yield Check(f"extra {extra}", "note", message)
        else:
            yield Check(f"extra {extra}", "good", _version_of(module))


def _version_of(module: str) -> str:
    try:
        return f"{module} {version(module)}"
    except PackageNotFoundError:
        return module


def _home(settings: Settings) -> Iterator[Check]:
    place = settings.home
    if not place.exists():
        yield Check("home", "note", f"{place} does not exist yet; it is made when it is needed")
        return
    yield Check("home", "good", str(place))


def _files(settings: Settings) -> Iterator[Check]:
    for path in (settings.path, settings.home / FILE):
        if not is_private(path):
            yield Check(path.name, "bad", f"others can read {path}: chmod 600 {path}")


def _ledger(settings: Settings) -> Iterator[Check]:
    from pisang.engine.engine import Engine

    if not settings.home.exists():
        return

    async def look() -> list[Check]:
        async with await Engine.open(settings.home) as engine:
            findings = await asyncio.to_thread(engine.store.check, deep=True)
            unknown = len(await asyncio.to_thread(engine.store.unknowns))
        found = [Check(one.code, _STATE_OF[one.level], one.message) for one in findings]
        if unknown:
            message = f"{unknown} with an unknown outcome: pisang unknown list"
            found.append(Check("unknown", "note", message))
        return found

    yield from asyncio.run(look())


def _upstreams(settings: Settings) -> Iterator[Check]:
    for name, entry in settings.upstreams.items():
        row = describe(name, settings)
        upstream = assemble(entry, settings)
        if upstream.auth is not Auth.NONE and not upstream.key:
            wanted = f"${entry.key_env} is not set" if entry.key_env else "it has no key"
            yield Check(f"upstream {name}", "bad", f"{row['base_url']}: {wanted}")
        else:
            yield Check(f"upstream {name}", "good", f"{row['base_url']}, key: {row['key']}")
    if not settings.upstreams:
        implied = implied_presets(settings.environ)
        message = f"from the environment: {', '.join(implied)}" if implied else "none is set up yet"
        yield Check("upstreams", "note", message)


def _environment(settings: Settings) -> Iterator[Check]:
    for name in ("HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE", "PISANG_UPSTREAM"):
        if settings.environ.get(name):
            yield Check("environment", "note", f"{name} is set")
