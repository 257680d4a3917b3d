"""The drill: a server is written to by many, a backup is taken meanwhile, and a home made of it."""

from __future__ import annotations

import itertools
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.gateway.conftest import Stage, run
from tests.store.kit import open_store

pytestmark = [pytest.mark.folder, pytest.mark.sqlite]
CALLERS = 6


def test_every_request_acknowledged_before_the_backup_comes_back_with_its_image(
    stage: Stage, tmp_path: Path
) -> None:
    acknowledged: list[str] = []
    stop = threading.Event()
    numbers = itertools.count()

    def call() -> None:
        while not stop.is_set():
            answer = requests.post(
                f"{stage.url}/v1beta/models/gemini-3.1-flash-image:generateContent",
                json={
                    "contents": [{"parts": [{"text": f"kite number {next(numbers)}"}]}],
                    "generationConfig": {"imageConfig": {"imageSize": "512"}},
                },
                headers={"x-goog-api-key": "any"},
                timeout=60,
            )
            assert answer.status_code == 200, answer.text
            acknowledged.append(answer.headers["x-pisang-request-id"])

    promised: list[list[str]] = []
    dest = tmp_path / "backup"
    with ThreadPoolExecutor(CALLERS) as callers:
        calls = [callers.submit(call) for _ in range(CALLERS)]
        for more in (3, 6):
            while len(acknowledged) < more * 4:
                time.sleep(0.02)
            promised.append(list(acknowledged))
            run(stage.home, "store", "backup", str(dest))
        made_during = len(acknowledged)
        stop.set()
        for one in calls:
            one.result()
    assert made_during > len(promised[0])  # it was taken under load

    drill = json.loads(run(stage.home, "store", "verify", str(dest), "--format", "json").stdout)
    assert (drill["ok"], drill["faults"]) == (True, [])
    again = tmp_path / "again"
    run(stage.home, "store", "restore", str(dest), "--home", str(again))
    store = open_store(again)
    try:
        for request_id in promised[-1]:
            row = store.request(request_id)
            (image,) = row.images
            content = store.content(image.sha256, image.bytes)
            assert len(b"".join(store.read(content, verify=True))) == image.bytes
        assert [one.message for one in store.check(deep=True) if one.level == "error"] == []
    finally:
        store.close()
    assert drill["requests"] >= len(promised[-1])
