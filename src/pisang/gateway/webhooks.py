"""Telling people that a request is over, or that a budget is nearly used up (Standard Webhooks).

What is to be told stands in the ledger since its request was written down, so it is told at least
once, whichever server lives by then. Headers and signature are those of the Standard Webhooks
specification 1.0 (github.com/standard-webhooks): `webhook-id` is the telling's own however often it
is tried, `webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over id, timestamp and body.
Tries follow its schedule, spread over a day; then it is given up, and says so wherever it is looked
for. What is told is small: ids, addresses, money, never a picture.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from urllib.parse import urlsplit

from pisang.client.hooks import declared_hook, key_of, signing_secret
from pisang.client.results import Result, iso_time, result_of
from pisang.client.settings import Settings
from pisang.client.shapes import error_json
from pisang.domain.attempt import State
from pisang.domain.ledger import Alert, Hook, Telling
from pisang.domain.request import JSON
from pisang.domain.secret import Secret
from pisang.domain.version import VERSION
from pisang.engine.events import Event
from pisang.engine.ids import new_id
from pisang.engine.outcome import summary
from pisang.engine.world import now_ms
from pisang.errors import AddressRefused, PisangError
from pisang.gateway.logs import tell
from pisang.gateway.news import News
from pisang.gateway.routes import PREFIX
from pisang.gateway.routing import as_told
from pisang.store.store import Store
from pisang.transport.base import Failure
from pisang.transport.post import post

PAUSES_S = (5, 300, 1800, 7200, 18_000, 36_000)
"""Between the tries: five seconds, five minutes, half an hour, two, five and ten hours."""

DEADLINE_S = 15.0
"""For one try. Who takes longer to say that he heard is asked again."""

LEASE_MS = 60_000
"""A try that did not end by then died with its process, and is made by another."""

LOOK_S = 1.0
AT_ONCE = 16
AT_ONE_HOST = 4

_GONE = 410
"""By the specification: who answers so wants to be told no more."""


def sign(hook_id: str, at_s: int, body: bytes, secret: Secret) -> str:
    """The signature of a telling."""
    text = b".".join((hook_id.encode(), str(at_s).encode(), body))
    return f"v1,{base64.b64encode(hmac.digest(key_of(secret), text, sha256)).decode()}"


class Postman:
    """Tells what is due, until cancelled."""

    def __init__(
        self,
        store: Store,
        settings: Callable[[], Settings],
        news: News,
        *,
        clock_ms: Callable[[], int] = now_ms,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._settings = settings
        self._news = news
        self._clock_ms = clock_ms
        self._draw = draw
        self._failed: set[str] = set()
        self._busy: Counter[str] = Counter()
        self._trying: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Look, and tell."""
        try:
            while True:
                try:
                    await self.look()
                except PisangError as error:  # the ledger can't be read now: later, maybe
                    tell(logging.WARNING, "webhooks_wait", code=error.code)
                await asyncio.sleep(LOOK_S)
        finally:
            for task in self._trying.values():
                task.cancel()

    async def look(self) -> None:
        """Begin what is due now."""
        await self._tell_alerts()
        due = await asyncio.to_thread(self._store.webhooks.due)
        failed = {one.hook.id for one in due if one.request_state is State.FAILED}
        for telling in due:
            # One that failed for free may go on at another upstream in this very moment.
            if telling.hook.id not in failed - self._failed:
                self._begin(telling)
        self._failed = failed

    def _begin(self, telling: Telling) -> None:
        host = _host(telling.hook)
        hook_id = telling.hook.id
        full = len(self._trying) >= AT_ONCE or self._busy[host] >= AT_ONE_HOST
        if full or hook_id in self._trying:
            return
        self._busy[host] += 1
        task = self._trying[hook_id] = asyncio.ensure_future(self._try(telling))

        def end(_: object) -> None:
            self._busy[host] -= 1
            del self._trying[hook_id]

        task.add_done_callback(end)

    async def _try(self, telling: Telling) -> None:
        """One try, and what came of it."""
        store = self._store.webhooks
        try:
            if not await asyncio.wrap_future(store.take(telling, self._clock_ms() + LEASE_MS)):
                return
            telling = replace(telling, tries=telling.tries + 1)
            status, problem, wait_s = await self._send(telling)
            gone = status == _GONE
            again_ms = None if problem is None or gone else self._again_ms(telling, wait_s)
            end = store.end(telling, status=status, problem=problem, again_ms=again_ms)
            await asyncio.wrap_future(end)
        except PisangError as error:  # what is not written down is tried again
            tell(logging.WARNING, "webhook_unwritten", webhook=telling.hook.id, code=error.code)
            return
        _log(telling, status, problem, again_ms)

    async def _send(self, telling: Telling) -> tuple[int | None, str | None, float]:
        """The status, what went wrong, and how long the other side asks to wait."""
        settings = self._settings()
        body = await asyncio.to_thread(self._write, telling, settings)
        headers = _headers(telling.hook, self._clock_ms() // 1000, body, settings)
        try:
            status, told = await post(
                telling.hook.url,
                body,
                headers,
                deadline_s=DEADLINE_S,
                allow_hosts=settings.serving.webhook_hosts,
            )
        except AddressRefused as error:
            return None, f"the address is refused: {error.fields['why']}", 0.0
        except Failure as failure:
            return None, failure.reason, 0.0
        after = told.get("retry-after", "")
        wait_s = float(after) if after.isascii() and after.isdigit() and len(after) < 6 else 0.0
        return status, None if 200 <= status < 300 else f"it answered {status}", wait_s

    def _again_ms(self, telling: Telling, wait_s: float) -> int | None:
        """When to try again; None: it was tried often enough."""
        if telling.tries > len(PAUSES_S):
            return None
        pause_s = max(PAUSES_S[telling.tries - 1] * (1 + 0.2 * self._draw()), wait_s)
        return self._clock_ms() + int(pause_s * 1000)

    def _write(self, telling: Telling, settings: Settings) -> bytes:
        """What is told. Blocks."""
        told = telling.body
        if told is None and telling.request_id is not None:
            row = self._store.request(telling.request_id)
            result = result_of(summary(row), self._store)
            base = settings.serving.public_url or telling.hook.base
            told = about_request(result, base, self._clock_ms())
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()

    # --- budgets ---------------------------------------------------------------------------------

    async def _tell_alerts(self) -> None:
        """Budgets that passed a mark, each to whoever has the telling first."""
        for alert in await asyncio.to_thread(self._store.alerts.untold):
            settings = self._settings()
            hook = declared_hook(settings.serving.alerts, settings)
            if hook is not None:
                hook = replace(hook, id=new_id("msg"))
            taken = self._store.alerts.take(alert, hook, about_budget(alert))
            if await asyncio.wrap_future(taken):
                said = _sentence(alert)
                tell(logging.WARNING, "budget_alert", budget=alert.budget.id, message=said)
                self._news.tell(Event("budget", "", "", 0, alert.at_ms, said), "")


def _headers(hook: Hook, at_s: int, body: bytes, settings: Settings) -> dict[str, str]:
    headers = {
        "content-type": "application/json",
        "user-agent": f"pisang/{VERSION}",
        "webhook-id": hook.id,
        "webhook-timestamp": str(at_s),
    }
    secret = hook.secret or signing_secret(settings)
    if secret is not None:
        headers["webhook-signature"] = sign(hook.id, at_s, body, secret)
    return headers


def about_request(result: Result, base: str, at_ms: int) -> dict[str, JSON]:
    """A request that is over, as it is told."""
    error = as_told(result.error) if result.error is not None and not result.images else None
    images: list[JSON] = [
        {
            "sha256": image.sha256,
            "url": f"{base}{PREFIX}/images/{image.sha256}",
            "mime": image.mime,
            "width": image.width,
            "height": image.height,
            "bytes": image.size,
            "draft": image.draft,
        }
        for image in result.images
    ]
    return {
        "type": f"generation.{result.state.value}",
        "timestamp": iso_time(at_ms),
        "data": {
            "request_id": result.request_id,
            "url": f"{base}{PREFIX}/generations/{result.request_id}",
            "state": result.state.value,
            "upstream": result.upstream,
            "model": result.model,
            "created_at": iso_time(result.created_ms),
            "images": images,
            "cost": result.cost.to_json(),
            "tags": list(result.tags),
            "error": error_json(error) if error is not None else None,
        },
    }


def about_budget(alert: Alert) -> dict[str, JSON]:
    """A budget that passed a mark, as it is told."""
    budget = alert.budget
    return {
        "type": "budget.alert",
        "timestamp": iso_time(alert.at_ms),
        "data": {
            "budget": budget.id,
            "scope": budget.scope,
            "period": budget.period,
            "window": alert.window,
            "percent": alert.percent,
            "used": alert.used.amount,
            "cap": budget.cap.amount,
            "currency": budget.cap.currency,
        },
    }


def _sentence(alert: Alert) -> str:
    budget = alert.budget
    return (
        f"{budget.scope}, {alert.window}: {alert.percent} % of {budget.cap} "
        f"({alert.used} spent or held)"
    )


def _host(hook: Hook) -> str:
    return urlsplit(hook.url).hostname or ""


def _log(telling: Telling, status: int | None, problem: str | None, again_ms: int | None) -> None:
    """One line: where to by host alone, for the rest of an address may be a right."""
    if problem is None:
        level, event = logging.INFO, "webhook_delivered"
    elif again_ms is not None:
        level, event = logging.INFO, "webhook_failed"
    else:
        level, event = logging.WARNING, "webhook_given_up"
    tell(
        level,
        event,
        webhook=telling.hook.id,
        request_id=telling.request_id,
        host=_host(telling.hook),
        status=status,
        problem=problem,
        tries=telling.tries,
    )


def telling_json(telling: Telling, url: str) -> Mapping[str, JSON]:
    """How far a telling is, for its owner; `url` is what may be shown of its address."""
    return {
        "id": telling.hook.id,
        "request_id": telling.request_id,
        "url": url,
        "state": telling.state,
        "tries": telling.tries,
        "status": telling.status,
        "problem": telling.problem,
        "created_at": iso_time(telling.created_ms),
        "next_try_at": iso_time(telling.next_ms) if telling.state == "waiting" else None,
        "ended_at": iso_time(telling.ended_ms) if telling.ended_ms is not None else None,
    }
