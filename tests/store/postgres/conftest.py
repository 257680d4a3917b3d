"""A PostgreSQL of this module's own, with every safety on, and homes that share a ledger in it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest

from pisang.domain.secret import Secret
from pisang.store.storage import Storage
from pisang.store.store import Store
from tests.ledgers import Cluster, ledger_of
from tests.store.kit import open_store

Opener = Callable[[str], Store]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A server that loses nothing it said was committed."""
    with tempfile.TemporaryDirectory(prefix="pisang-postgres-") as root:
        folder = Path(root)
        folder.chmod(0o755)
        made = Cluster(folder / "cluster")
        made.make()
        made.start()
        yield made
        made.stop()


@pytest.fixture
def ledger(cluster: Cluster, tmp_path: Path) -> Secret:
    """A ledger of this test's own."""
    found = ledger_of(tmp_path, cluster.url)
    assert found is not None
    return found


@pytest.fixture
def machine(ledger: Secret, tmp_path: Path) -> Iterator[Opener]:
    """Opens the store of the machine of that name: its home is its own, the ledger is one."""
    with ExitStack() as opened:

        def open_one(name: str) -> Store:
            store = open_store(tmp_path / name, storage=Storage(ledger=ledger))
            return opened.enter_context(closing(store))

        yield open_one


@pytest.fixture
def admin(ledger: Secret) -> Iterator[psycopg.Connection]:
    """Somebody else at the same server, in the ledger's schema."""
    with psycopg.connect(ledger.reveal(), autocommit=True) as connection:
        yield connection
