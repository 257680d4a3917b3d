"""Words of the command line into values, without what Typer would load for it.

Typer 0.29 validates each word with pydantic: 0.11 s at the first option, a fifth of a small call.
The few types used here are read by hand instead. Where a later Typer asks differently, this is
not called and nothing but that time is lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

import typer


def _finite(word: str) -> float:
    value = float(word)
    if not math.isfinite(value):
        raise ValueError(word)
    return value


_READERS: dict[type, tuple[Callable[[str], Any], str]] = {
    bool: (bool, "true or false"),
    str: (str, "a text"),
    int: (int, "a whole number"),
    float: (_finite, "a number"),
    Path: (Path, "a path"),
}

_PROMPTS = frozenset({"prompt_option"})
"""Read by `wishes.check_prompt`, like the argument that they stand for."""

_FILES = frozenset({"references", "out"})
"""A file's name may hold bytes that are no text."""


class Reader:
    """Reads the words of one option or argument."""

    def __init__(self, kind: type, least: float | None, most: float | None) -> None:
        self._kind = kind
        self._least = least
        self._most = most

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value of what was typed (a tuple where it may be repeated). Raises `BadParameter`."""
        if param.multiple or param.nargs == -1:
            return tuple(self._one(word, param, ctx) for word in value or ())
        return None if value is None else self._one(value, param, ctx)

    def _one(self, word: Any, param: Any, ctx: Any) -> Any:
        if isinstance(word, self._kind) and self._kind not in (int, float):
            if isinstance(word, str) and param.param_type_name == "option":
                _check_text(word, param, ctx)
            return word
        if issubclass(self._kind, Enum):
            return self._choice(word, param, ctx)
        read, name = _READERS[self._kind]
        try:
            value = read(word)
        except ValueError:
            raise typer.BadParameter(f"{word!r} is not {name}.", ctx, param) from None
        self._check_range(value, param, ctx)
        return value

    def _choice(self, word: str, param: Any, ctx: Any) -> Any:
        values = [str(one.value) for one in self._kind]  # type: ignore[attr-defined]
        if word not in values:
            wanted = ", ".join(values)
            raise typer.BadParameter(f"{word!r} is not one of {wanted}.", ctx, param)
        return self._kind(word)

    def _check_range(self, value: Any, param: Any, ctx: Any) -> None:
        low = self._least is not None and value < self._least
        high = self._most is not None and value > self._most
        if low or high:
            span = f"in {self._least} to {self._most}" if self._most else f"{self._least} or more"
            raise typer.BadParameter(f"{value} is not {span}.", ctx, param)


def _check_text(word: str, param: Any, ctx: Any) -> None:
    """An option given without a value is a variable that was not set, not a wish for the default:
    `--max-cost "$CAP"` must not lift the cap."""
    if param.name in _PROMPTS:
        return
    if not word.strip():
        raise typer.BadParameter("it is empty: give a value, or leave it out.", ctx, param)
    if param.name not in _FILES and any("\ud800" <= c <= "\udfff" for c in word):
        raise typer.BadParameter("it is not valid UTF-8 text.", ctx, param)


def lighten(params: list[Any]) -> list[Any]:
    """The same options and arguments, read by `Reader` where their type is one of ours."""
    for param in params:
        descriptor: Any = getattr(param, "type_descriptor", None)
        kind = _kind(getattr(descriptor, "annotation", None))
        if kind is not None:
            info = descriptor.parameter_info
            reader = Reader(kind, info.min, info.max)
            param.get_runtime_param = lambda reader=reader: reader
    return params


def _kind(annotation: Any) -> type | None:
    """The type of one word; None for a type that is not read here."""
    if get_origin(annotation) is list:
        annotation = get_args(annotation)[0]
    if isinstance(annotation, type) and (annotation in _READERS or issubclass(annotation, Enum)):
        return annotation
    return None
