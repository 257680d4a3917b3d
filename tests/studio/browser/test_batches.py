"""A table becomes a batch: its plan, its price, its rows as they come, the failed ones again."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.gateway.conftest import Stage
from tests.studio.browser.conftest import Opener
from tests.studio.words import say


@pytest.mark.parametrize(("language", "size"), [("en", "desk"), ("zh", "phone")])
def test_a_table_is_checked_priced_run_and_its_failures_retried(
    opening: Opener, shop: Stage, language: str, size: str, tmp_path: Path
) -> None:
    said = partial(say, language)
    before = len(shop.charges)
    screen = opening(shop.url, size, language)
    page = screen.open("#/batch")
    table = page.get_by_role("textbox", name=said("batch.table"))
    table.fill("prompt\tratio\tn\na heron\t17:1\t1\n")
    page.get_by_role("button", name=said("batch.check")).click()
    expect(page.get_by_role("alert")).to_contain_text("17:1")
    screen.shoot("wrong")
    screen.forgive("status of 400")
    file = tmp_path / f"herons-{language}.csv"
    rows = (
        f'"a heron, {language}",16:9,2', f"a {language} door,1:1,1",
        f"a {language} fault [[sandbox finish=IMAGE_SAFETY charge=no]],1:1,1",
    )  # fmt: skip
    file.write_text("\n".join(("prompt,ratio,n", *rows)))
    page.locator("batch-page input[type=file]").set_input_files(file)
    expect(page.get_by_role("cell", name=f"a heron, {language}")).to_be_visible()
    page.get_by_role("button", name=said("batch.check")).click()
    expect(page.get_by_text("0.268 USD")).to_be_visible()
    screen.shoot("plan")
    page.get_by_role("button", name=said("batch.run")).click()
    expect(page.get_by_role("heading", name=file.name)).to_be_visible()
    expect(page.get_by_role("status").first).to_contain_text(
        said("batch.of", count=3, total=3), timeout=20_000
    )
    expect(
        page.get_by_role("row").filter(has_text=f"a heron, {language}").get_by_role("link")
    ).to_have_count(2)
    expect(page.get_by_text("IMAGE_SAFETY").first).to_be_visible()
    screen.shoot("rows")
    assert len(shop.charges) == before + 3
    page.get_by_role("button", name=said("batch.retry")).click()
    expect(page.get_by_text("IMAGE_SAFETY").first).to_be_visible()
    page.get_by_role("link", name=said("batch.back")).click()
    expect(page.get_by_role("link", name=file.name)).to_be_visible()
    screen.shoot("list")
    assert len(shop.charges) == before + 3
