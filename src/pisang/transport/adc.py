"""Google's application default credentials: bearer tokens for Vertex, renewed by google-auth.

Imported only when an upstream wants them (extra `vertex`). google-auth is synchronous and brings a
transport of its own choice; here it runs in a thread, and what it sends goes through our one HTTP
client, so that proxies, certificates and time limits are the same for tokens as for pictures.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import warnings
from collections.abc import AsyncIterator, Mapping
from typing import Any

from google.auth import default as find_default
from google.auth import exceptions
from google.auth import transport as shapes

from pisang.domain.secret import Secret
from pisang.transport.base import Failure, Outgoing, Transport

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""The scope that Vertex asks for (its REST reference, "Authorization scopes")."""

USUAL_S = 30.0
"""A token endpoint that has not answered by then is not there."""

_MAX_BYTES = 1 << 20
_NO_HEADERS: Mapping[str, str] = {}


class CredentialsMissing(Exception):
    """There are no application default credentials on this machine, or none that can be read."""


class CredentialsRefused(Exception):
    """There are credentials, and they give no token. The text is ours: an endpoint may repeat
    what it was sent."""


class TokenUnreachable(Exception):
    """The token endpoint can't be reached; its text says why, without secrets."""


class AdcTokens:
    """The tokens of this machine's credentials, found once and renewed shortly before they expire.

    Safe from several threads and loops. `transport` carries what google-auth sends.
    """

    def __init__(self, transport: Transport, *, proxy: str | None = None) -> None:
        self._transport = transport
        self._proxy = proxy
        self._lock = threading.Lock()
        self._credentials: Any = None

    async def token(self) -> tuple[Secret, dict[str, str]]:
        """A token that is good for minutes, and the headers that go with it (the project that is
        billed for quota, where the credentials name one).

        Raises `CredentialsMissing`, `CredentialsRefused` or `TokenUnreachable`.
        """
        carry = _Carrier(self._transport, asyncio.get_running_loop(), self._proxy)
        return await asyncio.to_thread(self._take, carry)

    def _take(self, carry: _Carrier) -> tuple[Secret, dict[str, str]]:
        with self._lock:
            try:
                if self._credentials is None:
                    self._credentials = _find(carry)
                headers: dict[str, str] = {}
                self._credentials.before_request(carry, "POST", "", headers)
            except exceptions.DefaultCredentialsError:
                raise CredentialsMissing from None
            except exceptions.TransportError:
                raise TokenUnreachable(carry.why or "no answer") from None
            except (exceptions.GoogleAuthError, ValueError, KeyError):
                why = carry.why or "they are revoked, expired or of no use here"
                raise CredentialsRefused(why) from None
        scheme, _, token = headers.pop("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise CredentialsRefused("they give no bearer token")
        return Secret(token), {name.lower(): value for name, value in headers.items()}


def _find(carry: _Carrier) -> Any:
    """The credentials, with google-auth's advice about them (it prints) held back."""
    logger = logging.getLogger("google.auth")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            credentials, _ = find_default(scopes=[SCOPE], request=carry)
    finally:
        logger.setLevel(level)
    return credentials


class _Answer(shapes.Response):  # type: ignore[misc, unused-ignore]
    """An answer in google-auth's shape."""

    def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self._told = (status, headers, data)

    @property
    def status(self) -> int:
        return self._told[0]

    @property
    def headers(self) -> Mapping[str, str]:
        return self._told[1]

    @property
    def data(self) -> bytes:
        return self._told[2]


class _Carrier(shapes.Request):  # type: ignore[misc, unused-ignore]
    """google-auth's way out: called in its thread, carried out on our loop. `why` keeps how the
    last exchange failed."""

    def __init__(
        self, transport: Transport, loop: asyncio.AbstractEventLoop, proxy: str | None
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._proxy = proxy
        self.why = ""

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> _Answer:
        raw = body.encode() if isinstance(body, str) else body or b""
        secret = {name: Secret(str(value)) for name, value in (headers or _NO_HEADERS).items()}
        call = Outgoing(
            method=method,
            url=url,
            body=(lambda: _once(raw)) if raw else None,
            length=len(raw),
            secrets=secret,
            deadline_s=min(timeout or USUAL_S, USUAL_S),
            max_bytes=_MAX_BYTES,
            proxy=self._proxy,
        )
        done = asyncio.run_coroutine_threadsafe(self._exchange(call), self._loop)
        try:
            return done.result()
        except Failure as failure:
            self.why = failure.reason
            raise _unreachable() from None

    def __deepcopy__(self, _: dict[int, Any]) -> _Carrier:
        """google-auth copies its way out to look regions up in a thread that nobody waits for; told
        no, it goes without (google-auth 2.62, `_regional_access_boundary_utils`)."""
        raise TypeError("not copied: it belongs to a running event loop")

    async def _exchange(self, call: Outgoing) -> _Answer:
        async with self._transport.exchange(call) as stream:
            data = b"".join([chunk async for chunk in stream])
            return _Answer(stream.status, dict(stream.headers), data)


def _unreachable() -> Exception:
    # Its name tells google-auth's own code that the network failed, and not the credentials.
    error: Exception = exceptions.TransportError("the token endpoint can't be reached")  # type: ignore[no-untyped-call, unused-ignore]
    return error


async def _once(raw: bytes) -> AsyncIterator[bytes]:
    yield raw
