"""JSON values as others write them, read without trust: what has another type counts as absent."""

from __future__ import annotations

from pisang.domain.request import JSON

Rest = dict[str, JSON]
"""An object, or what is left of one once its known fields are taken out."""


def object_of(value: JSON) -> Rest:
    """A copy of the object; empty for anything else."""
    return dict(value) if isinstance(value, dict) else {}


def without_nulls(value: JSON) -> Rest:
    """A copy of the object without its nulls, which mean absent; empty for anything else."""
    return {key: item for key, item in object_of(value).items() if item is not None}


def list_of(value: JSON) -> list[JSON]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def objects_of(value: JSON) -> list[Rest]:
    """The objects in a list; none where it is no list."""
    return [item for item in list_of(value) if isinstance(item, dict)]


def word_of(value: JSON) -> str | None:
    """The value where it is a short string with something in it, else None."""
    return value if isinstance(value, str) and value else None
