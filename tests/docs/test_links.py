"""Every link of a page leads somewhere, to the very heading."""

from __future__ import annotations

import pytest

from tools.pages import anchors, links, pages
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
