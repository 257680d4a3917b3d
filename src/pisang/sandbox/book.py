"""The sandbox's book: what it charged. An audit holds it against somebody's ledger."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from pisang.domain.money import Money
from pisang.errors import OutputUnwritable


@dataclass(frozen=True, slots=True)
class Charge:
    """One call that was billed.

    `index` counts from 0 in the book's order; `id` is the answer's `responseId` and request id;
    `prompt_sha256` is of the prompt as it was sent; `key` is the first 12 hex digits of the
    caller's key's SHA-256 (empty where there was none); `at` is Unix time in seconds; `fault` is
    what went wrong for the caller (`cut`, `html`), if anything; `take` is which picture of
    that wish its first one was.
    """

    index: int
    id: str
    wire: str
    model: str
    image_size: str
    images: int
    price_micros: int
    currency: str
    prompt_sha256: str
    key: str
    at: float
    fault: str | None = None
    take: int = 0

    @property
    def price(self) -> Money:
        """The amount."""
        return Money(self.price_micros, self.currency)


@dataclass(frozen=True, slots=True)
class Bill:
    """What is to be charged: a `Charge` before it stands in the book."""

    id: str
    wire: str
    model: str
    image_size: str
    images: int
    price: Money
    prompt_sha256: str
    key: str
    fault: str | None = None
    take: int = 0


class Book:
    """Charges in order: in memory, and in `path` (JSON lines) where one is given.

    With a path each charge is on disk before `charge` returns, and a book that is opened again
    goes on where it stood. Raises `OutputUnwritable` where the file is no book, and `OSError`.
    """

    def __init__(self, path: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self.clock = clock
        self._lock = threading.Lock()
        self._charges: list[Charge] = [] if path is None else _take_up(path)

    @property
    def charges(self) -> tuple[Charge, ...]:
        """Every charge so far, oldest first."""
        with self._lock:
            return tuple(self._charges)

    def charge(self, bill: Bill) -> Charge:
        """Write a charge down; blocks until it is safe. Raises `OSError` where it can't be."""
        with self._lock:
            made = Charge(
                index=len(self._charges),
                id=bill.id,
                wire=bill.wire,
                model=bill.model,
                image_size=bill.image_size,
                images=bill.images,
                price_micros=bill.price.micros,
                currency=bill.price.currency,
                prompt_sha256=bill.prompt_sha256,
                key=bill.key,
                at=round(self.clock(), 3),
                fault=bill.fault,
                take=bill.take,
            )
            if self._path is not None:
                _append(self._path, made)
            self._charges.append(made)
            return made


def _append(path: Path, charge: Charge) -> None:
    line = json.dumps(asdict(charge), ensure_ascii=False) + "\n"
    with path.open("ab") as file:
        file.write(line.encode())
        file.flush()
        os.fsync(file.fileno())


def _take_up(path: Path) -> list[Charge]:
    """The charges on disk, in a file that can be written: it is made now where there is none.

    A last line that a crash left unfinished was never answered: it goes.
    """
    charges = list(read_charges(path))
    with path.open("ab"):
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)
    return charges


def read_charges(path: Path) -> tuple[Charge, ...]:
    """The charges in a book's file, also while a server writes it.

    Raises `OutputUnwritable` where it holds something else, and `OSError`.
    """
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    try:
        return tuple(Charge(**json.loads(line)) for line in lines)
    except (ValueError, TypeError):
        raise OutputUnwritable(path=path, why="it holds something else than a book") from None
