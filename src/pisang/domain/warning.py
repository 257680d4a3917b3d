"""A warning: a stable code and a sentence. It travels with the result to every face."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Warn:
    """Something the user should know about a result that is otherwise fine.

    `code` is stable (`size_mismatch`, `ratio_mismatch`, `sandbox`, …); `message` is one sentence.
    """

    code: str
    message: str
