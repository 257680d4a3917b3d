"""What machines ask of a gateway: `/healthz`, `/readyz`, `/metrics`."""

from __future__ import annotations

import asyncio
import json

from pisang.gateway import levels
from pisang.gateway.access import Access, is_local
from pisang.gateway.operations import Operations
from pisang.gateway.readiness import look
from pisang.gateway.serving import Service
from pisang.gateway.visits import Visit
from pisang.wires.base import WireAnswer

_JSON = {"content-type": "application/json"}
_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "via")
"""Headers by which a proxy says that it asks for another: that is not this machine asking."""


async def answer_probe(
    visit: Visit, service: Service, access: Access, operations: Operations
) -> WireAnswer:
    """The answer to one of them."""
    if visit.path == "/metrics":
        return await _tell_metrics(visit, service, operations)
    if visit.path == "/readyz":
        return await _tell_readiness(visit, service, access, operations)
    return WireAnswer(200, (b'{"ok": true}',), _JSON)


async def _tell_metrics(visit: Visit, service: Service, operations: Operations) -> WireAnswer:
    told = levels.of_process(operations.present, service.router)
    accept = visit.headers.get("accept", "")

    def render() -> tuple[bytes, str]:
        home = levels.of_home(service.engine.store)
        return operations.metrics.render([*told, *home], accept)

    body, kind = await asyncio.to_thread(render)
    return WireAnswer(200, (body,), {"content-type": kind})


async def _tell_readiness(
    visit: Visit, service: Service, access: Access, operations: Operations
) -> WireAnswer:
    from pisang.gateway.management.answers import language_of

    found = await asyncio.to_thread(
        look,
        service.engine.store,
        service.router,
        stopping=service.router.stopping,
        warning=operations.warning,
    )
    here = is_local(visit) and not any(name in visit.headers for name in _FORWARDED)
    detailed = here or access.is_admin(visit)
    told = found.to_json(detailed=detailed, language=language_of(visit))
    status = 200 if found.reason is None else 503
    return WireAnswer(status, (json.dumps(told, ensure_ascii=False).encode(),), _JSON)
