"""A server without files to open, sockets to take or disk to write on: it turns callers away before
anything is paid, goes on when there is room again, and writes no half rows."""

from __future__ import annotations

import shutil
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.crash.disks import tmpfs
from tests.gateway.chaos.dialects import DIALECTS, NATIVE
from tests.gateway.chaos.shop import LONG, Answer, opened

pytestmark = [pytest.mark.crash] if LONG else []

FEW_FILES = ("sh", "-c", 'ulimit -n 64; exec "$@"', "sh")
"""A command in front of which a process may have 64 files open; it has 22 when it starts."""

DISK_MB = 300
"""An answer is paid for only where three of the largest would fit: 192 MiB."""
KB = 3000


def test_who_finds_no_room_is_told_503_and_when_to_ask_again(tmp_path: Path) -> None:
    with opened(tmp_path, serve=False) as shop:
        shop.open(prefix=FEW_FILES)

        def call(number: int) -> Answer:
            dialect = DIALECTS[number % len(DIALECTS)]
            return shop.ask(dialect, f'kite {number} {{"wait_s": 0.4}}')

        with ThreadPoolExecutor(60) as pool:
            answers = list(pool.map(call, range(120)))
        told = Counter(answer.status for answer in answers)
        assert told.keys() == {200, 503}
        assert {one.headers["retry-after"] for one in answers if one.status == 503} == {"1"}
        assert len(shop.sales) == told[200]
        assert [call(1000 + number).status for number in range(9)] == [200] * 9
        assert shop.audit().states == {"done": told[200] + 9}


def test_idle_connections_without_end_leave_the_server_alive(tmp_path: Path) -> None:
    with opened(tmp_path, serve=False) as shop:
        shop.open(prefix=FEW_FILES)
        place = urlsplit(shop.url)
        idle = [socket.create_connection((place.hostname, place.port)) for _ in range(100)]
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(shop.ask, NATIVE, "a kite behind the idle")
            for one in idle:
                one.close()
            assert waiting.result().status == 200
        assert shop.audit().states == {"done": 1}


def test_a_disk_that_fills_while_calls_arrive_refuses_before_it_pays(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "shop" / "home", DISK_MB), opened(tmp_path / "shop") as shop:
        ballast = shop.home / "ballast"
        numbers = count()

        def call(_: object) -> int:
            prompt = f'kite {next(numbers)} {{"kb": {KB}, "wait_s": 0.1}}'
            answer = shop.ask(DIALECTS[next(numbers) % len(DIALECTS)], prompt)
            return answer.status

        with ThreadPoolExecutor(6) as pool:
            told = Counter(pool.map(call, range(6)))
            fill(ballast, shop.home)
            told += Counter(pool.map(call, range(60)))
            assert told.keys() == {200, 507}
            assert len(shop.sales) == told[200]
            ballast.unlink()
            told += Counter(pool.map(call, range(6)))
        assert len(shop.sales) == told[200]
        assert shop.audit().states["done"] == told[200]


def fill(ballast: Path, home: Path) -> None:
    """Leave room for some answers more, not for all."""
    free = shutil.disk_usage(home).free
    with ballast.open("wb") as file:
        file.write(bytes(max(0, free - 192 * 1024 * 1024 - 40_000_000)))
