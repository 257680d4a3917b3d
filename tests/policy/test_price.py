"""What an image costs at worst, and what it did cost by its token counts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pisang.domain.answer import Usage
from pisang.domain.catalogue import load
from pisang.domain.model import Model
from pisang.domain.money import Money, parse_money
from pisang.domain.upstream import Upstream
from pisang.policy.price import Price, charge_after, how_to_price, price

CATALOGUE = load()
PRO = "gemini-3-pro-image"


def model_of(model_id: str) -> Model:
    model = CATALOGUE.find(model_id)
    assert model is not None
    return model


def with_prices(kind: str, prices: dict[str, str]) -> Upstream:
    own = {key: parse_money(value) for key, value in prices.items()}
    return Upstream("u", "gemini", "https://x", kind=kind, prices=own)


@pytest.mark.parametrize("kind", ["google", "vertex", "sandbox"])
@pytest.mark.parametrize(("size", "usd"), [("1K", "0.134"), ("4K", "0.24"), (None, "0.134")])
def test_googles_own_kinds_charge_the_catalogues_price(
    kind: str, size: str | None, usd: str
) -> None:
    expected = Price(parse_money(f"{usd} USD"), "catalogue")
    assert price(PRO, size, with_prices(kind, {}), model_of(PRO)) == expected


@pytest.mark.parametrize("kind", ["relay", "crawl", "openai", "pisang"])
def test_what_a_relay_charges_is_not_guessed(kind: str) -> None:
    assert price(PRO, "2K", with_prices(kind, {}), model_of(PRO)) == Price(None, "none")


def test_a_model_that_is_not_known_has_no_price_of_its_own() -> None:
    assert price("gpt-image-2", "2K", with_prices("google", {}), None) == Price(None, "none")
    crawl = CATALOGUE.find("nano-banana2", "crawl")
    assert price("nano-banana2", "1K", with_prices("sandbox", {}), crawl) == Price(None, "none")


@pytest.mark.parametrize(
    ("prices", "size", "amount"),
    [
        ({"p": "1CNY", "p@2K": "2CNY"}, "2K", "2CNY"),
        ({"p": "1CNY", "p@2K": "2CNY"}, "4K", "1CNY"),
        ({"p@1K": "3CNY"}, None, "3CNY"),  # no size asked: the default one's
        ({PRO: "4CNY"}, "4K", "4CNY"),  # under the catalogue's id
        ({PRO: "4CNY", "p": "5CNY"}, "4K", "5CNY"),
        ({PRO + "@4K": "4CNY", "p": "5CNY"}, "4K", "4CNY"),
    ],
)
def test_the_users_own_price_wins_the_sized_one_first(
    prices: dict[str, str], size: str | None, amount: str
) -> None:
    for kind in ("relay", "google"):
        found = price("p", size, with_prices(kind, prices), model_of(PRO))
        assert found == Price(parse_money(amount), "user")


def test_an_unknown_model_is_priced_by_the_user_alone() -> None:
    upstream = with_prices("relay", {"local": "0USD"})
    assert price("local", None, upstream, None) == Price(Money(0, "USD"), "user")


# --- by tokens ---------------------------------------------------------------------------------


def test_a_recorded_answer_costs_its_tokens() -> None:
    # 22 in at 2, 1120 image at 120, 96 + 179 text and thoughts at 12 USD per million
    usage = Usage(22, 1216, 1120, 179, 1417)
    assert charge_after(usage, model_of(PRO)) == Money(44 + 134_400 + 3_300, "USD")


def test_drafts_are_billed_as_the_images_they_are() -> None:
    usage = Usage(prompt_tokens=0, output_tokens=2240, image_tokens=2240)
    assert charge_after(usage, model_of(PRO)) == Money(2 * 134_400, "USD")


def test_a_fraction_of_a_micro_counts_as_a_whole_one() -> None:
    usage = Usage(prompt_tokens=1, output_tokens=0, image_tokens=0)
    assert charge_after(usage, model_of("gemini-2.5-flash-image")) == Money(1, "USD")


def test_text_alone_costs_its_tokens() -> None:
    usage = Usage(prompt_tokens=10, output_tokens=40)
    model = model_of("gemini-2.5-flash-image")
    assert charge_after(usage, model, has_image=False) == Money(103, "USD")
    assert charge_after(usage, model) is None  # an image came, and was not counted as one


@pytest.mark.parametrize("usage", [None, Usage(), Usage(prompt_tokens=5)])
@pytest.mark.parametrize("has_image", [True, False])
def test_what_was_not_counted_costs_no_one_knows_what(usage: Usage | None, has_image: bool) -> None:
    assert charge_after(usage, model_of(PRO), has_image=has_image) is None


def test_a_model_without_token_prices_is_not_billed_by_tokens() -> None:
    usage = Usage(22, 1216, 1120)
    assert charge_after(usage, None) is None
    assert charge_after(usage, CATALOGUE.find("nano-banana2", "crawl")) is None


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_charge_never_shrinks_when_more_is_counted(
    tokens_in: int, out: int, image: int, thoughts: int
) -> None:
    less = charge_after(Usage(tokens_in, out + image, image, thoughts), model_of(PRO))
    more = charge_after(Usage(tokens_in + 1, out + image + 1, image, thoughts + 1), model_of(PRO))
    assert less is not None and more is not None
    assert less.micros < more.micros


def test_what_an_upstream_published_counts_unless_its_user_said_otherwise() -> None:
    relay = Upstream(
        "r",
        "gemini",
        "https://r",
        published={"m": Money(60_000, "USD")},
        prices={"m@2K": Money(200_000, "CNY")},
    )
    assert price("m", "1K", relay, None) == Price(Money(60_000, "USD"), "upstream")
    assert price("m", "2k", relay, None) == Price(Money(200_000, "CNY"), "user")
    assert price("m", None, relay, None).basis == "upstream"
    assert price("m", "8K", replace(relay, published={"m@8K": Money(1, "USD")}), None).money


def test_the_command_that_sets_a_price_is_whole_and_quoted() -> None:
    assert how_to_price("r", "my model", "2K") == (
        "pisang upstream price r --model 'my model' --size 2K 0.20CNY"
    )
    assert how_to_price("r", "m", None) == "pisang upstream price r --model m 0.20CNY"
