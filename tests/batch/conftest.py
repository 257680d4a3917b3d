"""The command line over a sandbox server that keeps a book, as its own tests have it."""

from __future__ import annotations

from tests.cli.conftest import environ, folder, home, local, pisang, server

__all__ = ["environ", "folder", "home", "local", "pisang", "server"]
