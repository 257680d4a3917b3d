"""The gallery: found again, kept as favourites, taken along, put away and had back."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from functools import partial

import pytest
from playwright.sync_api import Page, expect

from tests.gateway.guarded import PRO, Guarded, guarding
from tests.studio.browser.conftest import Opener, Screen
from tests.studio.browser.test_running import sign_in
from tests.studio.words import say

PROMPTS = ("a red heron", "a blue heron", "雾中的灯塔", "a green door", "a kite")


@pytest.fixture
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarding(tmp_path_factory.mktemp("kept")) as made:
        for prompt in PROMPTS:
            model = PRO if prompt == "a kite" else "gemini-3.1-flash-image"
            made.paint("own", prompt, model, size="2K" if prompt == "a kite" else "1K")
        made.paint("own", "a lost map [[sandbox html=524]]")
        yield made


def tiles(page: Page):  # type: ignore[no-untyped-def]
    return page.locator("image-gallery li a")


def to_gallery(screen: Screen, said) -> None:  # type: ignore[no-untyped-def]
    link = screen.page.get_by_role("link", name=said("page.gallery"), exact=True)
    if link.is_visible():
        link.click()


@pytest.mark.parametrize(("language", "size"), [("en", "desk"), ("zh", "phone")])
def test_images_are_found_kept_taken_along_put_away_and_had_back(
    office: Guarded, opening: Opener, language: str, size: str
) -> None:
    said = partial(say, language)
    screen = opening(office.url, size, language)
    page = screen.open()
    page.get_by_label(said("sign-in.key"), exact=True).fill(office.text("own") or "")
    page.get_by_role("button", name=said("sign-in.enter")).click()
    page.locator("studio-app nav").wait_for()
    to_gallery(screen, said)
    expect(tiles(page)).to_have_count(5)

    search = page.get_by_role("searchbox")
    for words, count in (("heron", 2), ("灯塔", 1), ("nothing like it", 0), ("", 5)):
        search.fill(words)
        expect(tiles(page)).to_have_count(count)
    page.get_by_role("button", name=said("gallery.filters"), exact=True).click()
    sheet = page.locator("gallery-tools")
    for name, value, count in (
        ("model", "gemini-3-pro-image", 1), ("size", "2K", 1), ("upstream", "relay", 5),
        ("ratio", "16:9", 0),
    ):  # fmt: skip
        chosen = sheet.get_by_role("combobox", name=said(f"filter.{name}"), exact=True)
        chosen.select_option(value)
        expect(tiles(page)).to_have_count(count)
        chosen.select_option("")
        expect(tiles(page)).to_have_count(5)
    outcome = sheet.get_by_role("combobox", name=said("filter.outcome"), exact=True)
    outcome.select_option("unknown")
    expect(page.locator("outcome-list queue-card")).to_contain_text("a lost map")
    screen.shoot("outcome")
    outcome.select_option("")
    page.get_by_role("button", name=said("gallery.filters"), exact=True).click()

    page.get_by_role("img", name="a red heron").click()
    viewer = page.get_by_role("dialog", name=said("viewer.title"))
    expect(viewer.locator("image-info .prompt")).to_have_text("a red heron")
    page.keyboard.press("f")
    expect(viewer.get_by_role("button", name=said("gallery.favour"))).to_have_attribute(
        "aria-pressed", "true"
    )
    page.keyboard.press("Escape")
    expect(viewer).to_have_count(0)
    only = page.get_by_role("button", name=said("filter.favourite"))
    only.click()
    expect(tiles(page)).to_have_count(1)
    only.click()
    expect(tiles(page)).to_have_count(5)

    sheet.get_by_role("button", name=said("gallery.select"), exact=True).click()
    tiles(page).nth(0).click()
    tiles(page).nth(2).click(modifiers=["Shift"])
    expect(page.get_by_role("toolbar")).to_contain_text(said("picked.count", count=3))
    screen.shoot("picked")
    with page.expect_download() as download:
        page.get_by_role("button", name=said("picked.zip")).click()
    with zipfile.ZipFile(download.value.path()) as packed:
        assert packed.testzip() is None
        assert len([one for one in packed.namelist() if not one.endswith(".jsonl")]) == 3
    page.get_by_role("button", name=said("picked.delete")).click()
    expect(tiles(page)).to_have_count(2)
    page.get_by_role("button", name=said("picked.undo")).click()
    expect(tiles(page)).to_have_count(5)

    sheet.get_by_role("button", name=said("gallery.select"), exact=True).click()
    tiles(page).first.click()
    page.get_by_role("button", name=said("picked.delete")).click()
    expect(tiles(page)).to_have_count(4)
    trash = page.get_by_role("button", name=said("filter.trash"))
    trash.click()
    expect(tiles(page)).to_have_count(1)
    screen.shoot("trash")
    sheet.get_by_role("button", name=said("gallery.select"), exact=True).click()
    tiles(page).first.click()
    page.get_by_role("button", name=said("picked.erase")).click()
    page.locator("dialog[open]").get_by_role("button", name=said("picked.erase")).click()
    expect(tiles(page)).to_have_count(0)
    trash.click()
    expect(tiles(page)).to_have_count(4)


def test_what_a_neighbour_has_is_not_seen(office: Guarded, opening: Opener) -> None:
    page = sign_in(opening(office.url), office.text("other") or "")
    expect(page.get_by_text(say("en", "gallery.none"))).to_be_visible()
