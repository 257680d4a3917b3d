"""Every link of a page leads somewhere, to the very heading, and every table is whole."""

from __future__ import annotations

import re

import pytest

from tools.pages import anchors, links, pages, prose
from tools.sources import ROOT

PAGES = [*pages(), "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page: str) -> None:
    path = ROOT / page
    for target in links(page):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        goal = path.parent / name if name else path
        assert goal.exists(), f"{page} links to {target}"
        if anchor:
            assert anchor in anchors(goal), f"{page} links to {target}: there is no such heading"


@pytest.mark.parametrize("page", PAGES)
def test_every_row_of_a_table_has_as_many_cells_as_its_head(page: str) -> None:
    """GitHub cuts a row that has more, also where a bar stands in code."""
    for table in re.findall(r"(?:^\|.*\n)+", prose(page), re.M):
        counts = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(counts) == 1, f"{page}:\n{table}"
