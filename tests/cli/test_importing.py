"""Upstreams to a file and from one, without secrets; and IKunImage's own settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

AS_JSON = ("--format", "json")
KEY = "sk-made-up-CANARY-key"


@pytest.fixture
def several(pisang, home: Path) -> None:
    """Three upstreams with everything that can be set, one with a proxy's password."""
    pisang("upstream", "add", "ikuncode", "--key-stdin", stdin=KEY.encode())
    pisang("upstream", "add", "work", "--preset", "google", "--key-env", "WORK_KEY")
    config = home / "config.toml"
    config.write_text(
        config.read_text()
        + '[upstreams.own]\nwire = "openai-images"\nbase_url = "https://images.example.com/x"\n'
        'auth = "bearer"\nmodels = ["a", "b"]\ndefault_model = "a"\n'
        'proxy = "http://user:CANARY-pw@10.0.0.1:8080"\n'
        "[upstreams.own.limits]\nconcurrency = 3\nrpm = 60\n"
        '[upstreams.own.prices]\n"a@2K" = "0.20CNY"\n'
    )


def listed(said) -> dict[str, dict]:
    return {row["name"]: row for row in said.json["upstreams"]}


def test_what_is_exported_is_imported_the_same_and_holds_no_secret(
    pisang, several, home, tmp_path, monkeypatch
):
    said = pisang("upstream", "export")
    assert said.code == 0, said.err
    assert "CANARY" not in said.out
    before = listed(pisang("upstream", "list", *AS_JSON))
    monkeypatch.setenv("PISANG_HOME", str(tmp_path / "other"))
    added = pisang("upstream", "import", "-", stdin=said.out.encode())
    assert added.code == 0, added.err
    assert "its key: pisang upstream key ikuncode" in added.out
    assert "its key from $WORK_KEY" in added.out
    after = listed(pisang("upstream", "list", *AS_JSON))
    for name, row in before.items():
        for field in ("preset", "wire", "base_url", "auth", "key_env", "models"):
            assert after[name][field] == row[field]
    again = pisang("upstream", "export", *AS_JSON)
    assert again.json["toml"] == said.out


def test_some_of_them_into_a_file_that_is_not_overwritten(pisang, several, folder):
    words = ("upstream", "export", "own", "--out", "own.toml", *AS_JSON)
    assert pisang(*words).json["upstreams"] == ["own"]
    assert "0.20CNY" in (folder / "own.toml").read_text()
    assert pisang(*words).json["error"]["code"] == "output_exists"
    assert pisang(*words, "--force").code == 0
    assert pisang("upstream", "export", "nobody").code == 3


def test_an_import_replaces_only_when_told_to_and_all_or_nothing(pisang, several, home):
    before = (home / "config.toml").read_text()
    file = b"[upstreams.fresh]\npreset = 'google'\n[upstreams.work]\npreset = 'crawl'\n"
    said = pisang("upstream", "import", "-", stdin=file)
    assert said.code == 2
    assert "work" in said.err
    assert (home / "config.toml").read_text() == before
    told = pisang("upstream", "import", "-", "--force", *AS_JSON, stdin=file)
    assert {row["name"]: row["replaced"] for row in told.json["upstreams"]} == {
        "fresh": False, "work": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('key = "made-up-CANARY"', "line 3, `upstreams.x.key`: a key does not belong here"),
        ('api_key = "made-up-CANARY"', "does not belong here"),
        ('default_model = "sk-made-up-CANARY-1234"', "it looks like a secret"),
        ('models = ["m", "AIzaMadeUpCANARY0123456789abc"]', "it looks like a secret"),
        ('base_url = "https://e.com/?key=CANARY"', "it looks like a secret"),
        ('proxy = "http://u:CANARY@h:80"', "it looks like a secret"),
        ('base_url = "https://u:CANARY@e.com"', "it looks like a secret"),
        ('colour = "CANARY"', "there is no such setting"),
        ('auth = "CANARY"', "choose one of"),
        ("[upstreams.sandbox]\npreset = 'google'", "the sandbox is always there"),
        ("[rates]\nCNY = 7", "there is no such setting"),
    ],
)
def test_what_is_wrong_or_looks_like_a_secret_is_refused_whole(pisang, home, line: str, said: str):
    file = f"[upstreams.x]\npreset = 'google'\n{line}\n"
    refused = pisang("upstream", "import", "-", stdin=file.encode())
    assert refused.code == 3
    assert said in refused.err
    assert "CANARY" not in refused.err + refused.out
    assert not (home / "config.toml").exists()


def test_an_import_that_moves_an_upstream_does_not_take_its_key_along(pisang, several, home):
    file = b"[upstreams.ikuncode]\npreset = 'ikuncode'\nbase_url = 'https://other.example.com'\n"
    said = pisang("upstream", "import", "-", "--force", stdin=file)
    assert "pisang upstream key ikuncode" in said.out
    assert KEY not in (home / "keys.toml").read_text()


@pytest.mark.parametrize("file", [b"", b"\xff\xfe", b"x = ", b"[[upstreams]]\n", b"upstreams = 3"])
def test_a_file_with_no_upstreams_is_one_sentence(pisang, file: bytes):
    said = pisang("upstream", "import", "-", stdin=file)
    assert said.code == 3
    assert said.err.startswith("error: ")


# --- IKunImage ------------------------------------------------------------------------------------


@pytest.fixture
def theirs(folder: Path) -> Path:
    """Its settings as its own tool writes them: two blanks, `api_key` alone."""
    path = folder / "config.json"
    path.write_text(json.dumps({"api_key": KEY}, indent=2) + "\n")
    path.chmod(0o600)
    return path


def test_its_key_is_taken_and_its_file_left_alone(pisang, home, theirs):
    before = theirs.read_bytes()
    said = pisang("import", "ikunimage", str(theirs), *AS_JSON)
    assert said.code == 0, said.err
    assert said.json["upstream"] == "ikuncode"
    assert said.json["base_url"] == "https://api.ikuncode.cc"
    assert (said.json["taken"], said.json["left"]) == (["api_key"], [])
    assert said.json["default"] is True
    assert theirs.read_bytes() == before
    assert KEY in (home / "keys.toml").read_text()
    assert (home / "keys.toml").stat().st_mode & 0o077 == 0
    assert "CANARY" not in said.out + said.err
    assert pisang("import", "ikunimage", str(theirs)).code == 2
    assert pisang("import", "ikunimage", str(theirs), "--name", "second").code == 0


def test_it_is_looked_for_where_its_own_tool_keeps_it(pisang, theirs, folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    missing = pisang("import", "ikunimage")
    assert missing.code == 3
    assert ".ikunimage/config.json" in missing.err
    (folder / ".ikunimage").mkdir()
    theirs.rename(folder / ".ikunimage" / "config.json")
    assert pisang("import", "ikunimage").code == 0


def test_what_means_nothing_here_is_named_and_not_guessed_at(pisang, theirs):
    theirs.write_text(json.dumps({"api_key": KEY, "workers": 2, "style": "CANARY-value"}))
    theirs.chmod(0o644)
    said = pisang("import", "ikunimage", str(theirs))
    assert "left: workers, style" in said.out
    assert "CANARY" not in said.out + said.err
    assert "chmod 600" in said.err
    zh = pisang("import", "ikunimage", str(theirs), "--force", PISANG_LANG="zh")
    assert "未识别、未导入的字段：workers, style" in zh.out


def test_a_key_for_another_address_goes_to_no_other(pisang, theirs):
    theirs.write_text(json.dumps({"api_key": KEY, "base_url": "https://mirror.example.com/v1"}))
    said = pisang("import", "ikunimage", str(theirs), *AS_JSON)
    assert said.json["base_url"] == "https://mirror.example.com"
    row = pisang("upstream", "list", *AS_JSON).json["upstreams"][0]
    assert row["base_url"] == "https://mirror.example.com"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"api_key": 3}', '{"api_key": "CAN ARY"}', '{"api_key": ""}', "{}",
     '{"api_key": "k", "base_url": "ftp://CANARY"}', '{"api_key": ["CANARY"]}'],
)  # fmt: skip
def test_a_file_that_is_not_its_own_is_refused_without_a_word_of_it(pisang, theirs, home, text):
    theirs.write_text(text)
    said = pisang("import", "ikunimage", str(theirs))
    assert said.code == 3
    assert "CAN" not in said.err + said.out
    assert not (home / "config.toml").exists()
