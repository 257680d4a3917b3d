"""One target under atheris: `python -m fuzz.one NAME [libFuzzer options] [corpus folder]`.

Runs until it finds something or is told to stop (`-max_total_time=60`). Needs atheris, which is
in the `fuzz` extra.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["pisang", "python_multipart"]):
    from fuzz.targets import TARGETS


def main(arguments: list[str]) -> None:
    """Fuzz the named target; leaves the process when done."""
    name = arguments[1] if len(arguments) > 1 else ""
    if name not in TARGETS:
        sys.exit(f"usage: python -m fuzz.one NAME\n\nNAME is one of: {', '.join(TARGETS)}")
    atheris.Setup([arguments[0], *arguments[2:]], TARGETS[name].run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
