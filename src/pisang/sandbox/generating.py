"""A paid call from end to end: read, judged, painted, charged, and told as the prompt wants it."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections import OrderedDict
from dataclasses import dataclass, replace

from pisang.domain.answer import Reply
from pisang.domain.catalogue import Catalogue
from pisang.domain.content import Content, FileBytes
from pisang.domain.fingerprint import request_fingerprint
from pisang.domain.image import extension, sniff_mime
from pisang.domain.request import Image, Link
from pisang.errors import PisangError, ReferenceUnreadable
from pisang.sandbox.book import Bill, Book
from pisang.sandbox.calls import Caller, read_call
from pisang.sandbox.directives import SHAPES, Directives, read_directives
from pisang.sandbox.faults import ERRORS, Fault, TurnedAway, cdn_page, relay_error
from pisang.sandbox.making import Order, make_reply, price_of, take_order
from pisang.sandbox.rules import check, find_model
from pisang.sandbox.sending import Manner, send_answer
from pisang.sandbox.variants import encode_variant
from pisang.wires.asgi import Gone, Receive, Scope, Send
from pisang.wires.base import Ask, Wire, WireAnswer

_LINKS_KEPT = 32
_WISHES_KEPT = 10_000
"""How many wishes are remembered as made before; one that is forgotten begins again."""

EMPTY = WireAnswer(200, (), {"content-type": "application/json"})


@dataclass(frozen=True, slots=True)
class Session:
    """What is known of one call while it is answered."""

    wire: Wire
    caller: Caller
    id: str
    base_url: str
    ask: Ask
    directives: Directives
    prompt: str


class Generator:
    """Makes answers to paid calls, and writes them into the book."""

    def __init__(self, book: Book, catalogue: Catalogue) -> None:
        self._book = book
        self._catalogue = catalogue
        self._linked: OrderedDict[str, Content] = OrderedDict()
        self._made: OrderedDict[str, int] = OrderedDict()

    def picture(self, sha256: str) -> WireAnswer | None:
        """A picture that was answered as a link, while it is kept."""
        content = self._linked.get(sha256)
        if content is None:
            return None
        headers = {"content-type": sniff_mime(content.head) or "application/octet-stream"}
        return WireAnswer(200, (FileBytes(content),), headers)

    async def run(
        self, wire: Wire, caller: Caller, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer one call."""
        request_id = f"sandbox-{uuid.uuid4().hex[:16]}"
        try:
            session = await _open(wire, caller, scope, receive, request_id)
        except Gone:
            return
        except PisangError as error:
            answer, manner = wire.encode_error(error), Manner()
        else:
            answer, manner = await self._answer(session), _manner(session.directives)
            await asyncio.sleep(session.directives.delay_s)
        headers = {**_tags(caller, answer, request_id), **answer.headers}
        await send_answer(replace(answer, headers=headers), send, manner)

    async def _answer(self, session: Session) -> WireAnswer:
        """The answer, its picture painted and its charge in the book."""
        directives = session.directives
        if not session.caller.known:
            return _error(session, _wrong_key(session.caller))
        try:
            named = find_model(self._catalogue, session.ask.request, session.wire.name)
            if not directives.is_turned_away:
                check(session.ask.request, named.model, session.wire.name)
            order = take_order(
                session.ask,
                named,
                directives,
                prompt=session.prompt,
                wire=session.wire.name,
                id=session.id,
            )
            if not directives.is_turned_away:
                order = replace(order, earlier=self._count(session))
            answer = await self._work(session, order)
        except TurnedAway as no:
            return _error(session, no.fault)
        if directives.charges:
            try:
                await asyncio.to_thread(self._book.charge, self._bill(session, order))
            except OSError as error:
                why = f"The sandbox's book can't be written: {error.strerror}."
                return _error(session, Fault(500, why))
        return answer

    async def _work(self, session: Session, order: Order) -> WireAnswer:
        directives = session.directives
        if directives.status is not None:
            return _error(session, Fault(directives.status))
        if directives.html is not None:
            return cdn_page(directives.html, order.id[-16:])
        if directives.empty:
            return EMPTY
        try:
            reply = await asyncio.to_thread(make_reply, order)
        except ReferenceUnreadable as error:
            why = error.fields.get("why", "")
            raise TurnedAway(400, f"Unable to process input image: {why}.") from None
        if directives.url or session.ask.options.get("response_format") == "url":
            reply = self._linked_reply(session, reply)
        return _told(session, reply, int(self._book.clock()))

    def _count(self, session: Session) -> int:
        """How often that very wish came over that wire before, since this sandbox was started, or
        as often as it says itself."""
        if session.directives.take is not None:
            return session.directives.take
        wish = request_fingerprint(session.ask.request, session.wire.name)
        earlier = self._made.pop(wish, 0)
        self._made[wish] = earlier + 1
        if len(self._made) > _WISHES_KEPT:
            self._made.popitem(last=False)
        return earlier

    def _linked_reply(self, session: Session, reply: Reply) -> Reply:
        """The reply with links in place of pictures; they are kept for a while."""
        parts = tuple(
            self._link(session, part) if isinstance(part, Image) else part for part in reply.parts
        )
        return replace(reply, parts=parts)

    def _link(self, session: Session, image: Image) -> Link:
        self._linked[image.content.sha256] = image.content
        while len(self._linked) > _LINKS_KEPT:
            self._linked.popitem(last=False)
        mime = sniff_mime(image.content.head) or image.mime
        name = f"{image.content.sha256}.{extension(mime)}"
        return Link(f"{session.base_url}/sandbox/pictures/{name}", image.mime)

    def _bill(self, session: Session, order: Order) -> Bill:
        price = price_of(order.model, order.size, self._catalogue.models)
        request = order.request
        return Bill(
            id=session.id,
            wire=session.wire.name,
            model=request.model,
            image_size=order.size,
            images=request.n,
            price=price.times(request.n),
            prompt_sha256=hashlib.sha256(request.prompt.encode()).hexdigest(),
            key=session.caller.name,
            fault=_fault_name(session.directives),
            take=order.take,
        )


async def _open(
    wire: Wire, caller: Caller, scope: Scope, receive: Receive, request_id: str
) -> Session:
    call = await read_call(scope, receive)
    ask = wire.decode_request(call)
    directives, prompt = read_directives(ask.request.prompt)
    host = call.headers.get("host", "sandbox")
    base_url = f"{scope.get('scheme', 'http')}://{host}"
    return Session(wire, caller, request_id, base_url, ask, directives, prompt)


def _told(session: Session, reply: Reply, now_s: int) -> WireAnswer:
    """The reply on the wire, with the prompt's say in how it looks."""
    directives, ask = session.directives, session.ask
    look = {"refusal_shape": SHAPES[directives.shape - 1], "created_s": now_s}
    ask = replace(ask, options={**ask.options, **look})
    if session.wire.name == "openai_chat" and directives.variant in ("markdown", "array"):
        return encode_variant(reply, ask, directives.variant)
    try:
        return session.wire.encode_reply(reply, ask)
    except PisangError as error:
        return session.wire.encode_error(error, ask)


def _error(session: Session, fault: Fault) -> WireAnswer:
    directives, ask = session.directives, session.ask
    fault = replace(
        fault,
        model=ask.request.model,
        request_id=session.id,
        retry_after_s=directives.retry_after_s,
        final=directives.final,
        as_list=ask.stream and ask.options.get("alt") != "sse",
    )
    if directives.relay or (fault.status == 401 and session.caller.place == "bearer"):
        return relay_error(fault)
    return ERRORS[session.wire.name](fault)


def _wrong_key(caller: Caller) -> Fault:
    """Google answers 400 to a wrong key of its own kind; everybody else 401."""
    if caller.place != "google":
        return Fault(401)
    return Fault(400, "API key not valid. Please pass a valid API key.", "API_KEY_INVALID")


def _manner(directives: Directives) -> Manner:
    return Manner(cut=directives.cut, gzip=directives.gzip, drip_s=directives.drip_s)


def _tags(caller: Caller, answer: WireAnswer, request_id: str) -> dict[str, str]:
    """Headers that name the call, and say what answers it. A CDN's page has neither."""
    if "cf-ray" in answer.headers:
        return {}
    relay = {"x-oneapi-request-id": request_id} if caller.place == "bearer" else {}
    return {"x-request-id": request_id, "x-pisang-sandbox": "1"} | relay


def _fault_name(directives: Directives) -> str | None:
    names = {
        "status": directives.status is not None,
        "html": directives.html is not None,
        "cut": directives.cut is not None,
        "empty": directives.empty,
        "no-image": directives.is_without_image,
    }
    return next((name for name, on in names.items() if on), None)
