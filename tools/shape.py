"""`make shape`: how long files and functions are, beside the best code of this field.

A mirror, not a fence: it prints, and fails nothing. The tail is where to look.
"""

from __future__ import annotations

from statistics import median

from tools.sources import functions, read_sources

# file median / p90 / max, function median / p90 / max; measured with `ast`, 2026-11.
ANCHORS = {
    "starlette 1.10": (147, 357, 772, 5, 25, 204),
    "httpcore 1.0.9": (143, 379, 592, 7, 28, 103),
    "h11 0.16": (153, 365, 659, 7, 38, 64),
    "our cap": (140, 350, 500, 8, 30, 60),
}


def share(values: list[int], part: float) -> int:
    """The value below which that part of the sorted values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def row(name: str, figures: tuple[int, ...]) -> str:
    return f"{name:<16}" + "".join(f"{figure:>9}" for figure in figures)


def main() -> None:
    """Print the table, then the files over 500 lines and the functions over 60."""
    sources = read_sources()
    tests = read_sources("tests")
    files = [source.lines for source in sources if source.lines > 1]
    sizes = [
        (lines, f"{source.path}:{first} {name}")
        for source in sources
        for name, first, lines in functions(source.tree)
    ]
    lengths = [lines for lines, _ in sizes]
    print(row("", ()) + "   file med     p90      max    fn med     p90      max")
    ours = (
        int(median(files)),
        share(files, 0.9),
        max(files),
        int(median(lengths)),
        share(lengths, 0.9),
        max(lengths),
    )
    print(row("pisang", ours))
    for name, figures in ANCHORS.items():
        print(row(name, figures))
    total = sum(files)
    tested = sum(source.lines for source in tests)
    print(f"\n{len(files)} files, {total} lines, {len(lengths)} functions;", end=" ")
    print(f"tests {tested} lines, {tested / total:.2f} of the code")
    for line in (f"{s.lines:>6} {s.path}" for s in sources if s.lines > 500):
        print("file over 500:   ", line)
    for lines, where in sorted(sizes, reverse=True):
        if lines > 60:
            print(f"function over 60:  {lines:>5} {where}")


if __name__ == "__main__":
    main()
