"""Small pictures of images, made once and kept in the home; they may be deleted at any time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pisang.client.files import placing
from pisang.client.results import Picture
from pisang.errors import PisangError
from pisang.store.home import Home
from pisang.store.previews import Previews


def preview_of(image: Picture, home: Path) -> Path | None:
    """A JPEG of the image, no side over 1,024 pixels and never over 200 KB; None where it can't be
    made: the image itself is there all the same."""
    try:
        from pisang.pixels.convert import PREVIEW_BYTES, PREVIEW_PX

        path = Previews(Home(home)).path(image.sha256, PREVIEW_PX)
        return make_preview(path, lambda: image.path, PREVIEW_PX, PREVIEW_BYTES)
    except (PisangError, ImportError, OSError):
        return None


def make_preview(path: Path, original: Callable[[], Path], side_px: int, most_bytes: int) -> Path:
    """`path`, which is a JPEG of the original, no side and no size over those, made where it is not
    there yet. Raises `ReferenceUnreadable`, what `original` raises, and `OSError`."""
    from pisang.pixels.convert import preview

    if not path.exists():
        small = preview(original(), side_px, most_bytes)
        with placing(path, mode=0o600) as temporary:
            temporary.write_bytes(small)
    return path
