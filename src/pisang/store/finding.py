"""What `pisang doctor` is told of one thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `code` is stable; `message` is one sentence."""

    code: str
    level: Level
    message: str
