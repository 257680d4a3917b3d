"""IKunImage's `config.json`, read for what of it means something here.

Its own tool writes one field, `api_key`, and keeps whatever else stands there; address and model
stand in its source (github.com/deijing/IKunImage, `skills/ikunimage/scripts/generate_ikun.py`, read
22 November 2026). A `base_url` that somebody put in by hand is taken too: the key would otherwise
go to another host than the one it is for. Nothing else is guessed at.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pisang.client.addresses import clean_base_url
from pisang.client.schema import read_text
from pisang.domain.secret import Secret
from pisang.domain.warning import Warn
from pisang.errors import SettingsMalformed

PLACE = "~/.ikunimage/config.json"
"""Where IKunImage keeps it."""

TAKEN = ("api_key", "base_url")


@dataclass(frozen=True, slots=True)
class Found:
    """What was in the file. `left` are the names of fields that mean nothing here."""

    key: Secret | None
    base_url: str | None
    left: tuple[str, ...]
    notes: tuple[Warn, ...] = ()


def read_ikunimage(path: Path) -> Found:
    """What the file says. Raises `SettingsMalformed`, which repeats none of its values."""
    text = read_text(path)
    if text is None:
        raise _wrong(path, "there is no such file")
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise _wrong(path, "it is no JSON") from None
    if not isinstance(fields, dict):
        raise _wrong(path, "it holds no JSON object")
    values = {name: fields.get(name) for name in TAKEN}
    for name, value in values.items():
        if value is not None and not isinstance(value, str):
            raise _wrong(path, f"`{name}` is no text")
    base_url, notes = _address(path, str(values["base_url"] or ""))
    key = str(values["api_key"] or "").strip()
    left = tuple(name for name in fields if name not in TAKEN)
    return Found(Secret(key) if key else None, base_url, left, notes)


def _address(path: Path, written: str) -> tuple[str | None, tuple[Warn, ...]]:
    if not written.strip():
        return None, ()
    try:
        return clean_base_url(written)
    except ValueError as error:
        raise _wrong(path, f"`base_url`: {error}") from None


def _wrong(path: Path, why: str) -> SettingsMalformed:
    return SettingsMalformed(path=str(path), why=why)
