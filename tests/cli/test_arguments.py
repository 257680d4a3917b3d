"""Wrong words: one sentence each, exit 2 or 3, and nothing is sent or written."""

from __future__ import annotations

import pytest

SANDBOX = ("--via", "sandbox")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["gnerate"], 2, "did you mean generate?"),
        (["--nope"], 2, "No such option: --nope"),
        (["upstream", "ad"], 2, "did you mean add?"),
        (["generate"], 2, "The prompt is empty"),
        (["generate", "  ", *SANDBOX], 2, "The prompt is empty"),
        (["generate", "a", "b"], 2, "unexpected extra argument"),
        (["generate", "a", "-p", "b"], 2, "given twice"),
        (["generate", "-", "-i", "-", *SANDBOX], 2, "the prompt and a picture at once"),
        (["generate", "a", "-n", "0"], 2, "choose 1 to 100"),
        (["generate", "a", "-n", "x"], 2, "'x' is not a whole number"),
        (["generate", "a", "--format", "xml"], 2, "is not one of human, json, quiet"),
        (["generate", "a", "-r", "7:5", *SANDBOX], 2, "can't make aspect ratio '7:5'"),
        (["generate", "a", "-s", "9K", *SANDBOX], 2, "can't make size '9K'"),
        (["generate", "a", "-i", "no.png", *SANDBOX], 2, "there is no such file"),
        (["generate", "a", "--max-cost", "lots", *SANDBOX], 2, "is not an amount"),
        (["generate", "a", "--timeout", "0", *SANDBOX], 2, "give seconds"),
        (["generate", "a", "--timeout", "nan", *SANDBOX], 2, "nan"),
        (["generate", "a", "--set", "x", *SANDBOX], 2, "write it as name=value"),
        (["generate", "a", "--resize", "big", *SANDBOX], 2, "write it as 1920x1080"),
        (["generate", "a", "--resize", "0x5", *SANDBOX], 2, "each side is 1 to"),
        (
            ["generate", "a", "--resize", "5x5", "--fit", "exact", *SANDBOX],
            2,
            "--fit 'exact' is not valid",
        ),
        (["generate", "a", "--mode", "pad", *SANDBOX], 2, "it goes with --resize"),
        (["generate", "a", "-o", "x.tiff", *SANDBOX], 2, "is not written here"),
        (["generate", "a"], 3, "No upstream is configured"),
        (["generate", "a", "--via", "gogle"], 3, "did you mean google"),
        (["generate", "a", "--via", "google"], 3, "No key is set for google"),
        (["edit"], 2, "Missing argument 'IMAGE'"),
        (["edit", "last", "a", *SANDBOX], 2, "made in this folder yet"),
        (["edit", "deadbeef00", "a", *SANDBOX], 2, "There is no image 'deadbeef00'"),
        (["show", "req_0000"], 2, "There is no request 'req_0000'"),
        (["models", "dall-e"], 2, "There is no model 'dall-e'"),
        (["history", "--limit", "0"], 2, "0 is not in 1 to 1000"),
        (["unknown", "look", "att_0000"], 2, "There is no attempt"),
        (["unknown", "write-off", "att_0000"], 2, "There is no attempt"),
        (["upstream", "add", "X"], 2, "a name is up to 40"),
        (["upstream", "add", "sandbox"], 2, "is always there"),
        (["upstream", "add", "mine"], 2, "--wire"),
        (["upstream", "add", "mine", "--wire", "gemini"], 2, "--base-url"),
        (
            ["upstream", "add", "m", "--wire", "soap", "--base-url", "https://e.com"],
            2,
            "choose one",
        ),
        (["upstream", "add", "m", "--wire", "gemini", "--base-url", "ftp://e.com"], 2, "https://"),
        (["upstream", "add", "openai-compatible"], 2, "--base-url"),
        (["upstream", "add", "google", "--network", "office"], 2, "it has no networks"),
        (["upstream", "add", "crawl", "--network", "moon"], 2, "choose one of production, office"),
        (["upstream", "add", "google"], 3, "No key is set for google"),
        (["upstream", "test", "nobody"], 3, "There is no upstream named 'nobody'"),
        (["upstream", "default", "nobody"], 3, "There is no upstream named 'nobody'"),
        (["upstream", "remove", "nobody"], 3, "There is no upstream named 'nobody'"),
        (["sandbox", "--port", "99999"], 2, "is not in 0 to 65535"),
        (["sandbox", "--host", "203.0.113.7", "--port", "0"], 2, "--host/--port"),
        (["gc", "--answers-days", "-1"], 2, "--answers-days"),
    ],
)
def test_a_wrong_word_is_one_sentence_with_the_right_code(pisang, folder, words, code, said):
    answer = pisang(*words)
    assert answer.code == code, answer.err
    assert said in answer.err
    assert answer.out == ""
    assert "Traceback" not in answer.err
    assert not list(folder.rglob("*.part"))


def test_the_same_mistake_in_json_is_one_object(pisang):
    answer = pisang("generate", "a", "-n", "x", "--format", "json")
    assert answer.json["error"]["code"] == "usage"
    assert answer.json["error"]["hint"] == "pisang generate --help"
    assert answer.json["error"]["charged"] == "no"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--help"],
        ["--version"],
        ["unknown"],
        ["upstream"],
        ["generate", "--help"],
        ["edit", "--help"],
        ["try", "--help"],
        ["history", "--help"],
        ["show", "--help"],
        ["models", "--help"],
        ["sandbox", "--help"],
        ["doctor", "--help"],
        ["gc", "--help"],
        ["unknown", "rebuy", "--help"],
        ["upstream", "add", "--help"],
    ],
)
def test_every_help_page_comes_with_an_example(pisang, home, words):
    answer = pisang(*words)
    assert answer.code == 0
    assert answer.err == ""
    if words not in (["--version"], ["unknown"], ["upstream"]):
        assert "Examples:" in answer.out
    assert not home.exists()


def test_a_broken_settings_file_is_named(pisang, home):
    home.mkdir()
    (home / "config.toml").write_text("upstream = 3")
    answer = pisang("generate", "x", *SANDBOX)
    assert answer.code == 3
    assert "config.toml is wrong: line 1, `upstream`" in answer.err


def test_a_home_that_is_a_file_is_named(pisang, home):
    home.write_text("x")
    answer = pisang("history")
    assert answer.code == 3
    assert str(home) in answer.err


def test_a_fault_of_ours_is_one_sentence_and_a_file_without_secrets(pisang, home, monkeypatch):
    import pisang.domain.catalogue as catalogue

    def broken() -> None:
        raise RuntimeError("CANARY-in-the-message")

    monkeypatch.setattr(catalogue, "load", broken)
    answer = pisang("models", GEMINI_API_KEY="CANARY-key")
    assert answer.code == 1
    assert "RuntimeError" in answer.err
    (crash,) = (home / "crash").iterdir()
    assert "in broken" in crash.read_text()
    assert "CANARY" not in crash.read_text() + answer.err + answer.out
    assert crash.stat().st_mode & 0o777 == 0o600
