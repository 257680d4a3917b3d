"""Which upstreams could serve a call, in the order to ask them."""

from __future__ import annotations

from pisang.client.settings import Settings
from pisang.client.upstreams import choose, resolve
from pisang.domain.catalogue import Catalogue
from pisang.domain.catalogue import resolve as resolve_model
from pisang.domain.upstream import Upstream


class Router:
    """Knows the configured upstreams."""

    def __init__(self, settings: Settings, catalogue: Catalogue, via: str | None = None) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._via = via

    def upstreams(self, model: str, named: str | None = None) -> tuple[Upstream, ...]:
        """The named one; else the default and then every other that has the model.

        Raises `UpstreamMissing`, `UpstreamUnknown`, `ConfigError`.
        """
        if named or self._via:
            return (resolve(self._settings, named or self._via or ""),)
        first = choose(self._settings)
        rest = (resolve(self._settings, name) for name in self._settings.upstreams)
        others = [one for one in rest if one.name != first.name and self._has(one, model)]
        return (first, *others) if self._has(first, model) or not others else tuple(others)

    def _has(self, upstream: Upstream, model: str) -> bool:
        if not model:
            return True
        resolved = resolve_model(model, upstream, self._catalogue)
        return all(warn.code != "model_unlisted" for warn in resolved.warnings)
