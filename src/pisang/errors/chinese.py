"""English sentences into Chinese when they are said: one table, and templates with holes.

An entry is `"{} has {} bytes, not {}": "{} 的大小是 {} 字节，不是 {}"`. The key is the literal or
f-string as it stands in the source, every value a `{}`; the Chinese takes the values in that order,
or by number (`{1}`). A value that is a sentence itself is translated too. What no entry fits comes
out as it is. `tests/test_chinese.py` finds sentences without an entry.

The tables are loaded only when Chinese is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, reduce

HOLE = "{}"

_LONGEST = 1000
"""Characters of a text that is looked up: ours are shorter, and a foreign one costs time."""

_JOINTS = {" (": ("（", "）"), "; ": ("；", ""), ": ": ("：", ""), ". ": ("", "")}
"""How one sentence is put behind another: the English between, the Chinese, what closes it."""

_JOINT = re.compile("|".join(map(re.escape, _JOINTS)))


_WEIGHTY = 14
"""Characters of a template, besides its holes, that no foreign sentence has by chance."""

_WORDS = re.compile(r"[a-z]{2,} [a-z]{2,}")
_QUOTES = "'\"`"

_LISTED = re.compile(r"^( *\d+: )(.+)$", re.MULTILINE)
"""A line of a list of what is wrong, by number."""


class Phrases:
    """A table of sentences, looked up whole first, then as templates, the most literal first."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self._table = table
        self._found: dict[str, str | None] = {}
        self._templates = sorted(
            (_Template(key, said) for key, said in table.items() if HOLE in key),
            key=lambda one: -one.weight,
        )

    def say(self, text: str) -> str:
        """The Chinese of a sentence, or of each one of a list (`\\n  12: …`); what has none as it
        is."""
        if text.startswith("\n"):
            return _LISTED.sub(lambda line: line[1] + self.say(line[2]), text)
        return self.find(text) or text

    def name(self, text: str) -> str:
        """The Chinese of a name that may be a word of ours; nothing but the whole is looked up."""
        return self._table.get(text, text)

    def find(self, text: str) -> str | None:
        """The Chinese of a sentence, or of sentences joined; None where there is none."""
        if len(text) > _LONGEST:
            return None
        if text not in self._found:
            self._found[text] = self._look(text)
        return self._found[text]

    def _look(self, text: str) -> str | None:
        """Joined sentences before templates, whose holes would swallow the joint; last of all a
        sentence of ours in front of somebody else's words."""
        return (
            self._table.get(text)
            or self._joined(text, foreign=False)
            or self._filled(text)
            or self._unended(text)
            or self._joined(text, foreign=True)
        )

    def _one(self, text: str) -> str | None:
        return self._table.get(text) or self._filled(text)

    def _filled(self, text: str) -> str | None:
        for template in self._templates:
            values = template.values(text)
            if values is not None and (template.weight >= _WEIGHTY or all(map(self._fits, values))):
                return self._fill(template.said, values)
        return None

    def _fill(self, said: str, values: tuple[str, ...]) -> str:
        """A template's Chinese with its values, theirs in Chinese too."""
        spoken = [self.say(value) for value in values]
        turned = (now for now, then in zip(spoken, values, strict=True) if now != then)
        return reduce(close_up, turned, said.format(*spoken))

    def _fits(self, value: str) -> bool:
        """Whether a value may stand in a template of few words (`{} in {}`), which fits much that
        is no sentence of ours: what has words of its own must be known."""
        return not _WORDS.search(value) or value[0] in _QUOTES or self.find(value) is not None

    def _unended(self, text: str) -> str | None:
        """A sentence that lost its full stop to the one around it."""
        found = None if text.endswith(".") else self._one(f"{text}.")
        return found.removesuffix("。") if found else None

    def _joined(self, text: str, *, foreign: bool) -> str | None:
        """Sentences one behind another; where `foreign`, what follows the first may be no
        sentence of ours."""
        for head, mark, tail, close in _splits(text):
            first = self._one(head)
            rest = self.find(tail) if first else None
            if first and (rest or foreign):
                return f"{first}{mark}{rest or tail}{close}"
        return None


def _splits(text: str) -> Iterator[tuple[str, str, str, str]]:
    """Every way to read a text as a sentence, a mark, and what follows (and closes) it; the
    shortest sentence first."""
    for found in _JOINT.finditer(text):
        mark, close = _JOINTS[found[0]]
        if close and not text.endswith(")"):
            continue
        stop = "." if found[0] == ". " else ""
        yield text[: found.start()] + stop, mark, text[found.end() : -1 if close else None], close


class _Template:
    """One entry with holes; its pattern is made when a text may fit it."""

    __slots__ = ("_longest", "_pattern", "_pieces", "said", "weight")

    def __init__(self, key: str, said: str) -> None:
        self._pieces = key.split(HOLE)
        self._longest = max(self._pieces, key=len)
        self._pattern: re.Pattern[str] | None = None
        self.weight = sum(map(len, self._pieces))
        self.said = said

    def values(self, text: str) -> tuple[str, ...] | None:
        """What stands in the holes; None where the text is another."""
        if self._longest not in text or not text.startswith(self._pieces[0]):
            return None
        if self._pattern is None:
            self._pattern = re.compile("(.*?)".join(map(re.escape, self._pieces)), re.DOTALL)
        match = self._pattern.fullmatch(text)
        return match.groups() if match else None


_LEAVES: dict[str, str] = {}
"""What the leaves say, as entries: an error's whole sentence may stand in another sentence."""


def know_leaf(english: str, chinese: str) -> None:
    """Make an entry of the two templates of a leaf, whose holes have names."""
    names = re.findall(r"\{(\w+)", english)
    numbered = re.sub(r"\{(\w+)[^}]*\}", lambda hole: f"{{{names.index(hole[1])}}}", chinese)
    _LEAVES[re.sub(r"\{[^}]*\}", HOLE, english)] = numbered


@cache
def _ours() -> Phrases:
    from pisang.errors.phrases import TABLE

    return Phrases({**_LEAVES, **TABLE})


def in_chinese(text: str) -> str:
    """The Chinese of a sentence of ours; what is no sentence of ours comes out as it is."""
    return _ours().say(text)


def name_in_chinese(text: str) -> str:
    """The Chinese of a name that may be a word of ours (`standard output`)."""
    return _ours().name(text)


_CJK = "[\u3000-\u9fff\uff00-\uffef]"


def close_up(text: str, value: str) -> str:
    """The text without the blanks that a template keeps around a value, where Chinese now meets
    Chinese."""
    whole = re.escape(value)
    if re.match(_CJK, value[:1]):
        text = re.sub(f"(?<={_CJK}) (?={whole})", "", text)
    if re.match(_CJK, value[-1:]):
        text = re.sub(f"({whole}) (?={_CJK})", r"\1", text)
    return text
