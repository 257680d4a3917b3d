"""What `pisang doctor` looks at: each check gives one line, and none of them sends anything."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Literal

from pisang.client.files import is_private
from pisang.client.keys import FILE
from pisang.client.loading import load_settings
from pisang.client.output import plan_output
from pisang.client.settings import FOLDER_FILE, Settings
from pisang.client.upstreams import assemble, choose, describe, implied_presets
from pisang.domain.upstream import Auth
from pisang.errors import PisangError, UpstreamMissing

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
    found = [*_machine(), *_pictures()]
    try:
        settings = load_settings()
    except PisangError as error:
        return [*found, Check("settings", "bad", error.message())]
    checks: tuple[Callable[[Settings], Iterator[Check]], ...] = (
        _settings,
        _home,
        _output,
        _files,
        _ledger,
        _upstreams,
        _choice,
        _environment,
        _crashes,
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


def _pictures() -> Iterator[Check]:
    """libvips, its font and its formats, each tried on a tiny picture."""
    try:
        from pisang.pixels import selftest
    except (ImportError, OSError) as error:
        again = "pip install --force-reinstall pyvips pyvips-binary"
        yield Check("pictures", "bad", f"libvips can't be loaded ({error}): {again}")
        return
    yield Check("pictures", "good", selftest.library())
    for name, try_out in (("font", selftest.font), ("formats", selftest.formats)):
        try:
            yield Check(name, "good", try_out())
        except PisangError as error:
            yield Check(name, "bad", error.message())


def _settings(settings: Settings) -> Iterator[Check]:
    if settings.path.exists():
        yield Check("settings", "good", f"read from {settings.path}")
    else:
        yield Check("settings", "good", f"none yet: {settings.path} is made when it is needed")
    own = settings.folder / FOLDER_FILE
    if own.exists():
        yield Check("settings", "good", f"those of this folder, from {own}, lie over them")


def _home(settings: Settings) -> Iterator[Check]:
    place = settings.home
    if place.exists():
        yield Check("home", "good", str(place))
        return
    above = next(path for path in place.parents if path.exists())
    if os.access(above, os.W_OK):
        free = shutil.disk_usage(above).free // 1_000_000
        message = f"{place} does not exist yet: it is made when it is needed ({free:,} MB are free)"
        yield Check("home", "note", message)
    else:
        yield Check("home", "bad", f"{place} can't be made: you may not write in {above}")


def _output(settings: Settings) -> Iterator[Check]:
    """Where images go when nobody says otherwise, tried without making it."""
    target = plan_output(settings.defaults.out, base=settings.folder).folder
    there = next(path for path in (target, *target.parents) if path.exists())
    if there.is_dir() and os.access(there, os.W_OK):
        yield Check("output", "good", f"images go to {target}")
    else:
        yield Check("output", "note", f"{target} can't be written here: name another with --out")


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
    implied = implied_presets(settings.environ)
    if implied and not settings.upstreams:
        yield Check("upstreams", "note", f"from the environment: {', '.join(implied)}")


def _choice(settings: Settings) -> Iterator[Check]:
    """Which upstream a wish without `--via` goes to."""
    try:
        upstream = choose(settings)
    except UpstreamMissing as error:
        yield Check("default", "note", f"{error.message()} Next: {error.hint}")
    except PisangError as error:
        yield Check("default", "bad", error.message())
    else:
        yield Check("default", "good", f"{upstream.name}, where no --via is given")


def _environment(settings: Settings) -> Iterator[Check]:
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "SSL_CERT_FILE"):
        if settings.environ.get(name):
            yield Check("environment", "note", f"{name} is set, and is heeded")
    for name in sorted(settings.environ):
        if name.startswith("PISANG_") and settings.environ[name] and "AK" not in name:
            yield Check("environment", "note", f"{name} is set")


def _crashes(settings: Settings) -> Iterator[Check]:
    reports = sorted((settings.home / "crash").glob("*.txt"))
    if reports:
        message = f"{len(reports)} faults of Pisang's own, the newest in {reports[-1]}: report it"
        yield Check("crashes", "note", message)
