"""An upstream: a gateway that we call, configured as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pisang.domain.money import Money
from pisang.domain.secret import Secret


class Auth(StrEnum):
    """Where the key goes."""

    BEARER = "bearer"
    GOOGLE = "x-goog-api-key"
    QUERY = "query"
    ADC = "adc"
    """Google's application default credentials: a token that is fetched, not a key that is kept."""
    NONE = "none"

    @property
    def takes_key(self) -> bool:
        """Whether a user has to give a key."""
        return self not in (Auth.ADC, Auth.NONE)


@dataclass(frozen=True, slots=True)
class Quirks:
    """How an upstream differs from its wire's usual form.

    `size_key`: the field for the size inside `imageConfig` (the relay guide prints `image_size`).
    `references`: whether it takes pictures at all (the crawl wire's document does not say).
    `size_suffix`: the size rides on the model name (`…-4k`).
    `max_tokens`: the crawl wire's own field.
    """

    size_key: str = "imageSize"
    references: bool = True
    size_suffix: bool = False
    max_tokens: int = 20_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What may run at once and how fast, over all processes. `None` means no limit."""

    concurrency: int | None = None
    interval_ms: int = 0
    rpm: int | None = None


@dataclass(frozen=True, slots=True)
class Upstream:
    """One upstream. `kind` says whose it is (`google`, `vertex`, `relay`, `crawl`, `openai`,
    `pisang`, `sandbox`): signatures are sent back only to the same kind, and the charge table
    is chosen by it. `models` are its own ids (empty: any); `prices` are the user's own, keyed by
    `model` or `model@SIZE`; `published` are those that it told itself, keyed likewise.
    `base_url` has no trailing slash, `/v1`, `/v1beta` or method path.
    `headers` go with every call; no secret is among them.
    """

    name: str
    wire: str
    base_url: str
    auth: Auth = Auth.BEARER
    key: Secret | None = None
    kind: str = "relay"
    models: tuple[str, ...] = ()
    default_model: str | None = None
    default_aspect_ratio: str | None = None
    default_image_size: str | None = None
    limits: Limits = field(default_factory=Limits)
    quirks: Quirks = field(default_factory=Quirks)
    prices: Mapping[str, Money] = field(default_factory=dict)
    published: Mapping[str, Money] = field(default_factory=dict)
    proxy: str | None = field(default=None, repr=False)
    preset: str | None = None
    allow_private: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)
