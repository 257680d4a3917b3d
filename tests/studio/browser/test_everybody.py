"""Keyboard alone, screen readers, contrast, light and dark, both languages, a phone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Page, expect

from tests.gateway.conftest import Stage
from tests.gateway.guarded import Guarded, guarding
from tests.studio.browser.conftest import Opener, card
from tests.studio.words import say

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
PAGES = ("create", "gallery", "batch", "costs", "keys", "upstreams", "image")
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarding(tmp_path_factory.mktemp("office")) as made:
        for number in range(3):
            made.paint("admin", f"picture {number}")
        made.paint("admin", "a lost one [[sandbox html=524]]")
        made.paint("admin", "a forbidden one [[sandbox finish=IMAGE_SAFETY]]")
        yield made


def violations(page: Page) -> list[str]:
    """What axe-core finds that is serious, in all shadows too."""
    told = page.evaluate(
        f"(async () => {{ {AXE}; return JSON.stringify((await axe.run(document)).violations); }})()"
    )
    return [
        f"{one['impact']} {one['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
        for one in json.loads(told)
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("size", ["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_that_keeps_somebody_out(
    opening: Opener, office: Guarded, scheme: str, size: str
) -> None:
    language = "en" if scheme == "light" else "zh"
    screen = opening(office.url, size, language, color_scheme=scheme, bypass_csp=True)
    page = screen.open()
    found = [("sign-in", *violations(page))]
    screen.shoot("sign-in")
    page.get_by_label(say(language, "sign-in.key")).fill(office.text("admin") or "")
    page.keyboard.press("Enter")
    page.locator("studio-app nav").wait_for()
    images = page.request.get(f"{office.url}/pisang/v1/gallery").json()["images"]
    for name in PAGES:
        where = (
            f"image/{images[0]['request_id']}/{images[0]['sha256']}" if name == "image" else name
        )
        page.evaluate(f"location.hash = '#/{where}'")
        page.wait_for_load_state("networkidle") if False else page.wait_for_timeout(700)
        found.append((name, *violations(page)))
        screen.shoot(name)
        width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert width <= 0, f"{name} is wider than the screen"
    assert [one for one in found if len(one) > 1] == []


def test_everything_from_the_keyboard(opening: Opener, shop: Stage) -> None:
    said = partial(say, "en")
    screen = opening(shop.url)
    page = screen.open()
    expect(page.get_by_role("button", name=said("composer.create"))).to_be_visible()
    expect(page.get_by_role("combobox", name=said("composer.model"), exact=True)).not_to_be_empty()
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name=said("keys.title"))
    expect(sheet).to_be_visible()
    screen.shoot("keys")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    for prompt in ("by hand one", "by hand two"):
        page.keyboard.press("n")
        expect(page.get_by_role("textbox", name=said("composer.prompt"))).to_be_focused()
        page.keyboard.press("Control+A")
        page.keyboard.type(prompt)
        page.keyboard.press("Control+Enter")
        expect(card(page, prompt)).to_contain_text(said("queue.done"))
        page.get_by_role("textbox", name=said("composer.prompt")).blur()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("by hand")
    expect(page.locator("image-gallery li")).to_have_count(2)
    newest = page.locator("image-gallery li a").first
    newest.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("image-gallery li a[data-at='1']")).to_be_focused()
    page.keyboard.press("Enter")
    viewer = page.get_by_role("dialog", name=said("viewer.title"))
    expect(viewer.locator("image-info .prompt")).to_have_text("by hand one")
    page.keyboard.press("ArrowLeft")
    expect(viewer.locator("image-info .prompt")).to_have_text("by hand two")
    page.keyboard.press("Escape")
    expect(viewer).to_have_count(0)
    for number, name in enumerate(("batch", "costs"), 3):
        page.keyboard.press(str(number))
        expect(page).to_have_url(f"{shop.url}/#/{name}")
