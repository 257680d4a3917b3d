"""Whose what is: every route of the management API by every kind of caller (its list is its own).

What is another's is answered as what is not there: the same status, the same words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from pisang.domain.access import Role
from pisang.gateway.routes import role_for
from tests.gateway.guarded import FLASH, Guarded, guarding

READING = ("GET", "HEAD")


@dataclass(frozen=True)
class Owned:
    """A gateway on which `own` has a picture and an attempt of unknown outcome."""

    gateway: Guarded
    ids: dict[str, str]
    """What stands in a path, by its parameter's name: all of `own`'s."""

    def ask(self, whose: str, method: str, path: str) -> requests.Response:
        body: dict[str, Any] = {}
        if method == "POST" and path.endswith("/generations"):
            body = {"json": {"prompt": "a plum", "model": FLASH}}
        if method == "POST" and path.endswith("/batches"):
            body = {"json": {"rows": [{"prompt": "a plum", "model": FLASH}]}}
        return self.gateway.ask(whose, method, path, **body)


NOWHERE = {
    "request_id": "req_" + "0" * 26, "attempt_id": "att_" + "0" * 26, "sha256": "0" * 64,
    "hook_id": "msg_" + "0" * 26, "key_id": "0" * 12, "name": "nobody",
    "batch_id": "bat_" + "0" * 26, "ticket": "nothing",
}  # fmt: skip


@pytest.fixture(scope="module")
def owned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owned]:
    with guarding(tmp_path_factory.mktemp("owned")) as gateway:
        made = gateway.paint("own", "a plum of my own")
        assert made.status_code == 200
        gateway.paint("own", "a lost plum [[sandbox html=524]]")
        listed = gateway.ask("own", "GET", "/pisang/v1/unknowns").json()["unknown"]
        request_id = made.headers["x-pisang-request-id"]
        shown = gateway.ask("own", "GET", f"/pisang/v1/requests/{request_id}").json()
        rows = {"rows": [{"prompt": "a plum of many", "model": FLASH}]}
        batch = gateway.ask("own", "POST", "/pisang/v1/batches", json=rows).json()
        ids = {
            "batch_id": batch["id"],
            "request_id": request_id,
            "attempt_id": listed[0]["id"],
            "sha256": shown["images"][0]["sha256"],
            "hook_id": NOWHERE["hook_id"],
            "key_id": gateway.keys["own"]["id"],
            "name": "relay",
            "ticket": "nothing",
        }
        yield Owned(gateway, ids)


@pytest.fixture(scope="module")
def routes(owned: Owned) -> list[tuple[str, str]]:
    """Every route as the gateway itself describes it."""
    paths = requests.get(f"{owned.gateway.url}/openapi.json", timeout=30).json()["paths"]
    found = [(verb.upper(), path) for path, verbs in paths.items() for verb in verbs]
    assert len(found) > 10
    return found


def test_without_a_good_key_every_route_says_the_same(
    owned: Owned, routes: list[tuple[str, str]]
) -> None:
    for method, path in routes:
        answers = [
            owned.ask(whose, method, path.format(**ids))
            for whose in ("none", "wrong", "revoked")
            for ids in (owned.ids, NOWHERE)
        ]
        assert {one.status_code for one in answers} == {401}, (method, path)
        assert len({one.content for one in answers}) == 1, (method, path)


def test_what_is_another_s_is_as_if_it_were_not_there(
    owned: Owned, routes: list[tuple[str, str]]
) -> None:
    about_one = [(method, path) for method, path in routes if _is_owned(method, path)]
    assert about_one
    for method, path in about_one:
        for whose in ("other", "reader"):
            theirs = owned.ask(whose, method, path.format(**owned.ids))
            nothing = owned.ask(whose, method, path.format(**NOWHERE))
            may = whose == "other" or method in READING
            assert theirs.status_code == (404 if may else 403), (method, path, whose)
            assert nothing.status_code == theirs.status_code, (method, path, whose)
            words = theirs.text
            for name, own in owned.ids.items():
                words = words.replace(own, NOWHERE[name])
            assert words == nothing.text, (method, path, whose)


def _is_owned(method: str, path: str) -> bool:
    """Whether it is about one thing that somebody owns; what is for admins alone is another's, and
    an archive is for who asked for it alone (`test_gallery`)."""
    return "{" in path and "{ticket}" not in path and role_for(method, path, {}) is not Role.ADMIN


def test_its_owner_and_an_admin_read_it(owned: Owned, routes: list[tuple[str, str]]) -> None:
    """After all that the others tried, it is still there."""
    for method, path in routes:
        if method in READING and _is_owned(method, path):
            for whose in ("own", "admin"):
                answer = owned.ask(whose, method, path.format(**owned.ids))
                assert answer.status_code == 200, (method, path, whose)


def test_a_key_that_only_reads_changes_nothing(owned: Owned, routes: list[tuple[str, str]]) -> None:
    before = owned.gateway.charges
    for method, path in routes:
        if method not in READING:
            answer = owned.ask("reader", method, path.format(**owned.ids))
            assert answer.status_code == 403, (method, path)
            assert answer.json()["error"]["code"] == "key_restricted"
    assert owned.gateway.charges == before


def test_a_list_holds_one_s_own_and_an_admin_s_everybody_s(owned: Owned) -> None:
    seen = {
        whose: (
            owned.ask(whose, "GET", "/pisang/v1/requests").text,
            owned.ask(whose, "GET", "/pisang/v1/unknowns").text,
            owned.ask(whose, "GET", "/pisang/v1/batches").text,
        )
        for whose in ("own", "other", "admin")
    }
    for whose, (history, unknown, batches) in seen.items():
        mine = whose != "other"
        assert (owned.ids["batch_id"] in batches) is mine, whose
        assert (owned.ids["request_id"] in history) is mine, whose
        assert (owned.ids["attempt_id"] in unknown) is mine, whose
    usage = owned.ask("other", "GET", "/pisang/v1/usage?by=key").text
    assert owned.gateway.keys["own"]["id"] not in usage
    assert (
        owned.gateway.keys["own"]["id"] in owned.ask("admin", "GET", "/pisang/v1/usage?by=key").text
    )


def test_upstreams_are_an_admin_s_business(owned: Owned) -> None:
    assert owned.ask("admin", "GET", "/pisang/v1/upstreams").status_code == 200
    for whose in ("own", "reader"):
        refused = owned.ask(whose, "GET", "/pisang/v1/upstreams")
        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "key_restricted"


def test_another_s_picture_is_no_reference(owned: Owned) -> None:
    wish = {"prompt": "redder", "model": FLASH, "image": owned.ids["sha256"]}
    mine = owned.gateway.ask("own", "POST", "/pisang/v1/generations", json=wish)
    assert mine.status_code == 200, mine.text
    theirs = owned.gateway.ask("other", "POST", "/pisang/v1/generations", json=wish)
    assert theirs.status_code == 404, theirs.text
