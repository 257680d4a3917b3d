"""What may stand in an argument, for the shell that completes it.

Each takes what was typed so far, gives what begins so, and is quick: a shell waits for it. What
can't be read gives nothing; there is no place to say more.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pisang.errors import PisangError

if TYPE_CHECKING:
    from pisang.domain.secret import Secret

NEWEST = 20
"""So many requests are offered: those of today, mostly."""


def upstreams(incomplete: str) -> list[str]:
    """The upstreams that can be named: those configured in the home, and the presets."""
    from pisang.client.presets import PRESETS

    return _beginning(incomplete, dict.fromkeys((*_configured(), *PRESETS)))


def _configured() -> list[str]:
    """The upstreams' names in `config.toml`."""
    return [*_written().get("upstreams", {})]


def _written() -> dict[str, Any]:
    """`config.toml`, read without the settings' own rules: a shell waits for it."""
    import tomllib

    with suppress(OSError, RuntimeError, ValueError):
        return tomllib.loads((_home() / "config.toml").read_text(encoding="utf-8"))
    return {}


def _place() -> tuple[Path, Secret | None]:
    """The home, and the URL of its ledger where it is in another place."""
    from pisang.domain.secret import Secret

    text = os.environ.get("PISANG_LEDGER") or _written().get("store", {}).get("ledger", "")
    if text.startswith("${"):
        text = os.environ.get(text[2:-1], "")
    return _home(), Secret(text) if text else None


def _home() -> Path:
    """As `client.loading.home_folder`, without what that module loads."""
    return Path(os.environ.get("PISANG_HOME") or "~/.pisang").expanduser()


def models(incomplete: str) -> list[str]:
    """The catalogue's model ids."""
    from pisang.domain.catalogue import load

    return _beginning(incomplete, (model.id for model in load().models))


def ratios(incomplete: str) -> list[str]:
    """Every aspect ratio that some model knows."""
    from pisang.domain.catalogue import load

    every = (ratio for model in load().models for ratio in model.ratios)
    return _beginning(incomplete, dict.fromkeys(every))


def sizes(incomplete: str) -> list[str]:
    """Every image size; `2k` completes to `2K`."""
    from pisang.domain.model import SIZES

    return _beginning(incomplete.upper(), SIZES)


def requests(incomplete: str) -> list[str]:
    """`last`, and the newest requests; those that begin so where something was typed."""
    from pisang.store.recent import recent_requests, requests_beginning

    found = _beginning(incomplete, ("last",))
    with suppress(PisangError, RuntimeError):
        if incomplete.startswith("req_"):
            return requests_beginning(*_place(), incomplete)
        return found + _beginning(incomplete, recent_requests(*_place(), NEWEST))
    return found


def unknowns(incomplete: str) -> list[str]:
    """The attempts whose outcome is unknown."""
    from pisang.store.recent import unknown_attempts

    with suppress(PisangError, RuntimeError):
        return _beginning(incomplete, unknown_attempts(*_place()))
    return []


def _beginning(incomplete: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
