"""What costs nothing to ask: models in both shapes, and how many tokens a prompt has."""

from __future__ import annotations

import re
from dataclasses import replace

from pisang.domain.catalogue import Catalogue
from pisang.domain.tokens import prompt_tokens
from pisang.engine.ids import new_id
from pisang.errors import PisangError
from pisang.gateway.intake import read_asked
from pisang.gateway.visits import Visit
from pisang.store.store import Store
from pisang.wires import listing
from pisang.wires.base import WireAnswer
from pisang.wires.table import wire

_COUNT = re.compile(r":countTokens$")
_MODELS = re.compile(r"/(?P<version>v1|v1alpha|v1beta1?)/models(?:/(?P<model>.*))?")

HOST = listing.Host("pisang", "as this gateway's upstreams make it")
"""Whose models these are."""

ESTIMATED = {"x-pisang-warning": "tokens_estimated"}
"""The count is the gateway's own: an upstream other than Google has no such call."""


def list_models(visit: Visit, catalogue: Catalogue) -> WireAnswer | None:
    """The models, or the one that the path names: in Google's shape on `/v1beta` and for a key
    that came the Google way, else in OpenAI's. None where the path is another, or there is no
    such model."""
    match = _MODELS.fullmatch(visit.path)
    if match is None:
        return None
    google = visit.google or match["version"] != "v1"
    if not match["model"]:
        shape = listing.list_google_models if google else listing.list_openai_models
        return shape(catalogue, HOST)
    one = listing.show_google_model if google else listing.show_openai_model
    return one(catalogue, HOST, match["model"])


async def count_tokens(visit: Visit, store: Store) -> WireAnswer:
    """About how many tokens the contents have. Raises `Gone`."""
    gemini, call_id = wire("gemini"), new_id("call")
    path = _COUNT.sub(":generateContent", visit.path)
    try:
        asked = await read_asked(replace(visit, path=path), gemini, store.spool(call_id))
    except PisangError as error:
        return gemini.encode_error(error)
    finally:
        store.let_go(call_id)
    answer = listing.count_tokens(prompt_tokens(asked.ask.request))
    return replace(answer, headers={**answer.headers, **ESTIMATED})
