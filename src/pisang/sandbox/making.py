"""From a wish to what the imitated model says: pictures, words, signatures, counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import log

from pisang.domain.answer import Reply, Usage
from pisang.domain.catalogue import Model
from pisang.domain.content import content_of
from pisang.domain.image import read_facts
from pisang.domain.money import Money
from pisang.domain.request import JSON, Image, Link, Part, Request, Text
from pisang.domain.tokens import prompt_tokens, text_tokens
from pisang.pixels.paint import PAINTS, Painting, paint
from pisang.sandbox.directives import Directives
from pisang.sandbox.faults import FINISH_MESSAGES, TurnedAway
from pisang.sandbox.rules import Named, generation_config
from pisang.sandbox.signature import DEFAULT_BYTES, sign
from pisang.wires.base import Ask

FALLBACK_PRICE = Money(40_000, "USD")
"""A picture of a model whose price nobody names, and whose family has none either."""

_OTHER_TOKENS = 96
_THOUGHT_TOKENS = 179
_IMAGE_TOKENS = 1120
_DRAFT_SIZE = "1K"


@dataclass(frozen=True, slots=True)
class Order:
    """One wish as it will be made.

    `prompt` is without directives, `size` is what is billed, `mime` the type of the pictures,
    `earlier` how often the very same was made before: it comes out different each time.
    """

    request: Request
    named: Named
    directives: Directives
    prompt: str
    ratio: str
    size: str
    wire: str
    id: str
    mime: str
    earlier: int = 0

    @property
    def model(self) -> Model:
        """The model that makes it."""
        return self.named.model

    @property
    def take(self) -> int:
        """Which picture of that wish its first one is."""
        return self.earlier * self.request.n

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height of the picture. Raises `TurnedAway` for a shape it does not make."""
        return _pixels(self, self.size)


def take_order(
    ask: Ask, named: Named, directives: Directives, *, prompt: str, wire: str, id: str
) -> Order:
    """The order for a wish, which is as yet the first of its kind."""
    request = ask.request
    ratio = directives.aspect_ratio or request.aspect_ratio or _ratio_of(request, named.model)
    asked = directives.image_size or request.image_size
    size = asked or named.size or named.model.default_size
    mime = _mime_in(ask.options) or named.model.output_mime
    return Order(request, named, directives, prompt, ratio, size, wire, id, mime)


def _mime_in(options: Mapping[str, JSON]) -> str | None:
    """The type that a caller asks for, where it is one that can be painted."""
    word = options.get("mime", f"image/{options.get('output_format', '')}")
    return word if word in PAINTS else None


def _ratio_of(request: Request, model: Model) -> str:
    """The ratio where none is asked for: the last given picture's, or else a square, as Google
    does it (ai.google.dev, image generation, July 2026)."""
    pictures = pictures_of(request)
    facts = read_facts(pictures[-1].content) if pictures else None
    if facts is None or not facts.width or not facts.height:
        return "1:1" if "1:1" in model.ratios else model.ratios[0]
    shape = (facts.width, facts.height)
    listed = next((ratio for ratio in model.ratios if shape in model.shapes(ratio)), None)
    return listed or min(model.ratios, key=lambda ratio: _distance(ratio, *shape))


def _distance(ratio: str, width: int, height: int) -> float:
    wide, high = map(int, ratio.split(":"))
    return abs(log(wide * height / (high * width)))


def _pixels(order: Order, size: str) -> tuple[int, int]:
    table = order.model.table_for(order.named.id)
    pixels = order.model.pixels(order.ratio, size, table)
    if pixels is None:
        raise TurnedAway(400, f"{order.model.id} makes no picture of {order.ratio} at {size}.")
    return pixels


def price_of(model: Model, size: str, family: tuple[Model, ...]) -> Money:
    """What one picture is charged: the model's price, else that of the same model elsewhere."""
    prices = (one.price(size) for one in (model, *family) if one.family == model.family)
    return next((price for price in prices if price is not None), FALLBACK_PRICE)


# --- the reply ---------------------------------------------------------------------------------


def make_reply(order: Order) -> Reply:
    """The reply, its pictures painted. Takes as long as painting takes: not for an event loop.

    Raises `ReferenceUnreadable` where a reference can't be decoded.
    """
    directives = order.directives
    if directives.finish or directives.block:
        return _refusal(order)
    parts: tuple[Part, ...] = (Text(_sentence(order)),)
    if not directives.text_only:
        pictures = _pictures(order)
        parts = (*(() if _wants_image_only(order) else parts), *pictures)
    signed = tuple(_signed(order, at, part) for at, part in enumerate(parts))
    return _reply(order, (*_thoughts(order), *signed), "STOP")


def _refusal(order: Order) -> Reply:
    finish, block = order.directives.finish, order.directives.block
    reply = _reply(order, (), finish)
    message = FINISH_MESSAGES.get(finish or "")
    return replace(reply, block_reason=block, message=message)


def _reply(order: Order, parts: tuple[Part, ...], finish: str | None) -> Reply:
    extra: Mapping[str, Mapping[str, JSON]] = {}
    if order.wire == "gemini":
        extra = {"gemini": {"usageMetadata": {"serviceTier": "standard"}}}
    return Reply(
        parts=parts,
        finish_reason=finish,
        usage=_usage(order, parts),
        model=order.request.model,
        response_id=order.id,
        extra=extra,
    )


def _wants_image_only(order: Order) -> bool:
    return order.request.modalities == ("IMAGE",)


def _sentence(order: Order) -> str:
    chinese = any("\u4e00" <= letter <= "\u9fff" for letter in order.prompt)
    if order.directives.text_only:
        return "抱歉，这里只有文字，没有图片。" if chinese else "Only words this time: no picture."
    return "好的，为你生成：" if chinese else "Here is your picture:"


def _pictures(order: Order) -> tuple[Part, ...]:
    drafts = order.directives.drafts
    small = _DRAFT_SIZE if _DRAFT_SIZE in order.model.sizes else order.size
    made = [_picture(order, small, f"draft {at + 1} of {drafts}") for at in range(drafts)]
    n = order.request.n
    return (*made, *(_picture(order, order.size, _copy_note(at, n), at) for at in range(n)))


def _copy_note(at: int, n: int) -> str:
    return f"{at + 1} of {n}" if at else ""


def _picture(order: Order, size: str, note: str, copy: int = 0) -> Image:
    width, height = _pixels(order, size)
    facts = (order.request.model, order.ratio, size, f"{width} × {height}", note)
    spec = Painting(
        prompt=order.prompt,
        width=width,
        height=height,
        mime=order.mime,
        references=references_of(order.request),
        label=" · ".join(fact for fact in facts if fact),
        take=order.take + copy,
    )
    return Image(content_of(paint(spec)), _declared(order.mime, lie=order.directives.mime_lie))


def _declared(mime: str, *, lie: bool) -> str:
    if not lie:
        return mime
    return "image/png" if mime == "image/jpeg" else "image/jpeg"


def pictures_of(request: Request) -> tuple[Image, ...]:
    """The wish's own, and last, as what is edited, the latest of the talk before."""
    earlier = [part for turn in request.history for part in turn.parts]
    talk = tuple(p for p in earlier if isinstance(p, Image) and not p.thought)[-1:]
    return (*request.references, *talk)


def references_of(request: Request) -> tuple[bytes, ...]:
    """Their contents."""
    contents = (one.content.inline for one in pictures_of(request))
    return tuple(data for data in contents if data is not None)


# --- thoughts, signatures, counts --------------------------------------------------------------


def _thoughts(order: Order) -> tuple[Part, ...]:
    config = generation_config(order.request).get("thinkingConfig")
    asked = isinstance(config, dict) and bool(
        config.get("includeThoughts", config.get("include_thoughts"))
    )
    if not order.model.thinking or not (asked or order.directives.thoughts):
        return ()
    words = Text("First I lay out sky, light and ground; then the words.", thought=True)
    return (words, replace(_picture(order, _DRAFT_SIZE, "a thought"), thought=True))


def _signed(order: Order, at: int, part: Part) -> Part:
    """Every picture is signed, and a text that comes first (ai.google.dev, thought-signatures)."""
    if not order.model.signatures or order.wire != "gemini":
        return part
    size = order.directives.signature_bytes
    size = DEFAULT_BYTES if size is None else size
    if isinstance(part, Image) or (isinstance(part, Text) and at == 0):
        return replace(part, signature=sign(part, size))
    return part


def _usage(order: Order, parts: tuple[Part, ...]) -> Usage:
    """Counts like Google's: the total is prompt, candidates and thoughts, also of a refusal."""
    row = order.model.prices.get(order.size)
    each = row.image_tokens if row else _IMAGE_TOKENS
    images = sum(1 for part in parts if isinstance(part, Image | Link) and not part.thought)
    prompt = prompt_tokens(order.request)
    output = each * images + (_OTHER_TOKENS if images else 0)
    output += sum(text_tokens(part.text) for part in parts if isinstance(part, Text))
    thoughts = _THOUGHT_TOKENS if order.model.thinking else None
    total = prompt + output + (thoughts or 0)
    return Usage(prompt, output, each * images if images else None, thoughts, total)
