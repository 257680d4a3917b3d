"""What is written down when Pisang fails in a way it should not: where, never what.

A traceback's frames and the error's type say where the fault is; its message and its locals may
hold a prompt or a key, so they are left out.
"""

from __future__ import annotations

import os
import platform
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pisang.errors import PisangError

KEPT = 20
"""Older files than this many are removed."""


def write_crash(error: BaseException, environ: Mapping[str, str]) -> Path | None:
    """Write the file and give its path; None when even that can't be done."""
    from pisang import __version__
    from pisang.client.files import write_private
    from pisang.client.loading import home_folder
    from pisang.errors import PisangError

    try:
        folder = home_folder(environ) / "crash"
        path = folder / f"{time.strftime('%Y%m%d_%H%M%S')}_{time.time_ns() % 1_000_000:06}.txt"
        head = f"pisang {__version__}, Python {platform.python_version()}, {sys.platform}\n"
        write_private(path, head + _frames(error))
        for old in sorted(folder.glob("*.txt"))[:-KEPT]:
            old.unlink(missing_ok=True)
    except (OSError, PisangError):
        return None
    return path


def _frames(error: BaseException) -> str:
    """The chain of errors by type, each with its frames: file, line, function."""
    lines: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(lines) < 400:
        lines.append(f"{type(seen).__module__}.{type(seen).__qualname__}")
        for frame in traceback.extract_tb(seen.__traceback__):
            lines.append(f"  {frame.filename}:{frame.lineno} in {frame.name}")
        seen = seen.__cause__ or seen.__context__
    return "\n".join(lines) + "\n"


def unexpected(error: Exception) -> PisangError:
    """A fault of ours as an error that can be told: where it is written down, or its type."""
    from pisang.errors import Unexpected

    place = write_crash(error, os.environ)
    kind = type(error).__name__
    return Unexpected(what=f"{kind}, told in {place}" if place else kind)
