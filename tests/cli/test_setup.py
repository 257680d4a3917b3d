"""`pisang setup`: by options, never asking; and by questions on a terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.relay import GOOD, Relay, running_relay

AS_JSON = ("--format", "json")
WRONG = "sk-made-up-wrong"


@pytest.fixture
def relay() -> Iterator[Relay]:
    with running_relay() as running:
        yield running


def config(home: Path) -> str:
    path = home / "config.toml"
    return path.read_text() if path.exists() else ""


def keys(home: Path) -> str:
    path = home / "keys.toml"
    return path.read_text() if path.exists() else ""


# --- by options -----------------------------------------------------------------------------------


def test_a_key_is_tried_for_free_kept_and_made_the_default(pisang, home, relay):
    said = pisang(
        "setup", "ikuncode", "--base-url", relay.url, "--key-stdin", *AS_JSON,
        stdin=f"{GOOD}\n".encode(),
    )  # fmt: skip
    assert said.code == 0, said.err
    told = said.json
    assert (told["upstream"], told["preset"], told["default"]) == ("ikuncode", "ikuncode", True)
    assert told["check"]["models"] == ["gemini-3.1-flash-image"]
    assert told["next"].startswith("pisang generate ")
    assert relay.asked == ["GET /v1beta/models"]
    assert GOOD in keys(home)
    assert GOOD not in config(home) + said.out + said.err
    assert 'default_upstream = "ikuncode"' in config(home)


def test_a_wrong_key_keeps_nothing_and_replaces_nothing(pisang, home, relay):
    words = ("setup", "ikuncode", "--base-url", relay.url, "--key-stdin", *AS_JSON)
    wrong = pisang(*words, stdin=WRONG.encode())
    assert (wrong.code, wrong.json["error"]["code"]) == (3, "key_invalid")
    assert wrong.json["error"]["hint"] == (
        f"pisang setup ikuncode --base-url {relay.url} --key-stdin < key.txt"
    )
    assert config(home) == keys(home) == ""
    assert pisang(*words, stdin=GOOD.encode()).code == 0
    assert pisang(*words, stdin=WRONG.encode()).code == 3
    assert GOOD in keys(home)
    assert WRONG not in keys(home)


def test_an_upstream_that_is_not_there_can_be_kept_all_the_same(pisang, home):
    words = ("setup", "pisang", "--base-url", "http://127.0.0.1:9", "--key-stdin", *AS_JSON)
    said = pisang(*words, stdin=GOOD.encode())
    assert (said.code, said.json["error"]["code"]) == (5, "unreachable")
    hint = said.json["error"]["hint"]
    assert "--no-check" in hint
    assert config(home) == ""
    again = hint.removeprefix("pisang ").removesuffix(" < key.txt").split()
    kept = pisang(*again, *AS_JSON, stdin=GOOD.encode())
    assert kept.code == 0
    assert kept.json["check"] is None


def test_without_a_terminal_nothing_is_ever_asked(pisang, home):
    assert pisang("setup").code == 2
    assert "pisang setup ikuncode --key-stdin < key.txt" in pisang("setup").err
    said = pisang("setup", "ikuncode")
    assert said.code == 3
    assert "pisang setup ikuncode --key-stdin < key.txt" in said.err
    assert config(home) == ""


def test_a_variable_is_named_and_not_copied(pisang, home, relay):
    said = pisang(
        "setup", "pisang", "--base-url", relay.url, "--key-env", "MY_RELAY_KEY", *AS_JSON,
        MY_RELAY_KEY=GOOD,
    )  # fmt: skip
    assert said.code == 0, said.err
    assert said.json["key"] == "$MY_RELAY_KEY"
    assert keys(home) == ""


def test_a_url_is_another_pisang_unless_it_is_a_vendor_s_own(pisang, home, relay):
    said = pisang("setup", relay.url + "/v1", "--key-stdin", *AS_JSON, stdin=GOOD.encode())
    assert (said.json["preset"], said.json["base_url"]) == ("pisang", relay.url)
    vendor = pisang(
        "setup", "https://api.ikuncode.cc/v1beta", "--no-check", "--key-stdin", *AS_JSON,
        stdin=GOOD.encode(),
    )  # fmt: skip
    assert vendor.json["preset"] == "ikuncode"
    assert vendor.json["default"] is False
    assert vendor.json["next"].endswith("--via ikuncode")


def test_a_second_one_of_a_preset_wants_a_name_of_its_own(pisang, home, relay):
    pisang("setup", relay.url, "--key-stdin", stdin=GOOD.encode())
    other = ("setup", "https://images.example.com", "--no-check", "--key-stdin", *AS_JSON)
    refused = pisang(*other, stdin=GOOD.encode())
    assert refused.code == 2
    assert "--name" in refused.json["error"]["message"]
    named = pisang(*other, "--name", "far", "--default", stdin=GOOD.encode())
    assert (named.json["upstream"], named.json["default"]) == ("far", True)
    rows = {row["name"]: row for row in pisang("upstream", "list", *AS_JSON).json["upstreams"]}
    assert set(rows) == {"pisang", "far"}


def test_vertex_wants_a_project_and_no_key(pisang):
    assert "--project" in pisang("setup", "vertex").err
    said = pisang("setup", "vertex", "--project", "my-proj", "--no-check", *AS_JSON)
    assert said.json["base_url"] == (
        "https://aiplatform.googleapis.com/v1/projects/my-proj/locations/global/publishers/google"
    )
    assert (said.json["auth"], said.json["key"]) == ("adc", None)
    region = pisang(
        "setup", "vertex", "--project", "my-proj", "--location", "europe-west4", "--name", "eu",
        "--no-check", *AS_JSON,
    )  # fmt: skip
    assert region.json["base_url"].startswith("https://europe-west4-aiplatform.googleapis.com/")
    assert pisang("setup", "google", "--project", "p-1").code == 2
    assert "Google Cloud" in pisang("setup", "vertex", "--project", "../x", "--no-check").err


@pytest.mark.parametrize("word", ["ikuncod", "sk-made-up-CANARY-pasted-here", "sandbox", "a b"])
def test_a_word_that_is_no_upstream_names_those_there_are(pisang, word: str):
    said = pisang("setup", word)
    assert said.code == 2
    assert "CANARY" not in said.err + said.out
    assert "google" in said.err or "pisang try" in said.err


def test_a_key_pasted_with_what_stood_around_it_is_understood(pisang, home, relay):
    pasted = f"\ufeff “Bearer {GOOD}” \r\n".encode()
    said = pisang("setup", relay.url, "--key-stdin", *AS_JSON, stdin=pasted)
    assert said.code == 0, said.err
    assert relay.keys == [f"Bearer {GOOD}"]


# --- upstream key ---------------------------------------------------------------------------------


def test_a_key_is_replaced_and_the_rest_stays(pisang, home, relay):
    pisang("setup", relay.url, "--no-check", "--key-stdin", "-m", "m1", stdin=WRONG.encode())
    said = pisang("upstream", "key", "pisang", "--key-stdin", *AS_JSON, stdin=GOOD.encode())
    assert (said.code, said.json["upstream"]) == (0, "pisang")
    assert GOOD in keys(home)
    assert WRONG not in keys(home)
    assert "m1" in config(home)
    assert pisang("upstream", "test", "pisang").code == 0
    pisang("upstream", "key", "pisang", "--key-env", "ELSEWHERE")
    assert GOOD not in keys(home)
    assert 'key_env = "ELSEWHERE"' in config(home)


def test_a_key_is_asked_for_in_the_words_of_the_next_command(pisang):
    pisang("upstream", "import", "-", stdin=b"[upstreams.a]\npreset = 'google'\n")
    said = pisang("upstream", "key", "a")
    assert said.code == 3
    assert "pisang upstream key a --key-stdin < key.txt" in said.err
    assert pisang("upstream", "key", "nobody").code == 3
    assert pisang("upstream", "key", "sandbox").code == 2


def test_a_key_does_not_follow_its_upstream_to_another_address(pisang, home, relay):
    pisang("setup", relay.url, "--key-stdin", stdin=GOOD.encode())
    moved = ("upstream", "add", "pisang", "--base-url", "https://elsewhere.example.com", "--force")
    assert pisang(*moved).code == 3
    assert pisang(*moved, "--auth", "none").code == 0
    assert GOOD not in keys(home)


# --- on a terminal --------------------------------------------------------------------------------

pty = pytest.importorskip("pty")


@pytest.fixture
def talk(environ, folder):
    """Answers typed one after another, each when a question stands at the end of the screen."""
    import select
    import sys
    import time

    def talk(*words: str, typed: tuple[str, ...], **extra: str) -> tuple[int, str]:
        whole = {**environ, "PATH": os.environ["PATH"], "TERM": "xterm", **extra}
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(folder)
            os.execve(sys.executable, [sys.executable, "-m", "pisang", *words], whole)
        waiting, shown, asked = list(typed), b"", 0
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            ready, _, _ = select.select([terminal], [], [], 0.2)
            try:
                piece = os.read(terminal, 65536) if ready else None
            except OSError:  # Linux's word for the end of a terminal
                break
            if piece == b"":
                break
            shown += piece or b""
            new = shown[asked:].rstrip(b" ")
            if waiting and piece is None and new.endswith((b":", "：".encode())):
                asked = len(shown)
                os.write(terminal, waiting.pop(0).encode() + b"\n")
        _, status = os.waitpid(child, 0)
        os.close(terminal)
        return os.waitstatus_to_exitcode(status), shown.decode(errors="replace")

    return talk


def test_on_a_terminal_it_leads_from_a_list_to_a_first_image(talk, home, relay):
    code, shown = talk(
        "setup", typed=("99", "pisang", f"{relay.url}/v1", WRONG, "1", GOOD)
    )  # fmt: skip
    assert code == 0, shown
    assert "choose 1 to" in shown
    assert "the key is invalid or expired" in shown
    assert "type the key again" in shown
    assert "takes the key" in shown
    assert "pisang generate" in shown
    assert WRONG not in shown
    assert GOOD not in shown
    assert GOOD in keys(home)
    assert relay.asked == ["GET /v1beta/models"] * 2


def test_giving_up_changes_nothing_and_keeping_keeps_in_chinese(talk, home, relay):
    typed = (WRONG, "3")
    code, shown = talk("setup", relay.url, typed=typed, PISANG_LANG="zh")
    assert code == 130, shown
    assert "放弃" in shown
    assert config(home) == keys(home) == ""
    code, shown = talk("setup", relay.url, typed=(WRONG, "2"), PISANG_LANG="zh")
    assert code == 0, shown
    assert "尚未检测" in shown
    assert WRONG in keys(home)


def test_crawl_asks_for_the_network(talk, home):
    code, shown = talk(
        "setup", "crawl", "--no-check", typed=("office", "made-up-ak-1"), PISANG_LANG="zh"
    )
    assert code == 0, shown
    assert "genai-sg-og.tiktok-row.org" in shown
    assert 'network = "office"' in config(home)


def test_an_agent_in_a_terminal_is_not_asked(talk, home):
    code, shown = talk("setup", "ikuncode", typed=(), CLAUDECODE="1")
    assert code == 3, shown
    assert "--key-stdin < key.txt" in shown
