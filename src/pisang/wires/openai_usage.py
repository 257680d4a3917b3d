"""Token counts in OpenAI's two spellings (openai-python 3.54.0: `images_response`,
`completion_usage`), against Google's.

OpenAI's output count includes the reasoning tokens and Google's does not, so they are taken out
and put in again; then both wires' totals add up the way their own clients expect.
"""

from __future__ import annotations

from dataclasses import dataclass

from pisang.domain.answer import Usage
from pisang.domain.request import JSON


@dataclass(frozen=True, slots=True)
class Names:
    """What a dialect calls its counts; the details are `<name>_details` beside each."""

    prompt: str
    output: str


IMAGES = Names("input_tokens", "output_tokens")
CHAT = Names("prompt_tokens", "completion_tokens")


def read_usage(value: JSON, names: Names) -> tuple[Usage | None, dict[str, JSON]]:
    """The counts, and whatever else stood beside them (`cost`, further details).

    None where it is no object or counts nothing.
    """
    if not isinstance(value, dict):
        return None, {}
    rest = {key: one for key, one in value.items() if one is not None}
    prompt = _count(rest.pop(names.prompt, None))
    output = _count(rest.pop(names.output, None))
    total = _count(rest.pop("total_tokens", None))
    image, thoughts = _pop_details(rest, f"{names.output}_details")
    if prompt is not None and rest.get(f"{names.prompt}_details") == _prompt_details(prompt):
        del rest[f"{names.prompt}_details"]
    if output is not None and thoughts is not None:
        output = max(0, output - thoughts)
    usage = Usage(prompt, output, image, thoughts, total)
    return (None if usage == Usage() else usage), rest


def write_usage(usage: Usage, rest: JSON, names: Names) -> dict[str, JSON]:
    """The usage object. Stock clients want the three counts as numbers: the unknown are 0."""
    others = dict(rest) if isinstance(rest, dict) else {}
    prompt, thoughts = usage.prompt_tokens or 0, usage.thoughts_tokens or 0
    output = (usage.output_tokens or 0) + thoughts
    total = usage.total_tokens if usage.total_tokens is not None else prompt + output
    details = others.pop(f"{names.output}_details", None)
    written: dict[str, JSON] = {
        names.prompt: prompt,
        names.output: output,
        "total_tokens": total,
        f"{names.prompt}_details": _prompt_details(usage.prompt_tokens),
        f"{names.output}_details": _output_details(usage, details),
        **others,
    }
    return {key: value for key, value in written.items() if value is not None}


def _prompt_details(prompt: int | None) -> dict[str, JSON] | None:
    """The split that says nothing new; clients of the images dialect rely on its being there."""
    return None if prompt is None else {"text_tokens": prompt, "image_tokens": 0}


def _output_details(usage: Usage, rest: JSON) -> dict[str, JSON] | None:
    details = dict(rest) if isinstance(rest, dict) else {}
    if usage.image_tokens is not None:
        details["image_tokens"] = usage.image_tokens
    if usage.thoughts_tokens is not None:
        details["reasoning_tokens"] = usage.thoughts_tokens
    return details or None


def _pop_details(rest: dict[str, JSON], name: str) -> tuple[int | None, int | None]:
    details = rest.pop(name, None)
    if not isinstance(details, dict):
        return None, None
    left = {key: one for key, one in details.items() if one is not None}
    image, thoughts = (
        _count(left.pop("image_tokens", None)),
        _count(left.pop("reasoning_tokens", None)),
    )
    if left:
        rest[name] = left
    return image, thoughts


def _count(value: JSON) -> int | None:
    """A token count: a whole number that is not negative. Anything else counts nothing."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
