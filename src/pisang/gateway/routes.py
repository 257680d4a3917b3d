"""Every route of the gateway in one table: what is asked how, who may, who answers, which dialect.

A route that isn't here isn't there: nobody is led to what serves it, whatever an application behind
may know of it, and an application that knows more than this table does not start
(`check_served`). So nothing can be reached for which nobody said who may.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from pisang.domain.access import Role


class Face(Enum):
    """Who answers."""

    PAID = "paid"
    COUNT = "count"
    PIECE = "piece"
    FILES = "files"
    BATCHES = "batches"
    MODELS = "models"
    PROBE = "probe"
    SESSION = "session"
    MANAGED = "managed"


@dataclass(frozen=True, slots=True)
class Route:
    """One row. `needs` is the least role that may, None where nobody is asked for a key; `wire` the
    dialect of a paid call. With `query`, only for a call that has that parameter.
    """

    methods: frozenset[str]
    path: str
    pattern: re.Pattern[str]
    needs: Role | None
    face: Face
    wire: str
    query: str | None = None


def _row(
    methods: str,
    path: str,
    needs: Role | None,
    face: Face,
    wire: str = "",
    query: str | None = None,
) -> Route:
    """`{name}` in a path is one segment, `{name:path}` any, `{version}` one of Google's."""
    pattern = re.compile(_expression(path))
    return Route(frozenset(methods.split()), path, pattern, needs, face, wire, query)


_HOLES: Mapping[str, str] = {"{version}": "v1|v1alpha|v1beta|v1beta1"}


def _expression(path: str) -> str:
    parts = re.split(r"(\{[^}]+\})", path)
    return "".join(_hole(part) if part.startswith("{") else re.escape(part) for part in parts)


def _hole(name: str) -> str:
    if name in _HOLES:
        return f"(?:{_HOLES[name]})"
    return "(?s:.+)" if name.endswith(":path}") else "[^/]+"


PREFIX = "/pisang/v1"


def _managed(methods: str, path: str, needs: Role | None) -> Route:
    return _row(methods, PREFIX + path, needs, Face.MANAGED)


ROUTES: tuple[Route, ...] = (
    _row("POST", "/{version}/{model:path}:generateContent", Role.USE, Face.PAID, "gemini"),
    _row("POST", "/{version}/{model:path}:streamGenerateContent", Role.USE, Face.PAID, "gemini"),
    _row("POST", "/gpt/openapi/online/multimodal/crawl", Role.USE, Face.PAID, "crawl"),
    _row("POST", "/v1/images/generations", Role.USE, Face.PAID, "openai_images"),
    _row("POST", "/v1/images/edits", Role.USE, Face.PAID, "openai_images"),
    _row("POST", "/v1/chat/completions", Role.USE, Face.PAID, "openai_chat"),
    _row("POST", "/{version}/{model:path}:countTokens", Role.USE, Face.COUNT),
    # The address that an upload is sent to is itself the right to: Google's SDKs send no key.
    _row("POST PUT", "/upload/{version}/files", None, Face.PIECE, query="upload_id"),
    _row("POST", "/upload/{version}/files", Role.USE, Face.FILES),
    _row("GET HEAD", "/{version}/files", Role.READ, Face.FILES),
    _row("GET", "/{version}/files/{id}:download", Role.READ, Face.BATCHES),
    _row("GET HEAD", "/{version}/files/{id}", Role.READ, Face.FILES),
    _row("DELETE", "/{version}/files/{id}", Role.USE, Face.FILES),
    _row("POST", "/{version}/{model:path}:batchGenerateContent", Role.USE, Face.BATCHES),
    _row("GET", "/{version}/batches", Role.READ, Face.BATCHES),
    _row("GET", "/{version}/batches/{id}", Role.READ, Face.BATCHES),
    _row("DELETE", "/{version}/batches/{id}", Role.USE, Face.BATCHES),
    _row("POST", "/{version}/batches/{id}:cancel", Role.USE, Face.BATCHES),
    _row("GET HEAD", "/{version}/models", Role.READ, Face.MODELS),
    _row("GET HEAD", "/{version}/models/", Role.READ, Face.MODELS),
    _row("GET HEAD", "/{version}/models/{model:path}", Role.READ, Face.MODELS),
    _row("GET HEAD", "/healthz", None, Face.PROBE),
    _row("GET HEAD", "/readyz", None, Face.PROBE),
    _row("GET HEAD", "/metrics", Role.ADMIN, Face.PROBE),
    # Who is not signed in yet has no key to show.
    _row("GET POST DELETE", PREFIX + "/session", None, Face.SESSION),
    _managed("GET", "/choices", Role.READ),
    _managed("GET", "/gallery", Role.READ),
    _managed("PUT", "/gallery/marks", Role.USE),
    _managed("POST", "/gallery/archive", Role.USE),
    _managed("GET", "/gallery/archive/{ticket}", Role.READ),
    _managed("GET", "/gallery/{sha256}", Role.READ),
    _managed("GET", "/previews/{sha256}", Role.READ),
    _managed("POST", "/generations", Role.USE),
    _managed("GET", "/generations/{request_id}", Role.READ),
    _managed("GET", "/batches", Role.READ),
    _managed("POST", "/batches", Role.USE),
    _managed("GET", "/batches/{batch_id}", Role.READ),
    _managed("GET", "/batches/{batch_id}/rows", Role.READ),
    _managed("GET", "/batches/{batch_id}/events", Role.READ),
    _managed("POST", "/batches/{batch_id}/cancel", Role.USE),
    _managed("POST", "/batches/{batch_id}/resume", Role.USE),
    _managed("POST", "/batches/{batch_id}/retry", Role.USE),
    _managed("GET", "/requests", Role.READ),
    _managed("GET", "/requests/{request_id}", Role.READ),
    _managed("DELETE", "/requests/{request_id}", Role.USE),
    _managed("GET", "/requests/{request_id}/response", Role.READ),
    _managed("POST", "/requests/{request_id}/cancel", Role.USE),
    _managed("GET HEAD", "/images/{sha256}", Role.READ),
    _managed("GET", "/unknowns", Role.READ),
    _managed("POST", "/unknowns/{attempt_id}/look", Role.USE),
    _managed("POST", "/unknowns/{attempt_id}/rebuy", Role.USE),
    _managed("POST", "/unknowns/{attempt_id}/write-off", Role.USE),
    _managed("GET", "/requests/{request_id}/webhooks", Role.READ),
    _managed("GET", "/webhooks", Role.READ),
    _managed("POST", "/webhooks/{hook_id}/resend", Role.USE),
    _managed("GET", "/usage", Role.READ),
    _managed("GET", "/models", Role.READ),
    _managed("GET POST", "/keys", Role.ADMIN),
    _managed("GET PATCH DELETE", "/keys/{key_id}", Role.ADMIN),
    _managed("GET", "/teams", Role.ADMIN),
    _managed("GET PUT DELETE", "/teams/{name}", Role.ADMIN),
    _managed("GET", "/upstreams", Role.ADMIN),
    _managed("GET PUT PATCH DELETE", "/upstreams/{name}", Role.ADMIN),
    _managed("POST", "/upstreams/{name}/test", Role.ADMIN),
    _managed("GET", "/events", Role.READ),
    _managed("GET", "/requests/{request_id}/events", Role.READ),
    _row("GET", "/docs", None, Face.MANAGED),
    _row("GET HEAD", "/openapi.json", None, Face.MANAGED),
)

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def find_route(method: str, path: str, query: Mapping[str, str]) -> Route | None:
    """The row of a call; None where there is none."""
    for route in ROUTES:
        wanted = method in route.methods and (route.query is None or route.query in query)
        if wanted and route.pattern.fullmatch(path):
            return route
    return None


def role_for(method: str, path: str, query: Mapping[str, str]) -> Role | None:
    """The least role that may do that; None where nobody is asked for a key. Who asks for what is
    not there is asked for his key first: what is there is nobody else's business."""
    route = find_route(method, path, query)
    if route is not None:
        return route.needs
    return Role.READ if method in _READING else Role.USE


def paid_wire(path: str) -> str | None:
    """The dialect of that path's callers, where it is a paid call's."""
    paid = (route for route in ROUTES if route.face is Face.PAID)
    return next((route.wire for route in paid if route.pattern.fullmatch(path)), None)


def methods_at(path: str) -> tuple[str, ...]:
    """How a path may be asked; empty where there is nothing."""
    found = {one for route in ROUTES if route.pattern.fullmatch(path) for one in route.methods}
    return tuple(sorted(found))


def check_served(served: Iterable[tuple[Collection[str], str]]) -> None:
    """Raises `RuntimeError` where an application serves what the table doesn't name, or doesn't
    serve what it names. `served` are its methods and paths."""
    managed = [route for route in ROUTES if route.face is Face.MANAGED]
    known = {(method, route.path) for route in managed for method in route.methods}
    found = {(method, path) for methods, path in served for method in methods}
    if known != found:
        wrong = ", ".join(sorted(f"{method} {path}" for method, path in known ^ found))
        raise RuntimeError(f"gateway/routes.py and the application differ in {wrong}")
