"""The project's Python sources, parsed: what the other tools look at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Source:
    """One module: its dotted name, its path under the root, its text and its tree."""

    module: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return self.text.count("\n")


def read_sources(folder: str = "src/pisang") -> list[Source]:
    """Every `.py` file below `folder`, in path order."""
    found = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        relative = path.relative_to(ROOT / folder).with_suffix("")
        parts = [Path(folder).name, *relative.parts]
        if parts[-1] == "__init__":
            parts.pop()
        module = ".".join(parts)
        found.append(Source(module, path.relative_to(ROOT), text, ast.parse(text)))
    return found


def functions(tree: ast.AST) -> Iterator[tuple[str, int, int]]:
    """(name, first line, number of lines) of every function, decorators included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            yield node.name, first, (node.end_lineno or first) - first + 1
