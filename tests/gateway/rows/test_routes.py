"""S6, S7: every route has a row that says who may, and what has none can't be reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from pisang import gateway
from pisang.domain.access import Role
from pisang.gateway.app import _FREE
from pisang.gateway.management import app as management
from pisang.gateway.routes import ROUTES, Face, check_served, find_route, methods_at, role_for

READING = frozenset({"GET", "HEAD"})


def test_s7_every_row_has_somebody_who_answers() -> None:
    assert {*_FREE, Face.PAID, Face.MANAGED} == set(Face)
    assert {route.face for route in ROUTES} == set(Face)


def test_s7_the_management_api_serves_what_its_rows_name_and_nothing_else() -> None:
    management._make_app()  # it would raise


def test_s7_an_application_with_a_route_more_or_less_does_not_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served = [(r.methods, r.path) for r in ROUTES if r.face is Face.MANAGED]
    check_served(served)
    with pytest.raises(RuntimeError, match="PUT /pisang/v1/secrets"):
        check_served([*served, ({"PUT"}, "/pisang/v1/secrets")])
    with pytest.raises(RuntimeError, match="GET /docs"):
        check_served([one for one in served if one[1] != "/docs"])
    monkeypatch.setattr(management, "_ROUTERS", management._ROUTERS[1:])
    with pytest.raises(RuntimeError, match="POST /pisang/v1/generations"):
        management._make_app()


def test_s7_only_reading_is_for_readers_and_only_these_are_for_everybody() -> None:
    open_to_all = {(route.path, route.face) for route in ROUTES if route.needs is None}
    assert open_to_all == {
        ("/healthz", Face.PROBE),
        ("/readyz", Face.PROBE),
        ("/docs", Face.MANAGED),
        ("/openapi.json", Face.MANAGED),
        ("/pisang/v1/session", Face.SESSION),
        ("/upload/{version}/files", Face.PIECE),
    }
    for route in ROUTES:
        if route.needs is Role.READ:
            assert route.methods <= READING, route
    piece = next(route for route in ROUTES if route.face is Face.PIECE)
    assert piece.query == "upload_id"
    assert role_for("POST", "/upload/v1beta/files", {}) is Role.USE
    assert role_for("POST", "/upload/v1beta/files", {"upload_id": ""}) is None


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "X"])
@pytest.mark.parametrize(
    "path",
    ["", "/", "/nothing", "/pisang/v1", "/pisang/v1/", "/pisang/v2/requests", "/docs/", "/Healthz",
     "/healthz/", "/healthz\n", "//healthz", "/v1beta/models/../../healthz", "/pisang/v1/requests/",
     "/pisang/v1/requests/a/b", "/upload/v1beta/files/", "/v2/models", "/openapi.json/x"],
)  # fmt: skip
def test_s7_what_has_no_row_needs_a_key_and_leads_nowhere(method: str, path: str) -> None:
    route = find_route(method, path, {"upload_id": "x"})
    assert route is None or route.face is Face.MODELS
    assert role_for(method, path, {}) is (Role.READ if method in READING else Role.USE)


def test_a_path_names_the_methods_that_it_is_asked_with() -> None:
    assert methods_at("/pisang/v1/requests/req_1") == ("DELETE", "GET")
    assert methods_at("/nothing") == ()


def test_the_gateway_knows_nothing_of_the_sandbox() -> None:
    """A fake must never answer production: what both need of a server's role is in `wires`."""
    for path in Path(gateway.__file__).parent.rglob("*.py"):
        assert "pisang.sandbox" not in path.read_text(encoding="utf-8"), path
