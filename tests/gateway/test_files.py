"""The Files API: whose a file is, how it comes in pieces, and that the same picture is the same."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
import requests

from pisang.domain.content import content_of
from pisang.domain.image import read_facts
from pisang.errors import NotFound, OptionInvalid
from pisang.store.home import prepare
from pisang.store.uploads import LIFE_MS, MOST_BYTES, Uploads
from tests.gateway.clients.cases import FLASH, png
from tests.gateway.conftest import Stage

PICTURE = png(64, 36)
KIND = {"X-Goog-Upload-Header-Content-Type": "image/png"}


class Clock:
    def __init__(self) -> None:
        self.now = 1_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def uploads(tmp_path: Path, clock: Clock) -> Uploads:
    return Uploads(prepare(tmp_path / "home"), clock)


def test_a_file_is_its_scope_s_alone_and_only_once_it_is_whole(uploads: Uploads) -> None:
    begun, right = uploads.begin("key-1", "image/png", None)
    uploads.append(uploads.open(right), PICTURE)
    with pytest.raises(NotFound):
        uploads.get(begun.id, "key-1")
    whole = uploads.finish(uploads.open(right))
    assert uploads.get(begun.id, "key-1") == whole
    assert uploads.path(whole).read_bytes() == PICTURE
    assert uploads.all("key-1") == [whole]
    assert uploads.all("key-2") == []
    for wrong in (lambda: uploads.get(begun.id, "key-2"), lambda: uploads.delete(begun.id, "x")):
        with pytest.raises(NotFound):
            wrong()


def test_only_who_holds_the_right_may_send_bytes_and_only_until_the_end(uploads: Uploads) -> None:
    begun, right = uploads.begin("key-1", "image/png", None)
    for wrong in (begun.id, f"{begun.id}.0", "../../ledger.x", ".", f"{begun.id}\u0660.x"):
        with pytest.raises(NotFound):
            uploads.open(wrong)
    whole = uploads.finish(uploads.open(right))
    with pytest.raises(OptionInvalid):
        uploads.append(whole, b"more")


def test_what_is_too_large_is_refused(uploads: Uploads) -> None:
    begun, _ = uploads.begin("key-1", "image/png", None)
    with uploads.path(begun).open("wb") as file:
        file.truncate(MOST_BYTES)
    with pytest.raises(OptionInvalid):
        uploads.append(begun, b"x")


def test_after_two_days_a_file_is_gone_from_the_disk_too(uploads: Uploads, clock: Clock) -> None:
    begun, _ = uploads.begin("key-1", "image/png", None)
    uploads.append(begun, PICTURE)
    uploads.finish(begun)
    clock.now += LIFE_MS
    with pytest.raises(NotFound):
        uploads.get(begun.id, "key-1")
    uploads.begin("key-1", "image/png", None)
    assert not uploads.path(begun).exists()


# --- over HTTP ---------------------------------------------------------------------------------


def begin(stage: Stage) -> str:
    headers = {**KIND, "X-Goog-Upload-Command": "start", "X-Goog-Upload-Protocol": "resumable"}
    body = {"file": {"displayName": "a square"}}
    answer = requests.post(f"{stage.url}/upload/v1beta/files", json=body, headers=headers)
    assert answer.headers["x-goog-upload-status"] == "active"
    return answer.headers["x-goog-upload-url"]


def send(url: str, data: bytes, offset: int, command: str) -> requests.Response:
    said = {"X-Goog-Upload-Command": command, "X-Goog-Upload-Offset": str(offset)}
    return requests.post(url, data=data, headers=said)


def upload(stage: Stage) -> dict[str, str]:
    return send(begin(stage), PICTURE, 0, "upload, finalize").json()["file"]


def test_pieces_come_in_order_and_one_that_is_sent_again_counts_once(stage: Stage) -> None:
    url = begin(stage)
    first = send(url, PICTURE[:40], 0, "upload")
    assert first.headers["x-goog-upload-status"] == "active"
    assert send(url, PICTURE[:40], 0, "upload").headers["x-goog-upload-size-received"] == "40"
    gap = send(url, PICTURE[90:], 90, "upload, finalize")
    assert (gap.status_code, gap.headers["x-goog-upload-status"]) == (400, "cancelled")
    assert send(url, b"", 0, "query").headers["x-goog-upload-size-received"] == "40"
    last = send(url, PICTURE[40:], 40, "upload, finalize")
    assert last.headers["x-goog-upload-status"] == "final"
    file = last.json()["file"]
    assert (file["sizeBytes"], file["displayName"]) == (str(len(PICTURE)), "a square")
    listed = requests.get(f"{stage.url}/v1beta/files").json()["files"]
    assert file in listed


def test_what_is_no_picture_is_refused_in_google_s_words(stage: Stage) -> None:
    headers = {"X-Goog-Upload-Command": "start", "X-Goog-Upload-Header-Content-Type": "video/mp4"}
    answer = requests.post(f"{stage.url}/upload/v1beta/files", json={}, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"


def edit(stage: Stage, uri: str, timeout_s: float = 60) -> requests.Response:
    parts = [{"fileData": {"fileUri": uri}}, {"text": "bluer [[sandbox delay=2]]"}]
    url = f"{stage.url}/v1beta/models/{FLASH}:generateContent"
    return requests.post(url, data=json.dumps({"contents": [{"parts": parts}]}), timeout=timeout_s)


def test_a_picture_that_was_uploaded_again_makes_the_same_call(stage: Stage) -> None:
    before = len(stage.charges)
    with pytest.raises(requests.ReadTimeout):
        edit(stage, upload(stage)["uri"], timeout_s=1)
    again = edit(stage, upload(stage)["uri"])
    assert again.status_code == 200
    assert "x-pisang-attached" in again.headers
    part = again.json()["candidates"][0]["content"]["parts"][-1]
    facts = read_facts(content_of(base64.b64decode(part["inlineData"]["data"])))
    assert facts is not None
    assert facts.width > facts.height  # the upstream saw the picture: it takes on its shape
    assert len(stage.charges) == before + 1


def test_a_file_that_is_not_there_is_a_404_before_anything_is_bought(stage: Stage) -> None:
    before = len(stage.charges)
    answer = edit(stage, f"{stage.url}/v1beta/files/0123456789")
    assert answer.status_code == 404
    assert answer.json()["error"]["status"] == "NOT_FOUND"
    assert len(stage.charges) == before
