"""What `doctor` is told: everything that is not as it was written, and nothing that is."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest

from pisang.domain.ledger import Budget
from pisang.store.finding import Finding
from pisang.store.sqlite import ledger as sqlite_ledger
from pisang.store.sqlite.database import connect
from pisang.store.store import Store
from tests.ledgers import ledger_of
from tests.store.kit import PRICE, open_store, paint, picture, run_python, sent, settlement


def findings(store: Store, *, deep: bool = False) -> dict[str, Finding]:
    return {one.code: one for one in store.check(deep=deep)}


def tamper(store: Store, sql: str) -> None:
    """Change the ledger behind the store's back."""
    ledger = ledger_of(store.home.root)
    if ledger is not None:
        with psycopg.connect(ledger.reveal()) as there:
            there.execute(sql)  # type: ignore[arg-type]
        return
    connection = connect(store.home, read_only=False)
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute(sql)
    connection.close()


def painted(store: Store) -> str:
    given = sent(store)
    paint(store, given.attempt_id, picture(), extra=[b"signature" * 5000])
    return store.image(given.request_id).sha256


def test_a_sound_home_has_nothing_wrong(store: Store) -> None:
    store.set_budget(Budget("b", "all", "month", PRICE.times(9))).result()
    painted(store)
    for deep in (False, True):
        told = findings(store, deep=deep)
        told.pop(
            "postgres", None
        )  # the tests' server is told to be quick, not safe: it is warned of
        assert {one.level for one in told.values()} <= {"ok", "note"}
        assert told["contents"].message.startswith("All 2 stored contents are there")
        assert "is sound" in told["ledger"].message


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("version", "level"), [((3, 40, 1), "note"), ((3, 51, 2), "note"), ((3, 51, 3), "ok")]
)
def test_an_old_sqlite_is_named_with_why_it_is_safe(
    store: Store, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], level: str
) -> None:
    monkeypatch.setattr(sqlite_ledger.sqlite3, "sqlite_version_info", version)
    told = findings(store)["sqlite"]
    assert told.level == level
    assert ("one process at a time writes" in told.message) is (level == "note")


@pytest.mark.folder
def test_a_missing_or_short_or_changed_image_is_named(store: Store) -> None:
    sha256 = painted(store)
    path = store.path(sha256)
    path.write_bytes(picture()[:-1] + b"x")
    assert findings(store)["contents"].level == "ok"
    assert "has other bytes" in findings(store, deep=True)["contents"].message
    path.write_bytes(b"short")
    assert "wrong size" in findings(store)["contents"].message
    path.unlink()
    told = findings(store)["contents"]
    assert told.level == "error"
    assert f"{sha256[:12]} (an image) is missing" in told.message


@pytest.mark.folder
def test_a_file_that_belongs_to_nothing_is_noted(store: Store) -> None:
    store.put_bytes(b"x" * 9_000)
    assert "Belonging to nothing: 1 file (0 MB)" in findings(store)["strays"].message
    (store.home.images / "ab").mkdir()
    (store.home.images / "ab" / "holiday.png").write_bytes(b"mine")
    assert findings(store)["strays"].level == "warning"


def test_a_home_that_others_can_read_is_warned_of(store: Store) -> None:
    store.home.root.chmod(0o755)
    told = findings(store)["permissions"]
    assert (told.level, "chmod go-rwx" in told.message) == ("warning", True)


def test_states_and_counters_are_compared(store: Store) -> None:
    store.set_budget(Budget("b", "all", "month", PRICE.times(9))).result()
    given = sent(store)
    tamper(store, "UPDATE counters SET micros = 1")
    tamper(store, "UPDATE requests SET state = 'done'")
    told = findings(store)
    assert given.request_id in told["states"].message
    assert "counts 1 micro-units, not 134000" in told["budgets"].message
    assert {told[code].level for code in ("states", "budgets")} == {"error"}


@pytest.mark.sqlite  # PostgreSQL lets nobody write one
def test_a_row_that_names_none_is_found(store: Store) -> None:
    tamper(store, f"INSERT INTO refs VALUES ('req_none', '{'f' * 64}')")
    told = findings(store)["ledger"]
    assert "1 rows of the ledger name rows that are gone" in told.message
    assert told.level == "error"


def test_the_dead_are_noted(store: Store) -> None:
    run_python("sent(open_store(Path(argv[0])))", store.home.root)
    assert "1 processes died at work" in findings(store)["orphans"].message


def test_too_little_room_is_an_error(store: Store) -> None:
    greedy = open_store(store.home.root, worst_answer_bytes=10**18)
    told = findings(greedy)["free_space"]
    greedy.close()
    assert (told.level, "are wanted before paying" in told.message) == ("error", True)


@pytest.mark.folder
def test_a_suspect_home_is_cleared_only_when_all_else_is_sound(store: Store) -> None:
    sha256 = painted(store)
    store.home.suspect.write_text("Input/output error")
    path = store.path(sha256)
    data = path.read_bytes()
    path.unlink()
    told = findings(store)["writes"]
    assert (told.level, "Input/output error" in told.message) == ("error", True)
    path.write_bytes(data)
    assert findings(store)["writes"].level == "note"
    assert findings(store)["writes"].level == "ok"
    store.settle(settlement(sent(store).attempt_id)).result()


@pytest.mark.sqlite
def test_a_home_locked_by_a_foreign_program_is_said_to_be(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(store)
    connection = store._writer._connection
    assert connection is not None
    connection.execute("PRAGMA busy_timeout = 1")
    foreign = sqlite3.connect(store.home.ledger, isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    with pytest.raises(Exception, match="another program holds the ledger locked"):
        sent(store)
    foreign.execute("ROLLBACK")
    foreign.close()
    sent(store)
