"""What may stand in an argument, for the shell that completes it.

Each takes what was typed so far, gives what begins so, and is quick: a shell waits for it. What
can't be read gives nothing; there is no place to say more.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from pisang.errors import PisangError

NEWEST = 20
"""So many requests are offered: those of today, mostly."""


def upstreams(incomplete: str) -> list[str]:
    """The upstreams that can be named: those configured in the home, and the presets."""
    from pisang.client.presets import PRESETS

    return _beginning(incomplete, dict.fromkeys((*_configured(), *PRESETS)))


def _configured() -> list[str]:
    """The names in `config.toml`, read without the settings' own rules: a shell waits for it."""
    import tomllib

    with suppress(OSError, RuntimeError, ValueError):
        text = (_home() / "config.toml").read_text(encoding="utf-8")
        return [*tomllib.loads(text).get("upstreams", {})]
    return []


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
            return requests_beginning(_home(), incomplete)
        return found + _beginning(incomplete, recent_requests(_home(), NEWEST))
    return found


def unknowns(incomplete: str) -> list[str]:
    """The attempts whose outcome is unknown."""
    from pisang.store.recent import unknown_attempts

    with suppress(PisangError, RuntimeError):
        return _beginning(incomplete, unknown_attempts(_home()))
    return []


def _beginning(incomplete: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
