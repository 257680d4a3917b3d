"""The project's pages as values: their blocks with what is said about each, links and anchors.

What the tests of the docs need to know about a block stands in an HTML comment before it, which no
reader sees: `<!-- not run: it asks for a key -->`, `<!-- exit 7 -->`, `<!-- file: app.py -->`,
`<!-- given: photo.jpg -->`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.sources import ROOT

FRONT = ("README.md", "README.zh-CN.md")
"""The front doors; everything else that is run stands in `docs/`."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: the line (from 1) its text begins on, its language, text and notes."""

    page: str
    line: int
    language: str
    text: str
    notes: tuple[str, ...]

    def note(self, name: str) -> str | None:
        """What a note of that name says; "" for one that says no more; None without it."""
        for note in self.notes:
            if note == name or note.startswith((f"{name}:", f"{name} ")):
                return note[len(name) :].lstrip(": ")
        return None

    @property
    def place(self) -> str:
        """Where it stands, as an editor opens it."""
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a console block, and what the block shows of its output ("": nothing)."""

    line: str
    shown: str


def pages() -> list[str]:
    """Every page that is run and checked, by its path in the checkout."""
    docs = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
    return [*(name for name in FRONT if (ROOT / name).exists()), *docs]


def read(page: str) -> str:
    """The text of a page."""
    return (ROOT / page).read_text("utf-8")


_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*)\n(?P<text>.*?)^ *```$", re.M | re.S)
_NOTES = re.compile(r"(?:<!-- *[^>]*? *-->\s*)+\Z")
_NOTE = re.compile(r"<!-- *(.*?) *-->", re.S)


def blocks(page: str) -> Iterator[Block]:
    """The page's fenced blocks in order."""
    text = read(page)
    for found in _FENCE.finditer(text):
        before = _NOTES.search(text[: found.start()])
        notes = tuple(_NOTE.findall(before[0])) if before else ()
        line = text.count("\n", 0, found.start()) + 2
        yield Block(page, line, found["language"], found["text"], notes)


def commands(block: Block) -> Iterator[Command]:
    """The commands of a console block, each with the output shown under it."""
    line, shown, open_ = "", [], False
    for row in block.text.splitlines():
        if open_:
            line, open_ = line.removesuffix("\\") + row.strip(), row.endswith("\\")
        elif row.startswith("$ "):
            if line:
                yield Command(line, _trimmed(shown))
            line, shown, open_ = row[2:], [], row.endswith("\\")
        elif line:
            shown.append(row)
    if line:
        yield Command(line, _trimmed(shown))


def _trimmed(rows: list[str]) -> str:
    return "\n".join(rows).strip("\n")


_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.*?)(?: +#+)?$", re.M)


def prose(page: str) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", read(page))


def spans(page: str) -> list[str]:
    """What stands between single backticks in the page's prose."""
    return [found.strip("`") for found in _CODE.findall(prose(page))]


def links(page: str) -> list[str]:
    """The targets of the page's links."""
    return _LINK.findall(_CODE.sub("", prose(page)))


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page, and those that it names itself."""
    text = _FENCE.sub("", path.read_text("utf-8"))
    found: dict[str, int] = {}
    names = set(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    for heading in _HEADING.findall(text):
        name = _anchor(heading)
        names.add(f"{name}-{found[name]}" if name in found else name)
        found[name] = found.get(name, 0) + 1
    return names


def _anchor(heading: str) -> str:
    """github-slugger's rule: lower case, punctuation away, blanks to dashes."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")
