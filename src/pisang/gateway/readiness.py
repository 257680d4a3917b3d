"""Whether this gateway can do its work now: `/readyz`, and what stands in its way.

Anybody may ask whether; why is for an admin, or for whoever asks from this machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pisang.domain.request import JSON
from pisang.domain.upstream import Auth
from pisang.engine.reach import credentials
from pisang.errors import (
    KeyMissing,
    Language,
    PisangError,
    Stopping,
    UpstreamsEjected,
)
from pisang.gateway.routing import Router
from pisang.policy.health import Standing
from pisang.store.store import Store


@dataclass(frozen=True, slots=True)
class Readiness:
    """What was looked at, and what stands in the way of each; `warning` does not stop anything."""

    checks: dict[str, PisangError | None]
    warning: PisangError | None = None

    @property
    def reason(self) -> str | None:
        """The first check that failed, by name; None: it is ready."""
        return next((name for name, error in self.checks.items() if error is not None), None)

    def to_json(self, *, detailed: bool, language: Language) -> dict[str, JSON]:
        """What is answered. Details name paths and upstreams, and never hold a secret."""
        told: dict[str, JSON] = {"ready": self.reason is None, "reason": self.reason}
        if not detailed:
            return told
        checks = {name: _check(error, language) for name, error in self.checks.items()}
        warning = self.warning
        warnings: list[JSON] = [] if warning is None else [_check(warning, language)]
        return {**told, "checks": checks, "warnings": warnings}


def look(
    store: Store, router: Router, *, stopping: bool, warning: PisangError | None = None
) -> Readiness:
    """How it is now. Blocks for a look at the disk: call it in a thread."""
    return Readiness(
        {
            "stopping": Stopping() if stopping else None,
            "store": _raised(store.may_buy),
            "upstreams": _raised(lambda: _some_upstream(router)),
        },
        warning,
    )


def _raised(check: Callable[[], None]) -> PisangError | None:
    try:
        check()
    except PisangError as error:
        return error
    return None


def _some_upstream(router: Router) -> None:
    """Raises where no upstream could be asked: none, none with a key, none that is well."""
    known = router.known()
    missing: KeyMissing | None = None
    armed: list[str] = []
    for one in known:
        try:
            if one.auth is not Auth.ADC:  # those tokens are asked for when they are needed
                credentials(one)
        except KeyMissing as error:
            missing = missing or error
        else:
            armed.append(one.name)
    if not armed and missing is not None:
        raise missing
    standings = router.standings()
    if all(standings.get(name) is Standing.EJECTED for name in armed):
        raise UpstreamsEjected(names=", ".join(armed))


def _check(error: PisangError | None, language: Language) -> JSON:
    if error is None:
        return {"ok": True}
    hint = error.next_step()
    told: dict[str, JSON] = {"ok": False, "code": error.code, "message": error.message(language)}
    return told if hint is None else {**told, "hint": hint}
