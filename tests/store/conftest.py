"""A store on a fresh home, closed again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pisang.store.store import Store
from tests.store.kit import Clock, open_store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    opened = open_store(tmp_path / "home", clock)
    yield opened
    opened.close()
