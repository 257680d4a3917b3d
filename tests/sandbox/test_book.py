"""The book: one entry for what was billed, on disk before the answer, and open to an audit."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from pathlib import Path

import pytest

from pisang.domain.money import Money
from pisang.errors import OutputUnwritable
from pisang.sandbox.app import Sandbox, create_app
from pisang.sandbox.book import Bill, Book, read_charges

from .asking import GEMINI, ask, wish

PRO = GEMINI.format(model="gemini-3-pro-image")


def bill(number: int = 0) -> Bill:
    price = Money(134_000, "USD")
    return Bill(f"id-{number}", "gemini", "gemini-3-pro-image", "1K", 1, price, "0" * 64, "")


async def test_a_charge_says_what_for_and_how_much_and_never_the_key(
    app: Sandbox, book: Book
) -> None:
    told = await ask(app, PRO, wish("一只猫", size="4K"), headers={"x-goog-api-key": "sk-canary"})
    (charge,) = book.charges
    assert charge.id == told.json["responseId"] == told.headers["x-request-id"]
    assert (charge.model, charge.image_size, charge.images) == ("gemini-3-pro-image", "4K", 1)
    assert charge.price == Money(240_000, "USD")
    assert charge.prompt_sha256 == hashlib.sha256("一只猫".encode()).hexdigest()
    assert (charge.index, charge.at, charge.fault) == (0, 1_700_000_000.0, None)
    page = await ask(app, "/sandbox/book", method="GET")
    assert page.json["charges"][0]["id"] == charge.id
    assert page.json["micros"] == {"USD": 240_000}
    assert b"sk-canary" not in page.body


async def test_calls_at_once_are_all_charged_once_and_in_order(app: Sandbox, book: Book) -> None:
    path = GEMINI.format(model="gemini-3.1-flash-image")
    told = await asyncio.gather(*(ask(app, path, wish(f"{n}", size="512")) for n in range(12)))
    assert sorted(one.json["responseId"] for one in told) == sorted(c.id for c in book.charges)
    assert [charge.index for charge in book.charges] == list(range(12))


async def test_a_model_nobody_prices_costs_what_its_family_does(app: Sandbox, book: Book) -> None:
    body = {"model": "nano-banana2", "messages": [{"role": "user", "content": "x"}]}
    await ask(app, "/gpt/openapi/online/multimodal/crawl", body)
    assert book.charges[0].price == Money(67_000, "USD")


def test_a_charge_is_on_disk_when_it_is_made_and_a_new_book_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    first = Book(path).charge(bill(0))
    assert read_charges(path) == (first,)
    again = Book(path)
    assert again.charge(bill(1)).index == 1
    assert Book(path).charges == again.charges


def test_a_line_that_a_crash_cut_is_dropped_and_the_rest_kept(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    kept = Book(path).charge(bill(0))
    with path.open("ab") as file:
        file.write(b'{"index": 1, "id": "ha')
    assert read_charges(path) == (kept,)
    book = Book(path)
    second = book.charge(bill(2))
    assert read_charges(path) == (kept, second)


def test_a_file_that_is_no_book_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("shopping list\nmilk")
    with pytest.raises(OutputUnwritable, match="something else than a book"):
        Book(path)
    assert path.read_text() == "shopping list\nmilk"


async def test_no_answer_goes_out_when_the_book_can_not_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    book = Book(folder / "book.jsonl")
    app = create_app(book=book)
    shutil.rmtree(folder)
    told = await ask(app, PRO, wish("x"))
    assert told.status == 500
    assert "book can't be written" in told.json["error"]["message"]
    assert book.charges == ()


async def test_the_charge_stands_before_the_answer_begins(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    app = create_app(book=Book(path))
    seen: list[int] = []

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            seen.append(len(read_charges(path)))

    body = json.dumps(wish("x")).encode()
    scope = {"type": "http", "method": "POST", "path": PRO, "query_string": b"", "headers": []}

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    await app(scope, receive, send)
    assert seen == [1]


def test_a_book_that_cannot_be_written_is_refused_before_anything_is_charged(
    tmp_path: Path,
) -> None:
    with pytest.raises(FileNotFoundError):
        Book(tmp_path / "nowhere" / "book.jsonl")
    with pytest.raises(IsADirectoryError):
        Book(tmp_path)
    Book(tmp_path / "book.jsonl")
    assert (tmp_path / "book.jsonl").read_bytes() == b""
