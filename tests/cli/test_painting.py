"""`generate`, `edit`, `try` over the sandbox inside the process: files, shapes, exit codes."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from pisang.domain.image import read_facts_from

SANDBOX = ("--via", "sandbox")
AS_JSON = ("--format", "json")

IMAGE_KEYS = {
    "path", "sha256", "mime", "width", "height", "bytes", "requested", "draft", "parent",
}  # fmt: skip
RESULT_KEYS = {
    "request_id", "state", "upstream", "model", "images", "failures", "text", "finish_reason",
    "usage", "cost", "warnings",
}  # fmt: skip
ERROR_KEYS = {
    "code", "message", "charged", "at_stake", "retry", "request_id", "upstream_request_id", "hint",
}  # fmt: skip


def facts(path: Path):
    data = path.read_bytes()
    return read_facts_from(data, data[-64:], len(data))


def test_the_json_of_a_picture_has_the_promised_shape_and_tells_the_truth(pisang, folder):
    said = pisang("generate", "一只猫", *SANDBOX, *AS_JSON, "-r", "16:9", "-s", "1K")
    assert said.code == 0
    result = said.json
    (image,) = result["images"]
    assert set(result) == RESULT_KEYS
    assert set(image) == IMAGE_KEYS
    path = Path(image["path"])
    assert sha256(path.read_bytes()).hexdigest() == image["sha256"]
    assert path.stat().st_size == image["bytes"]
    measured = facts(path)
    assert (measured.width, measured.height) == (image["width"], image["height"]) == (1376, 768)
    assert measured.mime == image["mime"]
    assert image["requested"] == {"aspect_ratio": "16:9", "image_size": "1K"}
    assert result["cost"]["currency"] == "USD"
    assert "sandbox" in [warning["code"] for warning in result["warnings"]]
    assert path.parent == folder / "pisang-out"
    assert "一只猫" in path.name


def test_a_named_file_gets_its_own_format_and_the_original_stays(pisang, folder, home):
    said = pisang("generate", "cat", *SANDBOX, *AS_JSON, "--out", "cat.png")
    (image,) = said.json["images"]
    assert facts(folder / "cat.png").mime == image["mime"] == "image/png"
    assert "converted" in [warning["code"] for warning in said.json["warnings"]]
    original = home / "images" / image["sha256"][:2] / image["sha256"]
    assert sha256(original.read_bytes()).hexdigest() == image["sha256"]
    assert facts(original).mime == "image/jpeg"


def test_several_images_are_numbered_and_quiet_prints_only_their_paths(pisang, folder):
    said = pisang("generate", "cat", *SANDBOX, "-n", "2", "-o", "c.jpg", "--format", "quiet")
    assert said.out.splitlines() == [str(folder / "c-1.jpg"), str(folder / "c-2.jpg")]
    assert said.err == ""


def test_an_edit_of_last_knows_its_parent(pisang):
    first = pisang("generate", "a hill", *SANDBOX, *AS_JSON).json["images"][0]
    second = pisang("edit", "last", "at night", *SANDBOX, *AS_JSON)
    assert second.code == 0
    assert second.json["images"][0]["parent"] == first["sha256"]
    assert second.json["images"][0]["sha256"] != first["sha256"]
    shown = pisang("show", "last", *AS_JSON).json
    assert [one["prompt"] for one in shown["lineage"]] == ["a hill"]


def test_an_image_of_a_model_that_signs_nothing_is_edited_by_one_that_wants_signatures(pisang):
    pisang("generate", "a hill", *SANDBOX, "-m", "gemini-2.5-flash-image")
    same = pisang("edit", "last", "at noon", *SANDBOX, *AS_JSON, "-m", "gemini-2.5-flash-image")
    assert same.code == 0
    other = pisang("edit", "last", "at night", *SANDBOX, *AS_JSON)
    assert other.code == 0, other.out
    assert "history_dropped" in {warning["code"] for warning in other.json["warnings"]}
    assert other.json["images"][0]["parent"] == same.json["images"][0]["sha256"]


def test_a_file_is_edited_and_more_pictures_go_along(pisang, folder):
    pisang("generate", "a hill", *SANDBOX, "-o", "hill.png")
    said = pisang(
        "edit", "hill.png", "join them", *SANDBOX, *AS_JSON, "-i", "sky=hill.png", "-i", "last"
    )
    assert said.code == 0
    assert said.json["images"][0]["parent"] is None


def test_the_prompt_comes_from_an_option_or_standard_input(pisang):
    pisang("generate", "-p", "from -p", *SANDBOX)
    pisang("generate", "-", *SANDBOX, stdin="来自管道\n".encode())
    prompts = [one["prompt"] for one in pisang("history", *AS_JSON).json["requests"]]
    assert prompts == ["来自管道", "from -p"]


def test_the_folder_s_settings_are_obeyed(pisang, folder):
    (folder / "pisang.toml").write_text(
        'style = "水彩"\nimage_size = "2K"\nout = "art"\nnaming = "{slug}"\n'
    )
    said = pisang("generate", "cat", *SANDBOX, *AS_JSON)
    assert said.json["images"][0]["path"] == str(folder / "art" / "cat.jpg")
    assert said.json["images"][0]["requested"]["image_size"] == "2K"
    (request,) = pisang("history", *AS_JSON).json["requests"]
    assert request["prompt"] == "水彩\ncat"


def test_a_file_of_another_size_is_made_and_said(pisang, folder):
    said = pisang(
        "generate",
        "cat",
        *SANDBOX,
        *AS_JSON,
        "--resize",
        "300x200",
        "--mode",
        "pad",
        "-o",
        "c.webp",
    )
    measured = facts(folder / "c.webp")
    assert (measured.width, measured.height) == (300, 200)
    assert {"converted", "resized"} <= {warning["code"] for warning in said.json["warnings"]}


def test_exact_fit_cuts_to_the_catalogue_s_pixels(pisang, folder):
    prompt = "cat [[sandbox size=2K]]"
    said = pisang("generate", prompt, *SANDBOX, *AS_JSON, "--fit", "exact", "-o", "c.jpg")
    measured = facts(folder / "c.jpg")
    assert (measured.width, measured.height) == (1024, 1024)
    assert said.code == 0


@pytest.mark.parametrize(
    ("prompt", "code", "name"),
    [
        ("[[sandbox status=400]] x", 2, "request_rejected"),
        ("[[sandbox status=401]] x", 3, "key_invalid"),
        ("[[sandbox finish=IMAGE_SAFETY]] x", 4, "refused"),
        ("[[sandbox text-only]] x", 5, "no_image"),
        ("[[sandbox cut=0.5]] x", 7, "outcome_unknown"),
        ("[[sandbox html=524]] x", 7, "outcome_unknown"),
    ],
)
def test_each_outcome_has_its_code_and_the_promised_error(pisang, prompt, code, name):
    said = pisang("generate", prompt, *SANDBOX, *AS_JSON)
    error = said.json["error"]
    assert (said.code, error["code"]) == (code, name)
    assert set(error) == ERROR_KEYS
    assert error["charged"] in ("no", "yes", "unknown")
    assert said.err.startswith("error: ")
    assert "Traceback" not in said.err


def test_a_shape_that_was_not_met_is_an_error_only_when_strict(pisang, folder):
    prompt = "x [[sandbox size=1K]]"
    lenient = pisang("generate", prompt, *SANDBOX, *AS_JSON, "-s", "2K")
    assert lenient.code == 0
    assert "size_mismatch" in [warning["code"] for warning in lenient.json["warnings"]]
    strict = pisang("generate", prompt, *SANDBOX, *AS_JSON, "-s", "2K", "--strict", "-o", "s.jpg")
    assert strict.code == 8
    assert (folder / "s.jpg").exists()


def test_an_existing_file_is_refused_before_paying(pisang, folder):
    (folder / "cat.png").write_text("mine")
    said = pisang("generate", "x", *SANDBOX, *AS_JSON, "-o", "cat.png")
    assert (said.code, said.json["error"]["code"]) == (2, "output_exists")
    assert (folder / "cat.png").read_text() == "mine"
    assert pisang("history", *AS_JSON).json["requests"] == []


def test_the_same_key_gives_the_same_picture_once(pisang):
    words = ("generate", "x", *SANDBOX, *AS_JSON, "--idempotency-key", "k1")
    first, second = pisang(*words).json, pisang(*words).json
    assert first["request_id"] == second["request_id"]
    assert first["images"][0]["sha256"] == second["images"][0]["sha256"]
    other = pisang("generate", "y", *SANDBOX, *AS_JSON, "--idempotency-key", "k1")
    assert (other.code, other.json["error"]["code"]) == (2, "idempotency_mismatch")


def test_what_is_unknown_is_bought_again_only_when_told(pisang):
    words = ("generate", "x [[sandbox cut=0.5]]", *SANDBOX, *AS_JSON, "--idempotency-key", "k")
    assert pisang(*words).code == 7
    assert pisang(*words).code == 7
    assert len(pisang("unknown", "list", *AS_JSON).json["unknown"]) == 1
    assert pisang(*words, "--retry-unknown").code == 7
    (row,) = pisang("history", *AS_JSON).json["requests"]
    shown = pisang("show", row["id"], *AS_JSON).json
    assert [one["state"] for one in shown["attempts"]] == ["rebought", "unknown"]


def test_try_says_where_the_picture_is_and_how_to_go_on(pisang, folder):
    said = pisang("try")
    assert said.code == 0
    path = Path(said.out.splitlines()[0].split("  ")[0])
    assert path.parent == folder / "pisang-out"
    measured = facts(path)
    assert (measured.width, measured.height) == (2752, 1536)
    for onward in ("pisang setup", "GEMINI_API_KEY", "IKUN_API_KEY", "PISANG_CRAWL_AK"):
        assert onward in said.out


def test_chinese_users_are_told_in_chinese(pisang):
    said = pisang("generate", "x", PISANG_LANG="zh")
    assert said.code == 3
    assert "还没有配置上游" in said.err
    assert "沙盒" in pisang("try", LANG="zh_CN.UTF-8").out


def test_the_history_is_searched_and_has_the_promised_shape(pisang):
    for prompt in ("小猫咪", "大狗"):
        pisang("generate", prompt, *SANDBOX)
    (found,) = pisang("history", "猫咪", "--limit", "5", *AS_JSON).json["requests"]
    keys = {"id", "prompt", "state", "upstream", "model", "cost", "images", "created_at"}
    assert set(found) == keys
    assert found["prompt"] == "小猫咪"
    assert pisang("history", "没有的", "--format", "quiet").out == ""


def test_json_is_one_line_that_any_reader_takes(pisang):
    said = pisang("generate", "x", *SANDBOX, *AS_JSON)
    assert said.out.count("\n") == 1
    assert json.loads(said.out)


def test_a_file_is_no_larger_than_it_may_be_and_the_original_stays(pisang, folder):
    words = ("generate", "cat [[sandbox size=2K]]", *SANDBOX, *AS_JSON, "--max-bytes", "40kB")
    said = pisang(*words, "-o", "c.webp")
    (image,) = said.json["images"]
    assert said.code == 0 and (folder / "c.webp").stat().st_size <= 40_000
    assert "shrunk" in {warning["code"] for warning in said.json["warnings"]}
    kept = next(one["message"] for one in said.json["warnings"] if one["code"] == "shrunk")
    original = Path(kept.rpartition("kept as ")[2].rstrip("."))
    assert original.stat().st_size > 40_000 and image["sha256"] in original.name
    chinese = pisang("generate", "cat", *SANDBOX, "--max-bytes", "40k", PISANG_LANG="zh")
    assert "已压缩" in chinese.err


def test_what_can_t_be_smaller_is_told_before_it_is_paid_for(pisang, folder):
    for words in (("--max-bytes", "1MB", "-o", "c.png"), ("--max-bytes", "much"),
                  ("--max-bytes", "10")):  # fmt: skip
        said = pisang("generate", "cat", *SANDBOX, *AS_JSON, *words)
        assert said.code == 2 and said.json["error"]["code"] == "option_invalid"
    assert pisang("history", *AS_JSON).json["requests"] == []
