"""The money is not there: exit 6."""

from __future__ import annotations

from pisang.errors.base import PisangError, Retry


class MoneyError(PisangError):
    """The money is not there; nothing was sent. Fields: what."""

    code = "money"
    status = 402
    exit_code = 6
    en = "{what}"
    zh = "{what}"


class BudgetExceeded(MoneyError):
    """The worst price would pass a cap. Fields: budget, cap, spent, price."""

    code = "budget_exceeded"
    en = "The budget {budget} has {spent} of {cap} spent or held: {price} more would pass it."
    zh = "预算 {budget} 的上限是 {cap}，已用或预留 {spent}：再花 {price} 就会超出。"
    step = "pisang cost"


class PriceUnknown(MoneyError):
    """A budget applies and the price is not known. Fields: upstream, model, image_size."""

    code = "price_unknown"
    en = (
        "A budget applies, and the price of {model} {image_size} at {upstream} is not known: "
        "nothing was sent. Set the price first."
    )
    zh = (
        "设有预算，但不知道 {upstream} 上 {model} {image_size} 的价格：尚未发送请求。请先设置价格。"
    )
    step = "pisang upstream price {upstream} --model {model} --size {image_size} 0.20CNY"


class RateUnknown(MoneyError):
    """The price is in another currency than the cap, and that `currency` has no rate.

    Fields: price, cap, currency.
    """

    code = "rate_unknown"
    en = (
        "The price is {price} and the cap is {cap}: nothing was sent, since no rate says what "
        "1 {currency} is worth. Set it first."
    )
    zh = "价格是 {price}，上限是 {cap}，而没有设置 {currency} 的汇率：尚未发送请求。请先设置汇率。"
    step = "pisang budget rate {currency} 0.14"


class BalanceExhausted(MoneyError):
    """The upstream's account is empty; free. Fields: upstream."""

    code = "balance_exhausted"
    retry = Retry.ELSEWHERE
    en = "{upstream}: the relay's balance is used up."
    zh = "{upstream}：余额不足。"
    step = "pisang upstream test {upstream}"


class ConfirmationNeeded(MoneyError):
    """This costs money and nobody confirmed it. Fields: price, flag."""

    code = "confirmation_needed"
    status = 409
    en = "This costs {price}: confirm it with {flag}."
    zh = "这一步需要花费 {price}：请用 {flag} 确认。"
