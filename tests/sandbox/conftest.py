"""A sandbox with a book of its own for each test."""

from __future__ import annotations

import pytest

from pisang.sandbox.app import Sandbox, create_app
from pisang.sandbox.book import Book


@pytest.fixture
def book() -> Book:
    return Book(clock=lambda: 1_700_000_000.0)


@pytest.fixture
def app(book: Book) -> Sandbox:
    return create_app(book=book)
