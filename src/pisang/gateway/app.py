"""The gateway as one ASGI application: what is asked where."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from pisang.client.settings import Settings
from pisang.domain.catalogue import Catalogue, load
from pisang.engine.engine import Engine, Ledgering
from pisang.errors import NotFound, PisangError
from pisang.gateway.access import Access
from pisang.gateway.files import answer_about, is_about_files, is_piece, take_piece
from pisang.gateway.free import COUNT, count_tokens, list_models
from pisang.gateway.routing import Router
from pisang.gateway.serving import Service, serve
from pisang.gateway.telling import Teller
from pisang.gateway.upkeep import keep_up
from pisang.gateway.visits import Gone, Visit, open_visit
from pisang.wires.asgi import App, Receive, Scope, Send
from pisang.wires.base import Wire, WireAnswer
from pisang.wires.table import wire

if TYPE_CHECKING:
    from pisang.gateway.management.app import Management

_PAID = (
    (re.compile(r"/(?:v1|v1alpha|v1beta|v1beta1)/.+:(?:g|streamG)enerateContent"), "gemini"),
    (re.compile(r"/gpt/openapi/online/multimodal/crawl"), "crawl"),
    (re.compile(r"/v1/images/(?:generations|edits)"), "openai_images"),
    (re.compile(r"/v1/chat/completions"), "openai_chat"),
)
"""Paths of paid calls, and the wire that is spoken there; all are POST."""


def _dialect(visit: Visit) -> Wire:
    """The wire in which a caller of that path is told an error."""
    for pattern, name in _PAID:
        if pattern.fullmatch(visit.path) is not None:
            return wire(name)
    google = visit.google or not visit.path.startswith("/v1/")
    return wire("gemini" if google else "openai_images")


_MANAGED = ("/pisang/v1/", "/docs", "/openapi.json")
"""Where the management API is. The other paths are looked at first by this alone."""


def create_app(settings: Settings, *, via: str | None = None) -> App:
    """The gateway on the settings' home, its engine opened with the application's lifespan."""
    return Gateway(settings, via)


class Gateway:
    """Holds the engine while it lives, and finds who answers a path."""

    def __init__(self, settings: Settings, via: str | None) -> None:
        self._settings = settings
        self._via = via
        self._catalogue: Catalogue = load()
        self._service: Service | None = None
        self._management: Management | None = None
        self._loading = asyncio.Lock()
        self._access: Access | None = None
        self._upkeep: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the engine on the home, once. Raises `HomeUnusable`, `StoreCorrupt`."""
        if self._service is not None:
            return  # before the port was bound; the server's lifespan asks again
        settings = self._settings
        money = Ledgering(settings.currency, settings.rates, settings.budgets)
        engine = await Engine.open(settings.home, money)
        self._access = Access(engine.store.gateway_keys)
        router = Router(settings, self._catalogue, self._via)
        self._service = Service(
            engine,
            router,
            first_keepalive_s=settings.serving.keepalive_s,
            next_keepalive_s=settings.serving.keepalive_s / 3,
            timeout_s=settings.defaults.timeout_s,
        )
        self._upkeep = keep_up(engine.store, lambda: self._settings.retention)

    @property
    def guarded(self) -> bool:
        """Whether callers need a key; only then may others than this machine's ask."""
        return self._access is not None and self._access.guarded

    async def close(self) -> None:
        """Let go of the home."""
        service, self._service = self._service, None
        if self._upkeep is not None:
            self._upkeep.cancel()
        if service is not None:
            await service.engine.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            visit = open_visit(scope, receive, send)
            if visit.path.startswith(_MANAGED):
                await self._manage(scope, visit)
            else:
                await self._visit(visit)
        else:
            await send({"type": "websocket.close", "code": 1003})

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.open()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _manage(self, scope: Scope, visit: Visit) -> None:
        """The management API: admitted here, served there."""
        if self._access is None:
            raise RuntimeError("the application was not opened")
        try:
            caller = self._access.admit(visit)
        except PisangError as error:
            from pisang.gateway.management.answers import error_answer, language_of

            await self._tell(visit, error_answer(error, language_of(visit)))
        else:
            management = await self._load_management()
            await management(scope, visit, caller)

    async def _load_management(self) -> Management:
        """Loaded when it is first asked for, beside the loop: FastAPI takes half a second."""
        async with self._loading:
            if self._management is None:
                if self._service is None:
                    raise RuntimeError("the application was not opened")
                made = await asyncio.to_thread(_import_management)
                self._management = made(self._service, lambda: self._settings)
            return self._management

    async def _visit(self, visit: Visit) -> None:
        if self._service is None or self._access is None:
            raise RuntimeError("the application was not opened")
        store = self._service.engine.store
        if is_piece(visit):
            with suppress(Gone):
                await self._tell(visit, await take_piece(visit, store))
            return
        try:
            caller = self._access.admit(visit)
        except PisangError as error:
            await self._tell(visit, _dialect(visit).encode_error(error))
            return
        for pattern, name in _PAID:
            if pattern.fullmatch(visit.path) is not None and visit.method == "POST":
                await serve(self._service, visit, caller, wire(name))
                return
        with suppress(Gone):
            if visit.method == "POST" and COUNT.fullmatch(visit.path):
                await self._tell(visit, await count_tokens(visit, store))
                return
            if is_about_files(visit):
                await self._tell(visit, await answer_about(visit, caller, store))
                return
        await self._tell(visit, self._listed(visit))

    def _listed(self, visit: Visit) -> WireAnswer:
        """Models, health, or nothing there."""
        if visit.path in ("/healthz", "/readyz"):
            return WireAnswer(200, (b'{"ok": true}',), {"content-type": "application/json"})
        found = list_models(visit, self._catalogue)
        return found or wire("gemini").encode_error(NotFound(what="path", id=visit.path))

    async def _tell(self, visit: Visit, answer: WireAnswer) -> None:
        if self._service is not None:
            with suppress(ConnectionError):
                await Teller(visit.send).tell(answer, self._service.engine.store)


def _import_management() -> type[Management]:
    from pisang.gateway.management.app import Management

    return Management
