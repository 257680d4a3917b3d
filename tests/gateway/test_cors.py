"""Web pages of other origins: real preflights on every route, before a key is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.gateway.conftest import run, serving

STUDIO = "https://studio.example.com"
OPENAI_JS = (
    "authorization,content-type,x-stainless-arch,x-stainless-lang,x-stainless-os,"
    "x-stainless-package-version,x-stainless-retry-count,x-stainless-runtime,"
    "x-stainless-runtime-version,x-stainless-timeout"
)
"""What openai's client sends from a page, as a browser lists it."""

ROUTES = (
    ("POST", "/v1beta/models/gemini-3-pro-image:generateContent"),
    ("POST", "/v1/images/generations"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/gpt/openapi/online/multimodal/crawl"),
    ("POST", "/upload/v1beta/files"),
    ("POST", "/upload/v1beta/files?upload_id=anything"),
    ("GET", "/v1/models"),
    ("POST", "/pisang/v1/generations"),
    ("GET", "/pisang/v1/events"),
    ("PATCH", "/pisang/v1/keys/anything"),
    ("GET", "/metrics"),
    ("GET", "/nothing"),
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway that asks for keys, with one origin set."""
    with _serving(tmp_path_factory.mktemp("cors"), [STUDIO]) as one:
        yield one


def _serving(folder: Path, origins: list[str]) -> Any:
    from contextlib import contextmanager

    @contextmanager
    def serve() -> Iterator[str]:
        home = folder / "home"
        home.mkdir()
        (home / "config.toml").write_text(f"[gateway]\ncors_origins = {origins!r}\n")
        run(home, "key", "create", "--name", "page")
        with serving(home, "serve", "--via", "sandbox") as (where, _):
            yield where

    return serve()


def preflight(url: str, method: str, path: str, origin: str = STUDIO) -> requests.Response:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": OPENAI_JS,
    }
    return requests.options(url + path, headers=asked, timeout=30)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_preflight_needs_no_key_on_any_route(url: str, method: str, path: str) -> None:
    answer = preflight(url, method, path)
    told = answer.headers
    assert (answer.status_code, answer.content) == (204, b"")
    assert told["access-control-allow-origin"] == STUDIO
    assert method in told["access-control-allow-methods"].split(", ")
    assert set(told["access-control-allow-headers"].split(",")) == set(OPENAI_JS.split(","))
    assert "Origin" in told["vary"].split(", ")
    assert "access-control-allow-credentials" not in told


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example.com", "https://studio.example.com.evil.com", "http://studio.example.com",
     "https://studio.example.com:8443", "null"],
)  # fmt: skip
def test_a_page_of_another_origin_is_not_let_in_and_is_told_so(url: str, origin: str) -> None:
    for method, path in ROUTES[:3]:
        answer = preflight(url, method, path, origin)
        assert answer.status_code == 403
        assert "cors_origins" in answer.text
        assert "Origin" in answer.headers["vary"]
        assert "access-control-allow-origin" not in answer.headers
    read = requests.get(url + "/v1/models", headers={"Origin": origin}, timeout=30)
    assert "access-control-allow-origin" not in read.headers
    assert read.headers["vary"] == "Origin"


def test_a_page_may_read_answers_errors_and_what_is_ours_in_their_heads(url: str) -> None:
    page = {"Origin": STUDIO}
    for path in ("/healthz", "/v1/models", "/pisang/v1/requests", "/openapi.json"):
        answer = requests.get(url + path, headers=page, timeout=30)
        assert answer.headers["access-control-allow-origin"] == STUDIO, path
        exposed = answer.headers["access-control-expose-headers"].split(", ")
        assert {"x-pisang-request-id", "x-pisang-warning", "retry-after"} <= set(exposed)
        assert "*" not in exposed
    assert requests.get(url + "/v1/models", headers=page, timeout=30).status_code == 401


def test_a_call_that_no_page_makes_is_answered_as_ever(url: str) -> None:
    answer = requests.get(url + "/healthz", timeout=30)
    assert answer.headers["vary"] == "Origin", "a cache between must not give it to a page"
    assert "access-control-allow-origin" not in answer.headers
    odd = requests.options(url + "/v1/models", timeout=30)
    assert odd.status_code == 401, "an OPTIONS that is no preflight is asked for a key"


def test_header_names_that_are_none_are_not_repeated(url: str) -> None:
    asked = {
        "Origin": STUDIO,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-good, <script>",
    }
    answer = requests.options(url + "/v1/models", headers=asked, timeout=30)
    assert "access-control-allow-headers" not in answer.headers


def test_any_origin_is_told_as_a_star_and_never_with_credentials(tmp_path: Path) -> None:
    with _serving(tmp_path, ["*"]) as url:
        told = preflight(url, "POST", "/v1/images/generations", "https://any.example.org").headers
        assert told["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in told
        read = requests.get(url + "/healthz", headers={"Origin": "null"}, timeout=30)
        assert read.headers["access-control-allow-origin"] == "*"
