"""One sandbox server for all pages, and a fresh stage for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.stage import Stage, sandbox_server


@pytest.fixture(scope="session")
def upstreams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the sandbox that stands behind every host of the docs."""
    with sandbox_server(tmp_path_factory.mktemp("sandbox")) as url:
        yield url


@pytest.fixture
def raise_stage(tmp_path: Path, upstreams: str) -> Iterator[Callable[..., Stage]]:
    """Makes a stage; what it started ends with the test."""
    stages: list[Stage] = []

    def raise_one(**told: str) -> Stage:
        stages.append(Stage(tmp_path / f"stage{len(stages)}", upstreams, **told))
        return stages[-1]

    yield raise_one
    for stage in stages:
        stage.close()
