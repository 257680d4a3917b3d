"""Derived images: another format, an exact size, a preview. The original is never touched.

A derived image is a new file. It is upright, keeps its colour profile, and carries nothing else
over: EXIF, XMP, IPTC and C2PA speak of the bytes that were received, so they stay with those. Of
an animated picture the first frame is taken. Files appear whole or not at all; what was at
`path_out` is replaced, so ask first.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from pisang.domain.image import ResizeMode
from pisang.errors import OutputUnwritable
from pisang.pixels.child import WRITES, Task
from pisang.pixels.limited import WALL_S, Derived, run

QUALITY = 92
PREVIEW_PX = 1024
PREVIEW_BYTES = 200_000


def convert(
    path_in: Path, mime_out: str, path_out: Path, quality: int = QUALITY, max_bytes: int = 0
) -> Derived:
    """The same pixels as PNG, JPEG, WebP or AVIF. Transparency becomes white in a JPEG. With
    `max_bytes` no larger than that, at a lower quality where it takes one.

    Raises `ReferenceUnreadable` or `OutputUnwritable`, also for what can't be made so small.
    """
    task = Task("convert", (), (), mime_out, quality=quality, max_bytes=max_bytes)
    return _derive(task, path_in, path_out)


def fit_exact(path_in: Path, mime_out: str, path_out: Path, width: int, height: int) -> Derived:
    """Exactly `width` × `height` pixels: scaled to cover that, its excess cut evenly.

    What `--fit exact` does to a picture that came a little off its ratio (2752×1536 for 16:9).
    """
    return resize(path_in, mime_out, path_out, width, height, "cover")


def resize(
    path_in: Path,
    mime_out: str,
    path_out: Path,
    width: int,
    height: int,
    mode: ResizeMode,
    max_bytes: int = 0,
) -> Derived:
    """Another size. `cover` fills `width` × `height` and cuts what is over; `contain` fits inside
    it and keeps the whole picture, so one side may be shorter; `pad` is `contain` with a border
    (white, or clear where the picture has alpha) up to exactly that size. `max_bytes` as `convert`
    has it.

    Raises `ReferenceUnreadable` or `OutputUnwritable`.
    """
    task = Task(
        "resize", (), (), mime_out, width, height, mode, quality=QUALITY, max_bytes=max_bytes
    )
    return _derive(task, path_in, path_out)


def preview(path: Path, max_px: int = PREVIEW_PX, max_bytes: int = PREVIEW_BYTES) -> bytes:
    """A JPEG of it, no side over `max_px` and never over `max_bytes`; sRGB, on white.

    Also of a picture that was cut off, as far as it goes. Raises `ReferenceUnreadable`.
    """
    with tempfile.TemporaryDirectory(prefix="pisang-") as folder:
        target = Path(folder, "preview.jpg")
        run(Task("preview", (str(path),), (str(target),), width=max_px, max_bytes=max_bytes))
        return target.read_bytes()


def rgb(paths: Sequence[Path], width: int, height: int, wall_s: float = WALL_S) -> list[bytes]:
    """The bare pixels of pictures, each cut to cover `width` × `height`: 3 bytes each, row by row.

    Raises `ReferenceUnreadable`, also where it takes more than `wall_s` seconds.
    """
    with tempfile.TemporaryDirectory(prefix="pisang-") as folder:
        targets = tuple(str(Path(folder, str(place))) for place in range(len(paths)))
        task = Task("raw", tuple(map(str, paths)), targets, width=width, height=height)
        run(task, wall_s=wall_s)
        return [Path(target).read_bytes() for target in targets]


def _derive(task: Task, path_in: Path, path_out: Path) -> Derived:
    if task.mime not in WRITES:
        kinds = ", ".join(mime.removeprefix("image/").upper() for mime in WRITES)
        raise OutputUnwritable(path=path_out, why=f"only {kinds} can be written, not {task.mime}")
    with _in_place(path_out) as target:
        task = replace(task, sources=(str(path_in),), targets=(target,))
        (derived,) = run(task, output=str(path_out))
    return derived


@contextmanager
def _in_place(path_out: Path) -> Iterator[str]:
    """A file beside `path_out`, moved onto it at the end, gone where that fails."""
    try:
        handle, name = tempfile.mkstemp(dir=path_out.parent, prefix=".pisang-")
        os.close(handle)
    except OSError as error:
        raise OutputUnwritable(path=path_out, why=_reason(error)) from error
    try:
        yield name
        _settle(name, path_out)
    finally:
        with suppress(OSError):  # gone already; or the disk keeps it
            Path(name).unlink()


def _settle(name: str, path_out: Path) -> None:
    try:
        Path(name).chmod(0o666 & ~_umask())
        with open(name, "rb") as file:
            os.fsync(file.fileno())
        os.replace(name, path_out)
    except OSError as error:
        raise OutputUnwritable(path=path_out, why=_reason(error)) from error


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
