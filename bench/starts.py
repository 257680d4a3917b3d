"""Whole-process times of the command line: `--help`, and a sandbox picture at 1K and 4K."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.process import Run, run

ROUNDS = 7
PISANG = str(Path(sys.executable).parent / "pisang")

CASES = {
    "pisang --help": ["--help"],
    "generate 1K": ["generate", "a kite", "--via", "sandbox", "--image-size", "1K", "--force"],
    "generate 4K": ["generate", "a kite", "--via", "sandbox", "--image-size", "4K", "--force"],
}


def measure() -> Iterator[tuple[str, str, Run]]:
    """(case, "pisang", run) for each counted round, one warm-up before."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "PISANG_HOME": f"{folder}/home"}
        for case, words in CASES.items():
            out = [] if "--help" in words else ["--out", f"{folder}/out.jpg"]
            for turn in range(ROUNDS + 1):
                one = run([PISANG, *words, *out], env)
                assert one.exit_code == 0, one.output
                if turn:
                    yield case, "pisang", one
