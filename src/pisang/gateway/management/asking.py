"""A wish for images read from a call: its pictures in the store, its words checked."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace

from pydantic import ValidationError

from pisang.client.hooks import read_hook
from pisang.client.references import Reference
from pisang.client.wishes import Options, Wisher
from pisang.domain.content import Content
from pisang.domain.fingerprint import fingerprint, span_hash
from pisang.domain.image import sniff_mime
from pisang.domain.ledger import Hook, ImageRow
from pisang.domain.request import JSON
from pisang.domain.upstream import Upstream
from pisang.engine.ids import new_id
from pisang.engine.order import Order
from pisang.errors import (
    NotFound,
    OptionInvalid,
    PisangError,
    ReferenceTooLarge,
    ReferenceUnreadable,
)
from pisang.gateway.intake import scan_body
from pisang.gateway.management.desk import Desk
from pisang.gateway.management.shapes import Generation, HookWish, Labelled
from pisang.gateway.serving import is_set
from pisang.gateway.visits import Gone, base_of
from pisang.policy.plan import plan
from pisang.wires import strictjson

MAX_PICTURE = 100 * 1024 * 1024
"""No upstream takes a larger one."""

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Wanted:
    """A wish, read and checked, and what makes another call the same."""

    wish: Generation
    fingerprint: str
    image: Reference | None
    references: tuple[Reference, ...]


async def read_wanted(desk: Desk) -> Wanted:
    """The whole call, in constant memory. Raises `WireError`, `OptionInvalid`, `RequestTooLarge`,
    `NotFound` for an image that is not the caller's, `ReferenceUnreadable`, and `Gone`."""
    call_id = new_id("call")
    try:
        skeleton, spans = await scan_body(desk.visit, desk.store.spool(call_id))
        wish = await asyncio.to_thread(lambda: check(strictjson.loads(skeleton, spans)))
        await asyncio.to_thread(desk.store.adopt, call_id)
    except (PisangError, Gone):
        desk.store.let_go(call_id)
        raise
    image, references = await take_pictures(wish, desk)
    same = fingerprint(desk.visit.path, False, skeleton, tuple(map(span_hash, spans)))
    return Wanted(wish, same, image, references)


def check(value: JSON) -> Generation:
    """The wish in a body. Raises `OptionInvalid` that names the field."""
    try:
        return Generation.model_validate(value)
    except ValidationError as error:
        raise as_option(error.errors(include_url=False, include_context=False)[-1]) from None


def as_option(found: JSON) -> OptionInvalid:
    """One finding of the checker as an error of ours; what was given is told in short."""
    where = ".".join(str(one) for one in found["loc"] if _FIELD.fullmatch(str(one))) or "body"
    given = found.get("input")
    if _HIDDEN.intersection(found["loc"]):
        given = "…"
    shown = str(given)[:_SHOWN] if isinstance(given, str | int | float) else ""
    why = _WORDS.get(found["type"]) or str(found["msg"]).removeprefix("Value error, ")
    return OptionInvalid(option=where, value=shown, why=why)


_HIDDEN = frozenset({"key", "secret", "url"})
"""Fields that hold a secret, or an address that may be one."""

_FIELD = re.compile(r"(?!(?:query|path|header)$)[a-z0-9][a-z0-9_]*")
"""What of a place is a field of the caller's; the rest are the checker's own words."""

_WORDS = {
    "extra_forbidden": "there is no such field",
    "missing": "it is missing",
    "string_type": "a string is needed",
    "int_type": "a whole number is needed",
    "bool_type": "true or false is needed",
    "list_type": "a list is needed",
    "dict_type": "an object is needed",
    "model_type": "an object is needed",
}
"""Findings in words of ours; others are told in the checker's."""


async def take_pictures(
    wish: Generation, desk: Desk
) -> tuple[Reference | None, tuple[Reference, ...]]:
    """The picture that a wish changes, and its references. Raises as `read_wanted` does."""
    image = None if wish.image is None else await _take(wish.image, None, desk)
    return image, tuple([await _take(*_split(one), desk) for one in wish.references])


def _split(one: Labelled | Content | str) -> tuple[Content | str, str | None]:
    return (one.image, one.label) if isinstance(one, Labelled) else (one, None)


async def _take(picture: Content | str, label: str | None, desk: Desk) -> Reference:
    """The picture: one of the caller's own by its id, or the bytes that came with the call."""
    if isinstance(picture, str):
        row = await _own(picture, desk)
        content = await desk.ask(lambda: desk.store.content(row.sha256))
        return Reference(content, row.mime, label, row)
    if picture.size > MAX_PICTURE:
        limit = f"{MAX_PICTURE // 1_000_000} MB"
        raise ReferenceTooLarge(size=f"{picture.size // 1_000_000} MB", limit=limit)
    mime = sniff_mime(picture.head)
    if mime is None:
        why = "its bytes are no picture (PNG, JPEG, WebP, GIF, AVIF or HEIC)"
        raise ReferenceUnreadable(reference=label or "a picture of the call", why=why)
    inline = picture.inline
    if inline is not None:
        picture = await asyncio.to_thread(desk.store.put_bytes, inline)
    return Reference(picture, mime, label, await _image_of(picture, desk))


async def _own(word: str, desk: Desk) -> ImageRow:
    """The image that an id names: a hash, or a request's first that is no draft."""
    if not word.startswith("req_"):
        return await desk.image(word)
    images = (await desk.request(word)).images
    for image in sorted(images, key=lambda one: one.draft):
        return image
    raise NotFound(what="image", id=word)


async def _image_of(content: Content, desk: Desk) -> ImageRow | None:
    """Bytes that were made here are the image of his that they are: an edit goes on from it."""
    try:
        return await desk.image(content.sha256)
    except NotFound:
        return None


async def compose(wanted: Wanted, desk: Desk, *, key: str | None) -> tuple[Order, ...]:
    """The order for each upstream that could serve the wish, in the order to ask them. `key` is
    its idempotency key. Raises what is wrong with it, where that is so at each of them."""
    wish = wanted.wish
    orders: list[Order] = []
    wrong: PisangError | None = None
    for upstream in desk.service.router.upstreams(wish.model or "", wish.via):
        try:
            order = await _compose(wanted, upstream, desk, key)
            check_key(order, desk)
        except PisangError as error:
            wrong = wrong or error
        else:
            # It counts against what his key may ask for once, wherever it is made.
            orders.append(order if not orders else replace(order, quota=None))
    if wrong is not None and not orders:
        raise wrong
    return (*(replace(order, elsewhere=True) for order in orders[:-1]), *orders[-1:])


async def _compose(wanted: Wanted, upstream: Upstream, desk: Desk, key: str | None) -> Order:
    wish, headers = wanted.wish, desk.visit.headers
    # A style that its operator set for his own pictures is not put before a caller's words.
    defaults = replace(desk.settings.defaults, style=None)
    settings = replace(desk.settings, defaults=defaults)
    options: Options = {
        "model": wish.model,
        "aspect_ratio": wish.aspect_ratio,
        "image_size": wish.image_size,
        "n": wish.n,
        "references": wanted.references,
        "max_cost": wish.max_cost,
        "timeout_s": wish.timeout_s,
        "idempotency_key": key,
        "retry_unknown": is_set(headers, "x-pisang-retry-unknown"),
        "strict": wish.strict,
        "extra": wish.extra,
        "system": wish.system,
        "tags": tuple(wish.tags),
    }
    wisher = Wisher(desk.engine, upstream, settings, "gateway", desk.caller.scope)
    order = await wisher.compose(wish.prompt, wanted.image, **options)
    return replace(
        order,
        folder=None,
        route=desk.visit.path,
        fingerprint=wanted.fingerprint,
        join="unsure",
        new=is_set(headers, "x-pisang-new"),
        quota=desk.caller.quota,
        hook=_hook(wanted.wish.webhook, desk),
    )


def _hook(wish: HookWish | None, desk: Desk) -> Hook | None:
    """Who is told when it is over: whom the wish names, else whom the caller's key does."""
    if wish is None:
        return desk.caller.hook(desk.visit)
    hook = read_hook(wish.url, wish.secret, desk.settings.serving.webhook_hosts)
    return replace(hook, base=base_of(desk.visit))


def check_key(order: Order, desk: Desk) -> None:
    """Raises `KeyRestricted` where the caller's key is not for this."""
    catalogue = desk.engine.catalogue
    desk.caller.check(plan(order.request, order.upstream, catalogue), catalogue)
