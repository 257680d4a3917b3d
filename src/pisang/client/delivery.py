"""Where a request's images are to be written, as the ledger's outbox keeps it, and the writing.

It is written down with the request, before anything is sent: a process that finds the images
later, because the one that asked for them died, puts them where they were wanted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pisang.client.derive import Shape, exact_shape, facts_of
from pisang.client.export import Exported, export
from pisang.client.naming import DEFAULT_TEMPLATE
from pisang.client.output import Label, Target
from pisang.client.results import Picture, Result
from pisang.domain.catalogue import load
from pisang.domain.ledger import Outgoing
from pisang.domain.request import JSON
from pisang.domain.warning import Warn
from pisang.errors import PisangError

if TYPE_CHECKING:
    from pisang.store.store import Store

_LOOK_S = 0.2
"""How often another process is looked at that is writing the files."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where the images go, by which template and words they are named, and the pixels they are to
    have: `shape`, or the catalogue's own for what was asked where `exact`. No file has more than
    `max_bytes`."""

    target: Target
    prompt: str
    naming: str = DEFAULT_TEMPLATE
    shape: Shape | None = None
    exact: bool = False
    max_bytes: int | None = None

    def to_json(self) -> dict[str, JSON]:
        """As the outbox keeps it."""
        shape = self.shape
        return {
            "folder": str(self.target.folder),
            "stem": self.target.stem,
            "extension": self.target.extension,
            "force": self.target.force,
            "prompt": self.prompt,
            "naming": self.naming,
            "shape": [shape.width, shape.height, shape.mode] if shape else None,
            "exact": self.exact,
            "max_bytes": self.max_bytes,
        }

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> Delivery:
        """What `to_json` wrote."""
        target = Target(Path(spec["folder"]), spec["stem"], spec["extension"], spec["force"])
        shape = Shape(*spec["shape"]) if spec["shape"] else None
        words = spec["prompt"], spec["naming"]
        return cls(target, *words, shape, spec["exact"], spec.get("max_bytes"))


async def deliver(result: Result, delivery: Delivery, store: Store) -> Exported:
    """Write the result's files, and note in the outbox that it was done. Never raises for a file:
    what could not be written stays to be done. A result that another process was to write to the
    same place is not written there twice.

    Who is cancelled while files are written waits for their end: a thread can't be stopped, and
    the next who asked would find its files in the way.
    """
    if result.replayed:
        earlier = await _written_by_another(result.request_id, delivery, store)
        if earlier is not None:
            await asyncio.wrap_future(store.finish_outgoing(result.request_id, earlier.result))
            return Exported(_as_delivered(result, [earlier]))
    writing = asyncio.ensure_future(_write(result, delivery, store))
    try:
        return await asyncio.shield(writing)
    except asyncio.CancelledError:
        await asyncio.wait([writing])
        raise


async def _write(result: Result, delivery: Delivery, store: Store) -> Exported:
    fitted, shape = _fit(result, delivery)
    at = datetime.fromtimestamp(result.created_ms / 1000, UTC).astimezone()
    label = Label(delivery.naming, at, delivery.prompt, result.model)
    most = delivery.max_bytes
    exported = await asyncio.to_thread(export, fitted, delivery.target, label, shape, most)
    if exported.error is None:
        written = exported.result
        paths: list[JSON] = [str(image.path) for image in written.images]
        new = [warn for warn in written.warnings if warn not in result.warnings]
        told: list[JSON] = [[warn.code, warn.message] for warn in new]
        report: dict[str, JSON] = {"paths": paths, "warnings": told}
        try:
            await asyncio.wrap_future(store.finish_outgoing(result.request_id, report))
        except PisangError as error:  # the images are safe and the files are there: that is told
            text = f"The files are written, but that could not be noted: {error.message()}"
            warned = replace(written, warnings=(*written.warnings, Warn("not_noted", text)))
            return replace(exported, result=warned)
    return exported


async def _written_by_another(request_id: str, delivery: Delivery, store: Store) -> Outgoing | None:
    """What another process wrote to the same place, and still lies there; waited for while it is
    at it. None: nobody did."""
    spec = delivery.to_json()
    while True:
        standing = await asyncio.to_thread(store.outgoing, request_id)
        same = [one for one in standing if one.spec == spec and not one.mine]
        done = [one for one in same if isinstance(one.result, dict)]
        if done or not any(one.alive for one in same):
            return next(filter(_lies_there, done), None)
        await asyncio.sleep(_LOOK_S)


def _lies_there(outgoing: Outgoing) -> bool:
    report: Any = outgoing.result
    return all(Path(path).is_file() for path in report["paths"])


async def collect(result: Result, store: Store) -> Exported:
    """The result with its files, written now where the process that was to do it died.

    While that process lives it is waited for.
    """
    while True:
        standing = await asyncio.to_thread(store.outgoing, result.request_id)
        owed = [one for one in standing if one.done_ms is None]
        if not owed:
            return Exported(_as_delivered(result, standing))
        taken = await asyncio.wrap_future(store.take_outgoing(result.request_id))
        if taken is not None and isinstance(taken.spec, dict):
            return await deliver(result, Delivery.from_json(taken.spec), store)
        await asyncio.sleep(_LOOK_S)


def _as_delivered(result: Result, standing: list[Outgoing]) -> Result:
    """The result with the files that were written, those of them that are still there."""
    report = standing[0].result if standing else None
    if not isinstance(report, dict):
        return result
    paths: Any = report["paths"]
    told: Any = report["warnings"]
    if len(paths) != len(result.images):  # more came of it since
        return result
    images = tuple(map(_at, result.images, map(Path, paths)))
    warnings = (*result.warnings, *(Warn(*one) for one in told))
    return replace(result, images=images, warnings=tuple(dict.fromkeys(warnings)))


def _at(picture: Picture, path: Path) -> Picture:
    """The picture as the file it was written to; as the home has it where that is gone."""
    if path == picture.spot or not path.is_file():
        return picture
    facts = facts_of(path)
    return replace(
        picture, spot=path, mime=facts.mime, width=facts.width, height=facts.height, size=facts.size
    )


def _fit(result: Result, delivery: Delivery) -> tuple[Result, Shape | None]:
    """The pixels that the files are to have; the result says so where there are none to fit to."""
    if not delivery.exact or not result.images:
        return result, delivery.shape
    asked = result.images[0].requested
    shape = exact_shape(load(), result.model, asked.get("aspect_ratio"), asked.get("image_size"))
    if shape is not None:
        return result, shape
    why = "The catalogue knows no exact pixels of what was asked (a ratio has to be named)"
    skipped = Warn("fit_skipped", f"{why}: --fit changed nothing.")
    return replace(result, warnings=(*result.warnings, skipped)), None
