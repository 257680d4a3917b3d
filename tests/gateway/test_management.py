"""The management API over a real gateway: wishes, and the surface as a whole."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

import pytest
import requests

from tests.gateway.conftest import Stage, hurrying
from tests.gateway.managing import ENVIRON, FLASH, OLD, PRO, Api, managed


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with managed(tmp_path_factory.mktemp("management")) as stage:
        yield stage


@pytest.fixture(scope="module")
def api(stage: Stage) -> Api:
    return Api(stage)


# --- generations ---------------------------------------------------------------------------------


def test_a_generation_is_answered_as_the_command_line_does_with_addresses_for_paths(api, stage):
    before = len(stage.charges)
    made = api.make("a heron", aspect_ratio="16:9", tags=["birds"])
    shown = stage.pisang("show", made["request_id"])
    (image,) = made["images"]
    assert made["state"] == "done"
    assert (image["width"], image["height"]) == (1376, 768)
    assert "path" not in image
    same = set(made) - {"images"}
    assert {name: made[name] for name in same} == {name: shown[name] for name in same}
    picture = requests.get(api.root + image["url"], timeout=30)
    assert hashlib.sha256(picture.content).hexdigest() == image["sha256"]
    assert len(stage.charges) == before + 1


def test_what_is_asked_for_later_has_an_address_at_once_and_its_result_there(api, stage):
    before = len(stage.charges)
    wish = {"prompt": "a slow heron [[sandbox delay=1]]", "model": PRO}
    promised = api.post("/generations", wish, Prefer="respond-async")
    assert promised.status_code == 202
    assert promised.headers["preference-applied"] == "respond-async"
    told = promised.json()
    assert promised.headers["location"] == f"/pisang/v1/generations/{told['id']}"
    assert told["under_way"] is True
    assert told["result"] is None
    done = api.wait(told["id"])
    assert done["state"] == "done"
    assert len(done["result"]["images"]) == 1
    assert len(stage.charges) == before + 1


def test_what_is_asked_for_later_keeps_its_id_where_another_upstream_makes_it(api):
    """The one that is asked first is busy, and says so for free."""
    wish = {"prompt": "a busy heron", "model": OLD}
    request_id = api.post("/generations", wish, Prefer="respond-async").json()["id"]
    assert api.wait(request_id)["state"] == "done"
    attempts = api.get(f"/requests/{request_id}").json()["attempts"]
    assert [(one["upstream"], one["state"]) for one in attempts] == [
        ("flaky", "failed"), ("relay", "done"),
    ]  # fmt: skip


def test_who_waits_is_kept_alive_and_an_error_after_that_cuts_the_connection(stage):
    with hurrying(stage.home, ENVIRON) as url:
        path = f"{url}/pisang/v1/generations"
        slow = {"prompt": "kept alive [[sandbox delay=1.3]]", "model": PRO}
        answer = requests.post(path, json=slow, timeout=60)
        assert answer.content.startswith(b"\n")
        assert answer.json()["state"] == "done"
        lost = {"prompt": "kept alive, and lost [[sandbox delay=1.3 html=524]]", "model": PRO}
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            requests.post(path, json=lost, timeout=60)
        assert requests.post(path, json=lost, timeout=60).status_code == 424


def test_one_idempotency_key_buys_once_now_or_later(api, stage):
    before = len(stage.charges)
    wish = {"prompt": "one and only one", "model": PRO}
    key = {"Idempotency_Key": "mgmt-1"}
    later = api.post("/generations", wish, Prefer="respond-async", **key).json()
    now = api.post("/generations", wish, **key).json()
    assert now["request_id"] == later["id"]
    assert len(stage.charges) == before + 1
    other = api.post("/generations", {"prompt": "another"}, **key)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_mismatch")


def test_a_client_that_was_cut_is_given_what_it_asked_for(api, stage):
    before = len(stage.charges)
    wish = {"prompt": "a patient heron [[sandbox delay=3]]", "model": PRO}
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{api.base}/generations", json=wish, timeout=1.5)
    again = api.post("/generations", wish)
    assert again.headers["x-pisang-attached"] == again.json()["request_id"]
    assert len(stage.charges) == before + 1


def test_several_images_and_the_words_of_a_free_failure(api):
    made = api.make("two herons", n=2, model=FLASH)
    assert len(made["images"]) == 2
    refused = api.post("/generations", {"prompt": "no [[sandbox finish=IMAGE_SAFETY]]"})
    assert refused.status_code == 422
    assert refused.json()["error"]["code"] == "refused"


def test_an_unknown_outcome_is_424_and_names_what_is_at_stake(api):
    lost = api.post("/generations", {"prompt": "lost [[sandbox html=524]]", "model": PRO})
    error = lost.json()["error"]
    assert lost.status_code == 424
    assert lost.headers["x-should-retry"] == "false"
    assert (error["code"], error["at_stake"]) == ("outcome_unknown", "0.134 USD")
    assert error["request_id"] == lost.headers["x-pisang-request-id"]


# --- pictures in ---------------------------------------------------------------------------------


def test_an_image_of_mine_is_edited_by_its_id_by_its_request_or_by_its_bytes(api):
    first = api.make("a red heron")
    (image,) = first["images"]
    data = requests.get(api.root + image["url"], timeout=30).content
    for picture in (image["sha256"], first["request_id"], base64.b64encode(data).decode()):
        edited = api.make("make it blue", image=picture)
        assert edited["images"][0]["parent"] == image["sha256"]
        assert edited["images"][0]["sha256"] != image["sha256"]


def test_references_come_as_base64_or_data_urls_with_labels(api):
    tiny = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
    text = base64.b64encode(tiny).decode()
    words = [text, {"image": f"data:image/png;base64,{text}", "label": "the dot"}]
    made = api.make("put the dot on it", references=words)
    assert made["state"] == "done"


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({}, 400, "option_invalid"),
        ({"prompt": ""}, 400, "prompt_missing"),
        ({"prompt": "x", "role": "admin"}, 400, "option_invalid"),
        ({"prompt": "x", "base_url": "http://127.0.0.1"}, 400, "option_invalid"),
        ({"prompt": "x", "n": 0}, 400, "option_invalid"),
        ({"prompt": "x", "n": "2"}, 400, "option_invalid"),
        ({"prompt": "x", "max_cost": "much"}, 400, "option_invalid"),
        ({"prompt": "x", "max_cost": "0.01USD", "model": PRO}, 402, "budget_exceeded"),
        ({"prompt": "x", "aspect_ratio": "7:13", "model": PRO}, 400, "ratio_unsupported"),
        ({"prompt": "x", "via": "nowhere"}, 404, "upstream_unknown"),
        ({"prompt": "x", "references": ["/etc/hostname"]}, 400, "option_invalid"),
        ({"prompt": "x", "references": ["http://127.0.0.1/a.png"]}, 400, "option_invalid"),
        ({"prompt": "x", "references": ["last"]}, 400, "reference_unreadable"),
        ({"prompt": "x", "references": ["aGVsbG8="]}, 400, "reference_unreadable"),
        ({"prompt": "x", "image": "0" * 64}, 404, "not_found"),
        ({"prompt": "x", "image": "req_nothing"}, 404, "not_found"),
        ({"prompt": "x\ud800"}, 400, "wire"),
    ],
)
def test_what_is_no_wish_is_refused_free_and_names_what_is_wrong(api, stage, wish, status, code):
    before = len(stage.charges)
    answer = api.post("/generations", wish)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["charged"]) == (status, code, "no")
    assert len(stage.charges) == before


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"prompt":"a","prompt":"b"}', b'{"prompt":NaN}', b"\xff"]
)
def test_what_is_no_json_is_refused(api, body):
    answer = api.ask("POST", "/generations", data=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["charged"] == "no"


# --- the whole surface ---------------------------------------------------------------------------


def test_the_description_names_every_route_and_the_page_runs_nothing(api):
    described = requests.get(f"{api.root}/openapi.json", timeout=30).json()
    page = requests.get(f"{api.root}/docs", timeout=30)
    assert len(described["paths"]) >= 14
    assert all(path in page.text for path in described["paths"])
    assert "<script" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    "path", ["/nothing", "/generations/", "//requests", "/<script>", "/%0d%0a"]
)
def test_what_is_not_there_is_json_that_no_browser_takes_for_a_page(api, path):
    answer = requests.get(api.base + path, timeout=30)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json()["error"]["code"] == "not_found"


def test_errors_are_said_in_the_reader_s_language(api):
    answer = api.get("/requests/req_nothing", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    assert answer.json()["error"]["message"].startswith("没有找到")


def test_a_field_that_is_wrong_is_named_by_its_place(api):
    wish = {"prompt": "x", "references": [{"image": 3, "label": "the dog"}]}
    told = api.post("/generations", wish).json()["error"]["message"]
    assert told.startswith("references.0")
    assert "function" not in told
