"""Small pictures of images, made once and kept in the home; they may be deleted at any time."""

from __future__ import annotations

from pathlib import Path

from pisang.client.files import placing
from pisang.client.results import Picture
from pisang.errors import PisangError


def preview_of(image: Picture, home: Path) -> Path | None:
    """A JPEG of the image, no side over 1,024 pixels and never over 200 KB; None where it can't be
    made: the image itself is there all the same."""
    from pisang.pixels.convert import PREVIEW_PX, preview

    path = home / "previews" / f"{image.sha256}-{PREVIEW_PX}.jpg"
    try:
        if not path.exists():
            small = preview(image.path)
            with placing(path) as temporary:
                temporary.write_bytes(small)
    except (PisangError, ImportError, OSError):
        return None
    return path
