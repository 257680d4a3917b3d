"""What `pisang doctor` asks of the store: is everything that was written there, and as written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from pisang.domain.attempt import State, request_state
from pisang.errors import PisangError
from pisang.store.blobs import Blobs, Lying
from pisang.store.budgets import bounds, recount, window, words
from pisang.store.finding import Finding, Level
from pisang.store.gc import unnamed_contents
from pisang.store.health import Health, megabytes
from pisang.store.home import Home
from pisang.store.ledger import Ledger, Readers, Row, Tx
from pisang.store.process import Process
from pisang.store.recover import dead_owners
from pisang.store.rows import budget_row


def check(
    home: Home,
    ledger: Ledger,
    blobs: Blobs,
    health: Health,
    process: Process,
    *,
    wanted_bytes: int,
    deep: bool = False,
) -> list[Finding]:
    """Everything the store can tell of itself without changing anything.

    `deep` reads every file and compares its hash. When nothing is an error, a home that was
    marked suspect is cleared.
    """
    findings = [*_permissions(home), _room(home, wanted_bytes)]
    with ledger.readers.read() as tx:
        findings += ledger.findings(tx)
        findings += _states(tx)
        findings += _counters(tx, process.clock_ms())
        findings += _orphans(tx, process)
        contents = tx.all("all_contents")
    findings += _kept(contents, blobs, ledger.readers, deep=deep)  # this may be long
    findings.append(_suspicion(health, findings))
    return findings


def _permissions(home: Home) -> Iterator[Finding]:
    wide = [
        path
        for path in (home.root, home.ledger, home.images, home.blobs, home.incoming, home.locks)
        if path.exists() and os.stat(path).st_mode & 0o077
    ]
    for path in wide:
        yield Finding(
            "permissions", "warning", f"Others may look into {path}: run `chmod go-rwx {path}`."
        )
    if not wide:
        yield Finding("permissions", "ok", "Only you may look into Pisang's folder.")


def _room(home: Home, wanted_bytes: int) -> Finding:
    free = shutil.disk_usage(home.root).free
    level: Level = "ok" if free >= wanted_bytes else "error"
    wanted = f"; {megabytes(wanted_bytes)} are wanted before paying" if level == "error" else ""
    return Finding("free_space", level, f"{megabytes(free)} are free{wanted}.")


def _states(tx: Tx) -> Iterator[Finding]:
    apart = [
        row["id"]
        for row in tx.all("states_apart")
        if row["state"] != request_state(State(one) for one in row["states"].split(","))
    ]
    if apart:
        few = ", ".join(apart[:3])
        message = f"{len(apart)} requests are in another state than their attempts ({few})."
        yield Finding("states", "error", message)


def _counters(tx: Tx, now_ms: int) -> Iterator[Finding]:
    for budget in map(budget_row, tx.all("budgets_all")):
        row = tx.one("counter_get", budget_id=budget.id, window=window(budget, now_ms))
        counted = row["micros"] if row is not None else 0
        summed = recount(tx, budget, *bounds(budget, now_ms))
        if counted != summed:
            message = f"The budget {words(budget)} counts {counted} micro-units, not {summed}."
            yield Finding("budgets", "error", message)


def _orphans(tx: Tx, process: Process) -> Iterator[Finding]:
    dead = dead_owners(tx, process)
    if dead:
        message = f"{len(dead)} processes died at work: the next command settles what they left."
        yield Finding("orphans", "note", message)


def _kept(rows: list[Row], blobs: Blobs, readers: Readers, *, deep: bool) -> Iterator[Finding]:
    """Where contents are, and whether all of them are."""
    try:
        blobs.prove()
    except PisangError as error:
        yield Finding("images", "error", error.message())
        return
    yield Finding("images", "ok", f"Images are in {blobs.place}.")
    yield from _strays(blobs, readers)
    yield _contents(rows, blobs, deep=deep)


def _contents(rows: list[Row], blobs: Blobs, *, deep: bool) -> Finding:
    """Every content that a row names is there, of its size, and (deep) of its hash."""
    wrong: list[str] = []
    size_of = blobs.sizes()
    for row in rows:
        why = _fault(blobs, size_of(row["sha256"]), row["sha256"], row["size"], deep=deep)
        if why is not None:
            wrong.append(f"{row['sha256'][:12]} ({row['kind']}) {why}")
    if wrong:
        message = f"{len(wrong)} of {len(rows)} stored contents are wrong: {'; '.join(wrong[:5])}."
        return Finding("contents", "error", message)
    how = "there and as written" if deep else "there"
    return Finding("contents", "ok", f"All {len(rows)} stored contents are {how}.")


def _fault(
    blobs: Blobs, found: int | None, sha256: str, size: int | None, *, deep: bool
) -> str | None:
    if found is None:
        return "is missing"
    if size is not None and found != size:
        return "has the wrong size"
    return "has other bytes" if deep and blobs.measure(sha256) != sha256 else None


def _strays(blobs: Blobs, readers: Readers) -> Iterator[Finding]:
    foreign: list[str] = []
    unnamed = list(unnamed_contents(readers, _ours(blobs, foreign)))
    size = sum(one.size for one in unnamed)
    if unnamed:
        count = f"{len(unnamed)} files" if len(unnamed) > 1 else "1 file"
        message = f"Belonging to nothing: {count} ({megabytes(size)}), see `pisang gc`."
        yield Finding("strays", "note", message)
    if foreign:
        yield Finding("strays", "warning", f"Files that are not ours lie there: {foreign[0]}.")


def _ours(blobs: Blobs, foreign: list[str]) -> Iterator[Lying]:
    """What lies there, the names of what is not ours put by."""
    for one in blobs.all():
        if one.is_ours:
            yield one
        else:
            foreign.append(one.sha256)


def _suspicion(health: Health, findings: list[Finding]) -> Finding:
    """Whether a failed write stands in the way of buying; cleared when all else is sound."""
    why = health.told()
    if why is None:
        return Finding("writes", "ok", "No write has failed.")
    if any(finding.level == "error" for finding in findings):
        return Finding("writes", "error", f"A write failed earlier ({why}): nothing is bought.")
    health.clear()
    message = f"A write failed earlier ({why}); everything is there, so buying may go on."
    return Finding("writes", "note", message)
