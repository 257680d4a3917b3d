"""Fields that only one wire knows: kept apart when read, laid over the body again when written.

What is left of a body once the known fields are taken out has the body's own shape, so that the
two fit together again; a list's items are named by index (`{"contents": {"0": {…}}}`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pisang.domain.request import JSON, Request
from pisang.domain.warning import Warn


def overlay(base: JSON, extra: JSON) -> JSON:
    """`base` with `extra` laid over it; neither is changed.

    Objects merge key by key. An object whose keys are indexes merges into a list's items, and
    those beyond its end are left out. Anything else in `extra` replaces what was there.
    """
    if isinstance(base, dict) and isinstance(extra, Mapping):
        merged = dict(base)
        for key, value in extra.items():
            merged[key] = overlay(base[key], value) if key in base else value
        return merged
    if isinstance(base, list) and isinstance(extra, Mapping) and all(map(_is_index, extra)):
        return [overlay(item, extra.get(str(at), {})) for at, item in enumerate(base)]
    return base if isinstance(extra, Mapping) and not extra else extra


def _is_index(key: object) -> bool:
    return isinstance(key, str) and key.isascii() and key.isdigit()


def by_index(rests: Iterable[dict[str, JSON]]) -> dict[str, JSON]:
    """What is left of a list's items, the empty ones left out, as `overlay` lays them back."""
    return {str(at): rest for at, rest in enumerate(rests) if rest}


def unheard(request: Request, wire: str) -> tuple[Warn, ...]:
    """A warning for the fields that other wires left in the request and this one can't say."""
    foreign = {name: sorted(fields) for name, fields in request.extra.items() if name != wire}
    return tuple(
        Warn("field_dropped", f"The {wire} wire can't carry {', '.join(fields)} of {name}.")
        for name, fields in sorted(foreign.items())
        if fields
    )
