"""A `pisang` process that a fault can be aimed at: all its modules are loaded before it begins.

`python -m tests.crash.warm HOME WORDS…` runs a command once on a home of its own, says `ready`,
waits for a line on standard input, and then runs the words on HOME, as `pisang` does. What fails
after that line is the road's own work, not the interpreter's start.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from pisang.cli.entry import main, run

JSON = "--format", "json"


def warm_up(home: Path) -> None:
    """The same road on another home, with the same settings; free of charge."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(home / "config.toml", folder)
        os.environ["PISANG_HOME"] = folder
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()) as said:
            words = ["generate", "[[sandbox charge=no]] warm", "--out", f"{folder}/out/", *JSON]
            codes = [run(words), run(["unknown", "list", *JSON]), run(["no-such-command", *JSON])]
        assert codes == [0, 0, 2], f"the warm-up ended with {codes}: {said.getvalue()}"


if __name__ == "__main__":
    here, words = Path(sys.argv[1]), sys.argv[2:]
    warm_up(here)
    os.environ["PISANG_HOME"] = str(here)
    sys.stderr.write("ready\n")
    sys.stderr.flush()
    sys.stdin.readline()
    main(words)
