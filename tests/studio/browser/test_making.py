"""Compose, watch, look closely, go on from there: in both languages, at a desk and on a phone."""

from __future__ import annotations

import hashlib
import shlex
from functools import partial

import pytest
from playwright.sync_api import Route, expect

from tests.gateway.conftest import Stage, run
from tests.studio.browser.conftest import Opener, Say, Screen, card, describe
from tests.studio.words import say

PROMPTS = {"en": "A lighthouse in the fog", "zh": "雾中的灯塔，油画"}


def to_gallery(screen: Screen, said: Say) -> None:
    """On a phone the gallery is a page of its own."""
    link = screen.page.get_by_role("link", name=said("page.gallery"), exact=True)
    if link.is_visible():
        link.click()


@pytest.mark.parametrize("size", ["desk", "phone"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_picture_is_composed_watched_and_looked_at(
    opening: Opener, shop: Stage, language: str, size: str
) -> None:
    said = partial(say, language)
    prompt = f"{PROMPTS[language]} {size}"
    before = len(shop.charges)
    screen = opening(shop.url, size, language)
    page = screen.open()
    describe(page, said, prompt)
    page.get_by_role("combobox", name=said("composer.model"), exact=True).select_option(
        "gemini-3-pro-image"
    )
    ratios = page.get_by_role("radiogroup", name=said("composer.ratio"))
    ratios.get_by_role("radio", name="16:9").click()
    sizes = page.get_by_role("radiogroup", name=said("composer.size"))
    sizes.get_by_role("radio", name="2K").click()
    expect(page.get_by_text("2752 × 1536 px").first).to_be_visible()
    page.get_by_role("button", name=said("composer.more")).click()
    expect(page.get_by_role("button", name=said("composer.create"))).to_contain_text("0.268 USD")
    screen.shoot("composed")
    if size == "desk":
        page.get_by_role("textbox", name=said("composer.prompt")).press("Control+Enter")
    else:
        page.get_by_role("button", name=said("composer.create")).click()
    done = card(page, prompt)
    expect(done).to_contain_text(said("queue.done"))
    expect(done).to_contain_text("0.268 USD")
    assert len(shop.charges) == before + 2
    screen.shoot("made")

    to_gallery(screen, said)
    mine = page.get_by_role("img", name=prompt)
    expect(mine).to_have_count(2)
    expect(mine.first).to_have_js_property("complete", True)
    screen.shoot("gallery")
    mine.first.click()
    viewer = page.get_by_role("dialog", name=said("viewer.title"))
    expect(viewer.get_by_text("2752 × 1536 px")).to_be_visible()
    expect(viewer.locator("image-info")).to_contain_text("gemini-3-pro-image")
    painted = {"en": "painted by the sandbox", "zh": "由沙盒绘制"}[language]
    expect(viewer.locator("image-info")).to_contain_text(painted)
    page.wait_for_timeout(300)
    screen.shoot("viewer")
    page.keyboard.press("Escape")
    expect(viewer).to_have_count(0)


def test_what_a_model_cannot_make_cannot_be_chosen_and_says_why(
    opening: Opener, shop: Stage
) -> None:
    said = partial(say, "en")
    page = opening(shop.url).open()
    page.get_by_role("combobox", name="Model", exact=True).select_option("gemini-3.1-flash-image")
    page.get_by_role("radio", name="1:8").click()
    page.get_by_role("combobox", name="Model", exact=True).select_option("gemini-3-pro-image")
    describe(page, said, "a tall tower")
    expect(page.get_by_role("button", name=said("composer.create"))).to_be_disabled()
    expect(page.get_by_text("can’t make 1:8").first).to_be_visible()


def test_prompts_of_before_come_back(opening: Opener, shop: Stage) -> None:
    said = partial(say, "en")
    page = opening(shop.url).open()
    box = page.get_by_role("textbox", name=said("composer.prompt"))
    for prompt in ("a first heron", "a second heron"):
        box.fill(prompt)
        box.press("Control+Enter")
        expect(card(page, prompt)).to_contain_text(said("queue.done"))
    box.fill("not sent yet")
    for key, prompt in (
        ("Alt+ArrowUp", "a second heron"), ("Alt+ArrowUp", "a first heron"),
        ("Alt+ArrowDown", "a second heron"), ("Alt+ArrowDown", "not sent yet"),
    ):  # fmt: skip
        box.press(key)
        expect(box).to_have_value(prompt)


def test_an_image_is_edited_compared_downloaded_and_told_as_a_command(
    opening: Opener, shop: Stage, way: tuple[str, str]
) -> None:
    said = partial(say, way[1])
    night = f"the same harbour at night, {way[1]}"
    screen = opening(shop.url, *way)
    page = screen.open()
    describe(page, said, f"a harbour at noon, {way[1]}")
    page.get_by_role("button", name=said("composer.create")).click()
    to_gallery(screen, said)
    page.get_by_role("img", name=f"a harbour at noon, {way[1]}").first.click()
    viewer = page.get_by_role("dialog", name=said("viewer.title"))
    sha256 = viewer.locator(".hash").first.inner_text()

    with page.expect_download() as download:
        viewer.get_by_role("link", name=said("info.original")).click()
    data = download.value.path().read_bytes()
    assert hashlib.sha256(data).hexdigest() == sha256
    with page.expect_download() as download:
        viewer.get_by_role("link", name="WEBP").click()
    assert download.value.path().read_bytes()[8:12] == b"WEBP"

    viewer.get_by_role("button", name=said("viewer.copy-cli")).click()
    command = shlex.split(page.evaluate("navigator.clipboard.readText()"))
    assert command[0] == "pisang"
    before = len(shop.charges)
    run(shop.home, *command[1:], "--out", f"copy-{way[1]}.png")
    assert len(shop.charges) == before + 1

    viewer.get_by_role("button", name=said("viewer.edit")).click()
    describe(page, said, night)
    page.get_by_role("button", name=f"{said('composer.edit')} 0.067 USD").click()
    expect(card(page, night)).to_contain_text(said("queue.done"))
    to_gallery(screen, said)
    page.get_by_role("img", name=night).first.click()
    viewer.get_by_role("button", name=said("info.compare-parent")).click()
    slider = viewer.get_by_role("slider")
    slider.press("ArrowRight")
    page.wait_for_timeout(400)
    screen.shoot("compared")
    viewer.press("c")
    for key in ("+", "+", "-", "0", "i", "ArrowRight", "ArrowLeft"):
        viewer.press(key)
    viewer.press("r")
    expect(page.get_by_role("textbox", name=said("composer.prompt"))).to_have_value(night)


def test_pictures_are_brought_by_file_paste_and_use(
    opening: Opener, shop: Stage, way: tuple[str, str]
) -> None:
    said = partial(say, way[1])
    screen = opening(shop.url, *way)
    page = screen.open()
    describe(page, said, "a blue door")
    page.get_by_role("button", name=said("composer.create")).click()
    to_gallery(screen, said)
    mine = page.get_by_role("img", name="a blue door").first
    expect(mine).to_be_visible()
    mine.click()
    page.get_by_role("button", name=said("viewer.use")).click()
    data = page.request.get(f"{shop.url}/pisang/v1/gallery?limit=1").json()["images"][0]
    bytes_ = page.request.get(f"{shop.url}{data['url']}").body()
    picture = {"name": "door.jpg", "mimeType": "image/jpeg", "buffer": bytes_ + b"\0"}
    page.locator("reference-tray input[type=file]").set_input_files(picture)
    page.evaluate(
        """async () => {
          const canvas = document.createElement('canvas'); canvas.width = canvas.height = 64;
          canvas.getContext('2d').fillRect(0, 0, 32, 64);
          const blob = await new Promise((made) => canvas.toBlob(made));
          const data = new DataTransfer();
          data.items.add(new File([blob], 'pasted.png', {type: 'image/png'}));
          dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true}));
        }"""
    )
    tray = page.locator("reference-tray")
    expect(tray.get_by_role("img")).to_have_count(3)
    screen.shoot("tray")
    describe(page, said, "all three in one room")
    page.get_by_role("button", name=said("composer.create")).click()
    expect(card(page, "all three in one room")).to_contain_text(said("queue.done"))
    told = shop.pisang("history", "--limit", "1")
    assert len(told["requests"][0].get("references", [1, 2, 3])) == 3


def test_markup_in_prompts_and_in_what_models_say_stays_text(opening: Opener, shop: Stage) -> None:
    said = partial(say, "en")
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script><b>{{bold}}</b>"
    screen = opening(shop.url)
    page = screen.open()
    alerts: list[str] = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    for prompt in (evil, f"{evil} [[sandbox text-only]]", f"{evil} [[sandbox status=400]]"):
        describe(page, said, prompt)
        page.get_by_role("button", name=said("composer.create")).click()
        expect(card(page, evil).locator(".prompt")).to_contain_text(evil)
        expect(page.locator("queue-card [aria-busy=true]")).to_have_count(0)

    def say_evil(route: Route) -> None:  # what models and upstreams say is theirs to choose
        told = route.fetch().json()
        told |= {"text": evil, "tags": [evil], "warnings": [{"code": "x", "message": evil}]}
        route.fulfill(json=told)

    page.route("**/pisang/v1/requests/req_*", say_evil)
    page.locator("image-gallery img").first.click()
    expect(page.locator("image-info .prompt")).to_have_text(evil)
    expect(page.locator("image-info").get_by_text(evil)).to_have_count(4)
    page.wait_for_timeout(300)
    assert page.locator("img[src=x], b").count() == 0
    assert alerts == []
