"""Two nodes of a Ray cluster on this machine, and a sandbox server that keeps a book."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from pisang.sandbox.pytest_plugin import SandboxServer

try:
    import ray
    from ray.cluster_utils import Cluster
except ImportError:
    ray = None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ray is not among the developers' tools; who has none is told, not left in the belief."""
    for item in items:
        if ray is None and "/tests/ray/" in str(item.path):
            item.add_marker(pytest.mark.skip(reason="RAY IS NOT INSTALLED: make ray"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pisang_sandbox: SandboxServer) -> Path:
    """One home for all nodes, its upstream the sandbox server, and the folder to be in."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text(
        'default_upstream = "local"\n'
        '[upstreams.local]\nwire = "gemini"\nauth = "none"\n'
        f'base_url = "{pisang_sandbox.base_url}"\n'
        '[upstreams.local.prices]\n"gemini-3.1-flash-image" = "0.067USD"\n'
    )
    for name in list(os.environ):
        if name.startswith("PISANG_") and name != "PISANG_TEST_POSTGRES":
            monkeypatch.delenv(name)
    monkeypatch.setenv("PISANG_HOME", str(home))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.chdir(tmp_path)
    return home


@pytest.fixture
def cluster(home: Path) -> Iterator[Cluster]:
    """A head and a second node; this process is on it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        made.add_node(num_cpus=1)
        made.wait_for_nodes()
        ray.init(address=made.address, log_to_driver=False)
        yield made
        ray.shutdown()
        made.shutdown()
