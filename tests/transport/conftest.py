"""A transport that knows nothing of this machine's proxies."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pisang.transport.http import HttpTransport


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    made = HttpTransport(environ={})
    yield made
    await made.close()
