"""The studio's own words, in either language, by their names."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path

STATIC = Path(str(files("pisang.studio") / "static"))


@cache
def table(language: str) -> dict[str, str]:
    """Every sentence of a language by its name, as the source has it."""
    text = (STATIC / f"i18n/{language}.js").read_text()
    return dict(re.findall(r"^  '([^']+)': '(.+)',$", text, re.MULTILINE))


def say(language: str, name: str, /, **holes: object) -> str:
    """What the pages say, as `t` of `i18n/index.js` makes it."""
    one, _, many = table(language)[name].partition("|")
    sentence = one if str(holes.get("count")) == "1" or not many else many
    return re.sub(r"\{(\w+)\}", lambda hole: str(holes[hole[1]]), sentence)
