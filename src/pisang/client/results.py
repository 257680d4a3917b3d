"""What a user is given: images that can be saved, what they cost, what to know about them.

An image's bytes stay where they are kept until somebody asks for them. `to_json` is the shape that
scripts rely on (DESIGN §9).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pisang.client.derive import write_as_is, write_derived
from pisang.client.output import EXTENSIONS, write_file
from pisang.client.shapes import error_json, warnings_json
from pisang.domain.answer import Usage
from pisang.domain.attempt import Charged, State
from pisang.domain.ledger import AttemptRow, ImageRow, RequestRow
from pisang.domain.money import Money
from pisang.domain.request import JSON
from pisang.domain.warning import Warn
from pisang.engine.order import Ran
from pisang.engine.outcome import AT_STAKE, PLAY_MONEY, last_attempts
from pisang.engine.replay import replay
from pisang.errors import (
    ExtraMissing,
    NotFound,
    PisangError,
)

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

    from pisang.store.store import Store


@dataclass(frozen=True, slots=True)
class Picture:
    """One image: `width` and `height` in pixels as measured, `size` in bytes.

    `spot` is where it lies on this machine, if it does. `requested` is the shape that was asked
    for, `draft` marks a step on the way to another image of the same answer, `parent` is the
    SHA-256 of the image it was edited from.
    """

    sha256: str
    spot: Path
    mime: str
    width: int
    height: int
    size: int
    draft: bool = False
    parent: str | None = None
    requested: Mapping[str, str | None] = field(default_factory=dict)
    fetch: Callable[[str], Path] | None = field(default=None, repr=False, compare=False)

    @property
    def path(self) -> Path:
        """The image's file, brought to this machine where it is kept elsewhere; where it would be,
        when it was cleared away. Raises `BucketUnreachable`, `StoreCorrupt`."""
        if self.fetch is None or self.spot.exists():
            return self.spot
        try:
            return self.fetch(self.sha256)
        except NotFound:
            return self.spot

    @property
    def bytes(self) -> bytes:
        """The image's bytes, read from disk each time."""
        return self.path.read_bytes()

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write it to `path`; the file's path. A known extension converts, else bytes as they are.

        Raises `OutputExists` where something is there and `force` is not given, `OutputUnwritable`,
        and `ReferenceUnreadable` for an image that cannot be decoded.
        """
        goal = Path(path).expanduser()
        wanted = EXTENSIONS.get(goal.suffix.lower(), self.mime)
        if wanted == self.mime:
            return write_file(goal, partial(write_as_is, self.path), overwrite=force)
        return write_file(
            goal, lambda target: write_derived(self.path, wanted, target, None), overwrite=force
        )

    def pil(self) -> PILImage:
        """The image as a `PIL.Image`. Raises `ExtraMissing` when Pillow is not installed."""
        try:
            from PIL import Image
        except ImportError as error:
            raise ExtraMissing(feature="pil()", extra="pil") from error
        image = Image.open(self.path)
        image.load()  # and lets go of the file
        return image

    def to_json(self) -> dict[str, JSON]:
        """The shape that scripts rely on."""
        return {
            "path": str(self.spot) if self.spot.exists() else None,
            "sha256": self.sha256,
            "mime": self.mime,
            "width": self.width,
            "height": self.height,
            "bytes": self.size,
            "requested": dict(self.requested),
            "draft": self.draft,
            "parent": self.parent,
        }


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request cost. `basis` says whence that is known: `catalogue`, `user`, `usage`,
    `upstream`; `sandbox` is play money, which nobody pays; `free`: nothing was charged; `none`:
    something may have been, and how much is not known (`money` is None for both). `at_stake` is
    what attempts of unknown outcome, or still under way, may cost besides."""

    money: Money | None
    basis: str
    at_stake: Money | None = None

    @property
    def is_play(self) -> bool:
        """Whether it is the sandbox's money."""
        return self.basis == "sandbox"

    def __str__(self) -> str:
        parts = [str(self.money)] if self.money else []
        parts += [f"{self.at_stake} {AT_STAKE}"] if self.at_stake else []
        if not parts:
            return "free" if self.basis == "free" else "unknown"
        return " ".join((" + ".join(parts), *((PLAY_MONEY,) if self.is_play else ())))

    def to_json(self) -> dict[str, JSON]:
        """`{"amount", "currency", "basis", "at_stake"}`; amounts are decimal texts. No amount: it
        is not known, or all of it is at stake."""
        known = self.money or self.at_stake
        nothing = "0.00" if self.basis == "free" else None
        return {
            "amount": self.money.amount if self.money else nothing,
            "currency": known.currency if known else None,
            "basis": self.basis,
            "at_stake": self.at_stake.amount if self.at_stake else None,
        }


def _nothing() -> bytes | None:
    return None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one request. `images` are in order, drafts among them marked.

    `failures` are the errors of images that did not come; `error` is what the whole amounts to
    (None: every image came).
    """

    request_id: str
    state: State
    prompt: str
    model: str
    upstream: str
    created_ms: int
    images: tuple[Picture, ...]
    failures: tuple[PisangError, ...]
    warnings: tuple[Warn, ...]
    cost: Cost
    text: str
    finish_reason: str | None
    usage: Usage | None
    error: PisangError | None
    attempts: tuple[AttemptRow, ...] = field(repr=False)
    tags: tuple[str, ...] = ()
    parent: str | None = None
    replayed: bool = False
    load_raw: Callable[[], bytes | None] = field(default=_nothing, repr=False, compare=False)

    @property
    def raw(self) -> bytes | None:
        """The upstream's answer to the first attempt that has one, byte for byte as it came.

        Read from disk each time; None when nothing came, or retention let it go.
        """
        return self.load_raw()

    @property
    def finals(self) -> tuple[Picture, ...]:
        """The images without the drafts."""
        return tuple(image for image in self.images if not image.draft)

    def to_json(self) -> dict[str, JSON]:
        """The shape that scripts rely on."""
        return {
            "request_id": self.request_id,
            "state": self.state.value,
            "upstream": self.upstream,
            "model": self.model,
            "images": [image.to_json() for image in self.images],
            "failures": [error_json(error) for error in self.failures],
            "text": self.text,
            "finish_reason": self.finish_reason,
            "usage": usage_json(self.usage),
            "cost": self.cost.to_json(),
            "warnings": warnings_json(self.warnings),
        }

    def row_json(self) -> dict[str, JSON]:
        """The shape of one request in a history."""
        return {
            "id": self.request_id,
            "prompt": self.prompt,
            "state": self.state.value,
            "upstream": self.upstream,
            "model": self.model,
            "cost": self.cost.to_json(),
            "images": [image.to_json() for image in self.images],
            "created_at": iso_time(self.created_ms),
        }


def iso_time(ms: int) -> str:
    """A moment as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def local_time(ms: int) -> str:
    """A moment as its reader's clock shows it, to the minute."""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def usage_json(usage: Usage | None) -> dict[str, JSON] | None:
    """The upstream's token counts, those that it gave."""
    return None if usage is None else {k: v for k, v in asdict(usage).items() if v is not None}


def result_of(ran: Ran, store: Store) -> Result:
    """A ledger row as what a user is given."""
    row = ran.row
    spoken = last_attempts(row)
    first = spoken[0] if spoken else None
    return Result(
        request_id=row.id,
        state=row.state,
        prompt=row.prompt,
        model=row.model,
        upstream=first.upstream if first else "",
        created_ms=row.created_ms,
        images=tuple(_picture(image, row, store) for image in _in_order(row)),
        failures=ran.errors,
        warnings=ran.warnings,
        cost=cost_of(row),
        text="\n".join(one.text for one in spoken if one.text),
        finish_reason=next((one.finish_reason for one in spoken if one.finish_reason), None),
        usage=first.usage if first else None,
        error=ran.error,
        attempts=row.attempts,
        tags=row.tags,
        parent=row.parent,
        replayed=ran.replayed,
        load_raw=partial(_raw, tuple(one.id for one in spoken), store),
    )


def _raw(attempt_ids: tuple[str, ...], store: Store) -> bytes | None:
    found = (replay(store, attempt_id) for attempt_id in attempt_ids)
    return next((b"".join(chunks) for chunks in found if chunks is not None), None)


def _in_order(row: RequestRow) -> list[ImageRow]:
    """The images as they were asked for, whichever came first; drafts before what they led to."""
    ordinals = {attempt.id: attempt.ordinal for attempt in row.attempts}
    return sorted(row.images, key=lambda one: (ordinals.get(one.attempt_id, 0), one.ordinal))


def cost_of(row: RequestRow) -> Cost:
    """What all attempts of a request cost together: amounts of one currency, summed; those that
    nobody knows to have been charged apart."""
    if all(attempt.charged is Charged.NO for attempt in row.attempts):
        return Cost(None, "free")
    sums: dict[Charged, Money] = {}
    basis = "none"
    for attempt in row.attempts:
        amount = attempt.cost or attempt.price
        if attempt.charged is Charged.NO or amount is None:
            continue
        if any(one.currency != amount.currency for one in sums.values()):
            continue
        before = sums.get(attempt.charged)
        sums[attempt.charged] = before + amount if before else amount
        basis = "sandbox" if attempt.free else attempt.basis
    return Cost(sums.get(Charged.YES), basis, sums.get(Charged.UNKNOWN))


def _picture(image: ImageRow, row: RequestRow, store: Store) -> Picture:
    spec = row.spec if isinstance(row.spec, dict) else {}
    return Picture(
        sha256=image.sha256,
        spot=store.spot(image.sha256),
        fetch=store.path,
        mime=image.mime,
        width=image.width,
        height=image.height,
        size=image.bytes,
        draft=image.draft,
        parent=image.parent,
        requested={name: spec.get(name) for name in ("aspect_ratio", "image_size")},
    )
