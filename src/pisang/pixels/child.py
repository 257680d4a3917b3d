"""The child process that decodes foreign bytes: `python -m pisang.pixels.child`, task on stdin.

It reads one task as JSON from standard input, gives itself limits, does the task, and says on
standard output what came of it: `{"images": [[width, height, bytes], …]}`, or
`{"fault": "source" | "target", "index": i, "why": sentence}`. Any other end (a signal, a Python
error, silence) means that the decoder crashed or ran over a limit. The parent is `limited.py`.
It imports nothing of the project, so that it starts fast and has nothing to lose.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

MEMORY_BYTES = 1536 * 1024 * 1024
CPU_S = 90
FILE_BYTES = 1024 * 1024 * 1024
PIXEL_CAP = 200_000_000
LOADERS = ("Png", "Jpeg", "Webp", "Nsgif", "Heif")
"""libvips' loaders that foreign bytes may reach: `Heif` reads HEIF and AVIF."""

Image = Any
"""A `pyvips.Image`: the library ships no types, and is imported only under limits."""


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work. `sources[i]` becomes `targets[i]`.

    `op`: `convert` (same pixels, another format), `resize` (to `width` × `height` by `mode`, a
    `domain.image.ResizeMode`), both at most `max_bytes` where that is not 0, with as little less
    than `quality` as that takes,
    `preview` (no side over `width`, and at most `max_bytes`), `raw` (covers `width` × `height`,
    bare RGB bytes).
    """

    op: Literal["convert", "resize", "preview", "raw"]
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    mime: str = "image/jpeg"
    width: int = 0
    height: int = 0
    mode: str = "cover"
    quality: int = 92
    max_bytes: int = 0

    def dump(self) -> bytes:
        """The task as JSON."""
        return json.dumps(asdict(self)).encode()


class Fault(Exception):
    """A task that can't be done, with the sentence to say. `side` is `source` or `target`."""

    def __init__(self, side: str, why: str) -> None:
        super().__init__(why)
        self.side = side
        self.why = why


def main() -> int:
    """Do the task on standard input; 0 when an answer was given, also when it is a fault."""
    fields = json.loads(sys.stdin.buffer.read())
    task = Task(
        **{**fields, "sources": tuple(fields["sources"]), "targets": tuple(fields["targets"])}
    )
    _limit()
    _allow_loaders()
    images: list[tuple[int, int, int]] = []
    for index, (source, target) in enumerate(zip(task.sources, task.targets, strict=True)):
        try:
            images.append(_OPS[task.op](source, target, task))
        except Fault as fault:
            _say({"fault": fault.side, "index": index, "why": fault.why})
            return 0
    _say({"images": images})
    return 0


def _say(answer: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(answer))


# --- limits ------------------------------------------------------------------------------------


def _limit() -> None:
    """Memory, processor time, file size; and no network, where the kernel lets us say so."""
    with contextlib.suppress(ImportError):
        import resource

        for kind, most in (
            (resource.RLIMIT_AS, MEMORY_BYTES),
            (resource.RLIMIT_CPU, CPU_S),
            (resource.RLIMIT_FSIZE, FILE_BYTES),
            (resource.RLIMIT_CORE, 0),
        ):
            with contextlib.suppress(ValueError, OSError):  # macOS knows no RLIMIT_AS
                resource.setrlimit(kind, (most, most))
    if sys.platform == "linux":
        _leave_network()


def _leave_network() -> None:
    """A network namespace of our own, with nothing in it. Best effort: many kernels forbid it."""
    new_user, new_net = 0x10000000, 0x40000000
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(new_net) != 0:
            libc.unshare(new_user | new_net)


def _allow_loaders() -> None:
    """Block every loader of libvips, then allow the few."""
    import pyvips

    pyvips.operation_block_set("VipsForeignLoad", True)
    for name in LOADERS:
        pyvips.operation_block_set(f"VipsForeignLoad{name}", False)
    pyvips.cache_set_max(0)


# --- reading -----------------------------------------------------------------------------------


def _open(source: str, *, whole: bool = True) -> Image:
    """The picture, first page only, not yet decoded. `whole`: a cut one will be a fault."""
    import pyvips

    fail_on = "truncated" if whole else "none"
    try:
        image = pyvips.Image.new_from_file(source, access="sequential", fail_on=fail_on)
    except pyvips.Error as error:
        raise Fault("source", _why_unreadable(source, str(error))) from error
    _check_pixels(image)
    return image


def _check_pixels(image: Image) -> None:
    if image.width * image.height > PIXEL_CAP:
        size, most = f"{image.width}×{image.height}", PIXEL_CAP // 1_000_000
        raise Fault("source", f"it is {size} pixels, more than {most} million")


def _why_unreadable(source: str, said: str) -> str:
    if not os.path.exists(source):
        return "there is no such file"
    if os.path.isdir(source):
        return "it is a folder"
    if os.path.getsize(source) == 0:
        return "it is empty"
    if "known file format" in said or "is not a known" in said or "blocked" in said:
        return "it is not a PNG, JPEG, WebP, GIF, AVIF or HEIF picture"
    return _why_undecodable(said)


def _first_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines()]
    lines = [line for line in lines if line and not line.startswith("unable to call")]
    return (lines[0] if lines else "nothing")[:160]


# --- the work ----------------------------------------------------------------------------------


def _convert(source: str, target: str, task: Task) -> tuple[int, int, int]:
    return _save(_in_rgb(_upright(_open(source))), target, task)


def _resize(source: str, target: str, task: Task) -> tuple[int, int, int]:
    image = _in_rgb(_upright(_open(source)))
    if task.mode == "cover":
        image = image.thumbnail_image(task.width, height=task.height, size="both", crop="centre")
    else:
        image = image.thumbnail_image(task.width, height=task.height, size="both")
    if task.mode == "pad":
        image = _pad(image, task.width, task.height)
    return _save(image, target, task)


def _pad(image: Image, width: int, height: int) -> Image:
    """Centred on `width` × `height`: clear where the picture has alpha, white where it has none."""
    background = [0] * image.bands if image.hasalpha() else [255] * image.bands
    left, top = (width - image.width) // 2, (height - image.height) // 2
    return image.embed(left, top, width, height, extend="background", background=background)


def _preview(source: str, target: str, task: Task) -> tuple[int, int, int]:
    """A JPEG that fits: quality gives way first, then size."""
    opened = _open(source, whole=False)
    side = min(max(task.width, 1), max(opened.width, opened.height))
    image = _thumb(source, side, side, None)
    for _ in range(12):
        for quality in (82, 70, 55):
            data = image.jpegsave_buffer(Q=quality, keep="none")
            if len(data) <= task.max_bytes:
                return _write(data, target, image)
        image = image.resize(0.75)
    raise Fault("target", f"no preview of it fits in {task.max_bytes} bytes")


def _raw(source: str, target: str, task: Task) -> tuple[int, int, int]:
    _open(source)
    image = _thumb(source, task.width, task.height, "centre")
    return _write(image.write_to_memory(), target, image)


def _thumb(source: str, width: int, height: int, crop: str | None) -> Image:
    """8-bit sRGB without alpha, scaled while decoding where the format can."""
    import pyvips

    options = {"crop": crop} if crop else {"size": "down"}
    try:
        image = pyvips.Image.thumbnail(
            source, width, height=height, export_profile="srgb", fail_on="none", **options
        )
        if image.hasalpha():
            image = image.flatten(background=[255] * (image.bands - 1))
        return image.colourspace("srgb").cast("uchar").copy_memory()
    except pyvips.Error as error:
        raise Fault("source", _why_unreadable(source, str(error))) from error


def _upright(image: Image) -> Image:
    """Turned as its EXIF says. Turning needs all pixels at hand, so they are decoded for it."""
    if image.get_typeof("orientation") and image.get("orientation") > 1:
        return image.copy_memory().autorot()
    return image


def _in_rgb(image: Image) -> Image:
    """CMYK becomes sRGB; everything else keeps its own colour profile."""
    return image.icc_transform("srgb") if image.interpretation == "cmyk" else image


_SAVERS: dict[str, tuple[str, Callable[[int], dict[str, object]]]] = {
    "image/jpeg": ("jpegsave_buffer", lambda quality: {"Q": quality}),
    "image/png": ("pngsave_buffer", lambda _quality: {"compression": 6}),
    "image/webp": ("webpsave_buffer", lambda quality: {"Q": quality}),
    "image/avif": (
        "heifsave_buffer",
        lambda quality: {"Q": quality, "compression": "av1", "effort": 2},
    ),
}
_LESS = (85, 78, 70, 62, 54, 46, 38, 30)
"""Qualities below which nobody wants the picture."""

WRITES = tuple(_SAVERS)
"""The media types that can be written."""


def _save(image: Image, target: str, task: Task) -> tuple[int, int, int]:
    import pyvips

    if task.mime == "image/jpeg" and image.hasalpha():
        image = image.flatten(background=[255] * (image.bands - 1))
    name, options = _SAVERS[task.mime]
    try:
        if task.max_bytes:
            image = image.copy_memory()  # it is read once more for each quality
        for quality in _qualities(task):
            data = getattr(image, name)(keep="icc", **options(quality))
            if not task.max_bytes or len(data) <= task.max_bytes:
                return _write(data, target, image)
    except pyvips.Error as error:
        raise Fault("source", _why_undecodable(str(error))) from error
    least = len(data)
    raise Fault("target", f"it has {least} bytes at the least, and at most {task.max_bytes} fit")


def _qualities(task: Task) -> tuple[int, ...]:
    """What to try, best first. PNG knows no quality."""
    if not task.max_bytes or task.mime == "image/png":
        return (task.quality,)
    return (task.quality, *(one for one in _LESS if one < task.quality))


def _why_undecodable(said: str) -> str:
    low = said.lower()
    if any(word in low for word in ("premature", "truncated", "end of", "read error", "eof")):
        return "it is cut short"
    return f"the codec says {_first_line(said)!r}"


def _write(data: bytes, target: str, image: Image) -> tuple[int, int, int]:
    try:
        with open(target, "wb") as file:
            file.write(data)
    except OSError as error:
        raise Fault("target", (error.strerror or "the system refused").lower()) from error
    return image.width, image.height, len(data)


_OPS: dict[str, Callable[[str, str, Task], tuple[int, int, int]]] = {
    "convert": _convert,
    "resize": _resize,
    "preview": _preview,
    "raw": _raw,
}

if __name__ == "__main__":  # pragma: no cover - runs in the child
    sys.exit(main())
