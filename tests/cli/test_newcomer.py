"""What somebody new meets: costs that say what they are, hints to be typed, relatives shown."""

from __future__ import annotations

import json
from pathlib import Path

from pisang.cli.gc import _KINDS_ZH

from .conftest import process

SANDBOX = ("--via", "sandbox")
AS_JSON = ("--format", "json")
SMALL = ("-s", "512")


def test_the_sandbox_s_money_is_play_money_wherever_a_cost_is_told(pisang):
    painted = pisang("generate", "a hill", *SANDBOX, *SMALL)
    assert "USD (play money)" in painted.out
    assert "USD (play money)" in pisang("history").out
    assert pisang("show", "last").out.count("(play money)") == 2  # the request's, the attempt's
    assert pisang("history", *AS_JSON).json["requests"][0]["cost"]["basis"] == "sandbox"
    assert "模拟金额" in pisang("show", "last", PISANG_LANG="zh").out
    lost = pisang("generate", "x [[sandbox html=524]]", *SANDBOX, *SMALL)
    assert "0.045 USD (play money) may have been charged" in lost.err
    assert "(play money)" in pisang("unknown", "list").out


def test_an_attempt_that_was_turned_away_free_is_told_to_be_free(pisang):
    assert pisang("generate", "x [[sandbox status=400]]", *SANDBOX, *SMALL).code == 2
    said = pisang("history")
    assert "free" in said.out
    assert "unknown" not in said.out
    assert pisang("history", *AS_JSON).json["requests"][0]["cost"] == {
        "amount": "0.00", "currency": None, "basis": "free", "at_stake": None,
    }  # fmt: skip


def test_the_next_command_names_the_upstream_that_was_named(pisang, folder):
    said = pisang("generate", "a hill", *SANDBOX, *SMALL)
    hint = next(line for line in said.out.splitlines() if line.startswith("edit it: "))
    assert hint == 'edit it: pisang edit last "…" --via sandbox'
    words = hint.removeprefix("edit it: pisang ").replace('"', "").split()
    assert pisang(*words, *SMALL).code == 0


def test_parents_and_children_are_both_shown(pisang):
    first = pisang("generate", "a hill", *SANDBOX, *AS_JSON, *SMALL).json
    for words in ("at dusk", "at dawn"):
        pisang("edit", first["request_id"], words, *SANDBOX, *SMALL)
    shown = pisang("show", first["request_id"], *AS_JSON).json
    assert [one["prompt"] for one in shown["children"]] == ["at dusk", "at dawn"]
    assert shown["lineage"] == []
    child = pisang("show", shown["children"][0]["request_id"])
    assert f"← {first['request_id']}  a hill" in child.out
    parent = pisang("show", first["request_id"])
    assert parent.out.count("→ req_") == 2


def test_a_written_file_is_known_again_by_its_bytes(pisang, folder):
    made = pisang("generate", "a hill", *SANDBOX, *AS_JSON, *SMALL, "-o", "hill.jpg").json
    assert pisang("show", "hill.jpg", *AS_JSON).json["request_id"] == made["request_id"]
    edited = pisang("edit", "hill.jpg", "at dusk", *SANDBOX, *AS_JSON, *SMALL).json
    assert edited["images"][0]["parent"] == made["images"][0]["sha256"]
    (folder / "hill.jpg").write_bytes(b"\xff\xd8\xff")
    said = pisang("show", "hill.jpg")
    assert said.code == 2
    assert "hill.jpg" in said.err


def test_a_failure_comes_with_its_warnings(pisang):
    said = pisang("generate", "x", *SANDBOX, "--model", "not-a-model")
    assert said.code == 2
    assert "warning: The model 'not-a-model' is not known here" in said.err


def test_a_repeated_key_says_that_nothing_was_bought(pisang):
    words = ("generate", "x", *SANDBOX, *SMALL, "--idempotency-key", "k1")
    assert "nothing was bought" not in pisang(*words).err
    assert "nothing was bought" in pisang(*words).err
    assert "没有重新购买" in pisang(*words, PISANG_LANG="zh").err


def test_a_search_that_finds_nothing_says_what_it_looked_for(pisang):
    assert "Nothing was asked for yet." in pisang("history").err
    pisang("generate", "a hill", *SANDBOX, *SMALL)
    assert "No prompt holds '狗'." in pisang("history", "狗").err


def test_three_turns_over_three_processes_keep_their_signatures(home, folder, server):
    """The sandbox answers 400 to a turn whose signature is not byte for byte its own."""

    def run(*words: str) -> dict:
        said = process(*words, *AS_JSON, *SMALL, home=home, folder=folder)
        assert said.code == 0, said.err
        return said.json

    process(
        "upstream", "add", "local", "--wire", "gemini", "--base-url", server.url, "--auth", "none",
        home=home, folder=folder,
    )  # fmt: skip
    run("generate", "a hill [[sandbox signature=600000]]")
    run("edit", "last", "a tree on it")
    third = run("edit", "last", "at dusk")
    assert [one["code"] for one in third["warnings"]] == ["sandbox"]
    shown = process("show", "last", *AS_JSON, home=home, folder=folder).json
    assert len(shown["lineage"]) == 2


def test_an_image_of_another_kind_of_upstream_is_edited_without_its_turns_and_says_so(
    pisang, local, folder
):
    made = pisang("generate", "a hill", *AS_JSON, *SMALL).json
    pisang(
        "upstream", "add", "pictures", "--wire", "openai-images", "--base-url", local.url,
        "--auth", "none",
    )  # fmt: skip
    for elsewhere in ("sandbox", "pictures"):
        said = pisang("edit", made["request_id"], "at dusk", "--via", elsewhere, *AS_JSON)
        assert said.code == 0, said.err
        assert "history_dropped" in [one["code"] for one in said.json["warnings"]]
    assert Path(json.loads(said.out)["images"][0]["path"]).exists()


def test_a_picture_of_a_type_that_no_upstream_takes_goes_as_png(pisang, folder):
    pisang("generate", "a hill", *SANDBOX, *SMALL, "-o", "hill.avif")
    said = pisang("edit", "hill.avif", "at dusk", *SANDBOX, *SMALL, "-i", "sky=hill.avif")
    assert said.code == 0, said.err
    assert "hill.avif is image/avif, which no upstream takes: it is sent as PNG." in said.err


def test_an_exact_fit_without_a_ratio_says_that_it_did_nothing(pisang, folder):
    pisang("generate", "a hill", *SANDBOX, *SMALL, "-o", "hill.png")
    said = pisang("edit", "hill.png", "at dusk", *SANDBOX, *SMALL, "--fit", "exact")
    assert said.code == 0
    assert "--fit changed nothing" in said.err


def test_an_edit_with_more_pictures_still_shows_the_edited_one(pisang, folder):
    pisang("generate", "snow", *SANDBOX, *SMALL, "-r", "1:1", "-o", "snow.jpg")
    pisang("generate", "a lake", *SANDBOX, *SMALL, "-r", "4:3")
    said = pisang("edit", "last", "in that style", *SANDBOX, *SMALL, *AS_JSON, "-i", "snow.jpg")
    (image,) = said.json["images"]
    assert (image["width"], image["height"]) == (600, 448)


def test_the_sandbox_is_nobody_s_silent_default(pisang):
    said = pisang("upstream", "default", "sandbox")
    assert said.code == 2
    assert "--via sandbox" in said.err
    assert pisang("generate", "x").code == 3


def test_what_would_go_is_told_in_words(pisang):
    pisang("generate", "x", *SANDBOX, *SMALL)
    kinds = {one["kind"] for one in pisang("gc", "--dry-run", *AS_JSON).json["gone"]}
    assert kinds == set(_KINDS_ZH)
    told = pisang("gc", "--dry-run", "--answers-days", "0", "--signatures-days", "0")
    assert "answers" in told.out
    assert "0 files" not in told.out
    assert "可释放" in pisang("gc", "--dry-run", PISANG_LANG="zh").out
