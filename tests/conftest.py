"""Which kinds of storage the tests run on. `--images s3`: contents in a bucket of a real S3 server
(moto) on the loopback; tests that are about files in a folder are left out then, and counted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.buckets import Moto, tell_processes

S3 = "s3"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--images", choices=("folder", S3), default="folder", help="where images are kept"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--images") != S3:
        return
    left_out = [item for item in items if item.get_closest_marker("folder")]
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
