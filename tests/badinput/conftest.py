"""One stage for a module of tests, in an environment with nothing of this machine's in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.badinput.stage import Stage, raised

_OURS = ("PISANG_", "GEMINI", "GOOGLE", "IKUN", "OPENROUTER", "LC_", "LANG")


def clean_environment(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Set what Pisang reads, and take away what a developer's machine may have set."""
    for name in list(os.environ):
        if name.startswith(_OURS) or name.lower().endswith("_proxy"):
            patch.delenv(name)
    patch.setenv("PISANG_HOME", str(home))
    patch.setenv("LANG", "C.UTF-8")
    patch.setenv("PISANG_KEEPER", "off")  # this process has threads: it must not fork
    patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Four upstreams at one misbehaving server. Retries wait for nothing: the dice say nought."""
    folder = tmp_path_factory.mktemp("badinput")
    with pytest.MonkeyPatch.context() as patch:
        clean_environment(patch, folder / "home")
        patch.chdir(folder)
        patch.setattr("pisang.engine.world.random.random", lambda: 0.0)
        with raised(folder / "home") as made:
            yield made
