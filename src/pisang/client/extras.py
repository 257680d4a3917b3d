"""`--set k=v`: fields that only one wire knows, laid over its body.

A dotted key is a path into the wire's own body (`generationConfig.seed=7`); a few short words stand
for what is asked for most. A value is JSON where it reads as JSON, else a text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from pisang.domain.request import JSON
from pisang.errors import OptionInvalid, WireError
from pisang.wires.strictjson import dumps

MAX_VALUE = 16 * 1024
"""No field is a picture."""

SHORT: Mapping[str, Mapping[str, str]] = {
    "gemini": {
        "thinking_level": "generationConfig.thinkingConfig.thinkingLevel",
        "include_thoughts": "generationConfig.thinkingConfig.includeThoughts",
        "seed": "generationConfig.seed",
        "temperature": "generationConfig.temperature",
        "top_p": "generationConfig.topP",
        "search": "tools",
    },
}
"""Short words by wire; wires that are not here take their own field names as they are."""

_SEARCH: JSON = [{"google_search": {}}]


def parse_assignments(words: Iterable[str], wire: str) -> dict[str, JSON]:
    """The body fields in `k=v` words, in the shape of that wire's body. Raises `OptionInvalid`."""
    body: dict[str, JSON] = {}
    for word in words:
        name, sign, text = word.partition("=")
        if not sign or not name.strip(". "):
            raise OptionInvalid(option="--set", value=word, why="write it as name=value")
        if len(text) > MAX_VALUE:
            raise OptionInvalid(option="--set", value=f"{name}=…", why="the value is over 16 KiB")
        if not all(name.strip().split(".")):
            why = "a part of the name is empty: write it as a.b=value"
            raise OptionInvalid(option="--set", value=word, why=why)
        lay(body, name.strip(), _value(text), wire)
        _check_sendable(body, f"{name[:40]}=…")
    return body


def _check_sendable(body: dict[str, JSON], shown: str) -> None:
    try:
        dumps(body)
    except WireError as error:
        why = str(error.fields["why"])
        raise OptionInvalid(option="--set", value=shown, why=why) from None


def lay(body: dict[str, JSON], name: str, value: JSON, wire: str) -> None:
    """Put one named value into a body of that wire's shape."""
    path = SHORT.get(wire, {}).get(name, name)
    if path == "tools" and name == "search":
        if value is True:
            body["tools"] = _SEARCH
        return
    *folders, leaf = path.split(".")
    place = body
    for folder in folders:
        place = place.setdefault(folder, {})
        if not isinstance(place, dict):
            raise OptionInvalid(option="--set", value=name, why=f"{folder} is a value already")
    place[leaf] = value


def _value(text: str) -> JSON:
    try:
        value: JSON = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text
    return value


def _refuse(constant: str) -> JSON:
    """`NaN` and `Infinity` are no JSON: they stay texts."""
    raise ValueError(constant)
