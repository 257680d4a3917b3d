"""Requests on Google's native wire: a wish as a `generateContent` body, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

from pisang.domain.request import JSON, Part, Request, Text, Turn
from pisang.domain.upstream import Quirks, Upstream
from pisang.domain.warning import Warn
from pisang.errors import OptionInvalid, WireError
from pisang.wires.extra import by_index, overlay, unheard
from pisang.wires.fields import Rest
from pisang.wires.gemini_parts import (
    decode_parts,
    encode_parts,
    is_malformed,
    lost_parts,
)
from pisang.wires.gemini_shape import ENUMS, NAME, REQUEST, camel_case, google_size

MOST_CANDIDATES = 10
"""`candidateCount` beyond this is refused: Google's image models take 1, OpenAI's `n` ends here."""

# --- paths -------------------------------------------------------------------------------------

PUBLISHER = "/publishers/google"
"""How a base URL ends that says everything of Vertex but the model
(docs.cloud.google.com/vertex-ai, REST reference of `generateContent`, November 2026)."""

_PATH = re.compile(
    r"/(?:v1|v1alpha|v1beta|v1beta1)/(?P<resource>.+):(?P<verb>generate|streamGenerate)Content"
)
_RESOURCES = ("models/", "tunedModels/", "publishers/", "projects/")
_DOTS = re.compile(r"(?:^|/)\.{0,2}(?:/|$)")


def method_path(model: str, upstream: Upstream, *, stream: bool) -> str:
    """The path of the call for a model id, which may be a resource name or hold slashes.

    Raises `OptionInvalid` for an id that would lead elsewhere (`..`, an empty segment): URLs
    are normalized on the way, so those can't be quoted.
    """
    resource = model if model.startswith(_RESOURCES) else f"models/{model}"
    if _DOTS.search(resource):
        why = "a model id has no empty, `.` or `..` segment"
        raise OptionInvalid(option="model", value=model, why=why)
    verb = "streamGenerateContent" if stream else "generateContent"
    return f"{_version(upstream)}/{quote(resource, safe='/')}:{verb}"


def _version(upstream: Upstream) -> str:
    """What stands between the base URL and `models/`: nothing where the URL names Vertex's
    project, location and publisher itself."""
    if upstream.base_url.endswith(PUBLISHER):
        return ""
    return "/v1beta1" if upstream.kind == "vertex" else "/v1beta"


def read_path(path: str) -> tuple[str, bool]:
    """The model id and whether a stream is asked for. Raises `WireError` for another path."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise WireError(wire=NAME, why="the path is not …/models/MODEL:generateContent")
    resource = unquote(match["resource"])
    _, found, model = resource.rpartition("/models/")
    return (model if found else resource.removeprefix("models/")), match["verb"] != "generate"


# --- wish → body -------------------------------------------------------------------------------


def model_id(request: Request, quirks: Quirks) -> str:
    """The id to call, with the size at its end where the upstream wants it there.

    1K is what the bare name makes.
    """
    suffix = f"-{google_size(request.image_size or '1K').lower()}"
    if not quirks.size_suffix or suffix == "-1k" or request.model.endswith(suffix):
        return request.model
    return request.model + suffix


def encode_body(
    request: Request, quirks: Quirks, *, roles: bool = False
) -> tuple[dict[str, JSON], tuple[Warn, ...]]:
    """The JSON body of a wish, and what of it the wire can't say or says otherwise.

    With `roles` a first turn says whose it is too: Vertex refuses one that doesn't.
    """
    contents = [_content(turn.role, turn.parts) for turn in request.history]
    contents.append(_content("user" if contents or roles else None, request.parts))
    body: dict[str, JSON] = {"contents": contents}
    if request.system is not None:
        body["systemInstruction"] = {"parts": [{"text": request.system}]}
    config, warnings = _config(request, quirks)
    if config:
        body["generationConfig"] = config
    body = overlay(body, camel_case(request.extra.get(NAME, {}), REQUEST))
    parts = [part for turn in request.history for part in turn.parts]
    warnings = (*warnings, *lost_parts([*parts, *request.parts]), *unheard(request, NAME))
    return _respell(body, quirks.size_key), warnings


def _content(role: str | None, parts: tuple[Part, ...]) -> Rest:
    content: Rest = {"parts": encode_parts(parts)}
    return content if role is None else {"role": role} | content


def _config(request: Request, quirks: Quirks) -> tuple[Rest, tuple[Warn, ...]]:
    config: Rest = {}
    warnings: tuple[Warn, ...] = ()
    if request.modalities:
        config["responseModalities"] = list(request.modalities)
    if request.n > 1:
        config["candidateCount"] = request.n
    image = {} if request.aspect_ratio is None else {"aspectRatio": request.aspect_ratio}
    if request.image_size is not None and not quirks.size_suffix:
        image["imageSize"] = google_size(request.image_size)
        if image["imageSize"] != request.image_size:
            said = f"Size {request.image_size!r} was sent as {image['imageSize']!r}."
            warnings = (Warn("size_respelled", said),)
    if image:
        config["imageConfig"] = image
    return config, warnings


def _respell(body: dict[str, JSON], size_key: str) -> dict[str, JSON]:
    """The body with the size under the name that this upstream reads."""
    config = body.get("generationConfig")
    if not isinstance(config, dict) or not isinstance(config.get("imageConfig"), dict):
        return body
    image = config["imageConfig"]
    renamed = {size_key if key == "imageSize" else key: image[key] for key in image}
    return body | {"generationConfig": config | {"imageConfig": renamed}}


# --- body → wish -------------------------------------------------------------------------------


def decode_body(raw: JSON, model: str) -> Request:
    """The wish in a body. Unknown fields are in `extra["gemini"]`, in the body's own shape.

    No `responseModalities` gives `()`: the upstream's own default. Raises `WireError`.
    """
    rest = _object(camel_case(raw, REQUEST), "the body")
    turns, contents = _turns(rest.pop("contents", None))
    system, instruction = _system(rest.pop("systemInstruction", None))
    config = _object(rest.pop("generationConfig", {}), "generationConfig")
    modalities = _modalities(config.pop("responseModalities", None))
    n = _count(config.pop("candidateCount", None))
    ratio, size = _shape(config)
    leftovers = {
        "contents": contents,
        "systemInstruction": instruction,
        "generationConfig": config,
    }
    rest |= {key: value for key, value in leftovers.items() if value}
    return Request(
        parts=turns[-1].parts,
        model=model,
        aspect_ratio=ratio,
        image_size=size,
        n=n,
        history=turns[:-1],
        system=system,
        modalities=modalities,
        extra={NAME: rest} if rest else {},
    )


def _turns(raw: JSON) -> tuple[tuple[Turn, ...], Rest]:
    if not isinstance(raw, list) or not raw:
        raise _malformed("contents is no list of at least one content")
    read = [_turn(item, f"contents[{at}]") for at, item in enumerate(raw)]
    turns = tuple(turn for turn, _ in read)
    if turns[-1].role != "user":
        raise _malformed("the last of contents is not the user's")
    return turns, by_index(rest for _, rest in read)


def _turn(raw: JSON, where: str) -> tuple[Turn, Rest]:
    rest = _object(raw, where)
    role = rest.pop("role", "user")
    if role not in ("user", "model"):
        raise _malformed(f"{where}.role is neither user nor model")
    listed = rest.pop("parts", None)
    if not isinstance(listed, list):
        raise _malformed(f"{where}.parts is no list")
    parts, leftovers = decode_parts(listed)
    for at, part in enumerate(parts):
        if is_malformed(part):
            raise _malformed(f"{where}.parts[{at}] can't be read")
    return Turn(role, parts), rest | ({"parts": leftovers} if leftovers else {})


def _system(raw: JSON) -> tuple[str | None, Rest]:
    """The system text, and the instruction's other fields: all of it unless it is one text."""
    if raw is None or isinstance(raw, str):
        return raw, {}
    rest = _object(raw, "systemInstruction")
    parts, leftovers = decode_parts(rest.get("parts"))
    texts = [part.text for part in parts if isinstance(part, Text)]
    if len(parts) == len(texts) == 1 and not leftovers:
        del rest["parts"]
    return ("\n".join(texts) if texts else None), rest


def _modalities(raw: JSON) -> tuple[str, ...]:
    if raw is None:
        return ()
    if not isinstance(raw, list) or not all(isinstance(word, str) for word in raw):
        raise _malformed("responseModalities is no list of strings")
    return tuple(word.upper() for word in raw)


def _count(raw: JSON) -> int:
    if raw is None:
        return 1
    if type(raw) is not int or not 1 <= raw <= MOST_CANDIDATES:
        raise _malformed(f"candidateCount is no number from 1 to {MOST_CANDIDATES}")
    return raw


def _shape(config: Rest) -> tuple[str | None, str | None]:
    """The ratio and the size, taken out of `imageConfig` and of its successor.

    `responseFormat` is one object or a list of them, its values plain or enum names.
    """
    found: dict[str, list[str]] = {"aspectRatio": [], "imageSize": []}
    image = _take(_object(config.pop("imageConfig", {}), "imageConfig"), found)
    if image:
        config["imageConfig"] = image
    formats = config.pop("responseFormat", [])
    listed = formats if isinstance(formats, list) else [formats]
    kept = [one for one in (_without_shape(item, found) for item in listed) if one]
    if kept:
        config["responseFormat"] = kept if isinstance(formats, list) else kept[0]
    return _only(found, "aspectRatio"), _only(found, "imageSize")


def _without_shape(raw: JSON, found: dict[str, list[str]]) -> Rest:
    rest = _object(raw, "responseFormat")
    image = _take(_object(rest.pop("image", {}), "responseFormat.image"), found)
    return rest | ({"image": image} if image else {})


def _take(image: Rest, found: dict[str, list[str]]) -> Rest:
    for name, values in found.items():
        value = image.pop(name, None)
        if not isinstance(value, str | None):
            raise _malformed(f"{name} is no string")
        word = None if value is None else ENUMS.get(value, value)
        if word is not None:
            values.append(word)
    return image


def _only(found: Mapping[str, list[str]], name: str) -> str | None:
    if len(set(found[name])) > 1:
        raise _malformed(f"{name} is given twice, and not alike")
    return found[name][0] if found[name] else None


def _object(raw: JSON, where: str) -> Rest:
    """A copy of the object; `WireError` for anything else."""
    if not isinstance(raw, dict):
        raise _malformed(f"{where} is no object")
    return dict(raw)


def _malformed(why: str) -> WireError:
    return WireError(wire=NAME, why=why)
