"""Names for output files: a slug of the prompt, a template, and what no file system can trip over.

A name made here is one path component: no separator, no control or direction-changing character,
no lone surrogate, no leading dot or dash, no name that Windows reserves, at most `MAX_NAME_BYTES`
of UTF-8 (ext4, APFS and NTFS stop at 255 bytes or units; the rest is room for `-12.jpeg` and a
temporary suffix).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from string import Formatter

DEFAULT_TEMPLATE = "{date}_{time}_{slug}"
FIELDS = ("date", "time", "slug", "model")
MAX_SLUG_CHARACTERS = 40
MAX_NAME_BYTES = 200

# With or without extension: learn.microsoft.com/windows/win32/fileio/naming-a-file (2026-11).
_RESERVED = re.compile(r"^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)

_KEPT = frozenset(("Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl", "No", "Mn", "Mc"))
"""Unicode categories that stay in a slug: letters and numbers of every script, and their marks."""


def slug(text: str) -> str:
    """The prompt's own first words as a file name part; Chinese stays Chinese. Never empty."""
    normal = unicodedata.normalize("NFC", text)
    kept = "".join(c if unicodedata.category(c) in _KEPT else " " for c in normal)
    short = "-".join(kept.split())[:MAX_SLUG_CHARACTERS].strip("-")
    return short or "image"


def safe_name(name: str) -> str:
    """`name` as one harmless path component, never empty; doing it twice changes nothing more."""
    normal = unicodedata.normalize("NFC", name)
    plain = "".join("_" if _harmful(c) else c for c in normal)
    plain = _clip(plain.strip(" .").lstrip("-. ")).rstrip(" .")
    if _RESERVED.match(plain):
        plain = f"_{plain}"
    return plain or "image"


def render(template: str, *, at: datetime, prompt: str, model: str) -> str:
    """The template filled in, as a safe name without extension."""
    values: Mapping[str, str] = {
        "date": at.strftime("%Y%m%d"),
        "time": at.strftime("%H%M%S"),
        "slug": slug(prompt),
        "model": slug(model),
    }
    return safe_name(template.format_map(values))


def check_template(template: str) -> str:
    """The template itself; `ValueError` with a reason when it is not one."""
    try:
        pieces = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError("its braces don't match") from error
    for _text, field, spec, conversion in pieces:
        if field is not None and (field not in FIELDS or spec or conversion):
            raise ValueError(f"{{{field}}} is not a field; there are {_braced()}")
    if "/" in template or "\\" in template:
        raise ValueError("it names a file, not a folder: set the folder with `out`")
    return template


def _braced() -> str:
    return ", ".join(f"{{{name}}}" for name in FIELDS)


def _harmful(character: str) -> bool:
    return character in '/\\:*?"<>|' or unicodedata.category(character)[0] == "C"


def _clip(text: str) -> str:
    return text.encode()[:MAX_NAME_BYTES].decode(errors="ignore")
