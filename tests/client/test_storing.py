"""Where images are kept, as settings and variables say it; keys are found, and never told."""

from __future__ import annotations

from pathlib import Path

import pytest

from pisang.client.loading import load_settings
from pisang.client.storing import storage_of
from pisang.errors import OptionInvalid, PisangError, SettingsMalformed
from pisang.store.storage import CACHE_BYTES, Bucket, Storage, parse_bucket

SECRET = "made-up-secret-of-a-bucket"


def storage(tmp_path: Path, text: str = "", **environ: str) -> Storage:
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(text)
    settings = load_settings(home=home, folder=tmp_path, environ={"HOME": str(tmp_path), **environ})
    return storage_of(settings)


def bucket(tmp_path: Path, text: str = "", **environ: str) -> Bucket:
    found = storage(tmp_path, text, **environ).images
    assert found is not None
    return found


def test_without_a_word_everything_is_in_the_home(tmp_path: Path) -> None:
    assert storage(tmp_path, AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b") == Storage()


def test_everything_can_be_set_in_the_file_but_keys(tmp_path: Path) -> None:
    text = """
[store]
images = "s3://pictures/team/pisang/"
endpoint = "https://minio.example.com:9000/"
region = "eu-central-1"
path_style = false
access_key_id = "${KEY}"
secret_access_key = "${SECRET}"
cache_mb = 500
"""
    found = bucket(tmp_path, text, KEY="key-id", SECRET=SECRET)
    assert (found.name, found.prefix) == ("pictures", "team/pisang")
    assert found.url == "s3://pictures/team/pisang"
    assert found.endpoint == "https://minio.example.com:9000"
    assert (found.region, found.path_style, found.cache_bytes) == ("eu-central-1", False, 5 * 10**8)
    assert found.secret_access_key is not None
    assert found.secret_access_key.reveal() == SECRET
    assert SECRET not in repr(found) + str(Storage(found))


def test_the_variables_of_amazon_s_own_tools_are_enough(tmp_path: Path) -> None:
    found = bucket(
        tmp_path,
        PISANG_IMAGES="s3://pictures",
        AWS_ACCESS_KEY_ID="key-id",
        AWS_SECRET_ACCESS_KEY=SECRET,
        AWS_SESSION_TOKEN="token",
        AWS_REGION="ap-east-1",
        AWS_ENDPOINT_URL_S3="http://127.0.0.1:9000",
    )
    assert (found.prefix, found.region, found.path_style) == ("", "ap-east-1", True)
    assert found.cache_bytes == CACHE_BYTES
    assert [one and one.reveal() for one in (found.access_key_id, found.session_token)] == [
        "key-id",
        "token",
    ]


def test_the_variable_wins_over_the_file(tmp_path: Path) -> None:
    text = '[store]\nimages = "s3://from-the-file"\n'
    assert bucket(tmp_path, text, PISANG_IMAGES="s3://from-a-variable/x").name == "from-a-variable"


@pytest.mark.parametrize(("profile", "name"), [("default", None), ("profile work", "work")])
def test_a_profile_of_the_shared_files_is_read(
    tmp_path: Path, profile: str, name: str | None
) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(f"[{profile}]\nregion = us-west-2\n")
    keys = f"[{name or 'default'}]\naws_access_key_id = id\naws_secret_access_key = {SECRET}\n"
    (tmp_path / ".aws/credentials").write_text(keys)
    more = {"AWS_PROFILE": name} if name else {}
    found = bucket(tmp_path, PISANG_IMAGES="s3://pictures", **more)
    assert found.region == "us-west-2"
    assert found.secret_access_key is not None
    assert found.secret_access_key.reveal() == SECRET


def test_without_any_key_the_machine_s_role_is_left_to_be_asked(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text("no section at all")
    found = bucket(tmp_path, PISANG_IMAGES="s3://pictures")
    assert (found.access_key_id, found.secret_access_key, found.endpoint) == (None, None, None)
    assert not found.path_style


@pytest.mark.parametrize(
    "text",
    ["pictures", "s3://", "s3://UPPER", "s3://a", "https://pictures", "s3://b..b", "s3://ok/a//b",
     "s3://ok/../b", "s3://ok/a b", f"s3://{SECRET}:{SECRET}@host/x"],
)  # fmt: skip
def test_what_is_no_bucket_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    with pytest.raises(OptionInvalid) as told:
        storage(tmp_path, PISANG_IMAGES=text)
    assert SECRET not in told.value.message()
    with pytest.raises(SettingsMalformed, match=r"line 2, `store\.images`"):
        storage(tmp_path, f'[store]\nimages = "{text}"\n')


@pytest.mark.parametrize(
    "line",
    [
        f'access_key_id = "{SECRET}"',
        f'endpoint = "https://{SECRET}:{SECRET}@minio.example.com"',
        'endpoint = "minio.example.com"',
        "cache_mb = 1",
        'imags = "s3://b"',
    ],
)
def test_what_can_t_be_is_named_by_its_line_without_its_secret(tmp_path: Path, line: str) -> None:
    with pytest.raises(SettingsMalformed, match="line 2, `store") as told:
        storage(tmp_path, f"[store]\n{line}\n")
    assert SECRET not in told.value.message()


def test_an_endpoint_in_a_variable_has_no_keys_in_it_either(tmp_path: Path) -> None:
    with pytest.raises(OptionInvalid) as told:
        storage(
            tmp_path,
            PISANG_IMAGES="s3://pictures",
            AWS_ENDPOINT_URL=f"https://{SECRET}:x@minio.example.com",
        )
    assert SECRET not in told.value.message()


def test_a_folder_s_settings_can_t_say_where_images_are_kept(tmp_path: Path) -> None:
    (tmp_path / "pisang.toml").write_text('[store]\nimages = "s3://somebody-else-s"\n')
    with pytest.raises(PisangError, match="there is no such setting"):
        storage(tmp_path)


def test_a_prefix_is_part_of_the_address() -> None:
    assert parse_bucket("s3://pictures/a/b").url == "s3://pictures/a/b"
    assert parse_bucket("s3://pictures/").url == "s3://pictures"
