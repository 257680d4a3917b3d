"""From a wish to what will be sent: the model's id, the shape, the price, the time it may take.

What is known to be impossible is refused here, before money; what is not known passes untouched.
Every edit of the user's words is a warning.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pisang.domain.catalogue import Catalogue, canonical_ratio, canonical_size, resolve
from pisang.domain.model import Model
from pisang.domain.request import Image, Request, Text
from pisang.domain.upstream import Upstream
from pisang.domain.warning import Warn
from pisang.errors import (
    OptionInvalid,
    PromptMissing,
    RatioUnsupported,
    ReferenceTooLarge,
    SizeUnsupported,
    TooManyReferences,
)
from pisang.policy.price import Price, price


@dataclass(frozen=True, slots=True)
class Planned:
    """A request as it will be sent (`request.model` is `model_id`), and what is known of it."""

    request: Request
    model_id: str
    model: Model | None
    price: Price
    time_limit_s: int
    warnings: tuple[Warn, ...] = ()


def plan(request: Request, upstream: Upstream, catalogue: Catalogue) -> Planned:
    """How this request goes to this upstream.

    Fills in the upstream's own model, ratio and size where the user named none; the ratio only
    where no picture is given, for an edit's shape follows its picture (Google's image docs, 16
    July 2026). The price is the worst case for one image. Raises a `UsageError` leaf for what
    a known model cannot do.
    """
    if not request.prompt.strip() and all(isinstance(part, Text) for part in request.parts):
        raise PromptMissing()
    resolved = resolve(_model_word(request, upstream), upstream, catalogue)
    model = resolved.model
    ratio, ratio_warnings = _ratio(request, upstream, model, resolved.model_id)
    size, size_warnings = _size(request, upstream, model, resolved.model_id)
    reference_warnings = _references(request, model)
    cost = price(resolved.model_id, size, upstream, model)
    if model is not None and not model.sends_size:
        size = None
    limit = model.time_limit_s(size) if model else catalogue.time_limit_s(size)
    return Planned(
        replace(request, model=resolved.model_id, aspect_ratio=ratio, image_size=size),
        resolved.model_id,
        model,
        cost,
        limit,
        (*resolved.warnings, *ratio_warnings, *size_warnings, *reference_warnings),
    )


def _model_word(request: Request, upstream: Upstream) -> str:
    word = request.model.strip() or upstream.default_model
    if not word:
        why = f"{upstream.name} has no default model, so name one (see `pisang models`)"
        raise OptionInvalid(option="model", value="", why=why)
    return word


_Shaped = tuple[str | None, tuple[Warn, ...]]


def _ratio(request: Request, upstream: Upstream, model: Model | None, model_id: str) -> _Shaped:
    """The ratio as it will be sent. Only a known model's list is a reason to refuse one."""
    pictured = request.references or request.history
    default = None if pictured else upstream.default_aspect_ratio
    asked = request.aspect_ratio or default
    if asked is None or model is None or asked in model.ratios:
        return asked, ()
    ratio = canonical_ratio(asked)
    if ratio in model.ratios:
        return ratio, (_edited("aspect_ratio", asked, ratio),)
    if request.aspect_ratio is None:  # the upstream's default is not this model's to obey
        return None, ()
    choices = ", ".join(model.ratios)
    raise RatioUnsupported(aspect_ratio=asked, model=model_id, choices=choices)


def _size(request: Request, upstream: Upstream, model: Model | None, model_id: str) -> _Shaped:
    """The size as it will be sent, `None` for the model's own; a bad one is refused."""
    asked = request.image_size or upstream.default_image_size
    if asked is None or model is None:
        return asked, ()
    size = canonical_size(asked)
    if size not in model.sizes:
        if request.image_size is None:
            return None, ()
        choices = ", ".join(model.sizes)
        raise SizeUnsupported(image_size=asked, model=model_id, choices=choices)
    if not model.sends_size:
        if request.image_size is None:
            return size, ()
        text = f"{model_id} makes one size only: image_size {asked!r} is left out."
        return size, (Warn("size_dropped", text),)
    return size, () if size == asked else (_edited("image_size", asked, size),)


def _edited(option: str, asked: str, sent: str | None) -> Warn:
    return Warn(f"{option}_normalised", f"{option} {asked!r} is sent as {sent!r}.")


def _references(request: Request, model: Model | None) -> tuple[Warn, ...]:
    """Counts the reference pictures, and their bytes together with the history's."""
    if model is None:
        return ()
    count = len(request.references)
    if model.max_references is not None and count > model.max_references:
        raise TooManyReferences(count=count, model=model.name, limit=model.max_references)
    limit = model.max_request_bytes
    size = _encoded_bytes(request)
    if limit is not None and size > limit:
        raise ReferenceTooLarge(size=_mib(size), limit=_mib(limit))
    if model.best_references is not None and count > model.best_references:
        most = model.best_references
        text = f"{model.name} works best with at most {most} reference pictures: {count} are sent."
        return (Warn("many_references", text),)
    return ()


def _encoded_bytes(request: Request) -> int:
    """How many bytes the pictures take inside a JSON body, as base64."""
    parts = (*request.parts, *(part for turn in request.history for part in turn.parts))
    return sum(-(-part.content.size // 3) * 4 for part in parts if isinstance(part, Image))


def _mib(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MiB"
