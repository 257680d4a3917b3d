"""The gateway as one ASGI application: what is asked where."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from pisang.client.declaring import apply_declared
from pisang.client.settings import Settings
from pisang.client.storing import storage_of
from pisang.domain.catalogue import Catalogue, load
from pisang.domain.ledger import AttemptRow
from pisang.engine.engine import Engine
from pisang.engine.ledgering import Ledgering
from pisang.errors import Crowded, NotFound, OptionInvalid, PisangError
from pisang.gateway.access import Access, Caller
from pisang.gateway.calls import CallRecord, note_caller, note_error, note_wire
from pisang.gateway.capacity import capacity_of, raise_limit
from pisang.gateway.cors import answer_preflight, answering, is_preflight
from pisang.gateway.entrance import Entrance
from pisang.gateway.files import answer_about, take_piece
from pisang.gateway.free import count_tokens, list_models
from pisang.gateway.google_batches import answer_batches
from pisang.gateway.guesses import Guesses
from pisang.gateway.logs import tell_end, tell_fault
from pisang.gateway.operations import Operations
from pisang.gateway.probes import answer_probe
from pisang.gateway.reloading import Reloading
from pisang.gateway.routes import Face, find_route, methods_at, paid_wire
from pisang.gateway.routing import Router
from pisang.gateway.serving import Service, serve
from pisang.gateway.session import answer_session
from pisang.gateway.stopping import Stop
from pisang.gateway.telling import Teller
from pisang.gateway.upkeep import keep_up
from pisang.gateway.visits import Gone, Visit, open_visit
from pisang.gateway.webhooks import Postman
from pisang.gateway.working import Working
from pisang.store.store import Store
from pisang.wires.asgi import App, Receive, Scope, Send
from pisang.wires.base import Wire, WireAnswer
from pisang.wires.table import wire

if TYPE_CHECKING:
    from pisang.gateway.management.app import Management

CROWDED_S = 1.0
"""How long who finds no room is told to wait."""

_MANAGED = ("/pisang/v1/", "/docs", "/openapi.json")
"""Where errors are told as the management API tells them, whether or not there is such a path."""


def create_app(settings: Settings, *, via: str | None = None) -> App:
    """The gateway on the settings' home, its engine opened with the application's lifespan."""
    return Gateway(settings, via)


class Gateway:
    """Holds the engine while it lives, and finds who answers a path."""

    def __init__(
        self, settings: Settings, via: str | None, entrance: Entrance | None = None
    ) -> None:
        self._settings = settings
        self._entrance = entrance
        self._via = via
        self._catalogue: Catalogue = load()
        self._service: Service | None = None
        self._management: Management | None = None
        self._loading = asyncio.Lock()
        self._access: Access | None = None
        self._guesses = Guesses()
        self._upkeep: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._postman: asyncio.Task[None] | None = None
        self._working: Working | None = None
        self._stop: Stop | None = None
        self._finishing: asyncio.Future[tuple[AttemptRow, ...]] | None = None
        self._paid = 0
        self.capacity = capacity_of(raise_limit())
        self._operations = Operations(self._catalogue, self._listed_models)
        self._reloading = Reloading(lambda: self._settings, self._take_over, self._operations)

    def _listed_models(self) -> frozenset[str]:
        """The ids that the settings' upstreams are said to have, beside the catalogue's."""
        entries = self._settings.upstreams.values()
        return frozenset(model for entry in entries for model in entry.models or ())

    async def open(self) -> None:
        """Open the engine on the home, once. Raises `HomeUnusable`, `StoreCorrupt`, and
        `SettingsMalformed` for a declared key whose variable is not set."""
        if self._service is not None:
            return  # before the port was bound; the server's lifespan asks again
        settings = self._settings
        engine = await Engine.open(settings.home, _ledgering(settings), storage_of(settings))
        try:
            await asyncio.to_thread(apply_declared, settings, engine.store)
        except BaseException:
            await engine.close()
            raise
        self._access = Access(engine.store.gateway_keys, entrance=self._entrance)
        router = Router(settings, self._catalogue, self._via, watch=self._operations)
        self._service = _set(Service(engine, router), settings)
        self._watching = asyncio.create_task(self._reloading.watch(), name="settings")
        self._watching.add_done_callback(tell_end)
        self._upkeep = keep_up(engine.store, lambda: self._settings.retention)
        postman = Postman(engine.store, lambda: self._settings, self._service.news)
        self._postman = asyncio.create_task(postman.run(), name="webhooks")
        self._working = Working(engine, lambda: self._settings)

    async def _take_over(self, settings: Settings) -> None:
        """Serve by these settings from here on. Raises, and changes nothing, where they can't be
        used. What is under way goes on with those that it began with."""
        service = self._service
        if service is None:
            return
        router = await asyncio.to_thread(service.router.with_settings, settings)
        await asyncio.to_thread(apply_declared, settings, service.engine.store)
        before = service.engine.money
        try:  # caps first: there is no moment without
            await service.engine.apply_budgets(_ledgering(settings))
        except PisangError:
            service.engine.money = before
            raise
        self._service = _set(replace(service, router=router), settings)
        self._settings = settings

    def reload(self) -> None:
        """Read the settings again, changed or not."""
        self._reloading.ask()

    async def _reload_now(self) -> None:
        """Read the settings again at once. Raises what keeps them from being used."""
        await self._reloading.reload()
        if self._operations.warning is not None:
            raise self._operations.warning

    @property
    def guarded(self) -> bool:
        """Whether callers need a key; only then may others than this machine's ask."""
        return self._access is not None and self._access.guarded

    def stop(self, timeout_s: float | None = None) -> None:
        """Send nothing more, and see through what was sent (`gateway.stopping`): `finish` waits
        for it. The second call gives up what is still under way."""
        service = self._service
        if service is None:
            return
        if self._stop is not None:
            self._stop.hasten()
            return
        if self._watching is not None:
            self._watching.cancel()
        if self._working is not None:
            self._working.stop()
        service.router.stop()
        self._stop = Stop(
            service.engine,
            self._operations.present,
            timeout_s=timeout_s,
            language=self._settings.language,
        )

    async def finish(self) -> tuple[AttemptRow, ...]:
        """Stop, where that did not begin, see it through, and close. The attempts whose outcome is
        unknown because they were given up."""
        if self._finishing is None:
            if self._stop is None:
                self.stop()
            self._finishing = asyncio.ensure_future(self._finish())
        return await asyncio.shield(self._finishing)

    async def _finish(self) -> tuple[AttemptRow, ...]:
        left = await self._stop.see_through() if self._stop is not None else ()
        await self.close()
        return left

    async def close(self) -> None:
        """Let go of the home at once; what is under way is left to the next start."""
        service, self._service = self._service, None
        for task in (self._upkeep, self._watching, self._postman):
            if task is not None:
                task.cancel()
        if self._working is not None:
            await self._working.close()
        if service is not None:
            await service.engine.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._take(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1003})

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one call, counted and logged at its end."""
        call = CallRecord(scope["method"], scope["path"], receive, send, asyncio.current_task())
        self._operations.begin(call)
        try:
            visit = open_visit(scope, call.receive, call.send)
            origins = self._settings.serving.cors_origins
            with suppress(Gone):
                if is_preflight(visit.method, visit.headers):
                    await answer_preflight(visit.send, visit.headers, origins)
                else:
                    send = answering(visit.send, visit.headers, origins)
                    await self._visit(scope, replace(visit, send=send))
        except Exception as error:
            tell_fault(error)
            raise
        finally:
            if call.cut:
                await call.break_off()
            self._operations.end(call)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.open()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.finish()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _visit(self, scope: Scope, visit: Visit) -> None:
        """Admit a caller, and lead him to who answers."""
        if self._service is None or self._access is None:
            raise RuntimeError("the application was not opened")
        route = find_route(visit.method, visit.path, visit.query)
        try:
            caller = self._access.admit(visit)
        except PisangError as error:
            note_error(error)
            await self._tell(visit, _refuse(visit, error))
            return
        note_caller(caller.key.id if caller.key is not None else "")
        if route is None:
            await self._tell(visit, _absent(visit))
        elif route.face is Face.PAID:
            note_wire(route.wire)
            await self._carry_out(self._service, visit, caller, wire(route.wire))
        elif route.face is Face.MANAGED:
            management = await self._load_management()
            await management(scope, visit, caller)
        else:
            await self._tell(visit, await _FREE[route.face](self, visit, caller))

    async def _carry_out(
        self, service: Service, visit: Visit, caller: Caller, spoken: Wire
    ) -> None:
        """A paid call, unless there are as many already as this process has files and sockets for.
        Those whose callers have left are among them."""
        most = self.capacity.calls
        if max(self._paid, len(service.engine.under_way)) >= most:
            error = Crowded(most=most, retry_after_s=CROWDED_S)
            note_error(error)
            await self._tell(visit, _refuse(visit, error))
            return
        self._paid += 1
        try:
            await serve(service, visit, caller, spoken)
        finally:
            self._paid -= 1

    async def _load_management(self) -> Management:
        """Loaded when it is first asked for, beside the loop: FastAPI takes half a second."""
        async with self._loading:
            if self._management is None:
                if self._service is None:
                    raise RuntimeError("the application was not opened")
                made = await asyncio.to_thread(_import_management)
                self._management = made(
                    self._required_service, lambda: self._settings, self._reload_now
                )
            return self._management

    async def take_piece(self, visit: Visit, caller: Caller) -> WireAnswer:
        """A piece of an upload."""
        return await take_piece(visit, self._store)

    async def answer_about_files(self, visit: Visit, caller: Caller) -> WireAnswer:
        """The rest of the Files API."""
        return await answer_about(visit, caller, self._store)

    async def answer_about_batches(self, visit: Visit, caller: Caller) -> WireAnswer:
        """Google's batch forms."""
        return await answer_batches(self._required_service(), visit, caller)

    async def count(self, visit: Visit, caller: Caller) -> WireAnswer:
        """`countTokens`."""
        return await count_tokens(visit, self._store)

    async def list_models(self, visit: Visit, caller: Caller) -> WireAnswer:
        """The models, or one of them."""
        return list_models(visit, self._catalogue) or _absent(visit)

    async def answer_session(self, visit: Visit, caller: Caller) -> WireAnswer:
        """A browser's session."""
        if self._access is None:
            raise RuntimeError("the application was not opened")
        try:
            return await answer_session(visit, self._access, self._guesses)
        except PisangError as error:
            note_error(error)
            return _refuse(visit, error)

    async def probe(self, visit: Visit, caller: Caller) -> WireAnswer:
        """What machines ask: health, readiness, metrics."""
        if self._service is None or self._access is None:
            raise RuntimeError("the application was not opened")
        return await answer_probe(visit, self._service, self._access, self._operations)

    @property
    def _store(self) -> Store:
        return self._required_service().engine.store

    def _required_service(self) -> Service:
        if self._service is None:
            raise RuntimeError("the application was not opened")
        return self._service

    async def _tell(self, visit: Visit, answer: WireAnswer) -> None:
        if self._service is not None:
            with suppress(ConnectionError):
                await Teller(visit.send).tell(answer, self._service.engine.store)


def _ledgering(settings: Settings) -> Ledgering:
    return Ledgering(settings.currency, settings.rates, settings.budgets)


def _set(service: Service, settings: Settings) -> Service:
    """The service as the settings have it."""
    return replace(
        service,
        first_keepalive_s=settings.serving.keepalive_s,
        next_keepalive_s=settings.serving.keepalive_s / 3,
        timeout_s=settings.defaults.timeout_s,
    )


_FREE: Mapping[Face, Callable[[Gateway, Visit, Caller], Awaitable[WireAnswer]]] = {
    Face.PIECE: Gateway.take_piece,
    Face.FILES: Gateway.answer_about_files,
    Face.BATCHES: Gateway.answer_about_batches,
    Face.COUNT: Gateway.count,
    Face.MODELS: Gateway.list_models,
    Face.PROBE: Gateway.probe,
    Face.SESSION: Gateway.answer_session,
}
"""Who answers what costs nothing by itself."""


def _refuse(visit: Visit, error: PisangError) -> WireAnswer:
    """An error in the dialect of that path's callers."""
    if visit.path.startswith(_MANAGED):
        from pisang.gateway.management.answers import error_answer, language_of

        return error_answer(error, language_of(visit))
    paid = paid_wire(visit.path)
    google = visit.google or not visit.path.startswith("/v1/")
    return wire(paid or ("gemini" if google else "openai_images")).encode_error(error)


def _absent(visit: Visit) -> WireAnswer:
    """There is nothing, or it is asked otherwise."""
    methods = methods_at(visit.path)
    if not methods or not visit.path.startswith(_MANAGED):
        hint = "/docs" if visit.path.startswith(_MANAGED) else None
        return _refuse(visit, NotFound(what="path", id=visit.path, hint=hint))
    why = "this path is asked otherwise: see /docs"
    answer = _refuse(visit, OptionInvalid(option="method", value=visit.method, why=why))
    return replace(answer, status=405, headers={**answer.headers, "allow": ", ".join(methods)})


def _import_management() -> type[Management]:
    from pisang.gateway.management.app import Management

    return Management
