"""The command line over a real socket: a `pisang sandbox` server as a paid relay."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import CANARIES, process

AS_JSON = ("--format", "json")


@pytest.fixture
def charged(local):
    """How many charges came since the test began."""
    before = len(local.charges)
    return lambda: len(local.charges) - before


def test_the_only_upstream_is_used_and_its_cost_is_told(pisang, local, charged):
    said = pisang("generate", "a lake", *AS_JSON)
    assert said.code == 0, said.err
    assert said.json["upstream"] == "local"
    assert charged() == 1


def test_upstream_test_lists_models_and_costs_nothing(pisang, local, charged):
    said = pisang("upstream", "test", "local", *AS_JSON)
    assert said.code == 0, said.err
    assert said.json["key_tested"] is True
    assert "gemini-3-pro-image" in said.json["models"]
    assert charged() == 0


def test_a_wrong_key_is_found_for_free(pisang, local, charged):
    said = pisang("upstream", "test", "local", *AS_JSON, MY_KEY="invalid-CANARY")
    assert (said.code, said.json["error"]["code"]) == (3, "key_invalid")
    assert "CANARY" not in said.out + said.err
    assert charged() == 0


def test_a_missing_key_is_told_before_anything_is_sent(pisang, local, charged):
    said = pisang("generate", "x", *AS_JSON, MY_KEY="")
    assert (said.code, said.json["error"]["code"]) == (3, "key_missing")
    assert charged() == 0


def test_nobody_there_is_exit_5_and_free(pisang):
    pisang(
        "upstream", "add", "gone", "--wire", "gemini", "--base-url", "http://127.0.0.1:9",
        "--auth", "none",
    )  # fmt: skip
    said = pisang("generate", "x", *AS_JSON)
    assert said.code == 5
    assert said.json["error"]["code"] == "unreachable"
    assert said.json["error"]["charged"] == "no"


def test_some_of_n_are_kept_when_the_money_ends(pisang, local, charged, folder):
    said = pisang(
        "generate", "x", *AS_JSON, "-n", "3", "--max-cost", "0.07USD", "-s", "1K", "-o", "c.jpg"
    )
    assert said.code == 8, said.out + said.err
    assert len(said.json["images"]) == 1
    assert {one["code"] for one in said.json["failures"]} == {"budget_exceeded"}
    assert charged() == 1


def test_a_price_over_the_cap_is_refused_before_anything_is_sent(pisang, local, charged):
    said = pisang("generate", "x", *AS_JSON, "--max-cost", "0.001USD")
    assert said.code == 6, said.err
    assert said.json["error"]["charged"] == "no"
    assert charged() == 0


def test_an_unknown_attempt_is_listed_looked_at_and_written_off(pisang, local, charged):
    said = pisang("generate", "x [[sandbox cut=0.5]]", *AS_JSON)
    assert said.code == 7
    assert said.json["error"]["at_stake"].endswith("USD")
    assert charged() == 1
    (row,) = pisang("unknown", "list", *AS_JSON).json["unknown"]
    looked = pisang("unknown", "look", row["id"], *AS_JSON).json
    assert looked["upstream"] == "local"
    refused = pisang("unknown", "rebuy", row["id"], *AS_JSON)
    assert (refused.code, refused.json["error"]["code"]) == (6, "confirmation_needed")
    assert pisang("unknown", "write-off", row["id"]).code == 0
    assert pisang("unknown", "list", *AS_JSON).json["unknown"] == []
    assert charged() == 1


def test_a_key_is_read_from_standard_input_and_shown_nowhere(pisang, local, home):
    added = pisang(
        "upstream", "add", "second", "--wire", "gemini", "--base-url", local.url, "--key-stdin",
        stdin=b"  CANARY-piped-77\n",
    )  # fmt: skip
    assert added.code == 0, added.err
    listed = pisang("upstream", "list", *AS_JSON)
    made = pisang("generate", "x", "--via", "second", *AS_JSON)
    assert made.code == 0
    assert "CANARY" not in added.out + added.err + listed.out + made.out + made.err
    assert (home / "keys.toml").stat().st_mode & 0o777 == 0o600
    assert pisang("upstream", "remove", "second").code == 0
    assert "CANARY" not in (home / "keys.toml").read_text()


@pytest.mark.parametrize("raw", [b"", b"   ", b"two words", b"\x89PNG\r\n", b"k" * 20_000])
def test_what_is_no_key_is_refused_and_not_repeated(pisang, raw):
    said = pisang("upstream", "add", "google", "--key-stdin", stdin=raw)
    assert said.code == 2
    assert "kkkk" not in said.err
    assert "two words" not in said.err


def test_doctor_finds_all_well_and_then_what_is_not(pisang, local, home):
    pisang("generate", "x")
    well = pisang("doctor", *AS_JSON)
    assert well.code == 0, well.out
    assert well.json["ok"] is True
    assert pisang("doctor", *AS_JSON, MY_KEY="").code == 3
    (home / "config.toml").chmod(0o644)
    assert pisang("doctor").code == 3


def test_gc_says_what_would_go_and_keeps_the_images(pisang, local, home):
    pisang("generate", "x")
    rehearsed = pisang("gc", "--dry-run", "--answers-days", "0", *AS_JSON)
    assert rehearsed.code == 0, rehearsed.err
    assert rehearsed.json["dry_run"] is True
    assert pisang("gc", *AS_JSON).code == 0
    assert len([path for path in (home / "images").rglob("*") if path.is_file()]) == 1


def test_secrets_are_in_no_output_log_row_or_file(pisang, local, home, folder, tmp_path):
    calls = [
        process(*words, home=home, folder=folder, extra=CANARIES)
        for words in (
            ("generate", "x", "--via", "local", "-o", "a.png"),
            ("generate", "[[sandbox html=524]] y", "--via", "local", *AS_JSON),
            ("upstream", "list", *AS_JSON),
            ("doctor", *AS_JSON),
        )
    ]
    said = "".join(call.out + call.err for call in calls)
    assert [call.code for call in calls[:2]] == [0, 7], said
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "ledger.db" for path in files)
    for canary in CANARIES.values():
        assert canary not in said
        assert not [path for path in files if canary.encode() in path.read_bytes()]
        assert canary not in local.book.read_text()


def test_without_a_keeper_ctrl_c_after_sending_leaves_an_unknown(pisang, local, home, folder):
    running = subprocess.Popen(
        [sys.executable, "-m", "pisang", "generate", "x [[sandbox delay=30]]", *AS_JSON],
        cwd=folder,
        env={**os.environ, **CANARIES, "PISANG_KEEPER": "off"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_interrupts,
    )
    deadline = time.monotonic() + 20
    while not _is_sent(home) and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=15)
    assert running.returncode == 130, err
    assert json.loads(out)["error"]["code"] == "outcome_unknown"
    assert "Traceback" not in err
    (row,) = pisang("unknown", "list", *AS_JSON).json["unknown"]
    assert row["upstream"] == "local"


def _heed_interrupts() -> None:
    """A shell starts what runs in its background with SIGINT ignored, which is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _is_sent(home: Path) -> bool:
    from pisang.engine.ids import new_id
    from pisang.engine.world import now_ms
    from pisang.store.store import Store

    if not (home / "ledger.db").exists():
        return False
    store = Store.open(home, clock_ms=now_ms, new_id=new_id)
    try:
        return any(row.sent_ms is not None for row in store.live())
    finally:
        store.close()


def test_a_reader_that_goes_away_is_no_fault(pisang, local, home, folder):
    for _ in range(3):
        pisang("generate", "x")
    command = (
        f"{sys.executable} -m pisang history --format quiet | head -n 0; echo ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=True
    )
    assert "Traceback" not in done.stderr
    assert done.stdout.strip() in ("0", "141")


def test_a_port_that_is_taken_is_named(pisang, server):
    said = pisang("sandbox", "--port", server.url.rsplit(":", 1)[1])
    assert said.code == 2
    assert "address already in use" in said.err


def test_help_is_quick_because_nothing_heavy_is_loaded():
    probe = (
        "import sys; from pisang.cli.entry import run; run(['--help']);"
        "heavy = {'aiohttp', 'pydantic', 'rich', 'sqlite3', 'pyvips', 'pisang.engine'};"
        "sys.exit(bool(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=False)
    assert done.returncode == 0


def test_importing_the_package_loads_next_to_nothing():
    probe = (
        "import sys, pisang; heavy = ('pisang.client', 'pisang.engine', 'pisang.errors');"
        "sys.exit(bool(set(heavy) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("upstream add google --key-stdin <&-", 2, "it is empty"),
        ("generate - --via sandbox <&-", 2, "The prompt is empty"),
        ("history --nope >&-", 2, "No such option: --nope"),
        ("history --nope 2>&-", 2, ""),
    ],
)
def test_a_closed_standard_stream_is_an_empty_one(home, folder, line, code, said):
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m pisang {line}"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PISANG_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
