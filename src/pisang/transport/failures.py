"""One table: what each exception of the HTTP client means for an exchange.

An aiohttp exception carries the whole URL (and so a key that rides in its query) in its text,
its arguments and its request info. So none of it is passed on: a `Failure` says one of the
sentences below, with the system's own words for the error number where there is one.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Mapping

import aiohttp
from aiohttp import client_exceptions, http_exceptions

from pisang.domain.answer import Ended
from pisang.transport.base import Failure
from pisang.transport.upload import UploadBroken

FOREIGN = (aiohttp.ClientError, http_exceptions.HttpProcessingError, OSError, UnicodeError)
"""What may come out of the client while it exchanges. (`TimeoutError` is an `OSError`; a host
name that DNS cannot carry gives a `UnicodeError`.)"""

_CONNECT = (Ended.NOT_CONNECTED, "the connection could not be made")
_DNS = (Ended.NOT_CONNECTED, "the host name could not be resolved")
_TLS = (Ended.NOT_CONNECTED, "the TLS handshake failed")
_CERTIFICATE = (Ended.NOT_CONNECTED, "the server's certificate is not trusted")
_PROXY = (Ended.NOT_CONNECTED, "the proxy could not be reached")
_TUNNEL = (Ended.NOT_CONNECTED, "the proxy refused the tunnel")
_ADDRESS = (Ended.NOT_CONNECTED, "the URL is not one that can be called")
_SLOW = (Ended.NOT_CONNECTED, "connecting took too long")
_LOST = (Ended.CUT, "the connection was lost")
_CLOSED = (Ended.CUT, "the server closed the connection without a whole answer")
_UPLOAD = (Ended.CUT, "the request could not be written to its end")
_BODY = (Ended.CUT, "the answer's body was cut short")
_NOT_HTTP = (Ended.MALFORMED, "it is not valid HTTP")
_LIMITS = (Ended.MALFORMED, "its header is larger than is taken")
_LATE = (Ended.TIMEOUT, "the time limit passed")

TABLE: Mapping[type[BaseException], tuple[Ended, str]] = {
    # before a connection stood
    aiohttp.ClientConnectorError: _CONNECT,
    client_exceptions.UnixClientConnectorError: _CONNECT,
    aiohttp.ClientConnectorDNSError: _DNS,
    aiohttp.ClientSSLError: _TLS,
    aiohttp.ClientConnectorSSLError: _TLS,
    aiohttp.ClientConnectorCertificateError: _CERTIFICATE,
    aiohttp.ServerFingerprintMismatch: _CERTIFICATE,
    aiohttp.ClientProxyConnectionError: _PROXY,
    aiohttp.ClientHttpProxyError: _TUNNEL,
    aiohttp.ConnectionTimeoutError: _SLOW,
    aiohttp.InvalidURL: _ADDRESS,
    aiohttp.InvalidUrlClientError: _ADDRESS,
    aiohttp.InvalidUrlRedirectClientError: _ADDRESS,
    aiohttp.NonHttpUrlClientError: _ADDRESS,
    aiohttp.NonHttpUrlRedirectClientError: _ADDRESS,
    aiohttp.RedirectClientError: _ADDRESS,
    # on a connection
    aiohttp.ClientError: _LOST,
    aiohttp.ClientConnectionError: _LOST,
    aiohttp.ClientConnectionResetError: _LOST,
    aiohttp.ClientOSError: _LOST,
    aiohttp.ServerConnectionError: _LOST,
    aiohttp.ServerDisconnectedError: _CLOSED,
    aiohttp.ClientPayloadError: _BODY,
    aiohttp.UploadAbortedError: _UPLOAD,
    aiohttp.ServerTimeoutError: _LATE,
    aiohttp.SocketTimeoutError: _LATE,
    # an answer that cannot be read
    aiohttp.ClientResponseError: _NOT_HTTP,
    aiohttp.ContentTypeError: _NOT_HTTP,
    aiohttp.TooManyRedirects: _NOT_HTTP,
    aiohttp.WSServerHandshakeError: _NOT_HTTP,
    http_exceptions.HttpProcessingError: _NOT_HTTP,
    http_exceptions.LineTooLong: _LIMITS,
    # ours, and the system's own
    UploadBroken: _UPLOAD,
    TimeoutError: _LATE,
    UnicodeError: _DNS,
    OSError: _LOST,
}
"""Every exception class that aiohttp exports, and what lies under them. A test proves it whole."""

_CUT_SHORT = (http_exceptions.ContentLengthError, http_exceptions.TransferEncodingError, OSError)
"""What lies under a `ClientPayloadError` whose body merely ended early."""


def failure_of(error: BaseException, *, sent: bool) -> Failure:
    """What an exception of `FOREIGN` amounts to; `sent` is what the caller can prove.

    After a byte was written nothing counts as "not connected" any more.
    """
    ended, sentence = _meaning(error)
    if sent and ended is Ended.NOT_CONNECTED:
        ended = Ended.CUT
    detail = _detail(error)
    return Failure(ended, sent=sent, reason=f"{sentence} ({detail})" if detail else sentence)


def _meaning(error: BaseException) -> tuple[Ended, str]:
    """The table's row, but for two that hide what the parser found under a wider name."""
    root = error
    while root.__cause__ is not None:
        root = root.__cause__
    if isinstance(root, http_exceptions.LineTooLong | UploadBroken):
        return _row(root)
    if isinstance(error, aiohttp.ClientPayloadError) and root is not error:
        return _BODY if isinstance(root, _CUT_SHORT) else _NOT_HTTP
    return _row(error)


def _row(error: BaseException) -> tuple[Ended, str]:
    return next(TABLE[kind] for kind in type(error).__mro__ if kind in TABLE)


def _detail(error: BaseException) -> str:
    """The system's words for an error number; what an exception says of itself is never used."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"it answered {error.status}"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return str(getattr(error.certificate_error, "verify_message", ""))
    if isinstance(error, aiohttp.ClientConnectorError):
        return _system_words(error.os_error)
    return _system_words(error) if isinstance(error, OSError) else ""


def _system_words(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        # Not every SSLError has it, whatever its type says.
        reason: str = getattr(error, "reason", None) or ""
        return reason.replace("_", " ").lower()
    if isinstance(error, socket.gaierror):
        return error.strerror or ""
    return os.strerror(error.errno) if error.errno else ""
