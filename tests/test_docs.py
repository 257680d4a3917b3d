"""Generated pages are what the code gives, and the version is the same everywhere.

That the examples run, and that nothing is left out: `tests/docs`.
"""

from __future__ import annotations

import tomllib

import pytest

import pisang
from pisang.domain.version import VERSION
from tools import docs
from tools.sources import ROOT


@pytest.mark.parametrize("name", docs.PAGES)
def test_a_generated_page_is_what_the_code_gives(name: str) -> None:
    assert (ROOT / name).read_text("utf-8") == docs.PAGES[name](), "run: make fix"


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert pisang.__version__ == VERSION == project["version"]
