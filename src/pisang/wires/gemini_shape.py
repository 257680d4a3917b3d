"""The names of Google's native wire: which fields are known, in both spellings, and their enums.

ProtoJSON readers take `imageConfig` and `image_config` alike, and Google's own Python SDK mixes
them (google-genai 3.4.0). What is written is always lowerCamelCase. Names that are not known here
are left as they stand: some are keys of the caller's own (labels, function arguments).
"""

from __future__ import annotations

from collections.abc import Mapping

from pisang.domain.request import JSON
from pisang.errors import WireError

NAME = "gemini"

Shape = Mapping[str, "Shape | None"]
"""The known fields of an object; `None` where what is inside is not looked into."""

_PART: Shape = {
    "text": None,
    "thought": None,
    "thoughtSignature": None,
    "inlineData": {"mimeType": None, "data": None},
    "fileData": {"mimeType": None, "fileUri": None},
}
_CONTENT: Shape = {"role": None, "parts": _PART}
_IMAGE: Shape = {"aspectRatio": None, "imageSize": None}

REQUEST: Shape = {
    "contents": _CONTENT,
    "systemInstruction": _CONTENT,
    "generationConfig": {
        "responseModalities": None,
        "candidateCount": None,
        "imageConfig": _IMAGE,
        "responseFormat": {"image": _IMAGE},
    },
}

REPLY: Shape = {
    "candidates": {"content": _CONTENT, "finishReason": None, "finishMessage": None, "index": None},
    "promptFeedback": {"blockReason": None, "blockReasonMessage": None},
    "usageMetadata": {
        "promptTokenCount": None,
        "candidatesTokenCount": None,
        "candidatesTokensDetails": {"modality": None, "tokenCount": None},
        "thoughtsTokenCount": None,
        "totalTokenCount": None,
    },
    "modelVersion": None,
    "responseId": None,
}


def camel_case(value: JSON, shape: Shape | None) -> JSON:
    """The same value with every known field in lowerCamelCase, at every depth that is known.

    A known field that is null goes: to ProtoJSON it is absent. Raises `WireError` where one
    object has a field in both spellings.
    """
    if shape is None:
        return value
    if isinstance(value, list):
        return [camel_case(item, shape) for item in value]
    if not isinstance(value, dict):
        return value
    named: dict[str, JSON] = {}
    for key, item in value.items():
        name = key if key in shape else _known_name(key, shape)
        if item is None and name in shape:
            continue
        if name in named:
            raise WireError(wire=NAME, why=f"{name} is there in both spellings")
        named[name] = camel_case(item, shape.get(name))
    return named


def _known_name(key: str, shape: Shape) -> str:
    first, *rest = key.split("_")
    name = first + "".join(word[:1].upper() + word[1:] for word in rest)
    return name if name in shape else key


_COUNTS = {
    "ONE": 1,
    "TWO": 2,
    "THREE": 3,
    "FOUR": 4,
    "FIVE": 5,
    "EIGHT": 8,
    "NINE": 9,
    "SIXTEEN": 16,
    "TWENTY_ONE": 21,
}

ENUMS: Mapping[str, str | None] = {
    "ASPECT_RATIO_UNSPECIFIED": None,
    "IMAGE_SIZE_UNSPECIFIED": None,
    "IMAGE_SIZE_FIVE_TWELVE": "512",
    "IMAGE_SIZE_ONE_K": "1K",
    "IMAGE_SIZE_TWO_K": "2K",
    "IMAGE_SIZE_FOUR_K": "4K",
} | {
    f"ASPECT_RATIO_{across}_{down}": f"{_COUNTS[across]}:{_COUNTS[down]}"
    for across in _COUNTS
    for down in _COUNTS
}
"""`responseFormat.image`'s enum values (Vertex v1beta1 discovery, rev 20261106) as plain words."""

_SIZES = {"0.5k": "512", "512px": "512", "512p": "512", "1k": "1K", "2k": "2K", "4k": "4K"}


def google_size(size: str) -> str:
    """The size as Google spells it (`1K`, not `1k`; `512`, not `0.5K` or `512px`).

    An unknown word stays as it is: a new size must not need a new Pisang.
    """
    return _SIZES.get(size.lower(), size)
