"""What `show --compare` says: the facts in which two requests differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pisang.cli.screen import Screen
from pisang.cli.table import align, clip, columns_of
from pisang.cli.words import say_amount, say_state

if TYPE_CHECKING:
    from pisang.client.results import Picture, Result


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact that two requests don't share: its name in scripts and in both languages."""

    name: str
    en: str
    zh: str
    first: str
    second: str


def differences(first: Result, second: Result, screen: Screen) -> tuple[Difference, ...]:
    """The facts in which the requests, or their first images, differ; in a fixed order."""
    found = (
        Difference(name, en, zh, read(first, screen), read(second, screen))
        for name, en, zh, read in _FACTS
    )
    return tuple(one for one in found if one.first != one.second)


def difference_json(one: Difference) -> dict[str, Any]:
    """One difference for scripts."""
    return {"fact": one.name, "first": one.first, "second": one.second}


def tell_differences(found: tuple[Difference, ...], screen: Screen) -> None:
    """The differences as a table, no wider than the terminal."""
    if not found:
        screen.line(screen.pick("They differ in nothing that is known.", "已知信息完全相同。"))
        return
    room = max(12, (columns_of() - 16) // 2)
    rows = [
        (screen.pick(one.en, one.zh), clip(one.first, room) or "—", clip(one.second, room) or "—")
        for one in found
    ]
    for line in align(rows):
        screen.line(line)


def _image(read: Callable[[Picture], str]) -> Callable[[Result, Screen], str]:
    """A fact of the first image; nothing where there is none."""
    return lambda result, _screen: read(result.finals[0]) if result.finals else ""


def _took(result: Result, _screen: Screen) -> str:
    times = [
        row.ended_ms - row.sent_ms
        for row in result.attempts
        if row.sent_ms is not None and row.ended_ms is not None
    ]
    return f"{max(times) / 1000:.1f} s" if times else ""


_FACTS: tuple[tuple[str, str, str, Callable[[Result, Screen], str]], ...] = (
    ("request_id", "request", "请求", lambda one, _: one.request_id),
    ("prompt", "prompt", "提示词", lambda one, _: one.prompt),
    ("model", "model", "模型", lambda one, _: one.model),
    ("upstream", "upstream", "上游", lambda one, _: one.upstream),
    ("state", "state", "状态", lambda one, screen: say_state(one.state, screen.language)),
    ("aspect_ratio", "ratio", "比例", _image(lambda one: one.requested.get("aspect_ratio") or "")),
    ("image_size", "size", "尺寸", _image(lambda one: one.requested.get("image_size") or "")),
    ("pixels", "pixels", "像素", _image(lambda one: f"{one.width}×{one.height}")),
    ("mime", "type", "类型", _image(lambda one: one.mime)),
    ("bytes", "bytes", "字节", _image(lambda one: f"{one.size:,}")),
    ("sha256", "SHA-256", "SHA-256", _image(lambda one: one.sha256[:12])),
    ("parent", "made from", "来自", _image(lambda one: (one.parent or "")[:12])),
    ("cost", "cost", "费用", lambda one, screen: say_amount(one.cost, screen.language)),
    ("took", "took", "用时", _took),
    ("tags", "tags", "标签", lambda one, _: ", ".join(one.tags)),
)
"""What is compared: a fact's name in scripts, in English, in Chinese, and how it is read."""
