"""The root of the tree: what every error knows, and how it is said in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import reduce
from string import Formatter
from typing import Any, ClassVar, Literal

from pisang.errors.chinese import close_up, in_chinese, know_leaf, name_in_chinese

Language = Literal["en", "zh"]

WHOLE = "{what}"
"""The template of a branch whose raiser says all of it."""


class Retry(StrEnum):
    """May this be tried again?"""

    NEVER = "never"  # the same request will fail the same way
    SAME = "same"  # at once, as it is: it is known that nothing happened
    LATER = "later"  # after a delay
    ELSEWHERE = "elsewhere"  # another upstream may do it


class Charged(StrEnum):
    """Did money move?"""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"


class PisangError(Exception):
    """The root. Never raised itself: raise a leaf, with the fields its sentence names.

    `at_stake` is an amount already in words (`0.134 USD`); `upstream_message` is the upstream's
    own sentence; `hint` is the exact next command, where the place that raises knows a better one
    than the leaf (`next_step`). Fields hold English: it is turned into Chinese when it is said, so
    an error that the ledger keeps can be told in either language later.
    """

    code: ClassVar[str] = "error"
    retry: Retry = Retry.NEVER
    charged: Charged = Charged.NO
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    en: ClassVar[str] = "Something failed."
    zh: ClassVar[str] = "出错了。"
    step: ClassVar[str] = ""
    """The next command, over the error's fields and its `request_id`; empty where there is none."""

    def __init_subclass__(cls) -> None:
        if cls.en != WHOLE:
            know_leaf(cls.en, cls.zh)

    def __init__(
        self,
        *,
        charged: Charged | None = None,
        retry: Retry | None = None,
        at_stake: str | None = None,
        request_id: str | None = None,
        upstream_message: str | None = None,
        upstream_request_id: str | None = None,
        retry_after_s: float | None = None,
        hint: str | None = None,
        **fields: Any,
    ) -> None:
        if charged is not None:
            self.charged = charged
        if retry is not None:
            self.retry = retry
        self.at_stake = at_stake
        self.request_id = request_id
        self.upstream_message = upstream_message
        self.upstream_request_id = upstream_request_id
        self.retry_after_s = retry_after_s
        self.hint = hint
        self.fields = fields
        super().__init__(self.message())

    def __reduce__(self) -> tuple[Any, ...]:
        """So that it can go to another process, which `Exception` alone can't: no arguments."""
        own = {name: getattr(self, name) for name in _OWN}
        return _again, (type(self), {**own, **self.fields})

    def message(self, language: Language = "en") -> str:
        """The sentence in that language, with the upstream's own words behind it where given."""
        chinese = language == "zh"
        fields = {**self.fields, "at_stake": self.at_stake or UNKNOWN_AMOUNT}
        text = _in_chinese(self.zh, fields) if chinese else _fill(self.en, fields)
        if self.retry_after_s:
            seconds = f"{self.retry_after_s:.0f}"
            wait = f"请等待 {seconds} 秒。" if chinese else f" It asks to wait {seconds} s."
            text = f"{text}{wait}"
        if self.upstream_message:
            said = "上游：" if chinese else " Upstream: "
            text = f"{text}{said}{self.upstream_message}"
        return text

    def next_step(self) -> str | None:
        """The exact next command: `hint`, else the leaf's own where all that it names is known."""
        if self.hint or not self.step:
            return self.hint
        known = {**self.fields, "request_id": self.request_id}
        named = {name for _text, name, _spec, _how in Formatter().parse(self.step) if name}
        if not all(known.get(name) for name in named):
            return None
        from shlex import quote

        return self.step.format(**{name: quote(str(known[name])) for name in named})

    def __str__(self) -> str:
        return self.message()


_OWN = (
    "charged", "retry", "at_stake", "request_id", "upstream_message", "upstream_request_id",
    "retry_after_s", "hint",
)  # fmt: skip


def _again(leaf: type[PisangError], told: Mapping[str, Any]) -> PisangError:
    return leaf(**told)


UNKNOWN_AMOUNT = "an unknown amount"

_SHOWN = 240
"""Characters of a value that a sentence repeats: a path mostly, a pasted text by mistake."""

_SENTENCES = frozenset({"rows", "what", "why", "choices", "reason", "feature", "at_stake", "price"})
"""Fields with words of our own."""

_NAMES = frozenset({"path", "option", "reference"})
"""Fields with a name, which now and then is a word of our own (`standard output`)."""


def _fill(template: str, fields: Mapping[str, Any]) -> str:
    return _Lenient().vformat(template, (), fields)


def _in_chinese(template: str, fields: Mapping[str, Any]) -> str:
    """The sentence with its values in Chinese, and no blank where one of them meets Chinese."""
    said = dict(fields)
    for name, value in fields.items():
        if isinstance(value, str) and name in _SENTENCES | _NAMES:
            said[name] = in_chinese(value) if name in _SENTENCES else name_in_chinese(value)
    text = _fill(template, said)
    changed = (value for name, value in said.items() if value != fields[name])
    return reduce(close_up, changed, text)


class _Lenient(Formatter):
    """`str.format` that never fails on a field that was not given: an error must come out."""

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> Any:
        value = kwargs.get(str(key), "?")
        if isinstance(value, str) and len(value) > _SHOWN and key not in _SENTENCES:
            return f"{value[: _SHOWN // 2]}…{value[-_SHOWN // 4 :]}"
        return value
