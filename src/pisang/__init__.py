"""Pisang: make, edit and keep images from the Nano Banana models.

    import pisang

    with pisang.Client() as client:
        result = client.generate("一只可爱的小猫咪坐在花园里，油画风格", aspect_ratio="16:9")
        result.images[0].save("cat.png")

The names below are the whole public surface of the package itself; errors are in `pisang.errors`.
They are loaded when first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pisang.domain.version import VERSION

if TYPE_CHECKING:
    from pisang.client.async_client import AsyncClient, Handle
    from pisang.client.batches import BatchRow
    from pisang.client.batching import BatchHandle
    from pisang.client.client import Client, SyncBatchHandle, SyncHandle
    from pisang.client.results import Cost, Picture, Result
    from pisang.domain.batch import BatchStatus
    from pisang.domain.money import Money
    from pisang.domain.secret import Secret
    from pisang.domain.upstream import Auth, Limits, Quirks, Upstream
    from pisang.domain.warning import Warn
    from pisang.engine.events import Event
    from pisang.errors import PisangError

__version__ = VERSION

__all__ = [
    "AsyncClient",
    "Auth",
    "BatchHandle",
    "BatchRow",
    "BatchStatus",
    "Client",
    "Cost",
    "Event",
    "Handle",
    "Limits",
    "Money",
    "Picture",
    "PisangError",
    "Quirks",
    "Result",
    "Secret",
    "SyncBatchHandle",
    "SyncHandle",
    "Upstream",
    "Warn",
    "__version__",
]

_HOMES = {
    "AsyncClient": "pisang.client.async_client",
    "Auth": "pisang.domain.upstream",
    "BatchHandle": "pisang.client.batching",
    "BatchRow": "pisang.client.batches",
    "BatchStatus": "pisang.domain.batch",
    "Client": "pisang.client.client",
    "Cost": "pisang.client.results",
    "Event": "pisang.engine.events",
    "Handle": "pisang.client.async_client",
    "Limits": "pisang.domain.upstream",
    "Money": "pisang.domain.money",
    "Picture": "pisang.client.results",
    "PisangError": "pisang.errors",
    "Quirks": "pisang.domain.upstream",
    "Result": "pisang.client.results",
    "Secret": "pisang.domain.secret",
    "SyncBatchHandle": "pisang.client.client",
    "SyncHandle": "pisang.client.client",
    "Upstream": "pisang.domain.upstream",
    "Warn": "pisang.domain.warning",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first asked for (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'pisang' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
