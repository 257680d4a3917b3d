"""The sandbox's free calls besides the models: a token's balance and log, and the book.

Shapes: new-api's documentation of `/api/usage/token` and `/api/log/token` (read 22 November 2026).
"""

from __future__ import annotations

from dataclasses import asdict
from textwrap import indent

from pisang.domain.money import MICROS
from pisang.domain.request import JSON
from pisang.sandbox.book import Book, Charge
from pisang.sandbox.directives import GUIDE
from pisang.wires.base import WireAnswer
from pisang.wires.listing import Host, answer

QUOTA_PER_USD = 500_000
"""new-api's unit: 500,000 quota are one US dollar by default."""

GRANTED = 100 * QUOTA_PER_USD
"""What every token of the sandbox was given."""

HOST = Host("pisang-sandbox", "as the Pisang sandbox paints it")
"""Whose models these are."""


def _quota(charge: Charge) -> int:
    return round(charge.price_micros * QUOTA_PER_USD / MICROS)


def token_usage(book: Book, key: str) -> WireAnswer:
    """`GET /api/usage/token`: what that token was given and has used."""
    used = sum(_quota(charge) for charge in book.charges if charge.key == key)
    data = {
        "object": "token_usage",
        "name": "sandbox",
        "total_granted": GRANTED,
        "total_used": used,
        "total_available": GRANTED - used,
        "unlimited_quota": False,
        "model_limits": {},
        "model_limits_enabled": False,
        "expires_at": 0,
    }
    return answer({"code": True, "message": "ok", "data": data})


def token_log(book: Book, key: str) -> WireAnswer:
    """`GET /api/log/token?key=`: what that token was charged, newest first."""
    rows = [_log_row(charge) for charge in reversed(book.charges) if charge.key == key]
    return answer({"success": True, "message": "", "data": rows})


def _log_row(charge: Charge) -> JSON:
    return {
        "id": charge.index + 1,
        "created_at": int(charge.at),
        "type": 2,
        "content": f"模型价格 ＄{charge.price.amount}",
        "token_name": "sandbox",
        "model_name": charge.model,
        "quota": _quota(charge),
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "use_time": 0,
        "is_stream": False,
        "group": "default",
        "request_id": charge.id,
        "other": "",
    }


def no_token() -> WireAnswer:
    """What a relay says where the token is missing or wrong."""
    return answer({"success": False, "message": "无效的令牌"}, 401)


def show_book(book: Book) -> WireAnswer:
    """`GET /sandbox/book`: every charge, and their sum by currency."""
    charges = book.charges
    sums: dict[str, int] = {}
    for charge in charges:
        sums[charge.currency] = sums.get(charge.currency, 0) + charge.price_micros
    return answer({"charges": [asdict(charge) for charge in charges], "micros": sums})


def welcome() -> WireAnswer:
    """`GET /`: what this is."""
    text = (
        "This is the Pisang sandbox: it answers as an image gateway does, and paints by itself.\n"
        "POST /v1beta/models/gemini-3-pro-image:generateContent, /v1/images/generations,\n"
        "/v1/chat/completions or /gpt/openapi/online/multimodal/crawl with any key.\n"
        "GET /sandbox/book lists what it charged. Nothing here costs money.\n"
        "\nA prompt may say how it is answered, as in: a cat [[sandbox status=503]]\n\n"
    )
    text += indent(GUIDE, "  ")
    return WireAnswer(200, (text.encode(),), {"content-type": "text/plain; charset=UTF-8"})
