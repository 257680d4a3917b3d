"""Which upstreams could serve a call, in the order to ask them, and which are left alone for now.

The order is `policy.route`'s, by the `priority` and `weight` of the settings: one without a
priority comes second (1), the default upstream first (0). An upstream that failed five times in a
row is left out for a while (`policy.health`); then one call at a time finds out how it is. A key
that asked too fast, or is used up, rests: it is asked when nothing else is left. What is known of
health is this process's own: another gateway finds out for itself.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import replace
from logging import INFO, WARNING
from typing import Protocol

from pisang.client.settings import Settings
from pisang.client.upstreams import choose, is_sandbox, more_keys, resolve
from pisang.domain.catalogue import Catalogue
from pisang.domain.catalogue import resolve as resolve_model
from pisang.domain.secret import Secret
from pisang.domain.upstream import Upstream
from pisang.engine.events import ENDED, Event, Listener
from pisang.engine.order import Order, Ran
from pisang.engine.world import now_ms
from pisang.errors import (
    Cancelled,
    KeyInvalid,
    KeyMissing,
    PermissionDenied,
    PisangError,
    Stopping,
    UpstreamKeyRefused,
    UpstreamMissing,
    UpstreamUnknown,
)
from pisang.gateway.logs import tell
from pisang.policy import health
from pisang.policy.health import Health, Standing
from pisang.policy.route import Candidate, may_go_elsewhere
from pisang.policy.route import order as put_in_order

Run = Callable[[Order, Listener], Awaitable[Ran]]
"""Carries one order out: the engine, mostly."""

USUAL_PRIORITY = 1

_UNLISTED = 2
"""The upstream lists its models, and this one is not among them."""


class Watch(Protocol):
    """Whoever counts what is done: hears of each order, its steps, and what became of it."""

    def planned(self, order: Order) -> None: ...

    def heard(self, order: Order, event: Event) -> None: ...

    def ran(
        self, order: Order, ran: Ran | None, error: PisangError | None, ended: frozenset[str]
    ) -> None: ...


class _NoWatch:
    """Nobody counts."""

    def planned(self, order: Order) -> None:
        """Nothing."""

    def heard(self, order: Order, event: Event) -> None:
        """Nothing."""

    def ran(
        self, order: Order, ran: Ran | None, error: PisangError | None, ended: frozenset[str]
    ) -> None:
        """Nothing."""


class Router:
    """Knows the configured upstreams and how they are."""

    def __init__(
        self,
        settings: Settings,
        catalogue: Catalogue,
        via: str | None = None,
        *,
        watch: Watch | None = None,
        clock_ms: Callable[[], int] = now_ms,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._via = via
        self._watch: Watch = watch or _NoWatch()
        self._stopping: list[bool] = []
        self._clock_ms = clock_ms
        self._draw = draw
        self._health: dict[str, Health] = {}
        self._resting: dict[tuple[str, Secret | None], int] = {}
        self._turn = 0

    def upstreams(self, model: str, named: str | None = None) -> tuple[Upstream, ...]:
        """The named one; else those that have the model, in the order to ask them. One with several
        keys stands there once with each, and what rests comes last.

        Where none lists the model, the default one is asked. Raises `UpstreamMissing`,
        `UpstreamUnknown`, `ConfigError`.
        """
        if named or self._via:
            return self._keyed((self._named(named or self._via or ""),))
        known = self._known()
        doubts = {name: self._doubt(one, model) for name, one in known.items()}
        least = min(doubts.values())
        if least == _UNLISTED:
            return self._keyed((next(iter(known.values())),))
        having = {name: known[name] for name, doubt in doubts.items() if doubt == least}
        candidates = [self._candidate(name) for name in having]
        names = put_in_order(candidates, [self._draw() for _ in candidates])
        return self._keyed(having[name] for name in names)

    async def carry_out(
        self,
        orders: Sequence[Order],
        run: Run,
        listen: Listener,
        go_on: Callable[[], None] = lambda: None,
    ) -> Ran:
        """What became of a wish: at the first upstream, or at the next while an error is free and
        may be none there. `go_on` is called where one is over and the next is asked. Raises what
        `run` raises."""
        *others, last = orders
        for order in others:
            if not self.may_start(order.upstream):
                continue  # it was found sick, or is being probed, since the order was made
            try:
                ran = await self.run_one(order, run, listen)
            except PisangError as error:
                if not may_go_elsewhere(error):
                    raise
            else:
                if ran.error is None or not may_go_elsewhere(ran.error):
                    return ran
            go_on()
        self.may_start(last.upstream)  # if even that one is sick, it is asked
        return await self.run_one(last, run, listen)

    async def run_one(self, order: Order, run: Run, listen: Listener) -> Ran:
        """Carry one order out, and note how its upstream did, if it was called. An upstream that
        does not take our key is told of as `UpstreamKeyRefused`: the caller's own is good."""
        called: list[str] = []
        ended: set[str] = set()
        ran: Ran | None = None
        error: PisangError | None = None
        self._watch.planned(order)

        def hear(event: Event) -> None:
            if event.kind == "sent":
                called.append(event.attempt_id)
            elif event.kind in ENDED:
                ended.add(event.attempt_id)
            self._watch.heard(order, event)
            listen(event)

        try:
            ran = await run(order, hear)
            error = ran.error
        except PisangError as raised:
            error = raised
            told = self._as_told(raised)
            if told is raised:
                raise
            raise told from None
        else:
            return ran if error is None else _as_told(ran)
        finally:
            self.ended(order.upstream, error, called=bool(called))
            told_error = None if error is None else self._as_told(error)
            self._watch.ran(order, ran, told_error, frozenset(ended))

    def _as_told(self, error: PisangError) -> PisangError:
        """As it is told. A call that was called off because we stop asked for no such thing."""
        if self.stopping and isinstance(error, Cancelled):
            return Stopping(request_id=error.request_id)
        return as_told(error)

    def may_start(self, upstream: Upstream) -> bool:
        """Whether a call may go there now. Of an upstream that is to be probed the first who asks
        is the probe: he tells `ended` how it went."""
        known = self._health.get(upstream.name, Health())
        standing = health.standing(known, self._clock_ms())
        if standing is Standing.PROBE:
            self._health[upstream.name] = health.probed(known)
        return standing is not Standing.EJECTED

    def ended(self, upstream: Upstream, error: PisangError | None, *, called: bool) -> None:
        """Take note of how it ended. One that was not `called` (the outcome was in the ledger, a
        budget was empty) is neither well nor sick for it."""
        known = self._health.get(upstream.name, Health())
        if not called:
            now = health.unprobed(known)
        elif health.is_failure(error):
            now = health.failed(known, self._clock_ms())
        else:
            now = health.succeeded(known)
        self._health[upstream.name] = now
        self._tell_standing(upstream.name, known, now)
        rest_ms = health.rest_ms(error)
        if called and rest_ms is not None:
            self._resting[upstream.name, upstream.key] = self._clock_ms() + rest_ms

    def _tell_standing(self, name: str, before: Health, now: Health) -> None:
        if now.ejected_until_ms is not None and now.ejections > before.ejections:
            for_s = (now.ejected_until_ms - self._clock_ms()) // 1000
            tell(WARNING, "upstream_ejected", upstream=name, failures=now.failures, for_s=for_s)
        elif before.ejected_until_ms is not None and now.ejected_until_ms is None:
            tell(INFO, "upstream_back", upstream=name)

    @property
    def stopping(self) -> bool:
        """Whether nothing more is sent; what is called off for that says so."""
        return bool(self._stopping)

    def stop(self) -> None:
        """Nothing more is sent, whatever settings a call began with."""
        self._stopping.append(True)

    def with_settings(self, settings: Settings) -> Router:
        """The same with other settings: what is known of upstreams' health stays, but for those
        that were set anew. Raises what `known` raises, where they name what isn't there."""
        router = copy(self)
        router._settings = settings
        with suppress(UpstreamMissing):  # none yet is no mistake
            router.known()
        old = self._settings.upstreams
        for name in old:
            if settings.upstreams.get(name) != old[name]:
                self._health.pop(name, None)
        return router

    def known(self) -> tuple[Upstream, ...]:
        """Every upstream that may be asked. Raises `UpstreamMissing`, `UpstreamUnknown`,
        `ConfigError`, `SettingsMalformed`."""
        if self._via:
            return (resolve(self._settings, self._via),)
        return tuple(self._known().values())

    def standings(self) -> Mapping[str, Standing]:
        """How each upstream that was called stands now, by name."""
        now = self._clock_ms()
        return {name: health.standing(one, now) for name, one in self._health.items()}

    def _named(self, name: str) -> Upstream:
        """The upstream that a caller names. Which there are is not for every caller to know."""
        try:
            return resolve(self._settings, name)
        except UpstreamUnknown:
            choices = "an administrator's key lists them at /pisang/v1/upstreams"
            raise UpstreamUnknown(name=name, choices=choices) from None

    def _keyed(self, upstreams: Iterable[Upstream]) -> tuple[Upstream, ...]:
        """Each upstream once with each of its keys, whose turn it is first; last those whose key
        is to be left alone for now."""
        self._turn += 1
        keyed: list[Upstream] = []
        for one in upstreams:
            keys = tuple(dict.fromkeys((one.key, *more_keys(one.name, self._settings))))
            start = self._turn % len(keys)
            keyed += [replace(one, key=key) for key in (*keys[start:], *keys[:start])]
        now = self._clock_ms()
        return tuple(sorted(keyed, key=lambda one: now < self._resting.get((one.name, one.key), 0)))

    def _known(self) -> dict[str, Upstream]:
        """Every upstream that may be asked unnamed, the default one first. The sandbox is among
        them only as the default: a fake must not answer production."""
        settings = self._settings
        known: dict[str, Upstream] = {}
        for name in filter(None, (settings.defaults.upstream, *settings.upstreams)):
            one = resolve(settings, name)
            if name == settings.defaults.upstream or not is_sandbox(one):
                known[name] = one
        if not known:
            only = choose(settings)
            known[only.name] = only
        return known

    def _candidate(self, name: str) -> Candidate:
        entry = self._settings.upstreams.get(name)
        usual = 0 if name == self._settings.defaults.upstream else USUAL_PRIORITY
        priority = entry.priority if entry is not None else None
        weight = entry.weight if entry is not None else None
        standing = health.standing(self._health.get(name, Health()), self._clock_ms())
        return Candidate(
            name,
            usual if priority is None else priority,
            1 if weight is None else weight,
            standing,
        )

    def _doubt(self, upstream: Upstream, model: str) -> int:
        """How doubtful it is that the upstream has the model: 0 not at all."""
        if not model:
            return 0
        codes = {one.code for one in resolve_model(model, upstream, self._catalogue).warnings}
        if "model_unlisted" in codes or ("model_unknown" in codes and upstream.models):
            return _UNLISTED
        return int("model_unknown" in codes)


_OUR_KEY = (KeyMissing, KeyInvalid, PermissionDenied)


def as_told(error: PisangError) -> PisangError:
    """An error as a gateway's caller is told it: one about our own key is none about his."""
    if not isinstance(error, _OUR_KEY):
        return error
    return UpstreamKeyRefused(
        upstream=error.fields.get("upstream", ""),
        request_id=error.request_id,
        upstream_request_id=error.upstream_request_id,
        upstream_message=error.upstream_message,
        charged=error.charged,
    )


def _as_told(ran: Ran) -> Ran:
    error = as_told(ran.error) if ran.error else None
    return replace(ran, error=error, errors=tuple(map(as_told, ran.errors)))
