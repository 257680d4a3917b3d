"""The upstreams that need no looking up: a table, one row a preset (DESIGN §9).

Sources: Google's host and models, `ai.google.dev/gemini-api/docs/image-generation` (2026-07); the
relay's ids, size field and defaults, its own deployment guide; the crawl gateway's two networks and
pacing ("1-2 s between calls, batches of 5-10"), its own document.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pisang.domain.upstream import Auth, Limits, Quirks

_NO_LIMITS = Limits()
_NO_QUIRKS = Quirks()


@dataclass(frozen=True, slots=True)
class Preset:
    """What is known of an upstream before its user says a word.

    `summary` is one line about it. `base_url` is None where only the user knows it. `key_envs` are
    the variables that the vendor's own tools read; they are used only for the preset's own host.
    `networks` are other hosts of the same service by name.
    """

    name: str
    summary: str
    wire: str
    kind: str
    base_url: str | None = None
    auth: Auth = Auth.BEARER
    key_envs: tuple[str, ...] = ()
    networks: Mapping[str, str] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    default_model: str | None = None
    default_aspect_ratio: str | None = None
    default_image_size: str | None = None
    limits: Limits = _NO_LIMITS
    quirks: Quirks = _NO_QUIRKS


_CRAWL_NETWORKS = {
    "production": "https://gpt-i18n.byteintl.net",
    "office": "https://genai-sg-og.tiktok-row.org",
}

SANDBOX = "sandbox"
"""The preset that is reached inside this process: nothing leaves it, nothing costs money."""

VERTEX = "vertex"
"""The preset whose base URL is made of a project and a location, and whose key is a login."""

_ROWS = (
    Preset(
        name="google",
        summary="Google's own Gemini API",
        wire="gemini",
        kind="google",
        base_url="https://generativelanguage.googleapis.com",
        auth=Auth.GOOGLE,
        key_envs=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        default_model="gemini-3.1-flash-image",
        default_aspect_ratio="1:1",
        default_image_size="1K",
    ),
    Preset(
        name=VERTEX,
        summary="Google's Vertex AI, with this machine's Google Cloud login (give --project)",
        wire="gemini",
        kind="vertex",
        auth=Auth.ADC,
        default_model="gemini-3.1-flash-image",
        default_aspect_ratio="1:1",
        default_image_size="1K",
    ),
    Preset(
        name="ikuncode",
        summary="the IKunCode relay (Google's native format)",
        wire="gemini",
        kind="relay",
        base_url="https://api.ikuncode.cc",
        key_envs=("IKUN_API_KEY", "IKUNCODE_API_KEY"),
        models=("gemini-3-pro-image-preview", "gemini-3.1-flash-image-preview"),
        default_model="gemini-3-pro-image-preview",
        default_aspect_ratio="1:1",
        default_image_size="2K",
        quirks=Quirks(size_key="image_size"),
    ),
    Preset(
        name="crawl",
        summary="the chat-like crawl gateway (`--network office` inside the office)",
        wire="crawl",
        kind="crawl",
        base_url=_CRAWL_NETWORKS["production"],
        auth=Auth.QUERY,
        key_envs=("PISANG_CRAWL_AK",),
        networks=_CRAWL_NETWORKS,
        models=("nano-banana2",),
        default_model="nano-banana2",
        default_aspect_ratio="1:1",
        default_image_size="1K",
        limits=Limits(concurrency=5, interval_ms=1500),
    ),
    Preset(
        name="openrouter",
        summary="OpenRouter",
        wire="openai-chat",
        kind="openai",
        base_url="https://openrouter.ai/api",
        key_envs=("OPENROUTER_API_KEY",),
        default_model="google/gemini-3.1-flash-image",
    ),
    Preset(
        name="openai-compatible",
        summary="any server of OpenAI's Images API (give --base-url)",
        wire="openai-images",
        kind="openai",
        default_model="gemini-3.1-flash-image",
    ),
    Preset(
        name="pisang",
        summary="another Pisang (give --base-url)",
        wire="gemini",
        kind="pisang",
        default_model="gemini-3.1-flash-image",
    ),
    Preset(
        name=SANDBOX,
        summary="the built-in painter: offline, free, no key",
        wire="gemini",
        kind="sandbox",
        base_url="sandbox:",
        auth=Auth.NONE,
        default_model="gemini-3.1-flash-image",
        default_aspect_ratio="1:1",
        default_image_size="1K",
    ),
)

PRESETS: Mapping[str, Preset] = {row.name: row for row in _ROWS}

WIRES = ("gemini", "crawl", "openai-images", "openai-chat")
"""The wires a user can name, as DESIGN §9 spells them."""


_AREAS = ("us", "eu")
_HOST = "aiplatform.googleapis.com"
_PROJECT = re.compile(r"[a-z0-9][a-z0-9:.-]{1,98}[a-z0-9]")
_LOCATION = re.compile(r"[a-z]{2,20}(?:-[a-z]{2,20}[0-9]{1,2})?")


def vertex_url(project: str, location: str = "global") -> str:
    """Vertex's base URL for a project and a location (`global`, a region such as `us-central1`, or
    one of the multi-regions `us` and `eu`). `ValueError` for what can be neither.

    Source: docs.cloud.google.com/vertex-ai, "Locations" and the REST reference (November 2026).
    """
    if not _PROJECT.fullmatch(project):
        raise ValueError("that is no id of a Google Cloud project")
    if not _LOCATION.fullmatch(location):
        raise ValueError("that is no location of Google Cloud: global, us-central1 or the like")
    hosts = {"global": _HOST, **{area: f"aiplatform.{area}.rep.googleapis.com" for area in _AREAS}}
    host = hosts.get(location, f"{location}-{_HOST}")
    return f"https://{host}/v1/projects/{project}/locations/{location}/publishers/google"


def _nobody(preset: Preset) -> Preset:
    """A preset without what is its vendor's own."""
    return replace(preset, name="", summary="", base_url=None, key_envs=(), networks={})


BARE: Mapping[str, Preset] = {
    "gemini": replace(_nobody(PRESETS["google"]), kind="relay", auth=Auth.BEARER),
    "crawl": replace(_nobody(PRESETS["crawl"]), models=()),
    "openai-images": _nobody(PRESETS["openai-compatible"]),
    "openai-chat": replace(_nobody(PRESETS["openai-compatible"]), wire="openai-chat"),
}
"""What is taken for granted of an upstream when only its wire is told."""
