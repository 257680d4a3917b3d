"""How an upstream is reached: its address, its key, its transport. The key is put in here only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from pisang.domain.catalogue import Catalogue
from pisang.domain.content import Content
from pisang.domain.secret import Secret
from pisang.domain.upstream import Auth, Upstream
from pisang.domain.version import VERSION
from pisang.engine.effects import Exchange
from pisang.errors import ConfigError, ExtraMissing, KeyMissing, PisangError, Unreachable
from pisang.transport.base import Outgoing, Transport
from pisang.transport.body import stream_body
from pisang.wires.base import Sink, WireRequest
from pisang.wires.table import wire

if TYPE_CHECKING:
    from pisang.store.store import Store
    from pisang.transport.adc import AdcTokens

SANDBOX_SCHEME = "sandbox:"
"""A base URL that begins so is the sandbox inside this process, reached without a socket."""

ADC_HINT = "gcloud auth application-default login"
"""What makes application default credentials; a service account's are named by
`GOOGLE_APPLICATION_CREDENTIALS`."""


_KEEPS_KEYS = frozenset({"pisang"})
"""Kinds of upstream that know `Idempotency-Key`. To a relay it would be a field nobody reads."""


class Reach:
    """The transports of one engine, each made when first needed: the sandbox needs no HTTP."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._http: Transport | None = None
        self._sandbox: Transport | None = None
        self._tokens: dict[str | None, AdcTokens] = {}

    def transport(self, upstream: Upstream) -> Transport:
        """The transport that reaches this upstream."""
        if upstream.base_url.startswith(SANDBOX_SCHEME):
            if self._sandbox is None:
                self._sandbox = _open_sandbox(self._catalogue)
            return self._sandbox
        if self._http is None:
            from pisang.transport.http import HttpTransport  # 0.1 s that `--help` need not pay

            self._http = HttpTransport()
        return self._http

    async def armed(self, upstream: Upstream) -> Upstream:
        """The upstream with a key in its hand: a fresh token where it takes those, else as it is.

        Raises `ExtraMissing`, `ConfigError` (no login, or a refused one) or `Unreachable`; nothing
        was sent to the upstream then. The token is a key like any other from here on, and hidden
        like one.
        """
        if upstream.auth is not Auth.ADC:
            return upstream
        try:
            from pisang.transport import adc
        except ImportError:
            raise ExtraMissing(feature=f"{upstream.name} (Vertex)", extra="vertex") from None
        if upstream.proxy not in self._tokens:
            http = self.transport(upstream)
            self._tokens[upstream.proxy] = adc.AdcTokens(http, proxy=upstream.proxy)
        failed: PisangError
        try:
            token, headers = await self._tokens[upstream.proxy].token()
        except adc.CredentialsMissing:
            what = f"{upstream.name}: there is no Google Cloud login on this machine."
            failed = ConfigError(what=what, hint=ADC_HINT)
        except adc.CredentialsRefused:
            what = f"{upstream.name}: Google does not take this machine's Google Cloud login."
            failed = ConfigError(what=what, hint=ADC_HINT)
        except adc.TokenUnreachable as error:
            failed = Unreachable(upstream=f"{upstream.name}'s token endpoint", why=str(error))
        else:
            return replace(upstream, auth=Auth.BEARER, key=token, headers=headers)
        raise failed

    def call(self, effect: Exchange, store: Store) -> Outgoing:
        """The HTTP call of an exchange. Raises `KeyMissing` where a key is needed and none is, and
        `StoreCorrupt` where a picture to be sent is gone: found out under way it would cost an
        unknown outcome."""
        for piece in effect.request.body:
            if not isinstance(piece, bytes):
                store.read(piece.content)
        factory, length = stream_body(effect.request.body, store.read)
        upstream = effect.upstream
        if upstream.kind in _KEEPS_KEYS:
            # The attempt's id, not the request's own key: each attempt buys one image, so two of
            # one request must not be one to the other side; and it stands in the ledger before
            # anything is sent, so whoever asks again, after whatever crash, asks for that one.
            named = {"idempotency-key": effect.attempt_id}
            upstream = replace(upstream, headers={**upstream.headers, **named})
        return address(
            upstream,
            effect.request,
            deadline_s=effect.deadline_s,
            body=factory,
            length=length,
        )

    async def fetch(self, uri: str, sink: Sink, upstream: Upstream) -> Content:
        """The bytes behind a URL in an answer, through the guard, into the sink.

        The upstream's own host was configured by the user, so links to it are trusted even where
        it lies in a private network.
        """
        from pisang.transport.fetch import fetch_into

        return await fetch_into(uri, sink, allow_hosts=[urlsplit(upstream.base_url).netloc])

    async def close(self) -> None:
        """Close what was opened."""
        for transport in (self._http, self._sandbox):
            if transport is not None:
                await transport.close()


def address(
    upstream: Upstream,
    request: WireRequest,
    *,
    deadline_s: float,
    body: Callable[[], AsyncIterator[bytes]] | None = None,
    length: int = 0,
) -> Outgoing:
    """A wire request on its way to an upstream: URL, headers, and the key where it belongs."""
    base = "http://sandbox" if upstream.base_url.startswith(SANDBOX_SCHEME) else upstream.base_url
    url = base + request.path
    if request.query:
        url = f"{url}?{urlencode(request.query)}"
    secrets, secret_query = credentials(upstream)
    return Outgoing(
        method=request.method,
        url=url,
        headers={"user-agent": f"pisang/{VERSION}", **request.headers, **upstream.headers},
        body=body,
        length=length,
        secrets=secrets,
        secret_query=secret_query,
        deadline_s=deadline_s,
        idle_s=deadline_s,
        proxy=upstream.proxy,
    )


def credentials(upstream: Upstream) -> tuple[dict[str, Secret], dict[str, Secret]]:
    """(headers, query) that carry the upstream's key; `KeyMissing` where one is needed."""
    if upstream.auth is Auth.NONE:
        return {}, {}
    key = upstream.key
    if not key:
        raise KeyMissing(upstream=upstream.name)
    if upstream.auth is Auth.QUERY:
        return {}, {wire(upstream.wire).query_key: key}
    if upstream.auth is Auth.GOOGLE:
        return {"x-goog-api-key": key}, {}
    return {"authorization": Secret(f"Bearer {key.reveal()}")}, {}


def _open_sandbox(catalogue: Catalogue) -> Transport:
    from pisang.sandbox.app import create_app
    from pisang.transport.asgi import AsgiTransport

    return AsgiTransport(create_app(catalogue=catalogue))
