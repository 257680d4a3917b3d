"""What `pisang doctor` looks at without sending anything: each check gives one line, and what to do
where something is to be done.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pisang.client.files import is_private
from pisang.client.keys import FILE
from pisang.client.loading import load_settings
from pisang.client.output import plan_output
from pisang.client.settings import FOLDER_FILE, Settings
from pisang.client.storing import storage_of
from pisang.client.upstreams import assemble, choose, describe, how_to_key, implied_presets
from pisang.domain.ledger import AttemptRow
from pisang.domain.money import Money
from pisang.domain.upstream import Auth, Upstream
from pisang.errors import ConfigError, PisangError, UpstreamMissing
from pisang.transport.proxy import choose_proxy

if TYPE_CHECKING:
    from pisang.store.finding import Finding

State = Literal["good", "note", "look", "bad"]

_STATE_OF: dict[str, State] = {"ok": "good", "note": "note", "warning": "look", "error": "bad"}
"""What the store's own levels are here."""

_WAYS_OUT = {
    "free_space": "pisang gc --dry-run",
    "strays": "pisang gc --dry-run",
    "orphans": "pisang history",
    "ledger": "cp -a {home} {home}.copy",
    "states": "cp -a {home} {home}.copy",
    "contents": "cp -a {home} {home}.copy",
    "budgets": "pisang cost",
}
"""What to do about a finding of the store's that is not good. Of what is damaged a copy is made
first: whatever is tried then can be undone."""

_EXTRAS = {"keyring": "keyring", "s3": "obstore", "server": "granian", "vertex": "google.auth"}
"""An extra, and the module that is there when it is installed."""

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")

AHEAD_MS = 60_000
"""How far ahead of this clock a row of the ledger may be: clocks are set by a little at times."""


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: `good`, `note` (fine, but to be known), `look` (works, and wants a look) or
    `bad` (to be put right). `todo` is the exact command, or what to do in a word."""

    name: str
    state: State
    message: str
    todo: str | None = None


def all_checks(*, deep: bool = False) -> list[Check]:
    """Every check, in order; one that fails does not stop the others. Contents in the home are
    always read and hashed, those in a bucket when `deep` says so."""
    found = [*_machine(), *_pictures()]
    try:
        settings = load_settings()
    except PisangError as error:
        return [*found, _failed("settings", error)]
    checks: tuple[Callable[[Settings], Iterator[Check]], ...] = (
        _settings,
        _home,
        _output,
        _files,
        partial(_ledger, deep=deep),
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
        found.append(_failed(_name_of(check), error))
    return found


def _name_of(check: Callable[[Settings], Iterator[Check]]) -> str:
    inner = check.func if isinstance(check, partial) else check
    return inner.__name__.strip("_")


def _failed(name: str, error: PisangError) -> Check:
    step = error.next_step()
    return Check(name, "bad", error.message(), None if step == "pisang doctor" else step)


def _machine() -> Iterator[Check]:
    yield Check("pisang", "good", version("pisang"))
    yield Check("python", "good", f"{platform.python_version()} on {sys.platform}")
    for extra, module in _EXTRAS.items():
        if not is_there(module):
            wanted = f"pip install 'pisang[{extra}]'"
            yield Check(f"extra {extra}", "note", "not installed (optional)", wanted)
        else:
            yield Check(f"extra {extra}", "good", _version_of(module))


def is_there(module: str) -> bool:
    """Whether a module could be imported."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


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
        yield Check("pictures", "bad", f"libvips can't be loaded ({error})", again)
        return
    yield Check("pictures", "good", selftest.library())
    for name, try_out in (("font", selftest.font), ("formats", selftest.formats)):
        try:
            yield Check(name, "good", try_out())
        except PisangError as error:
            yield Check(name, "bad", error.message(), "pip install --force-reinstall pisang")


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
        message = f"{place} can't be made: you may not write in {above}"
        yield Check("home", "bad", message, "export PISANG_HOME=…")


def _output(settings: Settings) -> Iterator[Check]:
    """Where images go when nobody says otherwise, tried without making it."""
    target = plan_output(settings.defaults.out, base=settings.folder).folder
    there = next(path for path in (target, *target.parents) if path.exists())
    if there.is_dir() and os.access(there, os.W_OK):
        yield Check("output", "good", f"images go to {target}")
    else:
        message = f"{target} can't be written here: name another with --out"
        yield Check("output", "look", message)


def _files(settings: Settings) -> Iterator[Check]:
    for path in (settings.path, settings.home / FILE):
        if not is_private(path):
            yield Check(path.name, "bad", f"others can read {path}", f"chmod 600 {path}")


def _ledger(settings: Settings, *, deep: bool) -> Iterator[Check]:
    from pisang.engine.engine import Engine
    from pisang.store.store import Asked

    if not settings.home.exists():
        return

    storage = storage_of(settings)

    async def look() -> list[Check]:
        async with await Engine.open(settings.home, storage=storage) as engine:
            here = storage.images is None
            findings = await asyncio.to_thread(engine.store.check, deep=deep or here)
            unknown = await asyncio.to_thread(engine.store.unknowns)
            newest = await asyncio.to_thread(engine.store.history, Asked(None, 1))
        stored = [_stored(one, settings.home) for one in findings]
        return [*stored, *_unknown(unknown), *_clock([row.created_ms for row in newest])]

    yield from asyncio.run(look())


def _stored(finding: Finding, home: Path) -> Check:
    """A finding of the store's. The SQLite fault can't happen here, so that note is a good one."""
    state = _STATE_OF[finding.level]
    way_out = None if state == "good" else _WAYS_OUT.get(finding.code)
    todo = way_out.format(home=home) if way_out else None
    if finding.code == "sqlite":
        state = "good"
    return Check(finding.code, state, finding.message, todo)


def _unknown(rows: Sequence[AttemptRow]) -> Iterator[Check]:
    """The attempts whose outcome nobody knows, and what they may have cost together."""
    if not rows:
        return
    stakes: Counter[str] = Counter()
    for row in rows:
        price = row.cost or row.price
        if price is not None and not row.free:
            stakes[price.currency] += price.micros
    sums = [str(Money(micros, currency)) for currency, micros in sorted(stakes.items())]
    play = all(row.free for row in rows)
    at_stake = " + ".join(sums) or ("play money" if play else "an unknown amount")
    message = f"{len(rows)} with an unknown outcome, at stake: {at_stake}"
    yield Check("unknown", "look", message, "pisang unknown list")


def _clock(created_ms: Sequence[int]) -> Iterator[Check]:
    """Whether this machine's clock stands before what was already written."""
    now_ms = time.time_ns() // 1_000_000
    ahead_ms = max(created_ms, default=0) - now_ms
    if ahead_ms > AHEAD_MS:
        message = f"this clock is {ahead_ms // 1000:,} s behind the newest request: set it right"
        yield Check("clock", "bad", message, how_to_set_clock())
    elif created_ms:
        yield Check("clock", "good", "not before the newest request")


def how_to_set_clock() -> str:
    """The command that sets this machine's clock by the network's."""
    others = {"darwin": "sudo sntp -sS time.apple.com", "win32": "w32tm /resync"}
    return others.get(sys.platform, "sudo timedatectl set-ntp true")


def _upstreams(settings: Settings) -> Iterator[Check]:
    for name, entry in settings.upstreams.items():
        try:
            upstream = assemble(entry, settings)
        except PisangError as error:
            yield _failed(f"upstream {name}", error)
            continue
        yield _keyed(upstream, entry.key_env, settings)
    implied = implied_presets(settings.environ)
    if implied and not settings.upstreams:
        yield Check("upstreams", "note", f"from the environment: {', '.join(implied)}")


def _keyed(upstream: Upstream, key_env: str | None, settings: Settings) -> Check:
    """Whether an upstream has what it needs to be asked."""
    name, row = f"upstream {upstream.name}", describe(upstream.name, settings)
    if upstream.auth is Auth.ADC and not is_there("google.auth"):
        message = f"{upstream.base_url}: an optional part is missing"
        return Check(name, "bad", message, "pip install 'pisang[vertex]'")
    if upstream.auth.takes_key and not upstream.key:
        wanted = f"${key_env} is not set" if key_env else "it has no key"
        step = how_to_key(upstream, settings)
        return Check(name, "bad", f"{upstream.base_url}: {wanted}", step)
    return Check(name, "good", f"{upstream.base_url}, key: {row['key']}")


def _choice(settings: Settings) -> Iterator[Check]:
    """Which upstream a wish without `--via` goes to."""
    try:
        upstream = choose(settings)
    except UpstreamMissing as error:
        yield Check("default", "note", "no upstream is set up yet", error.next_step())
    except ConfigError as error:
        # Several, and no default: each can be named, so nothing is broken.
        yield Check("default", "look", error.message(), error.next_step())
    except PisangError as error:
        yield _failed("default", error)
    else:
        yield Check("default", "good", f"{upstream.name}, where no --via is given")


def _environment(settings: Settings) -> Iterator[Check]:
    for lower in _PROXIES:
        for name in (lower, lower.upper()):
            if settings.environ.get(name):
                yield _proxy(name, settings.environ[name])
    for name in ("no_proxy", "NO_PROXY", "SSL_CERT_FILE"):
        if settings.environ.get(name):
            yield Check("environment", "note", f"{name} is set, and is heeded")
    for name in sorted(settings.environ):
        if name.startswith("PISANG_") and settings.environ[name] and "AK" not in name:
            yield Check("environment", "note", f"{name} is set")


def _proxy(name: str, value: str) -> Check:
    """A proxy of the environment, without its name and password."""
    try:
        proxy = choose_proxy("https://example.com", value, {})
    except PisangError as error:
        why = str(error.fields.get("why"))
        return Check("proxy", "bad", f"{name} is no proxy's address: {why}", f"unset {name}")
    if proxy is not None and proxy.socks and not is_there("aiohttp_socks"):
        message = f"{name} is a SOCKS proxy, and an optional part is missing"
        return Check("proxy", "bad", message, "pip install 'pisang[socks]'")
    where = proxy.url if proxy else "none"
    return Check("proxy", "note", f"{name} is set, and is heeded: {where}")


def _crashes(settings: Settings) -> Iterator[Check]:
    reports = sorted((settings.home / "crash").glob("*.txt"))
    if reports:
        message = f"{len(reports)} faults of Pisang's own, the newest in {reports[-1]}: report it"
        yield Check("crashes", "look", message)
