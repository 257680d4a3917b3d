"""Upstreams for jobs: each by the name that its batch wrote down, with this machine's key."""

from __future__ import annotations

from collections.abc import Callable

from pisang.client.settings import Settings
from pisang.client.upstreams import how_to_key, resolve
from pisang.client.wishes import check_secret
from pisang.domain.upstream import Upstream
from pisang.errors import KeyMissing


def upstreams_by_name(settings: Settings) -> Callable[[str], Upstream]:
    """What a `Runner` resolves names with. Raises `UpstreamUnknown`, and `KeyMissing` with how to
    give one."""
    known: dict[str, Upstream] = {}

    def find(name: str) -> Upstream:
        if name not in known:
            upstream = resolve(settings, name)
            try:
                check_secret(upstream, settings)
            except KeyMissing as error:
                error.hint = error.hint or how_to_key(upstream, settings)
                raise
            known[name] = upstream
        return known[name]

    return find
