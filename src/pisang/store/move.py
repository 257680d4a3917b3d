"""Moving house: a ledger from its file into a PostgreSQL database, images from here into a bucket.

The ledger first, in one transaction of the database's, under the file's own lock: it is there whole
or not at all, and nobody writes to the old one meanwhile or ever after. Every row is read back and
compared before the commit. Then each content that the ledger names is put where the settings say,
unless it is there. So a move that was killed at any moment is begun again and finds what is left.
What was is left as it was; a file beside it (`moved`) says that it is written to no more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256 as new_hash
from typing import TYPE_CHECKING, Literal

from pisang.domain.secret import Secret
from pisang.errors import HomeUnusable, LedgerUnusable
from pisang.store.backup import Tell
from pisang.store.blobs import Blobs, Piece
from pisang.store.files import Files
from pisang.store.health import Health
from pisang.store.home import Home, unusable
from pisang.store.ledger import Ledger, Row
from pisang.store.lock import Turn, at_work
from pisang.store.opening import make_ledger
from pisang.store.places import open_blobs
from pisang.store.snapshots import hash_of, sync_folder, write_synced
from pisang.store.sqlite.copying import has_ledger
from pisang.store.sqlite.dump import Dump, Table, Values, dump
from pisang.store.sqlite.writer import open_ledger
from pisang.store.storage import Storage

if TYPE_CHECKING:
    from pisang.store.postgres.loading import Loading

MARK = "moved"
"""In the new ledger: the digest of the one whose rows it was given."""

THREADS = 8
"""Contents that are put there at a time."""

TELL_ROWS = 1000
"""How many rows are moved between two words of it."""

MOST = 1 << 256

_Fate = Literal["there", "brought", "wrong"]

_SHELVES = [f"{number:02x}" for number in range(256)]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a ledger: where they are now, how many each table has, a digest over all of
    them, and whether an earlier move had brought them there already."""

    ledger: str
    counts: dict[str, int]
    digest: str
    already: bool = False


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents that a ledger names: where they are now, how many, how many of them were
    brought there, and which are nowhere, or damaged."""

    place: str
    count: int = 0
    brought: int = 0
    brought_bytes: int = 0
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """What is where now, or, of a dry run, what would be. `rows` is None where the ledger stays."""

    rows: Rows | None
    contents: Contents


def move(
    home: Home,
    storage: Storage,
    *,
    new_id: Callable[[str], str],
    dry_run: bool = False,
    tell: Tell = lambda done, total: None,
) -> Moved:
    """Move what is in a home to where `storage` says. Blocks.

    Refuses a home in which anybody is at work, and a database in which another ledger is. Raises
    `HomeUnusable`, `LedgerUnusable`, `StoreCorrupt`, `ExtraMissing` and what a bucket raises; it
    can be begun again then.
    """
    _ensure_alone(home)
    health = Health(home)
    files = Files(health, fsync=True)
    url = storage.ledger if has_ledger(home) else None
    with _opened(make_ledger(storage.ledger, home, health, files, fsync=True)) as ledger:
        if not dry_run:
            ledger.prepare()
        rows = None if url is None else _move_rows(home, url, dry_run=dry_run, tell=tell)
        named = make_ledger(None, home, health, files, fsync=True) if url and dry_run else ledger
        with (
            _opened(named),
            closing(open_blobs(home, files, named, new_id, storage.images)) as blobs,
        ):
            if not dry_run:
                blobs.prove()
            contents = _bring_all(home, named, blobs, dry_run=dry_run, tell=tell)
    return Moved(rows, contents)


@contextmanager
def _opened(ledger: Ledger) -> Iterator[Ledger]:
    try:
        yield ledger
    finally:
        ledger.writer.close()
        ledger.readers.close()


def _ensure_alone(home: Home) -> None:
    """Raises `HomeUnusable` where a process holds its sign of life: locks tell, not clocks."""
    if at_work(home):
        why = "a process of Pisang is at work in it: stop it first"
        raise HomeUnusable(path=str(home.root), why=why)


# --- rows ----------------------------------------------------------------------------------------


def _move_rows(home: Home, url: Secret, *, dry_run: bool, tell: Tell) -> Rows:
    """Every row, in one transaction, while nobody writes to the old ledger; then its mark."""
    from pisang.store.postgres.address import read_address
    from pisang.store.postgres.loading import is_made, loading

    said = read_address(url).said
    if dry_run:
        with dump(home) as source:
            if not is_made(url):
                return _read_all(source, said, tell)
            with loading(url) as target:
                return _found(source, target, said, tell) or _read_all(source, said, tell)
    turn = Turn(home.ledger_lock)
    try:
        with turn:
            _ensure_alone(home)
            open_ledger(home, fsync=True).close()  # of this Pisang's schema
            with dump(home) as source, loading(url) as target:
                moved = _found(source, target, said, tell) or _take_all(source, target, said, tell)
            write_synced(home.moved, said.encode())
            sync_folder(home.root)
    except OSError as error:
        raise unusable(home.root, error) from error
    finally:
        turn.close()
    return moved


def _found(source: Dump, target: Loading, said: str, tell: Tell) -> Rows | None:
    """What an earlier move brought there; None where nothing is there. Raises `LedgerUnusable`
    for another ledger, and for one that was used on both sides since."""
    mark = target.tx.one("mark_get", mark=MARK)
    if mark is None and not any(map(target.has_rows, _names(source))):
        return None
    rows = _read_all(source, said, tell)
    if mark is None or mark["value"] != rows.digest:
        why = "there are rows of another ledger in it: give this one a schema of its own"
        raise LedgerUnusable(ledger=said, why=why)
    return replace(rows, already=True)


def _names(source: Dump) -> list[str]:
    """The tables that are empty in a ledger which was never used."""
    return [table.name for table in source.tables() if table.name != "marks"]


def _read_all(source: Dump, said: str, tell: Tell) -> Rows:
    """The rows as they are in the file, counted and digested."""
    tables = source.tables()
    count = _Meter(tell, sum(table.count for table in tables))
    return _sum(said, {one: _digest(count(map(_fit, source.rows(one)))) for one in tables})


def _take_all(source: Dump, target: Loading, said: str, tell: Tell) -> Rows:
    """Take every row over, and read it back. Raises `LedgerUnusable` where one is not the same."""
    tables = source.tables()
    count = _Meter(tell, 2 * sum(table.count for table in tables))
    own_id = target.tx.one("mark_get", mark="ledger")
    target.tx.run("marks_clear")
    digests = {}
    for table in tables:
        digest = digests[table] = Digest()
        target.take(table.name, table.columns, digest.passing(count(map(_fit, source.rows(table)))))
    for table in tables:
        there = _digest(count(target.rows(table.name, table.columns)))
        if there.told() != digests[table].told() or there.count != table.count:
            why = f"what was read back of {table.name} is not what was written"
            raise LedgerUnusable(ledger=said, why=why)
    if own_id is not None:  # a bucket may bear it
        target.tx.run("mark_put", mark="ledger", value=own_id["value"])
    rows = _sum(said, digests)
    target.tx.run("mark_put", mark=MARK, value=rows.digest)
    return rows


class Digest:
    """A number for a set of rows, whatever their order."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def passing(self, rows: Iterable[Values]) -> Iterator[Values]:
        """The rows, each taken in as it passes."""
        for row in rows:
            self.count += 1
            self._sum += int.from_bytes(new_hash(repr(row).encode()).digest(), "big")
            yield row

    def told(self) -> str:
        """As 64 hex digits."""
        return f"{self._sum % MOST:064x}"


def _digest(rows: Iterable[Values]) -> Digest:
    made = Digest()
    for _ in made.passing(rows):
        pass
    return made


def _sum(said: str, digests: dict[Table, Digest]) -> Rows:
    lines = "".join(f"{table.name} {one.count} {one.told()}\n" for table, one in digests.items())
    counts = {table.name: one.count for table, one in digests.items()}
    return Rows(said, counts, new_hash(lines.encode()).hexdigest())


def _fit(row: Values) -> Values:
    """The row as PostgreSQL holds it: NUL, which its texts can't, is U+FFFD (`PostgresTx`)."""
    return tuple(one.replace("\0", "\ufffd") if isinstance(one, str) else one for one in row)


class _Meter:
    """Says how many rows have passed, now and then."""

    def __init__(self, tell: Tell, total: int) -> None:
        self._tell = tell
        self._total = total
        self._done = 0

    def __call__(self, rows: Iterable[Values]) -> Iterator[Values]:
        for row in rows:
            self._done += 1
            if self._done % TELL_ROWS == 0 or self._done == self._total:
                self._tell(self._done, self._total)
            yield row


# --- contents ------------------------------------------------------------------------------------


def _bring_all(home: Home, ledger: Ledger, blobs: Blobs, *, dry_run: bool, tell: Tell) -> Contents:
    """Every content that the ledger names, put where it belongs unless it is there."""
    with ledger.readers.read() as tx:
        counted = tx.one("contents_count")
    total = 0 if counted is None else int(counted["contents"])
    fates: Counter[_Fate] = Counter()
    moved_bytes = 0
    wrong: list[str] = []
    with ThreadPoolExecutor(THREADS, "pisang-move") as threads:
        for low, high in zip(_SHELVES, (*_SHELVES[1:], "g"), strict=True):
            with ledger.readers.read() as tx:
                rows = tx.all("contents_between", low=low, high=high)
            for one in threads.map(lambda row: _bring(home, blobs, row, dry_run=dry_run), rows):
                fates[one.fate] += 1
                moved_bytes += one.moved_bytes
                wrong += [one.sha256] if one.fate == "wrong" else []
                tell(fates.total(), total)
    return Contents(blobs.place, fates.total(), fates["brought"], moved_bytes, tuple(wrong))


@dataclass(frozen=True, slots=True)
class _Content:
    """What became of one content."""

    fate: _Fate
    sha256: str
    moved_bytes: int = 0


def _bring(home: Home, blobs: Blobs, row: Row, *, dry_run: bool) -> _Content:
    """One content. What is here is hashed before it goes; the bucket says afterwards that it has
    it."""
    sha256, size = row["sha256"], row["size"]
    if any(size in (None, one.size) for one in blobs.lying(sha256) if not one.aside):
        return _Content("there", sha256)
    for path in (home.image(sha256), home.blob(sha256)):
        if path.exists() and hash_of(path) == sha256:
            piece = Piece(sha256, path.stat().st_size, path, image=path.is_relative_to(home.images))
            if not dry_run:
                blobs.keep((piece,))
            return _Content("brought", sha256, piece.size)
    return _Content("wrong", sha256)
