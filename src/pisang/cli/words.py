"""What the command line says of states, money and warnings, in its user's language.

Ids, codes and amounts stay as they are: only what is read, not what is matched, is translated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pisang.client.results import Cost
    from pisang.domain.attempt import Charged, State
    from pisang.domain.warning import Warn
    from pisang.errors import Language

STATES_ZH: Mapping[str, str] = {
    "planned": "待发送",
    "sent": "进行中",
    "done": "完成",
    "refused": "被拒绝",
    "failed": "失败",
    "unknown": "结果未知",
    "written_off": "已核销",
    "rebought": "已重购",
}

_CHARGED: Mapping[str, tuple[str, str]] = {
    "no": ("not charged", "未扣费"),
    "yes": ("charged", "已扣费"),
    "unknown": ("perhaps charged", "是否扣费未知"),
}

_AMOUNTS_ZH = {
    "(at stake)": "（待确认）",
    "(play money)": "（模拟金额）",
    "an unknown amount": "金额未知",
    "unknown": "未知",
    "free": "免费",
}


def say_warning(warning: Warn, language: Language) -> str:
    """A warning's sentence, with its facts; one that only another version knew stays English."""
    return say_sentence(warning.message, language)


def say_sentence(sentence: str, language: Language) -> str:
    """A sentence of ours that was written in English, in that language."""
    if language == "en":
        return sentence
    from pisang.errors.chinese import in_chinese

    return in_chinese(sentence)


def say_state(state: State, language: Language) -> str:
    """A state as a word; the code itself in English."""
    return STATES_ZH[state.value] if language == "zh" else state.value


def say_charged(charged: Charged, language: Language) -> str:
    """Whether money moved."""
    return _CHARGED[charged.value][language == "zh"]


def say_amount(amount: Cost | str, language: Language) -> str:
    """An amount as money's own words have it (`0.134 USD`, `free`, `0.067 USD (play money)`)."""
    text = str(amount)
    if language == "zh":
        for english, chinese in _AMOUNTS_ZH.items():
            text = text.replace(f" {english}" if english.startswith("(") else english, chinese)
    return text
