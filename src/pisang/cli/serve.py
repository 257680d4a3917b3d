"""`pisang serve`: the gateway."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from pisang.cli.frame import command
from pisang.cli.options import Told, ViaOption
from pisang.cli.screen import Screen

if TYPE_CHECKING:
    from pisang.errors import OptionInvalid

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

EXAMPLES = """\
pisang serve
pisang serve --port 8800 --via ikuncode
curl http://127.0.0.1:8787/v1beta/models
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serve(Told):
    """The arguments of `serve`."""

    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1"
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = (
        8787
    )
    via: ViaOption = None


@command(examples=EXAMPLES)
def serve(asked: Serve) -> int:
    """Serve every wire over the configured upstreams: point any client's base URL here.

    Google's SDKs, OpenAI's SDKs, curl and the crawl clients work unchanged. What was paid for is
    kept and never bought twice: a client that is cut and asks again is given what it asked for
    the first time. Ctrl-C ends it.
    """
    from pisang.errors import ExtraMissing

    if find_spec("granian") is None:
        raise ExtraMissing(feature="`pisang serve`", extra="server")
    screen = Screen.of(asked.format)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(asked, screen))
    sys.stdout.flush()
    os._exit(0)  # as in `serving`: granian's threads outlive the loop by a moment


async def _serve(asked: Serve, screen: Screen) -> None:
    from pisang.cli.serving import free_port, serve_app
    from pisang.client.loading import load_settings
    from pisang.gateway.app import Gateway

    port = free_port(asked.host, asked.port)
    url = f"http://{f'[{asked.host}]' if ':' in asked.host else asked.host}:{port}"
    gateway = Gateway(load_settings(), asked.via)
    await gateway.open()
    try:
        if asked.host not in LOOPBACK and not gateway.guarded:
            raise _unguarded(asked.host)
        await serve_app(gateway, asked.host, port, lambda: _announce(url, screen))
    finally:
        await gateway.close()


def _unguarded(host: str) -> OptionInvalid:
    from pisang.errors import OptionInvalid

    why = "other machines may ask only where callers have keys, and there is none yet"
    hint = "pisang key create --name NAME"
    return OptionInvalid(option="--host", value=host, why=why, hint=hint)


def _announce(url: str, screen: Screen) -> None:
    screen.data({"url": url})
    screen.bare(url)
    said = screen.pick(f"The gateway is at {url}", f"网关地址：{url}")
    screen.line(f"{said} ({screen.pick('Ctrl-C ends it', 'Ctrl-C 结束')}).")
