"""What came, measured against what was asked for; pure arithmetic on `ImageFacts`.

Sizes are tiers, and ratios have a tolerance: Google's own 16:9 is 1.7917, and the live API gives
shapes that stand in no table (1408×768). So nothing is compared to the pixel, except that pixels
which stand in one of the model's tables always pass.
"""

from __future__ import annotations

import math
from dataclasses import replace

from pisang.domain.answer import ImageFacts, Made
from pisang.domain.model import SIZES, Model, canonical_ratio, canonical_size
from pisang.domain.request import Request
from pisang.domain.warning import Warn

RATIO_TOLERANCE = 1.05
"""How far a measured ratio may be from the asked one, either way: 2752×1536 is 0.8 % off 16:9,
and a tolerance of 1 % rejected every picture of a client that used one (2026)."""

_EDGES = {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}
_SAME_TYPE = {"image/jpg": "image/jpeg", "image/heif": "image/heic", "image/avis": "image/avif"}


def tier(width: int, height: int) -> str:
    """The size whose edge is nearest to √(width · height), on a logarithmic scale."""
    edge = math.sqrt(max(width * height, 1))
    return min(_EDGES, key=lambda size: abs(math.log(edge / _EDGES[size])))


def compare(made: Made, request: Request, model: Model | None) -> tuple[Warn, ...]:
    """How an image differs from the request as it was sent: size, ratio, declared type.

    Only what was asked for can be missed. Codes: `size_mismatch`, `ratio_mismatch`,
    `type_mismatch`, and `pixels_unknown` where there was something to measure and no pixels.
    """
    facts = made.facts
    found = [_type_warning(facts, made.declared)]
    if not facts.width or not facts.height:
        if request.aspect_ratio or request.image_size:
            found.append(Warn("pixels_unknown", "The image's pixels stand too deep to be read."))
    else:
        found += [_size_warning(facts, request, model), _ratio_warning(facts, request, model)]
    return tuple(warn for warn in found if warn is not None)


def mark_drafts(
    made: tuple[Made, ...], asked_size: str | None, wanted: int = 1
) -> tuple[Made, ...]:
    """The images in order, each once, and all marked as drafts but the results.

    The results are the last `wanted` of those nearest the asked size (DESIGN §5: a first image
    may be a small draft of the second, and the last of several equals is the final one). With
    no size asked, all are as near. Of pictures with the same bytes the last stays.
    """
    last = {one.content.sha256: place for place, one in enumerate(made)}
    kept = [made[place] for place in sorted(last.values())]
    near = min((_distance(one, asked_size) for one in kept), default=0)
    nearest = [place for place, one in enumerate(kept) if _distance(one, asked_size) == near]
    results = set(nearest[-wanted:])
    return tuple(replace(one, draft=place not in results) for place, one in enumerate(kept))


def _distance(made: Made, asked_size: str | None) -> int:
    """How many tiers an image is from the asked size; one that is not whole is farthest."""
    size = canonical_size(asked_size or "")
    facts = made.facts
    if not facts.complete:
        return 2 * len(SIZES)
    if size is None:
        return 0
    if not facts.width or not facts.height:
        return len(SIZES)
    return abs(SIZES.index(tier(facts.width, facts.height)) - SIZES.index(size))


def _type_warning(facts: ImageFacts, declared: str | None) -> Warn | None:
    said = (declared or facts.mime).split(";", 1)[0].strip().lower()
    if _SAME_TYPE.get(said, said) == _SAME_TYPE.get(facts.mime, facts.mime):
        return None
    text = f"The image was declared as {said}, and its bytes are {facts.mime}: the bytes count."
    return Warn("type_mismatch", text)


def _passes(facts: ImageFacts, request: Request, model: Model | None, size: str | None) -> bool:
    """Whether these very pixels stand in one of the model's tables for the asked shape."""
    if model is None or request.aspect_ratio is None:
        return False
    return (facts.width, facts.height) in model.shapes(request.aspect_ratio, size)


def _size_warning(facts: ImageFacts, request: Request, model: Model | None) -> Warn | None:
    asked = canonical_size(request.image_size or "")
    measured = tier(facts.width, facts.height)
    if asked in (None, measured) or _passes(facts, request, model, asked):
        return None
    pixels = f"{facts.width}×{facts.height}"
    text = f"{asked} was asked for, and the image has {pixels} pixels, which is {measured}."
    return Warn("size_mismatch", text)


def _ratio_warning(facts: ImageFacts, request: Request, model: Model | None) -> Warn | None:
    asked = canonical_ratio(request.aspect_ratio or "")
    if asked is None or _passes(facts, request, model, None):
        return None
    wide, high = map(int, asked.split(":"))
    across, along = facts.width * high, facts.height * wide
    if not across or not along:
        return None
    if max(across / along, along / across) <= RATIO_TOLERANCE:
        return None
    pixels = f"{facts.width}×{facts.height}"
    text = f"{asked} was asked for, and the image has {pixels} pixels, which is {_simple(facts)}."
    return Warn("ratio_mismatch", text)


def _simple(facts: ImageFacts) -> str:
    """The ratio as `1.79:1` or `1:1.79`."""
    if facts.width >= facts.height:
        return f"{facts.width / facts.height:.2f}:1"
    return f"1:{facts.height / facts.width:.2f}"
