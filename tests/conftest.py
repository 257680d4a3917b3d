"""What the tests' stores are kept in.

`--images s3`: contents in a bucket of a real S3 server (moto) on the loopback. `--ledger postgres`:
ledgers in a real PostgreSQL, started for the run. Tests that are about files in a folder, or about
a SQLite file, are left out then, and counted.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from pisang.store.storage import Storage
from pisang.store.store import Store
from tests.buckets import Moto, tell_processes
from tests.ledgers import VARIABLE, ledger_of, start_cluster

settings.register_profile("pisang", deadline=None)  # a busy machine is no fault of the code's
settings.load_profile("pisang")

S3, POSTGRES = "s3", "postgres"

_STARTED = pytest.StashKey[Any]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--images", choices=("folder", S3), default="folder", help="where images are kept"
    )
    parser.addoption(
        "--ledger", choices=("sqlite", POSTGRES), default="sqlite", help="what keeps the ledgers"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--ledger") != POSTGRES:
        return
    # Tests that leave a store to its end, as a process does that dies.
    open_still = "ignore:.*was deleted while still open:ResourceWarning"
    config.addinivalue_line("filterwarnings", open_still)
    if VARIABLE not in os.environ:  # the workers of xdist have the run's
        config.stash[_STARTED] = start_cluster()
        os.environ[VARIABLE] = config.stash[_STARTED][0].url


def pytest_unconfigure(config: pytest.Config) -> None:
    started = config.stash.get(_STARTED, None)
    if started is not None:
        started[0].stop()
        shutil.rmtree(started[1])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    out = {"folder"} if config.getoption("--images") == S3 else set()
    out |= {"sqlite"} if config.getoption("--ledger") == POSTGRES else set()
    left_out = [item for item in items if any(map(item.get_closest_marker, out))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def moto() -> Iterator[Moto]:
    """A real S3 server, for as long as the tests of this process run."""
    server = Moto()
    yield server
    server.close()


@pytest.fixture(scope="session", autouse=True)
def images(request: pytest.FixtureRequest) -> Iterator[None]:
    """With `--images s3`, every store that the tests open keeps its contents in a bucket."""
    if request.config.getoption("--images") != S3:
        yield
        return
    server: Moto = request.getfixturevalue("moto")
    with tell_processes(server.url, server.bucket()):
        yield


@pytest.fixture(scope="session", autouse=True)
def ledgers(request: pytest.FixtureRequest) -> Iterator[None]:
    """With `--ledger postgres`, every store that is opened in this process without a word about its
    ledger has one there."""
    if request.config.getoption("--ledger") != POSTGRES:
        yield
        return
    opened = Store.open.__func__  # type: ignore[attr-defined]

    def open_there(kind: type[Store], root: Path, **more: Any) -> Store:
        kept = more.pop("storage", None) or Storage()
        ledger = kept.ledger or ledger_of(root)
        given: Store = opened(kind, root, storage=replace(kept, ledger=ledger), **more)
        return given

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "open", classmethod(open_there))
        yield
