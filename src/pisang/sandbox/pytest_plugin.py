"""The fixture `pisang_sandbox`: a real sandbox server on loopback for people's own tests.

pytest loads this module at start-up of every run on a machine where Pisang is installed, so it
imports nothing heavy.
"""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def pisang_sandbox() -> object:
    """A running sandbox server with `.base_url`, `.book` and `.key`."""
    raise RuntimeError("The pisang_sandbox fixture needs the `pisang sandbox` command.")
