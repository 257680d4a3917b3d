"""S1, S6: who is let in, by the table of routes itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from pisang.cli.entry import run
from pisang.domain.access import Role
from pisang.gateway.routes import ROUTES, Face, Route
from tests.badinput.conftest import clean_environment
from tests.gateway.guarded import FLASH
from tests.gateway.rows.stage import Watched

# --- S1 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "0", "127.0.0.2", "0x7f.1", "::ffff:127.0.0.1"])
def test_s1_without_a_key_only_this_machine_s_own_address_is_listened_on(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clean_environment(monkeypatch, tmp_path / "home")
    assert run(["serve", "--host", host, "--port", "0"]) == 2
    told = capsys.readouterr().err
    assert "--host" in told
    assert "is not valid" in told


# --- S6 ------------------------------------------------------------------------------------------

WHOSE = ("none", "wrong", "revoked", "reader", "own", "other", "admin")
RANK = {"reader": Role.READ, "own": Role.USE, "other": Role.USE, "admin": Role.ADMIN}
NOWHERE = {"version": "v1beta", "model:path": FLASH}
"""What stands in a path; all else is the id of nothing."""

CALLS = [(method, route) for route in ROUTES for method in sorted(route.methods)]


def fill(path: str, ids: dict[str, str]) -> str:
    known = {**NOWHERE, **ids}
    return re.sub(r"\{([^}]+)\}", lambda hole: known.get(hole[1], "nothing"), path)


def may(whose: str, needs: Role | None) -> bool:
    return needs is None or (whose in RANK and RANK[whose].covers(needs))


def call(watched: Watched, whose: str, method: str, route: Route, **ids: str) -> requests.Response:
    query = f"?{route.query}=nothing" if route.query else ""
    path = fill(route.path, ids) + query
    headers = {"X-Pisang-Studio": "1"} if route.face is Face.SESSION else {}
    return watched.ask(None if whose == "none" else whose, method, path, headers=headers)


@pytest.mark.parametrize("method,route", CALLS, ids=[f"{m} {r.path}" for m, r in CALLS])
def test_s6_every_route_is_open_to_whom_its_row_names_and_to_nobody_else(
    watched: Watched, method: str, route: Route
) -> None:
    refused: dict[int, set[bytes]] = {}
    for whose in WHOSE:
        if may(whose, route.needs):
            if not route.path.endswith("/events"):  # it has no end
                answer = call(watched, whose, method, route)
                assert answer.status_code not in (401, 403), (whose, answer.text)
                assert answer.status_code < 500, (whose, answer.text)
            continue
        answer = call(watched, whose, method, route)
        assert answer.status_code == (403 if whose in RANK else 401), (whose, answer.text)
        refused.setdefault(answer.status_code, set()).add(answer.content)
    assert len(refused.get(401, {b""})) == 1, "the same to the letter, whatever is wrong with a key"


@pytest.fixture(scope="module")
def owned(watched: Watched) -> Iterator[dict[str, str]]:
    """Something of `own`'s behind each name that stands in a path."""
    made = watched.paint("a plum of my own").headers["x-pisang-request-id"]
    watched.paint("a lost plum [[sandbox html=524]]")
    unknown = watched.ask("own", "GET", "/pisang/v1/unknowns").json()["unknown"][-1]["id"]
    image = watched.ask("own", "GET", f"/pisang/v1/requests/{made}").json()["images"][0]
    headers = {"X-Goog-Upload-Command": "start", "X-Goog-Upload-Header-Content-Type": "image/png"}
    begun = watched.ask("own", "POST", "/upload/v1beta/files", headers=headers)
    address = begun.headers["x-goog-upload-url"].removeprefix(watched.url)
    piece = {"X-Goog-Upload-Command": "upload, finalize", "X-Goog-Upload-Offset": "0"}
    file = watched.ask(None, "POST", address, headers=piece, data=b"x").json()["file"]
    yield {
        "request_id": made,
        "attempt_id": unknown,
        "sha256": image["sha256"],
        "id": file["name"].removeprefix("files/"),
    }


ABOUT_ONE = [
    (method, route) for method, route in CALLS
    if re.search(r"\{(?:request_id|attempt_id|sha256|id)\}", route.path)
    and route.face is not Face.BATCHES  # tests/gateway/test_google_batches.py asks about those
]  # fmt: skip


def test_s6_the_table_has_objects_to_ask_about() -> None:
    assert len(ABOUT_ONE) >= 12
    assert {route.face for _, route in ABOUT_ONE} == {Face.FILES, Face.MANAGED}


@pytest.mark.parametrize("method,route", ABOUT_ONE, ids=[f"{m} {r.path}" for m, r in ABOUT_ONE])
def test_s6_what_is_another_s_is_as_if_it_were_not_there(
    watched: Watched, owned: dict[str, str], method: str, route: Route
) -> None:
    """To the letter, but for the id that he gave; and it is still there after all of it."""
    absent = {name: "0" * len(value) for name, value in owned.items()}
    theirs = call(watched, "other", method, route, **owned)
    nothing = call(watched, "other", method, route, **absent)
    assert theirs.status_code == nothing.status_code == 404
    words, heads = theirs.text, {**theirs.headers, "date": ""}
    for name, value in owned.items():
        words = words.replace(value, absent[name])
    assert words == nothing.text
    assert heads == {**nothing.headers, "date": ""}
    reading = method if method in ("GET", "HEAD") else "GET"
    if any(reading in one.methods and one.path == route.path for one in ROUTES):
        assert call(watched, "own", reading, route, **owned).status_code == 200
