"""The table of foreign exceptions: whole, and silent about what it was told."""

from __future__ import annotations

import ssl

import aiohttp
import pytest
from aiohttp import client_exceptions, http_exceptions

from pisang.domain.answer import Ended
from pisang.transport import failures
from pisang.transport.failures import TABLE, failure_of
from pisang.transport.upload import UploadBroken

EXPORTED = [
    kind
    for module in (client_exceptions, aiohttp)
    for name in module.__all__
    if not name.startswith("Gunicorn")
    and isinstance(kind := getattr(module, name), type)
    and issubclass(kind, BaseException)
]

NOT_OF_AN_EXCHANGE = {
    aiohttp.WSMessageTypeError,
    aiohttp.WebSocketError,
    aiohttp.EofStream,
    aiohttp.BadContentDispositionHeader,
    aiohttp.BadContentDispositionParam,
}
"""WebSockets, multipart answers and an internal sign: none can come out of an exchange of ours."""


@pytest.mark.parametrize("kind", sorted(set(EXPORTED) - NOT_OF_AN_EXCHANGE, key=repr))
def test_every_exception_that_aiohttp_exports_has_a_row_of_its_own(kind: type) -> None:
    assert kind in TABLE


def test_every_client_error_there_is_finds_a_row() -> None:
    todo, found = [aiohttp.ClientError], 0
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        assert any(base in TABLE for base in kind.__mro__)
        found += 1
    assert found > 20


@pytest.mark.parametrize(
    ("kind", "row"), TABLE.items(), ids=lambda value: getattr(value, "__name__", "")
)
def test_a_row_says_what_its_class_means(kind: type[BaseException], row: tuple[Ended, str]) -> None:
    error = kind.__new__(kind)
    failure = failures._row(error)
    assert failure == row
    assert row[1] and row[1][0].islower() and not row[1].endswith(".")


@pytest.mark.parametrize("ended", [ended for ended, _ in TABLE.values()])
def test_only_endings_that_an_exchange_can_have_are_in_the_table(ended: Ended) -> None:
    assert ended in {Ended.NOT_CONNECTED, Ended.CUT, Ended.MALFORMED, Ended.TIMEOUT}


def test_after_a_byte_was_written_nothing_is_not_connected() -> None:
    error = aiohttp.ServerFingerprintMismatch(b"", b"", "host", 443)
    assert failure_of(error, sent=False).ended is Ended.NOT_CONNECTED
    assert failure_of(error, sent=True).ended is Ended.CUT


SECRET = "http://host/?key=canary"


def _caused(error: BaseException, *causes: BaseException) -> BaseException:
    for outer, inner in zip((error, *causes), causes, strict=False):
        outer.__cause__ = inner
    return error


@pytest.mark.parametrize(
    ("error", "ended", "reason"),
    [
        (aiohttp.ClientOSError(5, SECRET), Ended.CUT, "connection was lost (Input/output error)"),
        (OSError(SECRET), Ended.CUT, "the connection was lost"),
        (aiohttp.ConnectionTimeoutError(SECRET), Ended.NOT_CONNECTED, "connecting took too long"),
        (aiohttp.InvalidURL(SECRET), Ended.NOT_CONNECTED, "the URL is not one that can be called"),
        (TimeoutError(SECRET), Ended.TIMEOUT, "the time limit passed"),
        (UnicodeError(SECRET), Ended.NOT_CONNECTED, "the host name could not be resolved"),
        (
            _caused(aiohttp.ClientPayloadError(SECRET), http_exceptions.ContentLengthError(SECRET)),
            Ended.CUT,
            "the answer's body was cut short",
        ),
        (
            _caused(aiohttp.ClientPayloadError(SECRET), http_exceptions.BadHttpMessage(SECRET)),
            Ended.MALFORMED,
            "not valid HTTP",
        ),
        (
            _caused(
                aiohttp.ClientPayloadError(SECRET),
                http_exceptions.HttpProcessingError(),
                http_exceptions.LineTooLong(b"x", 9),
            ),
            Ended.MALFORMED,
            "header is larger than is taken",
        ),
        (
            _caused(aiohttp.ClientOSError(None, SECRET), UploadBroken()),
            Ended.CUT,
            "the request could not be written to its end",
        ),
        (
            aiohttp.ClientConnectorSSLError(None, ssl.SSLError(1, SECRET)),  # type: ignore[arg-type]
            Ended.NOT_CONNECTED,
            "the TLS handshake failed",
        ),
    ],
)
def test_a_reason_is_our_sentence_and_the_systems_words(
    error: BaseException, ended: Ended, reason: str
) -> None:
    failure = failure_of(error, sent=ended is not Ended.NOT_CONNECTED)
    assert failure.ended is ended
    assert reason in failure.reason
    assert "canary" not in failure.reason
