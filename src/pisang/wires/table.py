"""The table of wires, by the names that settings use."""

from __future__ import annotations

from collections.abc import Mapping

from pisang.errors import OptionInvalid
from pisang.wires.base import Wire
from pisang.wires.crawl import Crawl
from pisang.wires.gemini import Gemini
from pisang.wires.openai_chat import OpenAIChat
from pisang.wires.openai_images import OpenAIImages

_ALL: tuple[Wire, ...] = (Gemini(), Crawl(), OpenAIImages(), OpenAIChat())

WIRES: Mapping[str, Wire] = {each.name.replace("_", "-"): each for each in _ALL}
"""Every dialect that is spoken, in both roles. Wires have no state: one of each is enough."""


def wire(name: str) -> Wire:
    """The wire of that name, written with hyphens (settings) or underscores (`Wire.name`).

    `OptionInvalid` names those there are.
    """
    found = WIRES.get(name.replace("_", "-"))
    if found is None:
        raise OptionInvalid(option="wire", value=name, why=f"it is one of {', '.join(WIRES)}")
    return found
