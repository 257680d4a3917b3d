"""What goes wrong, what is not known, who else is there, and a server that goes away."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.gateway.conftest import Stage
from tests.gateway.servers import Home, Street, street
from tests.studio.browser.conftest import Opener, Say, card, describe
from tests.studio.words import say

said = partial(say, "en")


@pytest.fixture(scope="module")
def lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """Homes over one upstream that takes one call at a time."""
    with street(tmp_path_factory.mktemp("lane"), "gemini-3.1-flash-image") as made:
        limits = "\n[upstreams.relay.limits]\nconcurrency = 1\n"
        yield replace(made, config=made.config + limits)


@pytest.fixture
def narrow(lane: Street, tmp_path: Path) -> Iterator[Home]:
    """A home whose upstream takes one call at a time."""
    with lane.home(tmp_path) as home:
        yield home


def create(page: Page, prompt: str, said: Say = said) -> None:
    describe(page, said, prompt)
    page.get_by_role("button", name=said("composer.create")).click()


def test_a_failure_says_what_its_upstream_said_and_can_be_tried_again(
    opening: Opener, shop: Stage, way: tuple[str, str]
) -> None:
    said = partial(say, way[1])
    screen = opening(shop.url, *way)
    page = screen.open()
    before = len(shop.charges)
    create(page, "a cat [[sandbox finish=IMAGE_SAFETY charge=no]]", said)
    refused = card(page, "a cat")
    expect(refused.get_by_role("alert")).to_contain_text("IMAGE_SAFETY")
    screen.shoot("refused")
    refused.get_by_role("button", name=said("queue.again")).click()
    expect(card(page, "a cat").get_by_role("alert")).to_contain_text("IMAGE_SAFETY")
    assert len(shop.charges) == before


@pytest.mark.parametrize("decision", ["look", "rebuy", "write-off"])
def test_what_nobody_knows_waits_for_a_decision_with_its_price(
    opening: Opener, shop: Stage, decision: str, way: tuple[str, str]
) -> None:
    said = partial(say, way[1])
    screen = opening(shop.url, *way)
    page = screen.open()
    before = len(shop.charges)
    prompt = f"a map for {decision}"
    create(page, f"{prompt} [[sandbox html=524]]", said)
    unknown = card(page, prompt)
    expect(unknown.get_by_role("alert")).to_contain_text("0.067 USD")
    expect(page.get_by_label(re.compile("wait.? for your decision|等你决定|等待"))).to_be_visible()
    screen.shoot("unknown")
    assert len(shop.charges) == before + 1
    unknown.get_by_role("button", name=said(f"unknown.{decision}")).click()
    if decision == "look":
        expect(page.locator("toast-list")).not_to_have_text("")
        expect(card(page, prompt).get_by_role("button", name=said("unknown.look"))).to_be_enabled()
    else:
        deadline = time.monotonic() + 10
        bought = 1 + (decision == "rebuy")
        while len(shop.charges) < before + bought and time.monotonic() < deadline:
            page.wait_for_timeout(100)
        assert len(shop.charges) == before + bought
    for one in shop.pisang("unknown", "list")["unknown"]:
        shop.pisang("unknown", "write-off", one["id"])


def test_what_was_not_sent_yet_can_be_called_off(narrow: Home, opening: Opener) -> None:
    server = narrow.start()
    screen = opening(server.url)
    page = screen.open()
    create(page, "the first [[sandbox delay=4]]")
    expect(card(page, "the first")).to_contain_text(said("step.sent"))
    create(page, "the second")
    second = card(page, "the second")
    expect(second).to_contain_text("place 1")
    screen.shoot("queued")
    second.get_by_role("button", name=said("queue.cancel")).click()
    expect(second.get_by_role("alert")).to_be_visible()
    expect(card(page, "the first")).to_contain_text(said("queue.done"))
    assert narrow.charges == 1


def test_two_browsers_see_each_others_images_within_two_seconds(
    opening: Opener, shop: Stage
) -> None:
    one, other = opening(shop.url), opening(shop.url, language="zh")
    first, second = one.open(), other.open()
    expect(first.locator("image-gallery li").first.or_(first.locator(".empty"))).to_be_visible()
    for here, there, prompt in (
        (first, second, "seen from the other side"), (second, first, "and from this one"),
    ):  # fmt: skip
        words = said if here is first else partial(say, "zh")
        describe(here, words, prompt)
        here.get_by_role("button", name=words("composer.create")).click()
        expect(here.get_by_role("img", name=prompt).first).to_be_visible()
        began = time.monotonic()
        expect(there.get_by_role("img", name=prompt).first).to_be_visible()
        assert time.monotonic() - began < 2


def test_a_server_that_restarts_in_the_middle_loses_nothing_and_is_found_again(
    narrow: Home, opening: Opener
) -> None:
    server = narrow.start()
    screen = opening(server.url)
    page = screen.open()
    create(page, "a slow tide [[sandbox delay=3]]")
    expect(card(page, "a slow tide")).to_contain_text(said("step.sent"))
    server.signal()
    expect(page.get_by_text(said("queue.line-lost")).locator("visible=true")).to_be_visible()
    screen.shoot("lost")
    assert server.ended() == 0
    narrow.start(port=server.port)
    expect(card(page, "a slow tide")).to_contain_text(said("queue.done"), timeout=20_000)
    expect(page.get_by_role("img", name="a slow tide").first).to_be_visible()
    assert narrow.charges == 1
    screen.forgive("ERR_")
