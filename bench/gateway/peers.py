"""The peers' programs, each in an environment of its own under `.venv-bench/`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / ".venv-bench"
PACKAGES = {"litellm": "litellm[proxy]"}


def binary(name: str) -> Path:
    """Its program, installed from PyPI when first wanted."""
    home = FOLDER / name
    program = home / "bin" / name
    if not program.exists():
        print(f"Setting up {name} in {home} (once, a minute or two)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        pip = [str(home / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "-q"]
        subprocess.run([*pip, "install", PACKAGES[name]], check=True)
    return program


def version(name: str) -> str:
    """What is installed."""
    words = f"import importlib.metadata as m; print(m.version({name!r}))"
    python = binary(name).with_name("python")
    return subprocess.run(
        [str(python), "-c", words], check=True, capture_output=True, text=True
    ).stdout.strip()
