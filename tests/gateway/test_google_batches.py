"""Google's SDK gives batches to the gateway as it would to Google, and is given its responses."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from google import genai
from google.genai import types

from tests.gateway.clients.roster import CannotRun, Client, start
from tests.gateway.conftest import Stage
from tests.gateway.guarded import Guarded, guarding
from tests.gateway.managing import FLASH, Api, managed


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with managed(tmp_path_factory.mktemp("google")) as made:
        yield made


def client_of(url: str, key: str = "none") -> genai.Client:
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url))


def wishes(*prompts: str) -> list[Any]:
    shape = types.ImageConfig(aspect_ratio="16:9", image_size="1K")
    config = types.GenerateContentConfig(response_modalities=["IMAGE"], image_config=shape)
    return [
        types.InlinedRequest(contents=one, metadata={"key": f"row {number}"}, config=config)
        for number, one in enumerate(prompts)
    ]


def wait(client: genai.Client, name: str) -> Any:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        job = client.batches.get(name=name)
        if job.done:
            return job
        time.sleep(0.1)
    raise AssertionError("it never ended")


def test_a_batch_is_made_and_its_responses_read(stage: Stage) -> None:
    before, client = len(stage.charges), client_of(stage.url)
    prompts = ("a finch", "a shrike [[sandbox finish=IMAGE_SAFETY]]", "a wren [[sandbox html=524]]")
    given = client.batches.create(
        model=FLASH, src=wishes(*prompts), config={"display_name": "birds"}
    )
    assert given.name is not None
    assert given.state in (types.JobState.JOB_STATE_PENDING, types.JobState.JOB_STATE_RUNNING)
    job = wait(client, given.name)
    assert (job.state, job.display_name) == (types.JobState.JOB_STATE_SUCCEEDED, "birds")
    assert job.model == f"models/{FLASH}"
    made, refused, lost = job.dest.inlined_responses
    assert [one.metadata["key"] for one in (made, refused, lost)] == ["row 0", "row 1", "row 2"]
    (image,) = [part for part in made.response.candidates[0].content.parts if part.inline_data]
    assert image.inline_data.mime_type == "image/jpeg"
    assert image.inline_data.data.startswith(b"\xff\xd8")
    assert refused.response.candidates[0].finish_reason == types.FinishReason.IMAGE_SAFETY
    assert (lost.error.code, lost.error.details) == (424, ["outcome_unknown"])
    assert len(stage.charges) - before == 2
    assert given.name in [one.name for one in client.batches.list(config={"page_size": 5})]


def test_node_s_sdk_reads_the_same(stage: Stage) -> None:
    node = Client("@google/genai (Node)", "google", "google_batches.mjs")
    prompts = ["a stork", "an ibis [[sandbox html=524]]"]
    job = {"url": stage.url, "key": "sk-made-up", "model": FLASH, "prompts": prompts}
    try:
        running = start(node, job)
    except CannotRun as error:
        pytest.skip(str(error))
    said, wrong = running.communicate(timeout=90)
    assert running.returncode == 0, wrong
    assert json.loads(said) == {
        "state": "JOB_STATE_SUCCEEDED",
        "name": "from Node",
        "pictures": ["image/jpeg", "outcome_unknown"],
        "listed": True,
    }


def test_created_again_by_a_client_that_was_cut_it_is_the_same(stage: Stage) -> None:
    before, client = len(stage.charges), client_of(stage.url)
    names = {
        client.batches.create(model=FLASH, src=wishes("a lark", "a dove")).name for _ in range(3)
    }
    (name,) = names
    assert len(wait(client, name).dest.inlined_responses) == 2
    assert len(stage.charges) - before == 2


def test_requests_come_from_a_file_and_responses_go_into_one(stage: Stage, tmp_path: Path) -> None:
    before, client = len(stage.charges), client_of(stage.url)
    picture = base64.b64encode(requests.get(picture_of(stage), timeout=30).content).decode()
    parts = [{"text": "redder"}, {"inlineData": {"mimeType": "image/jpeg", "data": picture}}]
    rows = [
        {"key": "first", "request": {"contents": [{"parts": [{"text": "a coot"}]}]}},
        {"key": "second", "request": {"contents": [{"parts": parts}]}},
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    file = client.files.upload(file=str(path), config={"mime_type": "jsonl"})
    names = {client.batches.create(model=FLASH, src=file.name).name for _ in range(2)}
    (name,) = names
    job = wait(client, name)
    told = client.files.download(file=job.dest.file_name).decode()
    lines = [json.loads(line) for line in told.splitlines()]
    assert [one["key"] for one in lines] == ["first", "second"]
    for one in lines:
        assert any(
            "inlineData" in part for part in one["response"]["candidates"][0]["content"]["parts"]
        )
    assert len(stage.charges) - before == 3
    path.write_text('{"key": 1, "request": {}}\n{"key": ')
    broken = client.files.upload(file=str(path), config={"mime_type": "jsonl"})
    with pytest.raises(genai.errors.ClientError, match="line 2"):
        client.batches.create(model=FLASH, src=broken.name)
    with pytest.raises(genai.errors.ClientError) as refused:
        client.batches.create(model=FLASH, src="files/nothing")
    assert refused.value.code == 404


def picture_of(stage: Stage) -> str:
    api = Api(stage)
    made = api.post("/generations", {"prompt": "a pale bird", "model": FLASH}).json()
    return f"{api.root}{made['images'][0]['url']}"


def test_cancelled_it_says_so_and_keeps_what_was_made(stage: Stage) -> None:
    client = client_of(stage.url)
    slow = [f"a kite {number} [[sandbox delay=2]]" for number in range(80)]
    name = client.batches.create(model=FLASH, src=wishes(*slow)).name
    assert name is not None
    client.batches.cancel(name=name)
    job = wait(client, name)
    assert job.state == types.JobState.JOB_STATE_CANCELLED
    made = [one for one in job.dest.inlined_responses if one.response]
    called_off = [one for one in job.dest.inlined_responses if one.error]
    assert len(made) + len(called_off) == 80
    assert {tuple(one.error.details) for one in called_off} == {("cancelled",)}


def test_deleted_it_is_as_if_it_never_was_and_the_ledger_keeps_it(stage: Stage) -> None:
    before, client = len(stage.charges), client_of(stage.url)
    name = client.batches.create(model=FLASH, src=wishes("a snipe")).name
    assert name is not None
    wait(client, name)
    raw = requests.delete(f"{stage.url}/v1beta/{name}", timeout=30)
    assert (raw.status_code, raw.json()) == (200, {})
    for ask in (client.batches.get, client.batches.cancel, client.batches.delete):
        with pytest.raises(genai.errors.ClientError) as refused:
            ask(name=name)
        assert refused.value.code == 404
    assert name not in [one.name for one in client.batches.list()]
    told = Api(stage).get(f"/batches/{name.removeprefix('batches/')}").json()
    assert told["rows"]["states"] == {"done": 1} and told["state"] == "open"
    again = client.batches.create(model=FLASH, src=wishes("a snipe")).name
    assert again is not None and again != name
    wait(client, again)
    client.batches.delete(name=again)
    assert len(stage.charges) - before == 2


def test_deleted_while_it_runs_nothing_more_of_it_begins(stage: Stage) -> None:
    before, client = len(stage.charges), client_of(stage.url)
    slow = [f"a crane {number} [[sandbox delay=1]]" for number in range(80)]
    name = client.batches.create(model=FLASH, src=wishes(*slow)).name
    assert name is not None
    client.batches.delete(name=name)
    url = f"/batches/{name.removeprefix('batches/')}"
    until = time.monotonic() + 30
    while not (told := Api(stage).get(url).json())["over"] and time.monotonic() < until:
        time.sleep(0.1)
    assert told["over"] and told["state"] == "cancelled"
    assert len(stage.charges) - before < 80


def test_what_can_t_be_read_is_refused_as_google_would_and_nothing_is_written(stage: Stage) -> None:
    url = f"{stage.url}/v1beta/models/{FLASH}:batchGenerateContent"
    bad: list[Any] = [
        {}, [], {"batch": {}}, {"batch": {"inputConfig": {"requests": {"requests": []}}}},
        {"batch": {"inputConfig": {"requests": {"requests": [{"request": {}}]}}}},
        {"batch": {"inputConfig": {"requests": {"requests": [7]}}}},
    ]  # fmt: skip
    for body in bad:
        answer = requests.post(url, json=body, timeout=30)
        assert answer.status_code == 400, (body, answer.text)
        assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"
    nothing = requests.get(f"{stage.url}/v1beta/batches/bat_nothing", timeout=30)
    assert (nothing.status_code, nothing.json()["error"]["status"]) == (404, "NOT_FOUND")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarding(tmp_path_factory.mktemp("guarded")) as gateway:
        yield gateway


def test_another_s_batch_is_as_if_it_were_not_there(guarded: Guarded) -> None:
    own, other = (client_of(guarded.url, guarded.keys[one]["key"]) for one in ("own", "other"))
    name = own.batches.create(model=FLASH, src=wishes("a rook")).name
    assert name is not None
    wait(own, name)
    assert name not in [one.name for one in other.batches.list()]
    for ask in (other.batches.get, other.batches.cancel, other.batches.delete):
        with pytest.raises(genai.errors.ClientError) as refused:
            ask(name=name)
        assert refused.value.code == 404
    assert own.batches.get(name=name).done
    reader = client_of(guarded.url, guarded.keys["reader"]["key"])
    with pytest.raises(genai.errors.ClientError) as refused:
        reader.batches.create(model=FLASH, src=wishes("a jay"))
    assert refused.value.code == 403
    small = client_of(guarded.url, guarded.keys["small"]["key"])
    with pytest.raises(genai.errors.ClientError) as refused:
        small.batches.create(model="gemini-3-pro-image", src=wishes("a jay"))
    assert refused.value.code == 403


def test_a_batch_s_file_of_responses_is_its_owner_s_alone(guarded: Guarded, tmp_path: Path) -> None:
    own = client_of(guarded.url, guarded.keys["own"]["key"])
    path = tmp_path / "rows.jsonl"
    path.write_text(
        json.dumps({"key": "x", "request": {"contents": [{"parts": [{"text": "owl"}]}]}})
    )
    file = own.files.upload(file=str(path), config={"mime_type": "jsonl"})
    name = own.batches.create(model=FLASH, src=file.name).name
    assert name is not None
    responses = wait(own, name).dest.file_name
    absent = "files/bat_" + "0" * (len(responses) - len("files/bat_"))

    def ask(whose: str, which: str) -> requests.Response:
        key = guarded.keys[whose]["key"]
        url = f"{guarded.url}/v1beta/{which}:download"
        return requests.get(url, headers={"x-goog-api-key": key}, timeout=30)

    theirs, nothing = ask("other", responses), ask("other", absent)
    assert theirs.status_code == nothing.status_code == 404
    assert theirs.text.replace(responses.removeprefix("files/"), "") == nothing.text.replace(
        absent.removeprefix("files/"), ""
    )
    assert requests.get(f"{guarded.url}/v1beta/{responses}:download", timeout=30).status_code == 401
    assert ask("own", responses).status_code == 200
    own.batches.delete(name=name)
    assert ask("own", responses).status_code == 404
