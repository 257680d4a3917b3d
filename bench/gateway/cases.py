"""What is measured: the cases, as data."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bench.answers import SIZES


@dataclass(frozen=True, slots=True)
class Case:
    """Calls of one kind: how large a picture, how many at once, how long the upstream takes.

    With `calls` that many are made, in one go. Without, new ones are begun for `seconds`, and at
    least `least` (and one per caller). `beside`: while four others fetch 48 MB pictures.
    """

    name: str
    size: str
    at_once: int
    calls: int = 0
    seconds: float = 5.0
    least: int = 0
    delay_s: int = 0
    beside: bool = False
    rounds: int = 3
    only: tuple[str, ...] = ()

    @property
    def wanted(self) -> str:
        """What a prompt says to the upstream."""
        return f"picture-{self.size}" + (f"-after-{self.delay_s}s" if self.delay_s else "")

    @property
    def noise(self) -> int:
        return SIZES[self.size]

    def hurried(self) -> Case:
        """The same with few calls, for a first look."""
        calls, delay_s = self.calls // 5, self.delay_s // 5
        at_once = min(self.at_once, calls) if calls else self.at_once
        return replace(self, rounds=1, seconds=1.5, at_once=at_once, calls=calls, delay_s=delay_s)


CASES = {
    case.name: case
    for case in (
        Case("small-1", "8kb", 1),
        Case("small-16", "8kb", 16),
        Case("3mb-1", "3mb", 1),
        Case("3mb-16", "3mb", 16),
        Case("24mb-1", "24mb", 1),
        Case("24mb-8", "24mb", 8),
        Case("48mb-1", "48mb", 1),
        Case("48mb-8", "48mb", 8, seconds=8),
        Case("small-beside-48mb", "8kb", 1, least=5, beside=True),
        Case("wait-500", "8kb", 500, calls=500, delay_s=10, rounds=1),
        Case("wait-5000", "8kb", 5000, calls=5000, delay_s=20, rounds=1, only=("pisang",)),
    )
}
MODEL = "gemini-3-pro-image"
"""A model that all contenders know, with a price."""

BESIDE = Case("beside", "48mb", 4, seconds=600)
