"""What is answered: results as JSON with addresses in place of paths, errors as on any face."""

from __future__ import annotations

import json
from dataclasses import replace

from pisang.client.results import Picture, Result, iso_time
from pisang.client.shapes import error_json, warnings_json
from pisang.domain.request import JSON
from pisang.errors import Language, PisangError
from pisang.errors.chinese import in_chinese
from pisang.gateway.routes import PREFIX
from pisang.gateway.visits import Visit
from pisang.wires.base import WireAnswer
from pisang.wires.fault import spoken_headers, spoken_status

_JSON_TYPE = {"content-type": "application/json"}


def json_bytes(value: JSON) -> bytes:
    """The JSON as sent: UTF-8, as short as it gets. A lone surrogate goes out as `?`."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def error_answer(error: PisangError, language: Language = "en") -> WireAnswer:
    """The error as DESIGN §9 has it, under a status that no client takes for success, nor sends
    again by itself where money moved."""
    body = json_bytes({"error": error_json(error, language)})
    return WireAnswer(spoken_status(error), (body,), _JSON_TYPE | spoken_headers(error))


def result_answer(result: Result, language: Language = "en") -> WireAnswer:
    """A result that is there."""
    return WireAnswer(200, (json_bytes(result_json(result, language)),), _JSON_TYPE)


def result_json(result: Result, language: Language = "en") -> dict[str, JSON]:
    """A result as the command line tells it, its sentences in that language; its images have
    addresses, not paths."""
    return {
        **result.to_json(),
        "images": images_json(result.images),
        "failures": [error_json(error, language) for error in result.failures],
        "warnings": warnings_json(
            replace(one, message=spoken(one.message, language)) for one in result.warnings
        ),
    }


def spoken(sentence: str, language: Language) -> str:
    """A sentence of ours in that language; what is none of ours as it is."""
    return in_chinese(sentence) if language == "zh" else sentence


def images_json(images: tuple[Picture, ...]) -> list[JSON]:
    """Images with the addresses of their bytes, null where those were cleared away."""
    return [_image_json(one) for one in images]


def _image_json(image: Picture) -> dict[str, JSON]:
    told = image.to_json()
    there = told.pop("path") is not None
    return {"sha256": image.sha256, "url": image_url(image.sha256) if there else None, **told}


def image_url(sha256: str) -> str:
    """Where the bytes of an image are."""
    return f"{PREFIX}/images/{sha256}"


def row_json(result: Result) -> dict[str, JSON]:
    """One request of a history."""
    images = images_json(result.images)
    return {**result.row_json(), "images": images, "tags": list(result.tags)}


def progress_json(
    result: Result,
    *,
    under_way: bool,
    language: Language,
    stopped: PisangError | None = None,
) -> dict[str, JSON]:
    """Where a generation stands. `stopped` is what ended it where its rows don't tell."""
    error = None if under_way or result.images else result.error or stopped
    return {
        "id": result.request_id,
        "state": result.state.value,
        "under_way": under_way,
        "created_at": iso_time(result.created_ms),
        "result": None if under_way or error else result_json(result, language),
        "error": error_json(error, language) if error else None,
    }


def language_of(visit: Visit) -> Language:
    """The language of sentences: Chinese where it is asked for first."""
    return "zh" if visit.headers.get("accept-language", "").lower().startswith("zh") else "en"
