"""The raw figures: a row for each send in the book, and one for each wish of each client."""

from __future__ import annotations

import csv
import os
import platform
from collections.abc import Container, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("pisang", "requests", "google-genai", "openai")


@dataclass(frozen=True, slots=True)
class Send:
    """One line of the upstream's book. `sha256` is the picture that it made and billed."""

    client: str
    wish: int
    send: int
    wire: str
    fault: str
    billed: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Granted:
    """One wish of one client: how its runs ended, and what came of them.

    `exits` are exit codes in order, negative where a signal ended the run. `paid` counts billed
    generations, `on_disk` how many of their pictures the client has whole; `listed` is the amount
    that it names as perhaps paid for nothing.
    """

    client: str
    wish: int
    fault: str
    exits: str
    sends: int
    paid: int
    on_disk: int
    listed: str


@dataclass(frozen=True, slots=True)
class Total:
    """A row of the table."""

    client: str
    wanted: int
    paid: int
    on_disk: int
    not_had: int
    told: int
    twice: int
    false_alarms: int

    @property
    def kept(self) -> bool:
        """Nothing was lost without being told, and nothing bought twice."""
        return self.not_had == self.told and not self.twice


def total(client: str, rows: Sequence[Granted]) -> Total:
    """What one client's wishes come to."""
    missing = [row for row in rows if row.paid and not row.on_disk]
    return Total(
        client=client,
        wanted=len(rows),
        paid=sum(row.paid for row in rows),
        on_disk=sum(row.on_disk > 0 for row in rows),
        not_had=len(missing),
        told=sum(bool(row.listed) for row in missing),
        twice=sum(row.paid > 1 for row in rows),
        false_alarms=sum(bool(row.listed) and not row.paid for row in rows),
    )


def totals(rows: Iterable[Granted]) -> list[Total]:
    """One for each client, in the order in which they come."""
    by_client: dict[str, list[Granted]] = {}
    for row in rows:
        by_client.setdefault(row.client, []).append(row)
    return [total(client, granted) for client, granted in by_client.items()]


def write_rows(path: Path, kind: type[Send] | type[Granted], rows: Iterable[object]) -> None:
    """A CSV with a heading."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [one.name for one in fields(kind)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)  # type: ignore[call-overload]


def read_granted(path: Path) -> list[Granted]:
    """The rows of `wishes.csv`."""
    numbers = {one.name for one in fields(Granted) if one.type == "int"}
    with path.open(newline="", encoding="utf-8") as file:
        return [_granted(row, numbers) for row in csv.DictReader(file)]


def _granted(row: dict[str, str], numbers: Container[str]) -> Granted:
    values: dict[str, Any] = {n: int(text) if n in numbers else text for n, text in row.items()}
    return Granted(**values)


def machine() -> str:
    """What the figures were had on and with; nothing that names the machine."""
    facts = {
        "cpu": _cpu(),
        "cores": str(os.cpu_count()),
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }
    return "".join(f"{name}: {value}\n" for name, value in facts.items())


def _cpu() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "not known")
