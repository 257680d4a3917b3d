"""`pisang studio`: its own user is let in once by the address that is opened, whoever else needs a
key, and in that process alone."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from pisang.client.granting import Grant
from pisang.errors import TicketSpent
from pisang.gateway.entrance import LIFE_S, Entrance
from tests.gateway.conftest import environ, serving
from tests.gateway.guarded import grant_key

SESSION = "/pisang/v1/session"
KEYS = "/pisang/v1/keys"
PAGE = {"X-Pisang-Studio": "1"}


@contextmanager
def studio(home: Path, *words: str, **more: str) -> Iterator[tuple[dict, subprocess.Popen[str]]]:
    """`pisang studio` while it runs: what it says, and its process."""
    home.mkdir(exist_ok=True)
    running = subprocess.Popen(
        [sys.executable, "-m", "pisang", "studio", *words, "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environ(home), **more},
        cwd=home.parent,
    )
    try:
        assert running.stdout is not None
        assert running.stderr is not None
        line = running.stdout.readline()
        assert line, running.stderr.read()
        yield json.loads(line), running
    finally:
        running.terminate()
        running.communicate(timeout=30)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose gateway asks for keys."""
    grant_key(tmp_path / "home", Grant(name="own"))
    return tmp_path / "home"


def enter(url: str, ticket: str, **headers: str) -> requests.Response:
    return requests.post(
        url + SESSION, json={"ticket": ticket}, headers={**PAGE, **headers}, timeout=30
    )


def ticket_in(way_in: str) -> str:
    return way_in.partition("/#enter=")[2]


def test_who_started_it_is_let_in_once_and_may_all(home):
    with studio(home, "--no-open", "--via", "sandbox") as (told, _):
        url, _, ticket = told["url"].partition("/#enter=")
        assert url.startswith("http://127.0.0.1:")
        assert requests.get(url + KEYS, timeout=30).status_code == 401
        browser = requests.Session()
        entered = browser.post(url + SESSION, json={"ticket": ticket}, headers=PAGE, timeout=30)
        assert entered.status_code == 200, entered.text
        assert (entered.json()["signed_in"], entered.json()["role"]) == (True, "admin")
        assert ticket not in entered.headers["set-cookie"]
        assert "HttpOnly; SameSite=Strict" in entered.headers["set-cookie"]
        assert browser.get(url + KEYS, timeout=30).status_code == 200
        wish, place = {"prompt": "a plum"}, f"{url}/pisang/v1/generations"
        assert browser.post(place, json=wish, timeout=30).status_code == 403
        assert browser.post(place, json=wish, headers=PAGE, timeout=60).status_code == 200
        again = enter(url, ticket)
        assert (again.status_code, again.json()["error"]["code"]) == (401, "ticket_spent")
        for field in ("X-Forwarded-For", "X-Real-IP"):
            away = browser.get(url + KEYS, headers={field: "8.8.8.8"}, timeout=30)
            assert away.status_code == 401
        events = browser.get(f"{url}/pisang/v1/events", stream=True, timeout=(5, 3))
        with pytest.raises(requests.exceptions.ConnectionError, match="timed out"):  # not ended
            list(events.iter_content(1))
        browser.delete(url + SESSION, headers=PAGE, timeout=30)
        assert browser.get(url + KEYS, timeout=30).status_code == 401


def test_neither_ticket_nor_session_is_good_in_another_process(home):
    with studio(home, "--no-open") as (told, _), studio(home, "--no-open") as (other, _):
        (here, _, ticket), (there, _, _) = (
            one["url"].partition("/#enter=") for one in (told, other)
        )
        assert enter(there, ticket).status_code == 401
        session = enter(here, ticket).cookies.get_dict()
        assert requests.get(here + KEYS, cookies=session, timeout=30).status_code == 200
        assert requests.get(there + KEYS, cookies=session, timeout=30).status_code == 401
    with serving(home, "serve") as (url, _):
        assert enter(url, "x" * 43).status_code == 401
        assert requests.get(url + KEYS, cookies=session, timeout=30).status_code == 401


def test_a_page_of_another_site_lets_nobody_in(home):
    with studio(home, "--no-open") as (told, _):
        url, _, ticket = told["url"].partition("/#enter=")
        assert enter(url, ticket, Origin="https://elsewhere.example").status_code == 403
        assert enter(url, ticket).status_code == 200


def test_the_browser_is_opened_and_ctrl_c_ends_it(home, tmp_path):
    said = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {said}\n')
    browser.chmod(0o755)
    with studio(home, BROWSER=str(browser)) as (told, running):
        assert "#" not in told["url"]
        until = time.monotonic() + 20
        while not said.exists() or not said.read_text():
            assert time.monotonic() < until
            time.sleep(0.05)
        opened = said.read_text()
        assert opened.startswith(f"{told['url']}/#enter=")
        assert enter(told["url"], ticket_in(opened)).status_code == 200
        running.send_signal(2)
        assert running.wait(timeout=30) == 0
        assert running.stderr is not None
        assert ticket_in(opened) not in running.stderr.read()


def test_a_home_without_keys_needs_no_ticket_and_who_had_one_stays_in_when_it_gets_keys(tmp_path):
    with studio(tmp_path / "home", "--no-open", "--port", "0") as (told, _):
        url, _, ticket = told["url"].partition("/#enter=")
        assert requests.get(url + SESSION, timeout=30).json()["signed_in"] is True
        assert enter(url, "x" * 43).json()["signed_in"] is True
        assert "text/html" in requests.get(url, timeout=30).headers["content-type"]
        session = enter(url, ticket).cookies.get_dict()
        grant_key(tmp_path / "home", Grant(name="the first"))
        until = time.monotonic() + 10
        while requests.get(url + KEYS, timeout=30).status_code != 401:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert requests.get(url + KEYS, cookies=session, timeout=30).status_code == 200


@pytest.mark.sqlite  # elsewhere the ledger is the environment's, whichever home is named
def test_the_home_may_be_named(home, tmp_path):
    with studio(tmp_path / "elsewhere", "--no-open", "--home", str(home)) as (told, _):
        url = told["url"].partition("/#enter=")[0]
        assert requests.get(url + SESSION, timeout=30).json()["guarded"] is True


def test_a_ticket_is_good_once_and_for_five_minutes():
    now = [0.0]
    entrance = Entrance(lambda: now[0])
    first, second = entrance.write_ticket(), entrance.write_ticket()
    entrance.take(first)
    for wrong in (first, "", "é", second[:-1]):
        with pytest.raises(TicketSpent):
            entrance.take(wrong)
    now[0] = LIFE_S
    with pytest.raises(TicketSpent):
        entrance.take(second)
    cookie, kept_s = entrance.write_cookie(1000)
    assert entrance.knows((cookie,), 1000 + kept_s - 1)
    assert not entrance.knows((cookie,), 1000 + kept_s)
    assert not Entrance().knows((cookie,), 1000)
