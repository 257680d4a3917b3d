"""The table of wires, by the names that settings use. Each is loaded when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from pisang.errors import OptionInvalid
from pisang.wires.base import Wire


def _gemini() -> Wire:
    from pisang.wires.gemini import Gemini

    return Gemini()


def _crawl() -> Wire:
    from pisang.wires.crawl import Crawl

    return Crawl()


def _openai_images() -> Wire:
    from pisang.wires.openai_images import OpenAIImages

    return OpenAIImages()


def _openai_chat() -> Wire:
    from pisang.wires.openai_chat import OpenAIChat

    return OpenAIChat()


WIRES: Mapping[str, Callable[[], Wire]] = {
    "gemini": _gemini,
    "crawl": _crawl,
    "openai-images": _openai_images,
    "openai-chat": _openai_chat,
}
"""Every dialect that is spoken, in both roles; `wire` gives the one instance of it.

A command speaks one of them, so the other three are not loaded (20 ms of its start).
"""


def wire(name: str) -> Wire:
    """The wire of that name, written with hyphens (settings) or underscores (`Wire.name`).

    Wires have no state: one of each is enough. `OptionInvalid` names those there are.
    """
    make = WIRES.get(name.replace("_", "-"))
    if make is None:
        raise OptionInvalid(option="wire", value=name, why=f"it is one of {', '.join(WIRES)}")
    return _one(make)


@cache
def _one(make: Callable[[], Wire]) -> Wire:
    return make()
