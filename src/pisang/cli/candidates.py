"""What may stand in an argument, for the shell that completes it.

Each takes what was typed so far, gives what begins so, and is quick: a shell waits for it. What
can't be read gives nothing; there is no place to say more.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pisang.errors import PisangError

if TYPE_CHECKING:
    from pisang.store.database import Tx

NEWEST = 20
"""So many requests are offered: those of today, mostly."""


def upstreams(incomplete: str) -> list[str]:
    """The upstreams that can be named: those configured, and the presets."""
    from pisang.client.loading import load_settings
    from pisang.client.presets import PRESETS

    with suppress(PisangError):
        return _beginning(incomplete, dict.fromkeys((*load_settings().upstreams, *PRESETS)))
    return []


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
    found = _beginning(incomplete, ("last",))
    with suppress(PisangError), _ledger() as tx:
        from pisang.store import history

        if incomplete.startswith("req_"):
            return history.request_ids(tx, incomplete)
        newest = (row.id for row in history.history(tx, history.Asked(limit=NEWEST)))
        return found + _beginning(incomplete, newest)
    return found


def unknowns(incomplete: str) -> list[str]:
    """The attempts whose outcome is unknown."""
    with suppress(PisangError), _ledger() as tx:
        return _beginning(incomplete, (row["id"] for row in tx.all("attempts_unknown")))
    return []


@contextmanager
def _ledger() -> Iterator[Tx]:
    """The ledger of this home, read only. Raises `PisangError` where there is none."""
    from pisang.client.loading import home_folder
    from pisang.errors import HomeUnusable
    from pisang.store.health import Health
    from pisang.store.home import Home
    from pisang.store.readers import Readers

    home = Home(home_folder(os.environ))
    if not home.ledger.exists():
        raise HomeUnusable(path=home.ledger, why="it is not there")
    readers = Readers(home, Health(home))
    try:
        with readers.read() as tx:
            yield tx
    finally:
        readers.close()


def _beginning(incomplete: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
