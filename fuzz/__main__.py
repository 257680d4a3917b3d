"""Every target in turn: `python -m fuzz [SECONDS]` (20 each). Exit 1 when one found something."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from fuzz.targets import TARGETS

DEFAULT_SECONDS = 20
FOUND = Path("build/fuzz")


def main(arguments: list[str]) -> int:
    """Run all; print each name and whether it held. What was found is kept in build/fuzz."""
    if find_spec("atheris") is None:
        sys.exit("Fuzzing needs atheris: pip install atheris")
    FOUND.mkdir(parents=True, exist_ok=True)
    seconds = int(arguments[1]) if len(arguments) > 1 else DEFAULT_SECONDS
    found = [name for name in TARGETS if not holds(name, seconds)]
    print(f"{len(TARGETS)} targets, {seconds} s each; findings: {', '.join(found) or 'none'}")
    return 1 if found else 0


def holds(name: str, seconds: int) -> bool:
    """Fuzz one target in a process of its own, beginning from its seeds."""
    with tempfile.TemporaryDirectory(prefix="pisang-fuzz-") as corpus:
        for number, seed in enumerate(TARGETS[name].seeds):
            (Path(corpus) / f"seed-{number}").write_bytes(seed)
        limits = [f"-max_total_time={seconds}", "-max_len=4096", "-timeout=10", "-verbosity=0"]
        limits.append(f"-artifact_prefix={FOUND}/{name}-")
        done = subprocess.run([sys.executable, "-m", "fuzz.one", name, *limits, corpus])
    print(f"{'ok' if done.returncode == 0 else 'FOUND':>6}  {name}", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
