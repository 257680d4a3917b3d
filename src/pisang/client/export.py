"""A result's images written where the user wants them; what happened on the way is a warning.

The images are paid for and lie in the home. So a failure here loses nothing: the path stays the
home's, and the error says so.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pisang.client.derive import PNG, Shape, facts_of, lossy_for, write_as_is, write_derived
from pisang.client.output import Label, Slot, Target
from pisang.client.results import Picture, Result
from pisang.domain.warning import Warn
from pisang.errors import Charged, PisangError


@dataclass(frozen=True, slots=True)
class Exported:
    """The result with its files' paths, and the first error that kept a file from being written."""

    result: Result
    error: PisangError | None = None


def export(
    result: Result,
    target: Target,
    label: Label,
    shape: Shape | None = None,
    max_bytes: int | None = None,
) -> Exported:
    """Write every image that is no draft, each file with at most `max_bytes`; drafts stay in the
    home. Never raises for a file."""
    count = max(len(result.finals), 1)
    images: list[Picture] = []
    warnings = list(result.warnings)
    failed: PisangError | None = None
    index = 0
    for picture in result.images:
        if picture.draft:
            images.append(picture)
            continue
        index += 1
        try:
            written, warns = _export_one(
                picture, Slot(target, label, index, count), shape, max_bytes
            )
        except PisangError as error:
            failed = failed or _with_place(error, picture)
            why = f"{error.message()} The image is kept as {picture.spot}."
            written, warns = picture, (Warn("output_failed", why),)
        images.append(written)
        warnings += warns
    told = replace(result, images=tuple(images), warnings=tuple(dict.fromkeys(warnings)))
    return Exported(told, failed)


def _export_one(
    picture: Picture, slot: Slot, shape: Shape | None, max_bytes: int | None
) -> tuple[Picture, tuple[Warn, ...]]:
    fitting = (
        shape if shape and (shape.width, shape.height) != (picture.width, picture.height) else None
    )
    wanted = slot.target.mime or _format(picture, fitting, max_bytes)
    small = max_bytes is None or picture.size <= max_bytes
    if wanted == picture.mime and fitting is None and small:
        return replace(picture, spot=slot.write(wanted, partial(write_as_is, picture.path))), ()

    def fill(target: Path) -> None:
        write_derived(picture.path, wanted, target, fitting, max_bytes)

    path = slot.write(wanted, fill)
    facts = facts_of(path)
    changed = replace(
        picture, spot=path, mime=facts.mime, width=facts.width, height=facts.height, size=facts.size
    )
    told = _told(picture, changed)
    if not small:
        told.append(_shrunk(picture, changed))
    return changed, tuple(told)


def _format(picture: Picture, shape: Shape | None, max_bytes: int | None) -> str:
    """The format of a file whose name says none: the picture's own, but for a PNG that is too large
    at the size it is to have."""
    if max_bytes is None or picture.mime != PNG:
        return picture.mime
    if shape is None:
        return picture.mime if picture.size <= max_bytes else lossy_for(picture.path)
    with tempfile.TemporaryDirectory(prefix="pisang-") as folder:
        tried = Path(folder, "tried.png")
        write_derived(picture.path, PNG, tried, shape)
        return picture.mime if tried.stat().st_size <= max_bytes else lossy_for(picture.path)


def _shrunk(before: Picture, after: Picture) -> Warn:
    kept = f"the original is kept as {before.path}"
    sizes = f"from {before.size} bytes to {after.size}"
    return Warn("shrunk", f"{after.path} was made smaller, {sizes}; {kept}.")


def _told(before: Picture, after: Picture) -> list[Warn]:
    warns: list[Warn] = []
    kept = f"the original is kept as {before.path}"
    if before.mime != after.mime:
        text = f"{after.path} was converted from {before.mime} to {after.mime}; {kept}."
        warns.append(Warn("converted", text))
    if (before.width, before.height) != (after.width, after.height):
        shapes = f"from {before.width}×{before.height} to {after.width}×{after.height}"
        warns.append(Warn("resized", f"{after.path} was resized {shapes}; {kept}."))
    return warns


def _with_place(error: PisangError, picture: Picture) -> PisangError:
    """The same error, saying that the image was paid for and where it is."""
    fields = dict(error.fields)
    fields["why"] = f"{fields.get('why', 'it exists')}; the image is kept as {picture.spot}"
    return type(error)(**fields, charged=Charged.YES)
