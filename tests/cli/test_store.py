"""`pisang store`: what it says of a backup, a drill and a restore, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Pisang

pytestmark = [pytest.mark.folder, pytest.mark.sqlite]


@pytest.fixture
def dest(pisang: Pisang, tmp_path: Path) -> Path:
    """A backup of a home with one request and two images."""
    assert pisang("generate", "a kite", "--via", "sandbox", "-n", "2").code == 0
    made = pisang("store", "backup", str(tmp_path / "backup"), "--format", "json")
    assert made.code == 0, made.err
    facts = made.json
    assert (facts["requests"], facts["attempts"], facts["images"]) == (1, 2, 2)
    assert (facts["secrets"], facts["missing"], facts["elsewhere"]) == (False, [], None)
    assert facts["new"] == facts["contents"]
    return tmp_path / "backup"


def test_what_is_saved_can_be_tried_and_made_a_home_of(
    pisang: Pisang, dest: Path, tmp_path: Path
) -> None:
    drill = pisang("store", "verify", str(dest), "--format", "json")
    assert (drill.code, drill.json["ok"], drill.json["faults"]) == (0, True, [])
    again = tmp_path / "again"
    made = pisang("store", "restore", str(dest), "--home", str(again), "--format", "json")
    assert (made.code, made.json["images"], made.json["wrong"]) == (0, 2, [])
    before = pisang("history", "--format", "json").json
    told = pisang("history", "--format", "json", PISANG_HOME=str(again)).json
    assert [one["id"] for one in told["requests"]] == [one["id"] for one in before["requests"]]


def test_it_says_so_in_both_languages(pisang: Pisang, dest: Path) -> None:
    english = pisang("store", "backup", str(dest))
    assert english.out.startswith("requests 1 · images 2 · files ")
    assert "new files 0 (0.0 MB)" in english.out
    assert "Keys of upstreams are not in it" in english.err
    chinese = pisang("store", "verify", str(dest), PISANG_LANG="zh")
    assert chinese.out.startswith("✓ 请求 1 · 图片 2 · 文件 ")
    assert "试恢复成功" in chinese.out
    assert pisang("store", "verify", str(dest), "--format", "quiet").out == "ok\n"


def test_damage_is_told_by_the_exit_code(pisang: Pisang, dest: Path, tmp_path: Path) -> None:
    image = next(path for path in (dest / "images").rglob("*") if path.is_file())
    image.write_bytes(b"x")
    drill = pisang("store", "verify", str(dest), PISANG_LANG="zh")
    assert drill.code == 3
    assert "个文件中有 1 个缺失或已损坏" in drill.out
    made = pisang("store", "restore", str(dest), "--home", str(tmp_path / "again"))
    assert made.code == 8
    assert image.name[:12] in made.err


def test_a_home_that_lost_an_image_is_saved_all_the_same_and_told(
    pisang: Pisang, home: Path, dest: Path, tmp_path: Path
) -> None:
    next(path for path in (home / "images").rglob("*") if path.is_file()).unlink()
    made = pisang("store", "backup", str(tmp_path / "other"))
    assert made.code == 8
    assert "pisang doctor" in made.err


def test_a_used_home_is_refused_with_the_command_that_means_it(
    pisang: Pisang, home: Path, dest: Path
) -> None:
    refused = pisang("store", "restore", str(dest))
    assert refused.code == 3
    hint = f"pisang store restore {dest} --home {home} --force"
    assert hint in refused.err
    assert pisang(*hint.split()[1:]).code == 0
    assert (home / "before-restore-1/ledger.db").exists()


def test_images_in_a_bucket_stay_there_and_that_is_said(
    pisang: Pisang, dest: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    bucket = {"PISANG_IMAGES": "s3://pictures/pisang"}
    made = pisang("store", "backup", str(other), **bucket)
    assert made.code == 0, made.err
    assert "s3://pictures/pisang" in made.err
    assert [path for path in (other / "images").rglob("*") if path.is_file()] == []
    assert pisang("store", "verify", str(other)).code == 0
    manifest = json.loads(next(other.glob("snapshots/*/manifest.json")).read_text())
    assert (manifest["requests"], manifest["elsewhere"]) == (1, "s3://pictures/pisang")


def test_a_ledger_in_a_database_is_not_saved_by_this_and_the_tool_is_named(
    pisang: Pisang, dest: Path, tmp_path: Path
) -> None:
    database = {"PISANG_LEDGER": "postgresql://me:made-up-secret@127.0.0.1:1/pisang"}
    refused = pisang("store", "backup", str(tmp_path / "other"), **database)
    assert (refused.code, "pg_dump" in refused.err) == (2, True)
    assert "made-up-secret" not in refused.err
    assert not (tmp_path / "other").exists()


def test_where_there_is_nothing_to_save_or_to_try_it_says_so(
    pisang: Pisang, tmp_path: Path
) -> None:
    assert "there is no ledger in it" in pisang("store", "backup", str(tmp_path / "b")).err
    assert not (tmp_path / "b").exists()
    none = pisang("store", "verify", str(tmp_path / "b"), PISANG_LANG="zh")
    assert (none.code, "其中没有完成的备份" in none.err) == (3, True)
