"""The command line in this process, as the command line's own tests call it."""

from __future__ import annotations

from tests.cli.conftest import environ, folder, home, pisang

__all__ = ["environ", "folder", "home", "pisang"]
