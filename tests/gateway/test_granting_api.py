"""Keys, teams and upstreams by an administrator's API, over real processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.gateway.guarded import FLASH, PRO, Guarded, guarding


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarding(tmp_path_factory.mktemp("guarded")) as made:
        yield made


class Boss:
    """An administrator."""

    def __init__(self, guarded: Guarded) -> None:
        self.guarded = guarded

    def ask(self, method: str, path: str, body: Any = None) -> requests.Response:
        more = {} if body is None else {"json": body}
        return self.guarded.ask("admin", method, f"/pisang/v1{path}", **more)

    def told(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = self.ask(method, path, body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def paint(self, key: str, prompt: str, model: str = FLASH) -> requests.Response:
        body = {"contents": [{"parts": [{"text": prompt}]}]}
        headers = {"x-goog-api-key": key}
        url = f"{self.guarded.url}/v1beta/models/{model}:generateContent"
        return requests.post(url, json=body, headers=headers, timeout=60)


@pytest.fixture(scope="module")
def boss(guarded: Guarded) -> Boss:
    return Boss(guarded)


# --- keys ----------------------------------------------------------------------------------------


def test_a_key_is_made_shown_once_used_changed_and_taken_back(boss: Boss) -> None:
    wish = {
        "name": "ci", "team": "blue", "models": ["nano-banana-2"], "rpm": 100, "expires": "90d",
        "budgets": {"day": "5USD", "total": "50USD"}, "time_zone": "Asia/Shanghai",
        "webhook": {"url": "https://hooks.example.com/t?token=t0psecret"},
    }  # fmt: skip
    made = boss.told("POST", "/keys", wish, 201)
    text, key_id = made.pop("key"), made["id"]
    assert text.startswith(f"psk_{key_id}_")
    assert [(cap["period"], cap["cap"], cap["time_zone"]) for cap in made["budgets"]] == [
        ("day", "5.00", "Asia/Shanghai"), ("total", "50.00", "Asia/Shanghai"),
    ]  # fmt: skip
    assert made["webhook"] == {"url": "https://hooks.example.com/t", "signed": False}
    assert boss.paint(text, "made by a key of the API").status_code == 200
    assert boss.paint(text, "not its model", PRO).status_code == 403
    shown = boss.ask("GET", f"/keys/{key_id}")
    assert text not in shown.text
    assert "t0psecret" not in shown.text
    (spent,) = shown.json()["this_month"]
    assert (spent["spent"], spent["images"]) == ("0.067", 1)

    change = {"models": None, "budgets": {"day": None, "month": "9USD"}, "rpm": 7, "name": "ci-2"}
    changed = boss.told("PATCH", f"/keys/{key_id}", change)
    assert (changed["models"], changed["rpm"], changed["name"]) == ([], 7, "ci-2")
    assert changed["expires_at"] == made["expires_at"], "what was not named stays"
    assert [cap["period"] for cap in changed["budgets"]] == ["month", "total"]
    assert boss.told("GET", "/keys")["keys"][-1] == changed

    assert boss.told("DELETE", f"/keys/{key_id}")["state"] == "revoked"
    assert boss.told("GET", f"/keys/{key_id}")["state"] == "revoked"


def test_a_changed_key_is_gone_by_within_a_second(boss: Boss, guarded: Guarded) -> None:
    made = boss.told("POST", "/keys", {"name": "turned"}, 201)
    assert boss.paint(made["key"], "before the change").status_code == 200
    boss.told("PATCH", f"/keys/{made['id']}", {"role": "read"})
    answers = (boss.paint(made["key"], "after the change").status_code for _ in range(40))
    assert 403 in answers
    assert guarded.pisang("key", "list")["keys"][-1]["role"] == "read"


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x", "role": "root"}, "role"),
        ({"name": "x", "rpm": 0}, "rpm"),
        ({"name": "x", "max_size": "9K"}, "max_size"),
        ({"name": "x", "expires": "soon"}, "expires"),
        ({"name": "x", "budgets": {"year": "5USD"}}, "budgets"),
        ({"name": "x", "budgets": {"day": "much"}}, "budgets"),
        ({"name": "x", "budgets": {"day": "5USD"}, "time_zone": "Mars"}, "time_zone"),
        ({"name": "x", "webhook": {"url": "http://127.0.0.1/a"}}, "webhook.url"),
        ({"name": "x", "webhook": {"url": "https://10.0.0.1"}}, "webhook.url"),
        (
            {"name": "x", "webhook": {"url": "https://h.example.com", "secret": "hunter2hunter2"}},
            "webhook.secret",
        ),
        ({"name": "x", "digest": "0"}, "digest"),
    ],
)
def test_what_is_no_key_is_refused_by_field(boss: Boss, wish: Any, field: str) -> None:
    answer = boss.ask("POST", "/keys", wish)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "option_invalid"), answer.text
    assert error["message"].startswith(field)
    assert "hunter2" not in answer.text


def test_who_is_no_administrator_may_none_of_it(guarded: Guarded) -> None:
    for whose, status in (("own", 403), ("reader", 403), ("none", 401)):
        for method, path in (
            ("GET", "/keys"), ("POST", "/keys"), ("PATCH", "/keys/x"), ("DELETE", "/keys/x"),
            ("GET", "/teams"), ("PUT", "/teams/x"), ("DELETE", "/teams/x"),
            ("GET", "/upstreams"), ("PUT", "/upstreams/x"), ("POST", "/upstreams/relay/test"),
        ):  # fmt: skip
            answer = guarded.ask(whose, method, f"/pisang/v1{path}", json={"name": "x"})
            assert answer.status_code == status, (whose, method, path)


# --- teams ---------------------------------------------------------------------------------------


def test_a_team_is_capped_told_and_taken_away_with_its_keys(boss: Boss) -> None:
    secret = "whsec_" + "QUJD" * 10
    wish = {
        "budgets": {"month": "0.10USD"},
        "webhook": {"url": "https://hooks.example.com/red", "secret": secret},
    }
    team = boss.told("PUT", "/teams/red", wish)
    assert (team["declared"], team["webhook"]["signed"]) == (False, True)
    key = boss.told("POST", "/keys", {"name": "of red", "team": "red"}, 201)
    assert boss.paint(key["key"], "the team's first").status_code == 200
    assert boss.paint(key["key"], "the team's second").status_code == 402
    shown = boss.ask("GET", "/teams/red")
    assert secret not in shown.text
    assert [one["id"] for one in shown.json()["keys"]] == [key["id"]]
    assert shown.json()["budgets"][0]["left"] == "0.033"
    more = boss.told("PUT", "/teams/red", {"budgets": {"day": "9USD"}})
    assert [cap["period"] for cap in more["budgets"]] == ["day"]
    assert more["webhook"] is None
    assert "red" in [one["name"] for one in boss.told("GET", "/teams")["teams"]]
    usage = boss.told("GET", "/usage?by=team")
    assert {row["name"]: row["spent"] for row in usage["rows"]}["red"] == "0.067"
    csv = boss.ask("GET", "/usage?by=team&format=csv").text
    assert csv.splitlines()[0].startswith("team,spent")
    assert boss.told("DELETE", "/teams/red") == {"name": "red", "revoked": [key["id"]]}
    assert boss.ask("GET", "/teams/red").status_code == 404


@pytest.mark.parametrize("by", ["upstream", "model", "day", "key", "team", "tag"])
def test_usage_is_told_by_each_of_six_in_two_formats(boss: Boss, by: str) -> None:
    told = boss.told("GET", f"/usage?by={by}&since=all")
    assert told["by"] == by
    csv = boss.ask("GET", f"/usage?by={by}&since=all&format=csv")
    assert csv.headers["content-type"].startswith("text/csv")
    assert len(csv.text.splitlines()) == len(told["rows"]) + 1


# --- upstreams -----------------------------------------------------------------------------------


def test_an_upstream_is_added_tested_used_changed_and_forgotten(
    boss: Boss, guarded: Guarded
) -> None:
    relay = boss.told("GET", "/upstreams/relay")
    wish = {
        "wire": "gemini", "base_url": relay["base_url"], "auth": "bearer",
        "key": "sk-made-up-for-the-second", "priority": 7,
        "prices": {FLASH: "0.01USD"}, "limits": {"concurrency": 3},
    }  # fmt: skip
    added = boss.ask("PUT", "/upstreams/second", wish)
    assert added.status_code == 200, added.text
    told = added.json()
    assert "made-up" not in added.text
    assert (told["key"], told["priority"], told["limits"]["concurrency"]) == ("…cond", 7, 3)
    assert boss.told("POST", "/upstreams/second/test")["ok"] is True
    made = boss.told(
        "POST", "/generations", {"prompt": "at the second", "model": FLASH, "via": "second"}
    )
    assert (made["upstream"], made["cost"]["amount"]) == ("second", "0.01")

    changed = boss.told("PATCH", "/upstreams/second", {"priority": None, "models": [FLASH]})
    assert (changed["priority"], changed["models"], changed["key"]) == (None, [FLASH], "…cond")
    assert changed["limits"]["concurrency"] == 3
    moved = boss.told("PATCH", "/upstreams/second", {"base_url": "https://other.example.com"})
    assert moved["key"] is None, "a key does not go where it was not given for"
    assert guarded.pisang("upstream", "list")["upstreams"][-1]["name"] == "second"
    assert boss.told("DELETE", "/upstreams/second") == {"removed": "second"}
    assert boss.ask("GET", "/upstreams/second").status_code == 404
    assert boss.told("GET", "/upstreams/relay") == relay, "the others are as they were"


ELSEWHERE = {"wire": "gemini", "base_url": "https://a.example.com"}


@pytest.mark.parametrize(
    ("name", "wish", "word"),
    [
        ("x", {}, "wire"),
        ("x", {"wire": "soap", "base_url": "https://a.example.com"}, "wire"),
        ("x", {"wire": "gemini", "base_url": "nonsense"}, "base_url"),
        ("x", {**ELSEWHERE, "key": "hunter2 hunter2"}, "key"),
        ("x", {**ELSEWHERE, "key_env": "PATH"}, "key_env"),
        ("x", {**ELSEWHERE, "proxy": "http://p"}, "proxy"),
        ("x", {**ELSEWHERE, "auth": "adc"}, "auth"),
        ("x", {"preset": "vertex", "base_url": "https://a.example.com"}, "base_url"),
        ("x", {"preset": "nobody"}, "preset"),
        ("UPPER", {"preset": "google"}, "name"),
    ],
)
def test_what_is_no_upstream_is_refused_by_field(
    boss: Boss, name: str, wish: Any, word: str
) -> None:
    answer = boss.ask("PUT", f"/upstreams/{name}", wish)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "option_invalid"), answer.text
    assert error["message"].startswith(word), answer.text
    assert "hunter2" not in answer.text
    assert boss.ask("GET", "/upstreams/x").status_code == 404
