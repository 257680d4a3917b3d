"""Showing a picture with whatever the desktop shows pictures with."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from pisang.domain.warning import Warn


def open_picture(path: Path) -> tuple[Warn, ...]:
    """Open the picture, without waiting for the viewer; a warning where that can't be done."""
    name = "open" if sys.platform == "darwin" else "xdg-open"
    viewer = shutil.which(name)
    if sys.platform == "win32":
        import os

        os.startfile(path)  # noqa: S606 - a picture that we wrote
        return ()
    if viewer is None:
        return (Warn("not_opened", f"There is no `{name}` here to show {path} with."),)
    try:
        subprocess.Popen(  # noqa: S603 - the desktop's own opener
            [viewer, str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        return (Warn("not_opened", f"{path} could not be shown: {error.strerror}."),)
    return ()
