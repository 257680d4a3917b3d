"""Settings changed under a server that serves: taken over whole, or not at all."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.conftest import run
from tests.gateway.servers import Home, Server, Street, street, until
from tests.gateway.test_metrics import PRO, Change, ask


@dataclass(frozen=True)
class Desk:
    """A gateway, and its home."""

    server: Server
    home: Home

    @property
    def url(self) -> str:
        return self.server.url

    def change(self, text: str) -> None:
        """Write the settings, and wait until they are taken over, or kept out."""
        before = self._told()
        self.home.config.write_text(text)
        until(lambda: self._told() > before)

    def _told(self) -> int:
        return len(self.server.said("settings_taken_over") + self.server.said("settings_kept"))

    def ready(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.server.get("/readyz"))
        return found


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with street(tmp_path_factory.mktemp("street"), PRO) as found:
        yield found


@pytest.fixture
def desk(over: Street, tmp_path: Path) -> Iterator[Desk]:
    with over.home(tmp_path) as home:
        server = home.start()
        yield Desk(server, home)
        server.signal()
        assert server.ended() == 0


def upstreams_of(desk: Desk) -> set[str]:
    told = json.loads(desk.server.get("/pisang/v1/upstreams"))
    return {one["name"] for one in told["upstreams"]}


def test_an_upstream_that_is_added_is_asked_and_seen_without_a_restart(desk: Desk) -> None:
    assert ask(desk.url, "a lake", headers={"x-pisang-upstream": "second"}) >= 400
    run(
        desk.home.path, "upstream", "add", "second", "--wire", "gemini", "--auth", "none",
        "--base-url", desk.home.upstream,
    )  # fmt: skip
    run(desk.home.path, "upstream", "price", "second", "--model", PRO, "0.5USD")
    until(lambda: "second" in upstreams_of(desk))
    until(lambda: ask(desk.url, "a lake", headers={"x-pisang-upstream": "second"}) == 200)
    change = Change(desk.url)
    assert ask(desk.url, "a priced lake", headers={"x-pisang-upstream": "second"}) == 200
    assert change.of("pisang_spent_micros_total", upstream="second") == 500_000


def test_a_call_under_way_keeps_what_it_began_with(desk: Desk) -> None:
    old = desk.home.config.read_text()
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(ask, desk.url, "a slow lake [[sandbox delay=4]]")
        until(lambda: 'state="sent"' in desk.server.get("/metrics"))
        desk.change(old.replace(desk.home.upstream, "http://127.0.0.1:9"))
        assert not slow.done()
        assert ask(desk.url, "another lake") == 502
        assert slow.result() == 200
    desk.change(old)
    assert ask(desk.url, "another lake") == 200


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ("[upstreams.relay\n", "settings_malformed"),
        ('default_upstream = "nobody"\n', "upstream_unknown"),
        ("[budgets]\nall = 3\n", "settings_malformed"),
    ],
)
def test_a_file_that_can_t_be_used_changes_nothing_and_says_so_once(
    desk: Desk, broken: str, code: str
) -> None:
    old = desk.home.config.read_text()
    desk.change(broken)
    (line,) = desk.server.said("settings_kept")
    assert line["code"] == code
    assert line["message"]
    assert ask(desk.url, "a lake") == 200
    ready = desk.ready()
    assert ready["ready"] is True
    assert [one["code"] for one in ready["warnings"]] == [code]
    desk.change(old)
    assert desk.ready()["warnings"] == []
    assert len(desk.server.said("settings_kept")) == 1


def test_a_signal_reads_them_again(desk: Desk) -> None:
    for number in (1, 2):
        desk.server.signal(signal.SIGHUP)
        until(lambda: len(desk.server.said("settings_taken_over")) == number)  # noqa: B023
    assert ask(desk.url, "a lake") == 200
