"""Who may come in, and what an administrator looks after: costs, keys, teams, upstreams."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.gateway.conftest import run, serving
from tests.gateway.guarded import Guarded, guarding
from tests.studio.browser.conftest import Opener, Say, Screen, card, describe
from tests.studio.words import say

said = partial(say, "en")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A gateway that asks for keys."""
    with guarding(tmp_path_factory.mktemp("office")) as made:
        yield made


def sign_in(screen: Screen, key: str, said: Say = said) -> Page:
    """Come in with a key."""
    page = screen.open()
    page.get_by_label(said("sign-in.key"), exact=True).fill(key)
    page.get_by_role("button", name=said("sign-in.enter")).click()
    return page


def test_a_wrong_key_is_told_so_and_a_good_one_is_kept_where_no_script_reads_it(
    opening: Opener, office: Guarded
) -> None:
    screen = opening(office.url)
    page = sign_in(screen, office.text("wrong") or "")
    expect(page.get_by_role("alert")).not_to_have_text("")
    screen.shoot("wrong")
    screen.forgive("status of 401")
    key = office.text("own") or ""
    page.get_by_label(said("sign-in.key"), exact=True).fill(key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name=said("composer.prompt"))).to_be_visible()
    seen = page.evaluate(
        "JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}, location.href])"
    )
    (cookie,) = page.context.cookies()
    assert key not in seen and key not in cookie["value"]
    assert key.rpartition("_")[2] not in seen + cookie["value"]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    page.reload()
    expect(page.get_by_role("textbox", name=said("composer.prompt"))).to_be_visible()
    page.get_by_role("button", name=re.compile("Sign out")).click()
    expect(page.get_by_label(said("sign-in.key"), exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_label(said("sign-in.key"), exact=True)).to_be_visible()
    assert page.context.cookies() == []


def test_each_sees_his_own_and_a_reader_makes_nothing(opening: Opener, office: Guarded) -> None:
    screen = opening(office.url)
    page = sign_in(screen, office.text("own") or "")
    describe(page, said, "mine alone")
    page.get_by_role("button", name=said("composer.create")).click()
    expect(card(page, "mine alone")).to_contain_text(said("queue.done"))
    expect(page.get_by_role("link", name=said("page.keys"))).to_have_count(0)
    other = sign_in(opening(office.url), office.text("other") or "")
    expect(other.get_by_text(said("gallery.none"))).to_be_visible()
    reader = sign_in(opening(office.url), office.text("reader") or "")
    expect(reader.get_by_text(said("composer.read-only"))).to_be_visible()
    expect(reader.get_by_role("button", name=said("composer.create"))).to_be_disabled()


def test_keys_and_teams_are_made_shown_once_and_revoked(
    opening: Opener, office: Guarded, way: tuple[str, str]
) -> None:
    said = partial(say, way[1])
    laptop = f"Ada’s laptop, {way[1]}"
    team = f"painters-{way[1]}"
    screen = opening(office.url, *way)
    page = sign_in(screen, office.text("admin") or "", said)
    page.get_by_role("link", name=said("page.keys")).click()
    page.get_by_role("button", name=said("key-page.new-team")).click()
    page.get_by_label(said("key-page.name")).last.fill(team)
    page.locator("dialog[open]").get_by_role("button", name=said("key-page.make")).click()
    expect(page.get_by_role("cell", name=team).first).to_be_visible()
    page.get_by_role("button", name=said("key-page.new"), exact=True).click()
    sheet = page.locator("dialog[open]")
    sheet.get_by_label(said("key-page.name")).fill(laptop)
    sheet.get_by_label(said("key-page.team")).select_option(team)
    sheet.get_by_label(said("key-page.budget")).fill("1USD")
    screen.shoot("new-key")
    sheet.get_by_role("button", name=said("key-page.make")).click()
    text = page.locator(".secret code").inner_text()
    assert text.startswith("psk_")
    screen.shoot("keys")
    guest = opening(office.url, *way)
    inside = sign_in(guest, text, said)
    expect(inside.get_by_role("textbox", name=said("composer.prompt"))).to_be_visible()
    page.get_by_role("button", name=said("key-page.revoke-of", name=laptop)).click()
    page.locator("dialog[open]").get_by_role("button", name=said("key-page.revoke")).click()
    expect(page.get_by_role("cell", name=laptop)).to_have_count(0)
    inside.reload()
    expect(inside.get_by_label(said("sign-in.key"), exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_text(text)).to_have_count(0)


def test_an_upstream_is_added_tested_and_its_key_never_comes_back(
    opening: Opener, office: Guarded, way: tuple[str, str]
) -> None:
    said = partial(say, way[1])
    screen = opening(office.url, *way)
    page = sign_in(screen, office.text("admin") or "", said)
    page.get_by_role("link", name=said("page.upstreams")).click()
    page.get_by_role("button", name=said("upstream.new")).click()
    sheet, spare = page.locator("dialog[open]"), f"spare-{way[1]}"
    upstream = page.request.get(f"{office.url}/pisang/v1/upstreams").json()["upstreams"][0]
    sheet.get_by_label(said("upstream.name")).fill(spare)
    if sheet.get_by_label(said("upstream.preset")).count():
        sheet.get_by_label(said("upstream.preset")).select_option("")
    sheet.get_by_label(said("upstream.wire")).select_option("gemini")
    sheet.get_by_label(said("upstream.base_url")).fill(upstream["base_url"])
    sheet.get_by_label(said("upstream.key")).fill("sk-very-secret-words")
    screen.shoot("new-upstream")
    sheet.get_by_role("button", name=said("form.save")).click()
    expect(page.get_by_text(spare).first).to_be_visible()
    shown = page.locator("upstream-page")
    shown.locator("section, li, article, tr").filter(has_text=spare).last.get_by_role(
        "button", name=said("upstream.test")
    ).click()
    expect(shown).to_contain_text(re.compile("It answers in|应答正常|内应答|响应"))
    screen.shoot("upstreams")
    assert "very-secret" not in page.content()
    assert "very-secret" not in page.request.get(f"{office.url}/pisang/v1/upstreams").text()


def test_costs_by_day_model_and_key(opening: Opener, office: Guarded, way: tuple[str, str]) -> None:
    said = partial(say, way[1])
    office.paint("own", "worth something")
    screen = opening(office.url, *way)
    page = sign_in(screen, office.text("admin") or "", said)
    page.get_by_role("link", name=said("page.costs")).click()
    expect(page.locator("cost-page svg.chart, cost-page .chart").first).to_be_visible()
    expect(page.get_by_role("cell", name="gemini-3.1-flash-image").first).to_be_visible()
    page.get_by_role("combobox").select_option("key")
    expect(page.get_by_role("cell", name=re.compile("^own ")).first).to_be_visible()
    screen.shoot("costs")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.path().read_text().startswith("key,spent,")


@pytest.mark.parametrize("guarded", [False, True])
def test_who_starts_the_studio_himself_is_let_in_once_by_a_ticket(
    opening: Opener, tmp_path: Path, guarded: bool
) -> None:
    home = tmp_path / "home"
    with serving(tmp_path / "upstream", "sandbox") as (upstream, _):
        run(home, "upstream", "add", "relay", "--wire", "gemini", "--base-url", upstream,
            "--auth", "none")  # fmt: skip
        if guarded:
            run(home, "key", "create", "--name", "somebody else")
        with serving(home, "studio", "--no-open") as (address, _):
            url, mark, ticket = address.partition("/#enter=")
            assert mark and len(ticket) > 20
            screen = opening(url)
            page = screen.page
            page.goto(address)
            expect(page.get_by_role("textbox", name=said("composer.prompt"))).to_be_visible()
            assert ticket not in page.url
            expect(page.get_by_role("link", name=said("page.keys"))).to_be_visible()
            describe(page, said, "my own machine")
            page.get_by_role("button", name=said("composer.create")).click()
            expect(card(page, "my own machine")).to_contain_text(said("queue.done"))
            page.reload()
            expect(page.get_by_role("img", name="my own machine")).to_be_visible()
            other = opening(url)
            other.page.goto(address)
            if guarded:
                expect(other.page.get_by_label(said("sign-in.key"), exact=True)).to_be_visible()
                other.forgive("status of 401")
            other.page.context.close()
            page.context.close()
