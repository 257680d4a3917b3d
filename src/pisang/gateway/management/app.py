"""The management API as one application: its routes, its errors, its description."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from pisang.client.settings import Settings
from pisang.domain.version import VERSION
from pisang.errors import Charged, Language, NotFound, PisangError, Unexpected
from pisang.gateway.access import Caller
from pisang.gateway.management import (
    archive,
    batches,
    books,
    choices,
    docs,
    events,
    gallery,
    generations,
    images,
    keys,
    requests,
    teams,
    unknowns,
    upstreams,
    webhooks,
)
from pisang.gateway.management.answers import error_answer, language_of
from pisang.gateway.management.asking import as_option
from pisang.gateway.management.batched import BatchWish
from pisang.gateway.management.desk import SCOPE_KEY, Desk, Works
from pisang.gateway.management.granted import KeyChange, KeyWish, TeamWish, UpstreamWish
from pisang.gateway.management.shapes import SCHEMAS, Failed, Generation, Marks, Picked
from pisang.gateway.routes import PREFIX, check_served
from pisang.gateway.serving import Service
from pisang.gateway.visits import Gone, Visit
from pisang.wires.base import WireAnswer

_ROUTERS = (
    generations,
    batches,
    requests,
    images,
    unknowns,
    webhooks,
    books,
    choices,
    gallery,
    archive,
    keys,
    teams,
    upstreams,
    events,
)

_BODIES = (Generation, BatchWish, KeyWish, KeyChange, TeamWish, UpstreamWish, Marks, Picked)
"""What is read past FastAPI: in constant memory, or with mistakes named as ours."""

_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": Failed},
    401: {"model": Failed},
    403: {"model": Failed},
}

_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}

_DESCRIPTION = """\
Images from any configured upstream; what was paid for is kept, and never bought twice unasked.
A key goes in `Authorization: Bearer`. You see your own requests and images; an admin sees all.
Every error is `{"error": {"code", "message", "charged", "at_stake", "retry", "hint", …}}`."""


class Management:
    """Serves callers who were admitted."""

    def __init__(
        self,
        service: Callable[[], Service],
        settings: Callable[[], Settings],
        reload: Callable[[], Awaitable[None]],
    ) -> None:
        self._service = service
        self._settings = settings
        self._reload = reload
        self._works = Works()
        self._app = _make_app()

    async def __call__(self, scope: Scope, visit: Visit, caller: Caller) -> None:
        """Serve one call. The application is given no secret that came with it."""
        language = language_of(visit)
        desk = Desk(
            service=self._service(),
            current=self._settings,
            caller=caller,
            visit=visit,
            language=language,
            works=self._works,
            reload=self._reload,
        )
        headers = [
            (name.encode(), value.encode("latin-1")) for name, value in visit.headers.items()
        ]
        asked = urlencode(visit.query).encode()
        await self._app(
            {**scope, "headers": headers, "query_string": asked, SCOPE_KEY: desk},
            visit.receive,
            visit.send,
        )


def _make_app() -> FastAPI:
    app = FastAPI(
        title="Pisang gateway",
        version=VERSION,
        description=_DESCRIPTION,
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
    )
    key = [Security(HTTPBearer(auto_error=False, description="A key of this gateway."))]
    for module in _ROUTERS:
        app.include_router(module.router, prefix=PREFIX, responses=_ERRORS, dependencies=key)
    app.add_api_route("/docs", _page, include_in_schema=False)
    check_served(_served(app))
    _describe(app)
    app.add_exception_handler(PisangError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_wrong_words)
    app.add_exception_handler(HTTPException, _on_no_route)
    app.add_exception_handler(Gone, _on_gone)
    app.add_exception_handler(Exception, _on_fault)
    return app


def _served(app: FastAPI) -> Iterator[tuple[set[str], str]]:
    """Methods and path of each of its routes, those of its routers among them."""
    for route in app.routes:
        if isinstance(route, Route):
            yield route.methods or set(), route.path
    for module in _ROUTERS:
        for one in module.router.routes:
            if isinstance(one, Route):
                yield one.methods or set(), PREFIX + one.path


def _describe(app: FastAPI) -> None:
    """Describe the bodies that FastAPI never sees."""
    described = app.openapi()
    schemas = described["components"]["schemas"]
    for body in _BODIES:
        wish = body.model_json_schema(ref_template=f"{SCHEMAS}{{model}}")
        schemas.update({**wish.pop("$defs", {}), body.__name__: wish})
    for name in ("HTTPValidationError", "ValidationError"):  # wrong words are a 400 of ours
        schemas.pop(name, None)
    for methods in described["paths"].values():
        for operation in methods.values():
            operation["responses"].pop("422", None)


async def _page(request: Request) -> Response:
    app: FastAPI = request.app
    headers = {"content-security-policy": docs.POLICY, "x-content-type-options": "nosniff"}
    return HTMLResponse(docs.write_page(app.openapi()), headers=headers)


# --- errors --------------------------------------------------------------------------------------


def _respond(answer: WireAnswer, status: int | None = None) -> Response:
    body = b"".join(one for one in answer.body if isinstance(one, bytes))
    safe = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
    return Response(body, status or answer.status, {**answer.headers, **safe})


def _language(request: Request) -> Language:
    desk = request.scope.get(SCOPE_KEY)
    return desk.language if isinstance(desk, Desk) else "en"


async def _on_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, PisangError):
        raise error
    return _respond(error_answer(error, _language(request)))


async def _on_wrong_words(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return _respond(error_answer(as_option(error.errors()[-1]), _language(request)))


async def _on_no_route(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    told = NotFound(what="path", id=request.url.path, hint="/docs")
    answer = _respond(error_answer(told, _language(request)), error.status_code)
    answer.headers.update(error.headers or {})
    return answer


async def _on_gone(request: Request, error: Exception) -> Response:
    """Nobody is there to read this."""
    return Response(status_code=400)


async def _on_fault(request: Request, error: Exception) -> Response:
    """A fault of ours before anything was paid: work that is paid for tells its own."""
    told = Unexpected(what=type(error).__name__, charged=Charged.NO)
    return _respond(error_answer(told, _language(request)))
