"""`client.batch`: rows told as they end, each bought once, whoever is killed in between."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import pisang
from pisang.errors import BudgetExceeded, NotFound, OptionInvalid, RowsWrong, TableUnreadable
from pisang.sandbox.pytest_plugin import SandboxServer

SMALL = {"image_size": "512"}


@pytest.fixture
def client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pisang_sandbox: SandboxServer
) -> Iterator[pisang.Client]:
    monkeypatch.chdir(tmp_path)
    write_settings(tmp_path, pisang_sandbox)
    with pisang.Client("local", home=tmp_path / "home") as opened:
        yield opened


def write_settings(folder: Path, server: SandboxServer) -> None:
    (folder / "home").mkdir(exist_ok=True)
    (folder / "home" / "config.toml").write_text(
        f'[upstreams.local]\nwire = "gemini"\nbase_url = "{server.base_url}"\nauth = "none"\n'
        '[upstreams.local.prices]\n"gemini-3.1-flash-image" = "0.067USD"\n'
    )


def bought(server: SandboxServer) -> int:
    return len(server.book)


def test_prompts_become_rows_as_they_end_and_the_same_call_buys_nothing_again(
    client: pisang.Client, pisang_sandbox: SandboxServer, tmp_path: Path
):
    prompts = ["a heron", "a kite", "a heron", "[[sandbox finish=IMAGE_SAFETY]] a storm"]
    batch = client.batch(iter(prompts), **SMALL)
    rows = {row.row: row.result for row in batch}
    assert set(rows) == {1, 2, 4} and batch.same == {3: 1} and not batch.known
    assert rows[1].images[0].width == 512 and rows[2].prompt == "a kite"
    assert rows[4].error is not None and rows[4].error.code == "refused"
    status = batch.wait()
    assert status.over and status.total == 3
    sold = bought(pisang_sandbox)
    assert sold in (2, 3)  # a refusal may be for free
    assert not (tmp_path / "pisang-out").exists()
    again = client.batch(prompts, **SMALL)
    assert again.id == batch.id and again.known
    assert {row.row: row.result.request_id for row in again} == {
        row: result.request_id for row, result in rows.items()
    }
    assert bought(pisang_sandbox) == sold
    anew = client.batch(prompts, **SMALL, new=True)
    assert anew.id != batch.id and len(list(anew)) == 3
    assert bought(pisang_sandbox) == 2 * sold
    assert [one.batch.id for one in client.batches()] == [anew.id, batch.id]


def test_mappings_files_pictures_and_templates(client: pisang.Client, tmp_path: Path):
    picture = client.generate("a picture", **SMALL).images[0]
    (tmp_path / "a.png").write_bytes(picture.bytes)
    rows = [
        {"colour": "red", "image": picture.bytes, "aspect_ratio": "16:9", "note": float("nan")},
        {"colour": "blue", "references": [Path("a.png"), picture.bytes], "n": 2, "note": None},
    ]
    told = client.batch(
        rows, prompt="{colour}{note}", out="out", name="{colour}.png", resize="40x20", **SMALL
    )
    ended = {row.row: row.result for row in told}
    assert ended[1].images[0].parent == picture.sha256
    assert ended[1].images[0].path == tmp_path / "out" / "red.png"
    assert (ended[1].images[0].width, ended[1].images[0].height) == (40, 20)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "blue-1.png", "blue-2.png", "red.png",
    ]  # fmt: skip
    (tmp_path / "list.csv").write_text("提示词,尺寸\n一只白鹭,512\n")
    (row,) = client.batch("list.csv")
    assert row.row == 2 and row.result.prompt == "一只白鹭"


def test_files_are_written_for_who_only_waits(client: pisang.Client, tmp_path: Path):
    client.batch(["x", "y"], out=tmp_path / "out", **SMALL).wait()
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_all_that_is_wrong_is_told_at_once_and_nothing_bought(
    client: pisang.Client, pisang_sandbox: SandboxServer
):
    with pytest.raises(RowsWrong) as caught:
        client.batch(["fine", "", {"prompt": "x", "ratio": "17:1"}, 7])
    message = caught.value.message()
    assert all(f"\n  {line}: " in message for line in (2, 3, 4)) and "3 wrong" in message
    with pytest.raises(TableUnreadable):
        client.batch([])
    with pytest.raises(TableUnreadable):
        client.batch("nowhere.csv")
    for wrong in ({"concurrency": 0}, {"every_s": -1}, {"max_cost": "much"}, {"via": []}):
        with pytest.raises(OptionInvalid):
            client.batch(["x"], **wrong)
    with pytest.raises(TypeError, match="did you mean 'concurrency'"):
        client.batch(["x"], concurency=3)
    with pytest.raises(NotFound):
        client.resume("bat_nothing")
    assert client.batches() == () and not pisang_sandbox.book


def test_a_cap_stops_it_once_what_came_is_told(
    client: pisang.Client, pisang_sandbox: SandboxServer
):
    batch = client.batch(["a", "b", "c"], max_cost="0.14USD", concurrency=1, **SMALL)
    rows = []
    with pytest.raises(BudgetExceeded):
        rows.extend(iter_into(batch, rows))
    assert len(rows) == 2 == len(pisang_sandbox.book)
    with pytest.raises(BudgetExceeded):
        batch.wait()
    assert not batch.status().over


def iter_into(batch, rows):
    for row in batch:
        rows.append(row)
    return []


def test_cancelled_it_ends_and_resumed_it_goes_on(
    client: pisang.Client, pisang_sandbox: SandboxServer
):
    prompts = [f"{n} [[sandbox delay=0.3]]" for n in range(6)]
    batch = client.batch(prompts, concurrency=1, **SMALL)
    first = next(batch)
    batch.cancel()
    rest = list(batch)
    assert first.row == 1 and len(rest) <= 2
    with pytest.raises(TimeoutError):
        client.resume(batch.id, concurrency=1).wait(timeout_s=0.05)
    resumed = client.resume(batch.id)
    assert sorted(row.row for row in resumed) == [1, 2, 3, 4, 5, 6]
    assert bought(pisang_sandbox) == 6


def test_what_failed_is_tried_again_when_asked(client: pisang.Client):
    batch = client.batch(["x [[sandbox html=524]]"], **SMALL)
    (row,) = batch
    assert row.result.state == "unknown"
    assert batch.retry() == 0
    assert batch.retry(unknown=True) == 1
    assert [again.row for again in batch] == [1]


def test_it_begins_when_it_is_told_to(client: pisang.Client, pisang_sandbox: SandboxServer):
    at = datetime.now().astimezone() + timedelta(seconds=1.5)
    begun = time.monotonic()
    assert len(list(client.batch(["x"], start_at=at, **SMALL))) == 1
    assert time.monotonic() - begun >= 1.2


def test_a_closed_client_begins_nothing_more_and_loses_nothing(
    client: pisang.Client, pisang_sandbox: SandboxServer, tmp_path: Path
):
    heard: list[str] = []
    with pisang.Client("local", home=tmp_path / "home") as other:
        batch = other.batch(
            [f"{n} [[sandbox delay=0.3]]" for n in range(8)], concurrency=2,
            on_event=lambda event: heard.append(event.kind), **SMALL,
        )  # fmt: skip
        next(batch)
    sent = len(pisang_sandbox.book)
    assert 1 <= sent < 8 and heard
    resumed = client.resume(batch.id)
    assert {row.result.state for row in resumed} == {"done"}
    assert bought(pisang_sandbox) == 8


def test_async_and_upstreams_that_no_file_names(tmp_path: Path, pisang_sandbox: SandboxServer):
    upstream = pisang.Upstream(
        name="mine", wire="gemini", base_url=pisang_sandbox.base_url,
        auth=pisang.Auth.NONE, key=None, default_model="gemini-3.1-flash-image",
    )  # fmt: skip

    async def main() -> list[str]:
        async with pisang.AsyncClient(home=tmp_path / "home", folder=tmp_path, **SMALL) as client:
            batch = await client.batch(["a", "b"], via=[upstream, "sandbox"])
            told = [row.result.state async for row in batch]
            assert (await batch.wait()).over
            return told

    assert asyncio.run(main()) == ["done", "done"]


SCRIPT = """
import sys, pisang
with pisang.Client("local") as client:
    prompts = [f"{n} [[sandbox delay=0.4]]" for n in range(12)]
    for row in client.batch(prompts, concurrency=3, image_size="512", out="out"):
        print(row.row, row.result.state, row.result.images[0].path if row.result.images else "-",
              flush=True)
"""


def test_a_program_that_is_killed_and_run_again_buys_nothing_twice(
    tmp_path: Path, pisang_sandbox: SandboxServer
):
    write_settings(tmp_path, pisang_sandbox)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    environ = {"PISANG_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"}

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, script.name], cwd=tmp_path, env=environ, text=True,
            stdout=subprocess.PIPE,
        )  # fmt: skip

    for _ in range(2):
        program = start()
        assert program.stdout is not None
        program.stdout.readline()
        time.sleep(0.2)
        program.send_signal(signal.SIGKILL)
        program.communicate()
    out, _ = start().communicate(timeout=60)
    rows = [line.split(maxsplit=2) for line in out.splitlines()]
    assert sorted(int(row[0]) for row in rows) == list(range(1, 13))
    states = [row[1] for row in rows]
    assert set(states) <= {"done", "unknown"}
    sold = [charge.prompt_sha256 for charge in pisang_sandbox.book]
    assert len(set(sold)) == len(sold) >= states.count("done")
    assert all(Path(row[2]).is_file() for row in rows if row[1] == "done")
