"""A result's images written where the user wants them; what happened on the way is a warning.

The images are paid for and lie in the home. So a failure here loses nothing: the path stays the
home's, and the error says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pisang.client.derive import Shape, facts_of, write_as_is, write_derived
from pisang.client.output import Label, Slot, Target
from pisang.client.results import Picture, Result
from pisang.domain.warning import Warn
from pisang.errors import Charged, PisangError


@dataclass(frozen=True, slots=True)
class Exported:
    """The result with its files' paths, and the first error that kept a file from being written."""

    result: Result
    error: PisangError | None = None


def export(result: Result, target: Target, label: Label, shape: Shape | None = None) -> Exported:
    """Write every image that is no draft; drafts stay in the home. Never raises for a file."""
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
            written, warns = _export_one(picture, Slot(target, label, index, count), shape)
        except PisangError as error:
            failed = failed or _with_place(error, picture)
            why = f"{error.message()} The image is kept as {picture.spot}."
            written, warns = picture, (Warn("output_failed", why),)
        images.append(written)
        warnings += warns
    told = replace(result, images=tuple(images), warnings=tuple(dict.fromkeys(warnings)))
    return Exported(told, failed)


def _export_one(
    picture: Picture, slot: Slot, shape: Shape | None
) -> tuple[Picture, tuple[Warn, ...]]:
    wanted = slot.target.mime or picture.mime
    fitting = (
        shape if shape and (shape.width, shape.height) != (picture.width, picture.height) else None
    )
    as_it_is = wanted == picture.mime and fitting is None
    path = slot.write(wanted, _filler(picture, wanted, fitting, as_it_is=as_it_is))
    if as_it_is:
        return replace(picture, spot=path), ()
    facts = facts_of(path)
    changed = replace(
        picture, spot=path, mime=facts.mime, width=facts.width, height=facts.height, size=facts.size
    )
    return changed, tuple(_told(picture, changed))


def _filler(
    picture: Picture, mime: str, shape: Shape | None, *, as_it_is: bool
) -> Callable[[Path], None]:
    if as_it_is:
        return partial(write_as_is, picture.path)
    return lambda target: write_derived(picture.path, mime, target, shape)


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
