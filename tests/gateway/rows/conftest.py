from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gateway.rows.stage import Watched, watching


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with watching(tmp_path_factory.mktemp("watched")) as made:
        yield made
