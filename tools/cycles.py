"""Part of `make check`: no module imports itself by any road, imports inside functions included.

import-linter sees layers; this sees the knots inside one layer. Imports under `TYPE_CHECKING`
count too: a knot that only the type checker walks is a knot for the reader.
"""

from __future__ import annotations

import ast
import sys
from graphlib import CycleError, TopologicalSorter

from tools.sources import Source, read_sources


def imports(source: Source, known: set[str]) -> set[str]:
    """The project's modules that this one imports anywhere in its text."""
    found: set[str] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve(source, node)
            for alias in node.names:
                deeper = f"{base}.{alias.name}"
                found.add(deeper if deeper in known else base)
    return (found & known) - {source.module}


def resolve(source: Source, node: ast.ImportFrom) -> str:
    """The absolute name of what `from … import` names."""
    if not node.level:
        return node.module or ""
    parts = source.module.split(".")
    up = node.level - (1 if source.path.name == "__init__.py" else 0)
    base = parts[: len(parts) - up] if up else parts
    return ".".join([*base, *([node.module] if node.module else [])])


def main() -> int:
    """0 and one line when there is no cycle; 1 and the cycle otherwise."""
    sources = read_sources()
    known = {source.module for source in sources}
    graph = {source.module: imports(source, known) for source in sources}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        print("import cycle: " + " -> ".join(error.args[1]), file=sys.stderr)
        return 1
    print(f"no import cycle in {len(graph)} modules")
    return 0


if __name__ == "__main__":
    sys.exit(main())
