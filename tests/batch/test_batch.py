"""`pisang batch`: each row bought once, whoever is killed; told as it goes, and to its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Pisang, Server

SMALL = ("-s", "512", "--format", "json")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def write(folder: Path, *prompts: str) -> str:
    path = folder / "list.jsonl"
    path.write_text("".join(json.dumps({"prompt": one}) + "\n" for one in prompts), "utf-8")
    return path.name


def test_a_list_is_made_to_its_end_and_every_row_told(
    pisang: Pisang, local: Server, folder: Path
) -> None:
    before = len(local.charges)
    (folder / "list.csv").write_text(
        "prompt,ratio,name\n"
        "一只白鹭,16:9,birds/egret.png\n"
        "a kite,1:1,../../outside\n"
        "一只白鹭,16:9,birds/egret.png\n"
        "[[sandbox finish=IMAGE_SAFETY]] storm,1:1,\n"
        "[[sandbox html=524]] fog,1:1,\n",
        "utf-8",
    )
    said = pisang("batch", "run", "list.csv", "--via", "local", "--out", "out", *SMALL)
    told = said.json
    assert said.code == 8, said.err
    assert told["rows"] == {
        "total": 4, "waiting": 0, "under_way": 0, "done": 2, "refused": 1, "unknown": 1,
    }  # fmt: skip
    assert told["cost"]["at_stake"] == ["0.067 USD"] and told["next"] is None
    assert "bought once (4 = 2" in said.err
    rows = {row["row"]: row for row in lines(folder / "out" / "results.jsonl")}
    assert set(rows) == {2, 3, 5, 6}
    assert rows[2]["images"][0]["path"] == str(folder / "out" / "birds" / "egret.png")
    assert (folder / "out" / "birds" / "egret.png").read_bytes()[:4] == b"\x89PNG"
    assert Path(rows[3]["images"][0]["path"]).parent == folder / "out"
    assert rows[5]["error"]["code"] == "refused"
    assert rows[6]["error"]["at_stake"] == "0.067 USD"
    assert not list(folder.parent.glob("outside*"))
    assert len(local.charges) - before == 3  # it sold a refusal too, and nothing behind the fog


def test_the_same_list_again_buys_nothing_unasked(
    pisang: Pisang, local: Server, folder: Path
) -> None:
    words = ("batch", "run", write(folder, "a heron"), "--via", "local", "--out", "out", *SMALL)
    assert pisang(*words).code == 0
    bought = len(local.charges)
    again = pisang(*words)
    assert again.code == 2 and again.json["error"]["code"] == "batch_done"
    assert len(local.charges) == bought
    taken = pisang(*words, "--new")
    assert taken.code == 0 and len(local.charges) == bought + 1


def test_everything_that_is_wrong_is_told_at_once_by_line(
    pisang: Pisang, local: Server, folder: Path
) -> None:
    before = len(local.charges)
    (folder / "list.csv").write_text(
        "prompt,ratio,image,n,name\nfine,1:1,,,\nx,17:1,,,\n,1:1,,,\nx,1:1,nowhere.png,,\n"
        "x,1:1,,many,\nx,1:1,http://10.0.0.1/x.png,,\nx,1:1,,,a.png\ny,1:1,,,a.png\n"
    )
    said = pisang("batch", "run", "list.csv", "--via", "local", "--format", "json")
    assert said.code == 2 and said.json["error"]["code"] == "rows_wrong"
    message = said.json["error"]["message"]
    assert "5 wrong" in message
    for line, why in (
        (3, "17:1"), (4, "prompt is empty"), (5, "no such file"), (6, "whole number"),
        (7, "not fetched"),
    ):  # fmt: skip
        assert any(part.startswith(f"  {line}: ") and why in part for part in message.split("\n"))
    chinese = pisang(
        "batch", "run", "list.csv", "--via", "local", "--format", "json", PISANG_LANG="zh"
    )
    spoken = chinese.json["error"]["message"].split("\n")
    assert "有 5 行有误" in spoken[0] and "  6: n 的值 'many' 无效：不是整数" in spoken
    (folder / "list.csv").write_text("prompt,name\nx,a.png\ny,a.png\n")
    twice = pisang("batch", "run", "list.csv", "--via", "local", "--format", "json")
    assert "line 2 is to be a.png too" in twice.json["error"]["message"]
    assert len(local.charges) == before


def test_a_dry_run_says_the_price_and_buys_nothing(
    pisang: Pisang, local: Server, folder: Path
) -> None:
    before = len(local.charges)
    said = pisang(
        "batch", "run", write(folder, "a", "b", "c"), "--via", "local", "--dry-run", *SMALL
    )
    assert said.code == 0
    assert (said.json["images"], said.json["price"], said.json["unpriced"]) == (3, ["0.201 USD"], 0)
    assert len(local.charges) == before and pisang("batch", "list", "--format", "json").json == {
        "batches": []
    }
    assert not (folder / "pisang-out").exists()


def test_batches_that_share_a_folder_each_get_all_their_files_and_lines(
    pisang: Pisang, local: Server, folder: Path
) -> None:
    ids = []
    for prompts in (("a", "b", "c"), ("d", "e")):
        said = pisang("batch", "run", write(folder, *prompts), "--via", "local", *SMALL)
        assert said.code == 0, said.err
        ids.append(said.json["batch_id"])
    told = lines(folder / "pisang-out" / "results.jsonl")
    assert [row["batch_id"] for row in told] == [ids[0]] * 3 + [ids[1]] * 2
    assert {Path(row["images"][0]["path"]).name[6] for row in told} == set("abcde")
    assert all(Path(row["images"][0]["path"]).is_file() for row in told)


@pytest.mark.parametrize("template", ["{", "{prompt:d}", "{prompt!z}"])
def test_a_template_that_is_none_is_told_in_a_sentence(
    template: str, pisang: Pisang, local: Server, folder: Path
) -> None:
    words = ("batch", "run", write(folder, "a"), "--via", "local", "--prompt", template)
    said = pisang(*words, "--dry-run", "--format", "json")
    assert said.code == 2 and said.json["error"]["code"] == "rows_wrong"


def test_each_picture_of_a_glob_is_a_row(pisang: Pisang, local: Server, folder: Path) -> None:
    for number in range(2):
        pisang(
            "generate", f"sku {number}", "--via", "sandbox", "-s", "512", "-o", f"sku/{number}.png"
        )
    said = pisang(
        "batch", "run", "--each", "sku/*.png", "--prompt", "换成白底: {stem}", "--name",
        "{stem}-white.png", "--resize", "300x200", "--out", "white", "--via", "local", *SMALL,
    )  # fmt: skip
    assert said.code == 0, said.err
    rows = sorted(lines(folder / "white" / "results.jsonl"), key=lambda row: row["row"])
    assert [row["prompt"] for row in rows] == ["换成白底: 0", "换成白底: 1"]
    assert [(one["width"], one["height"]) for row in rows for one in row["images"]] == [
        (300, 200)
    ] * 2
    unknown = pisang(
        "batch", "run", "--each", "sku/*.png", "--prompt", "{colour}", "--via", "local"
    )
    assert unknown.code == 2 and "no column of that name" in unknown.err


def test_a_cap_on_the_whole_batch_holds(pisang: Pisang, local: Server, folder: Path) -> None:
    before = len(local.charges)
    words = ("batch", "run", write(folder, *"abcd"), "--via", "local", "--max-cost", "0.14USD")
    said = pisang(*words, *SMALL)
    assert said.json["rows"]["done"] == 2 and not said.json["over"]
    assert said.json["error"]["code"] == "budget_exceeded"
    assert len(local.charges) == before + 2


@pytest.fixture
def shell(local: Server, environ: Mapping[str, str], folder: Path) -> Iterator[Mapping[str, str]]:
    whole = {**os.environ, **environ}
    whole.pop("PISANG_KEEPER", None)
    yield whole


def start(shell: Mapping[str, str], *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pisang", "batch", *words], env=shell, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def until(path: Path, count: int) -> None:
    """Wait until so many rows are told."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists() and len(path.read_text().splitlines()) >= count:
            return
        time.sleep(0.1)
    raise AssertionError("it does not get on")


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_whoever_ends_the_command_every_row_is_bought_once(
    end: signal.Signals, shell: Mapping[str, str], local: Server, folder: Path, pisang: Pisang
) -> None:
    before = len(local.charges)
    name = write(folder, *(f"{n} [[sandbox delay=0.5]]" for n in range(12)))
    words = ("run", name, "--via", "local", "--out", "out", "--concurrency", "3", *SMALL)
    process = start(shell, *words)
    results = folder / "out" / "results.jsonl"
    until(results, 2)
    process.send_signal(end)
    out, _ = process.communicate(timeout=60)
    if end is signal.SIGINT:
        assert process.returncode == 130
        assert json.loads(out)["next"].startswith("pisang batch resume bat_")
    resumed = start(shell, "resume", "--format", "json")
    out, err = resumed.communicate(timeout=120)
    assert resumed.returncode == 0, err
    assert json.loads(out)["rows"]["done"] == 12
    told = lines(results)
    assert sorted(row["row"] for row in told) == list(range(1, 13))
    assert all(Path(row["images"][0]["path"]).is_file() for row in told)
    assert len(local.charges) == before + 12


def test_a_keeper_that_is_killed_leaves_what_it_sent_unknown_and_the_rest_goes_on(
    shell: Mapping[str, str], local: Server, folder: Path, pisang: Pisang
) -> None:
    before = len(local.charges)
    name = write(folder, *(f"{n} [[sandbox delay=1]]" for n in range(6)))
    words = ("run", name, "--via", "local", "--out", "out", "--concurrency", "2", *SMALL)
    process = start(shell, *words)
    until(folder / "out" / "results.jsonl", 1)
    listed = subprocess.run(["ps", "-ewwo", "pid,ppid,args"], capture_output=True, text=True)
    (keeper,) = (
        int(line.split()[0]) for line in listed.stdout.splitlines()
        if "pisang.cli.batch.keeper" in line and line.split()[1] == str(process.pid)
    )  # fmt: skip
    os.kill(keeper, signal.SIGKILL)
    process.communicate(timeout=60)
    said = pisang("batch", "resume", "--format", "json")
    rows = said.json["rows"]
    assert rows["done"] + rows.get("unknown", 0) == 6 and said.json["over"]
    assert len(local.charges) - before == 6
    retried = pisang("batch", "retry", "--unknown", "--format", "json")
    assert retried.json["rows"]["done"] == 6


def test_two_keepers_on_one_batch_tell_each_row_once(
    shell: Mapping[str, str], local: Server, folder: Path
) -> None:
    before = len(local.charges)
    name = write(folder, *(f"{n} [[sandbox delay=0.2]]" for n in range(24)))
    words = ("run", name, "--via", "local", "--out", "out", "--concurrency", "2", *SMALL)
    processes = [start(shell, *words)]
    until(folder / "out" / "results.jsonl", 1)
    processes += [start(shell, "resume", "--format", "json") for _ in range(2)]
    for process in processes:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    told = lines(folder / "out" / "results.jsonl")
    assert sorted(row["row"] for row in told) == list(range(1, 25))
    assert len(local.charges) == before + 24


def test_the_same_list_given_twice_at_once_is_one_batch(
    shell: Mapping[str, str], local: Server, folder: Path
) -> None:
    before = len(local.charges)
    name = write(folder, *(f"{n} [[sandbox delay=0.2]]" for n in range(8)))
    words = ("run", name, "--via", "local", "--out", "out", "--format", "json", *SMALL)
    processes = [start(shell, *words) for _ in range(3)]
    told = [(process.communicate(timeout=120), process.returncode) for process in processes]
    assert {code for _, code in told} <= {0, 2}, told
    begun = [json.loads(out) for (out, _), code in told if code == 0]
    assert len({one["batch_id"] for one in begun}) == 1
    assert len(local.charges) == before + 8
    rows = lines(folder / "out" / "results.jsonl")
    assert sorted(row["row"] for row in rows) == list(range(1, 9))


def test_a_line_that_a_crash_cut_is_written_again(
    pisang: Pisang, local: Server, folder: Path
) -> None:
    results = folder / "pisang-out" / "results.jsonl"
    words = ("batch", "run", write(folder, "a", "b"), "--via", "local", *SMALL)
    batch_id = pisang(*words).json["batch_id"]
    whole = results.read_bytes()
    results.write_bytes(whole[:-20])
    said = pisang("batch", "resume", batch_id, "--format", "json")
    assert said.code == 0, said.err
    assert results.read_bytes() == whole


def test_detached_it_goes_on_by_itself(
    shell: Mapping[str, str], local: Server, folder: Path, pisang: Pisang
) -> None:
    name = write(folder, *(f"{n} [[sandbox delay=0.3]]" for n in range(4)))
    process = start(shell, "run", name, "--via", "local", "--out", "out", "--detach", *SMALL)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 9, err
    assert json.loads(out)["next"].startswith("pisang batch status bat_")
    until(folder / "out" / "results.jsonl", 4)
    assert pisang("batch", "status", "--format", "json").json["rows"]["done"] == 4


def test_status_list_cancel_and_export(pisang: Pisang, local: Server, folder: Path) -> None:
    nothing = pisang("batch", "status")
    assert nothing.code == 2 and "no unfinished batch" in nothing.err.lower()
    words = ("batch", "run", write(folder, "a", "b"), "--via", "local", "--out", "out", *SMALL)
    batch_id = pisang(*words).json["batch_id"]
    listed = pisang("batch", "list", "--format", "json").json["batches"]
    assert [one["batch_id"] for one in listed] == [batch_id]
    human = pisang("batch", "status", batch_id)
    assert "2 of 2" in human.out and "0.134 USD" in human.out
    exported = pisang("batch", "export", batch_id)
    assert [json.loads(line)["state"] for line in exported.out.splitlines()] == ["done", "done"]
    missing = pisang("batch", "cancel", "bat_nothing")
    assert missing.code == 2 and "bat_nothing" in missing.err
