"""What the client's tests share: an empty home, an empty folder, an empty environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pisang.client.loading import load_settings
from pisang.client.settings import Settings

Load = Callable[..., Settings]


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """A keyring of the machine that runs the tests is nobody's business here."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Settings as `load(config=…, folder=…, **environ)` writes them down."""

    def load(config: str = "", folder: str = "", **environ: str) -> Settings:
        home, here = tmp_path / "home", tmp_path / "here"
        home.mkdir(exist_ok=True)
        here.mkdir(exist_ok=True)
        if config:
            (home / "config.toml").write_text(config)
        if folder:
            (here / "pisang.toml").write_text(folder)
        return load_settings(home=home, folder=here, environ=environ)

    return load
