"""A caller's call to the Images API, JSON or form, as a wish."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from pisang.domain.image import sniff_mime
from pisang.domain.request import JSON, Image, Link, Request, Text
from pisang.domain.warning import Warn
from pisang.errors import OptionInvalid, PromptMissing, ReferenceUnreadable, WireError
from pisang.wires import strictjson
from pisang.wires.base import Ask, Call, FormField
from pisang.wires.fields import Rest, without_nulls
from pisang.wires.openai_pictures import reference_in
from pisang.wires.openai_results import NAME
from pisang.wires.openai_sizes import Shape, normal_tier, pixels_for, read_size

_MOST = 10
_IMAGE = re.compile(r"image(?:\[\d{0,4}\])?", re.ASCII)
_LISTS = ("image", "images", "input_references")
"""Where JSON callers put pictures: OpenAI has `images`, OpenRouter `input_references`."""

_MASKS = ("mask", "markup")
_FORMATS = {"png": "png", "jpeg": "jpeg", "jpg": "jpeg", "webp": "webp"}
_TIERS = {
    "low": "1K", "medium": "1K", "standard": "1K",
    "high": "2K", "hd": "2K", "xhigh": "2K", "max": "2K",
}  # fmt: skip
"""What a `quality` means where no size is asked for."""

_ECHOED = ("size", "quality", "background")


def decode_call(call: Call) -> Ask:
    """The wish in a call: the prompt, then the pictures in their order.

    Raises `WireError`, and `OptionInvalid`, `PromptMissing` or `ReferenceUnreadable`.
    """
    rest, pictures = _open_form(call.form) if call.form else _open_json(call)
    for name in _MASKS:
        if name in rest:
            raise _masked(name)
    edit = call.path.rstrip("/").endswith("/edits")
    if edit and not pictures:
        raise OptionInvalid(option="image", value=None, why="an edit needs at least one picture")
    options = {name: rest[name] for name in _ECHOED if isinstance(rest.get(name), str)}
    options |= {"edit": True} if edit else {}
    options |= _form_options(rest)
    prompt = strictjson.text_of(rest.pop("prompt", ""), wire=NAME)
    if not prompt.strip():
        raise PromptMissing()
    ratio, tier, warnings = _shape(rest)
    stream = _taken(rest, "stream", _flag) or False
    warnings = (*warnings, *_lost(rest))
    request = Request(
        parts=(Text(prompt), *pictures),
        model=_taken(rest, "model", _word) or "",
        aspect_ratio=ratio,
        image_size=tier,
        n=_taken(rest, "n", _whole(1, _MOST)) or 1,
        extra={NAME: rest} if rest else {},
    )
    return Ask(request, stream, options, warnings)


# --- the two bodies ----------------------------------------------------------------------------


def _open_json(call: Call) -> tuple[Rest, list[Image | Link]]:
    body = strictjson.loads(call.skeleton, call.spans, wire=NAME)
    if not isinstance(body, dict):
        raise WireError(wire=NAME, why="the body is no object")
    rest = without_nulls(body)
    pictures: list[Image | Link] = []
    for name in _LISTS:
        value = rest.pop(name, [])
        items = value if isinstance(value, list) else [value]
        pictures += [reference_in(item, f"{name}[{at}]") for at, item in enumerate(items)]
    return rest, pictures


def _open_form(form: Sequence[FormField]) -> tuple[Rest, list[Image | Link]]:
    """The form's values (empty ones are absent) and its pictures."""
    rest: Rest = {}
    pictures: list[Image | Link] = []
    for field in form:
        if _IMAGE.fullmatch(field.name):
            pictures.append(_picture(field))
        elif field.file is not None:
            raise _masked(field.name) if field.name in _MASKS else _unknown_file(field.name)
        elif field.name in rest:
            why = "it is given twice"
            raise OptionInvalid(option=field.name, value=_brief(field.value), why=why)
        elif field.value:
            rest[field.name] = field.value
    return rest, pictures


def _picture(field: FormField) -> Image | Link:
    if field.file is None:
        return reference_in(field.value, field.name)
    mime = sniff_mime(field.file.head) or field.mime or ""
    if not mime.startswith("image/") or not field.file.size:
        raise ReferenceUnreadable(reference=field.filename or field.name, why="it is no picture")
    return Image(field.file, mime)


def _masked(name: str) -> OptionInvalid:
    why = "the Nano Banana models take no masks: say in the prompt what is to change"
    return OptionInvalid(option=name, value="file", why=why)


def _unknown_file(name: str) -> OptionInvalid:
    return OptionInvalid(option=name, value="file", why="pictures are named image or image[]")


# --- its options -------------------------------------------------------------------------------


def _form_options(rest: Rest) -> Rest:
    """What concerns the answer's form, taken out: it is ours to follow, whoever paints."""
    found = {
        "response_format": _taken(rest, "response_format", _one_of("b64_json", "url")),
        "output_format": _taken(rest, "output_format", _one_of(*_FORMATS)),
        "output_compression": _taken(rest, "output_compression", _whole(0, 100)),
    }
    if found["output_format"] is not None:
        found["output_format"] = _FORMATS[found["output_format"]]
    return without_nulls(found)


def _shape(rest: Rest) -> tuple[str | None, str | None, tuple[Warn, ...]]:
    """Ratio, tier, and what was chosen: from `size`, unless OpenRouter's fields say them."""
    ratio = _taken(rest, "aspect_ratio", _word)
    tier = _taken(rest, "image_size", _word) or _taken(rest, "resolution", _word)
    shape, warnings = _read_size(rest)
    if shape is not None:
        ratio, tier = ratio or shape.aspect_ratio, tier or shape.image_size
    quality = rest.get("quality")
    if ratio is None and tier is None and isinstance(quality, str) and quality in _TIERS:
        tier = _TIERS[quality]
        said = f"Quality {quality!r} is made at size {tier}: ask for a size to choose it."
        warnings = (Warn("size_chosen", said),)
    return (None if ratio == "auto" else ratio), (normal_tier(tier) if tier else None), warnings


def _read_size(rest: Rest) -> tuple[Shape | None, tuple[Warn, ...]]:
    """What `size` asks for. One other than we would write is kept too, so that a server of the
    same wire is asked for exactly that."""
    size = _taken(rest, "size", _word) or "auto"
    shape = read_size(size)
    if shape is None:
        return None, ()
    wide, high = pixels_for(shape.aspect_ratio, shape.image_size, "")
    if size != f"{wide}x{high}":
        rest["size"] = size
    said = f"Size {size} is made as {shape.aspect_ratio} at {shape.image_size}."
    return shape, () if shape.near else (Warn("size_nearest", said),)


def _lost(rest: Rest) -> tuple[Warn, ...]:
    """What no Nano Banana model can do. Partial images are not even asked for."""
    partial = _taken(rest, "partial_images", _whole(0, 3))
    said = {
        "background_dropped": rest.get("background") == "transparent"
        and "The Nano Banana models make no transparent background.",
        "partial_images_dropped": partial
        and "No partial images are sent: the picture comes whole.",
    }
    return tuple(Warn(code, text) for code, text in said.items() if text)


Reader = Callable[[str, JSON], JSON]


def _taken(rest: Rest, name: str, read: Reader) -> JSON:
    """The option's value, taken out; None where it is not given."""
    return read(name, rest.pop(name)) if name in rest else None


def _word(name: str, value: JSON) -> str:
    if not isinstance(value, str):
        raise OptionInvalid(option=name, value=_brief(value), why="it is no string")
    return value


def _flag(name: str, value: JSON) -> bool:
    words: dict[JSON, bool] = {"true": True, "false": False}
    found = value if isinstance(value, bool) else words.get(value if isinstance(value, str) else "")
    if found is None:
        raise OptionInvalid(option=name, value=_brief(value), why="it is neither true nor false")
    return found


def _whole(least: int, most: int) -> Reader:
    """A reader of whole numbers, which a form has as digits."""

    def read(name: str, value: JSON) -> int:
        digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 5
        number = int(value) if digits or type(value) is int else least - 1
        if not least <= number <= most:
            why = f"it is a whole number from {least} to {most}"
            raise OptionInvalid(option=name, value=_brief(value), why=why)
        return number

    return read


def _one_of(*words: str) -> Reader:
    def read(name: str, value: JSON) -> str:
        if not isinstance(value, str) or value not in words:
            why = f"it is one of {', '.join(words)}"
            raise OptionInvalid(option=name, value=_brief(value), why=why)
        return value

    return read


def _brief(value: JSON) -> str:
    return str(value)[:40] if isinstance(value, str | int | float) else type(value).__name__
