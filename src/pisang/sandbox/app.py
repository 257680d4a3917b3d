"""The sandbox as an ASGI app: what is asked where, and how an answer comes about."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from pisang.domain.catalogue import Catalogue, load
from pisang.domain.tokens import prompt_tokens
from pisang.errors import PisangError
from pisang.sandbox import listing
from pisang.sandbox.book import Book
from pisang.sandbox.calls import Caller, read_call, read_caller
from pisang.sandbox.faults import Fault, google_error
from pisang.sandbox.generating import Generator
from pisang.sandbox.sending import Manner, send_answer
from pisang.wires import listing as models
from pisang.wires import strictjson
from pisang.wires.asgi import App, Gone, Message, Receive, Scope, Send, read_headers, read_query
from pisang.wires.base import Call, WireAnswer
from pisang.wires.table import wire


def create_app(*, book: Book | None = None, catalogue: Catalogue | None = None) -> App:
    """The sandbox as an ASGI callable. Any key will do, but those that begin with `invalid`.

    `book` takes what is charged (default: one in memory, read at `GET /sandbox/book`);
    `catalogue` says which models there are (default: the one that ships).
    """
    return Sandbox(book or Book(), catalogue or load())


@dataclass(frozen=True, slots=True)
class Visit:
    """One call on its way: who asks, on which path, and where the answer goes."""

    scope: Scope
    receive: Receive
    send: Send
    caller: Caller
    match: re.Match[str]

    async def answer(self, answer: WireAnswer) -> None:
        """Send it plain."""
        head = self.scope["method"] == "HEAD"
        await send_answer(answer, self.send, Manner(head_only=head))


class Sandbox:
    """Answers calls. Holds the book and, for another take each time, which wishes it was asked."""

    def __init__(self, book: Book, catalogue: Catalogue) -> None:
        self.book = book
        self._catalogue = catalogue
        self._generator = Generator(book, catalogue)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one ASGI connection."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            await self._visit(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1003})

    async def _visit(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = read_caller(read_headers(scope), read_query(scope))
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        for row_method, pattern, handler in _ROUTES:
            match = pattern.fullmatch(scope["path"])
            if match is not None and row_method == method:
                await _guarded(handler, self, Visit(scope, receive, send, caller, match))
                return
        await send_answer(_nothing_there(scope["path"]), send)

    # --- routes --------------------------------------------------------------------------------

    async def generate(self, visit: Visit) -> None:
        """A paid call, on the wire that the path belongs to."""
        name = _WIRE_OF[visit.match.re.pattern]
        await self._generator.run(wire(name), visit.caller, visit.scope, visit.receive, visit.send)

    async def count(self, visit: Visit) -> None:
        """`countTokens`: the body is that of `generateContent`."""
        gemini = wire("gemini")
        try:
            call = await read_call(visit.scope, visit.receive)
            path = call.path.removesuffix(":countTokens") + ":generateContent"
            ask = gemini.decode_request(Call("POST", path, {}, {}, call.skeleton, call.spans))
        except PisangError as error:
            await visit.answer(gemini.encode_error(error))
        except Gone:
            return
        else:
            await visit.answer(models.count_tokens(prompt_tokens(ask.request)))

    async def models(self, visit: Visit) -> None:
        """The models: on `/v1` in OpenAI's shape, unless the key came the Google way."""
        google = visit.match["version"] != "v1" or visit.caller.place == "google"
        shape = models.list_google_models if google else models.list_openai_models
        await visit.answer(
            shape(self._catalogue, listing.HOST) if visit.caller.known else listing.no_token()
        )

    async def model(self, visit: Visit) -> None:
        """One model, in the shape that its list has there."""
        google = visit.match["version"] != "v1" or visit.caller.place == "google"
        one = models.show_google_model if google else models.show_openai_model
        found = one(self._catalogue, listing.HOST, visit.match["model"])
        await visit.answer(found or _nothing_there(visit.scope["path"]))

    async def usage(self, visit: Visit) -> None:
        """A relay's `GET /api/usage/token`."""
        ok = visit.caller.known and visit.caller.name
        book = listing.token_usage(self.book, visit.caller.name) if ok else listing.no_token()
        await visit.answer(book)

    async def log(self, visit: Visit) -> None:
        """A relay's `GET /api/log/token?key=`."""
        ok = visit.caller.known and visit.caller.name
        book = listing.token_log(self.book, visit.caller.name) if ok else listing.no_token()
        await visit.answer(book)

    async def show_book(self, visit: Visit) -> None:
        """The book."""
        await visit.answer(listing.show_book(self.book))

    async def picture(self, visit: Visit) -> None:
        """A picture that was answered as a link; they expire."""
        found = self._generator.picture(visit.match["name"])
        await visit.answer(found or _nothing_there(visit.scope["path"]))

    async def welcome(self, visit: Visit) -> None:
        """What this is."""
        await visit.answer(listing.welcome())


_WIRE_OF = {
    r"/(?:v1|v1alpha|v1beta|v1beta1)/.+:(?:g|streamG)enerateContent": "gemini",
    r"/gpt/openapi/online/multimodal/crawl": "crawl",
    r"/v1/images/(?:generations|edits)": "openai_images",
    r"/v1/chat/completions": "openai_chat",
}

_Handler = Callable[[Sandbox, Visit], Awaitable[None]]
_ROUTES: tuple[tuple[str, re.Pattern[str], _Handler], ...] = (
    *(("POST", re.compile(pattern), Sandbox.generate) for pattern in _WIRE_OF),
    ("POST", re.compile(r"/(?:v1|v1beta)/models/.+:countTokens"), Sandbox.count),
    ("GET", re.compile(r"/(?P<version>v1|v1beta)/models/?"), Sandbox.models),
    ("GET", re.compile(r"/(?P<version>v1|v1beta)/models/(?P<model>[^/:]+)"), Sandbox.model),
    ("GET", re.compile(r"/api/usage/token/?"), Sandbox.usage),
    ("GET", re.compile(r"/api/log/token/?"), Sandbox.log),
    ("GET", re.compile(r"/sandbox/book"), Sandbox.show_book),
    ("GET", re.compile(r"/sandbox/pictures/(?P<name>[0-9a-f]{64})\.[a-z]+"), Sandbox.picture),
    ("GET", re.compile(r"/"), Sandbox.welcome),
)
"""Method, path, handler."""


async def _guarded(handler: _Handler, sandbox: Sandbox, visit: Visit) -> None:
    """The outermost handler: a fault of ours is a 500, or a cut where the answer had begun."""
    begun = False

    async def send(message: Message) -> None:
        nonlocal begun
        begun = True
        await visit.send(message)

    try:
        await handler(sandbox, replace(visit, send=send))
    except Exception:  # noqa: BLE001 - no traceback may reach a caller
        if not begun:
            with suppress(OSError):  # he may be gone
                await visit.answer(google_error(Fault(500)))


def _nothing_there(path: str) -> WireAnswer:
    error = {"code": 404, "message": f"There is nothing at {path}.", "status": "NOT_FOUND"}
    return WireAnswer(404, strictjson.dumps({"error": error}), {"content-type": "application/json"})


async def _live(receive: Receive, send: Send) -> None:
    """The lifespan protocol: there is nothing to start or to stop."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
