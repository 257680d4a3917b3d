"""The language a user reads: `PISANG_LANG`, else `language` of config.toml, else the locale."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pisang.errors import Language

_LANGUAGE = re.compile(r"""^[ \t]*language[ \t]*=[ \t]*["'](en|zh)["']""", re.MULTILINE)
_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)

_FILE = "config.toml"
"""`settings.HOME_FILE`, without what that module loads: a help page has 0.2 s."""

_MOST_BYTES = 65_536


def language_of(environ: Mapping[str, str], configured: str | None = None) -> Language:
    """`PISANG_LANG`, else what is configured, else Chinese under a Chinese locale, else English."""
    locale = environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG")
    said = environ.get("PISANG_LANG") or configured or locale or "en"
    return "zh" if said.lower().startswith("zh") else "en"


def spoken_language(environ: Mapping[str, str]) -> Language:
    """The language to speak before, or without, settings that can be read.

    The line is found without TOML's parser: a file that is wrong elsewhere says so in the language
    that it asks for, and help pages don't wait for it. Never raises.
    """
    return language_of(environ, None if environ.get("PISANG_LANG") else _configured(environ))


def _configured(environ: Mapping[str, str]) -> str | None:
    try:
        home = Path(environ.get("PISANG_HOME") or "~/.pisang").expanduser()
        with (home / _FILE).open("rb") as file:
            text = file.read(_MOST_BYTES).decode("utf-8", "replace")
    except (OSError, RuntimeError, ValueError):
        return None
    found = _LANGUAGE.search(_TABLE.split(text, 1)[0])
    return found[1] if found else None
