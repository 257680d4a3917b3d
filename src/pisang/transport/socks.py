"""SOCKS proxies, through the optional `aiohttp-socks`. Imported only when one is configured."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.connector import Connection
from aiohttp_socks import (  # type: ignore[import-not-found, import-untyped, unused-ignore]
    ProxyConnectionError,
    ProxyConnector,
    ProxyError,
    ProxyTimeoutError,
    ProxyType,
)

from pisang.transport.proxy import Proxy

if TYPE_CHECKING:
    from aiohttp.tracing import Trace

_REFUSALS = (ProxyError, ProxyConnectionError, ProxyTimeoutError)


class SocksConnector(ProxyConnector):  # type: ignore[misc, unused-ignore]
    """Connects through one SOCKS proxy; what that refuses is a `ClientProxyConnectionError`.

    `socks5h` and `socks4a` let the proxy look names up, `socks5` and `socks4` do it here (curl).
    """

    def __init__(self, proxy: Proxy, tls: ssl.SSLContext | bool, keepalive_timeout: float) -> None:
        super().__init__(
            proxy_type=ProxyType[proxy.scheme[:6].upper()],
            host=proxy.host,
            port=proxy.port,
            username=proxy.user.reveal() if proxy.user else None,
            password=proxy.password.reveal() if proxy.password else None,
            rdns=proxy.scheme[6:] in ("a", "h"),
            limit=0,
            keepalive_timeout=keepalive_timeout,
            ssl=tls,
        )

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own signature
    ) -> Connection:
        try:
            connection: Connection = await super().connect(req, traces, timeout)
        except _REFUSALS:
            raise aiohttp.ClientProxyConnectionError(req.connection_key, OSError()) from None
        return connection
