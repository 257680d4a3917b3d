"""U1 to U4: names of files, pictures that are pages, and what a browser may make of any answer.

What needs a page of the studio's own (U3: its nodes, U4: its cookie) comes with the studio; the
gateway serves one page, without a script and without a form, and sets no cookie.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from tests.gateway.clients.cases import png
from tests.gateway.guarded import FLASH
from tests.gateway.rows.stage import Watched

# --- U1 ------------------------------------------------------------------------------------------

NAMES = (
    "../../config.toml", "/etc/passwd", "..\\..\\x.png", "C:\\x.png", "CON", "a\x00b.png", "é.png",
    "e\u0301.png", "\u202egnp.exe", "🍌.png", "-rf", ".hidden", "a" * 300, "", " ", "a\nb.png",
    "x.svg", "<script>.png", "%2e%2e%2fx", "~root", "$(id).png", "`id`", "a;b|c&d",
)  # fmt: skip

_OURS = re.compile(r"(?:[0-9a-f]{2}|[0-9a-z_]{12,}(?:-[0-9]+)?(?:\.(?:json|lock))?)")
_FIXED = frozenset({"ledger.db-wal", "ledger.db-shm"})


def strange_names(watched: Watched, before: frozenset[str] = frozenset()) -> set[str]:
    """Names in the home that are neither a hash, an id, nor there before."""
    paths = (path.relative_to(watched.home) for path in watched.home.rglob("*"))
    names = {part for path in paths for part in path.parts}
    return {one for one in names - before - _FIXED if not _OURS.fullmatch(one)}


@pytest.fixture(scope="module")
def known(watched: Watched) -> frozenset[str]:
    """What stands in a home in which a picture was made and none was brought."""
    watched.paint("a first picture")
    return frozenset(strange_names(watched)) | {"uploads"}


@pytest.mark.parametrize("name", NAMES)
def test_u1_a_file_s_name_is_a_word_and_no_path(
    watched: Watched, known: frozenset[str], name: str
) -> None:
    outside = {path.name for path in watched.folder.iterdir()}
    begin = {"X-Goog-Upload-Command": "start", "X-Goog-Upload-Header-Content-Type": "image/png"}
    about = {"file": {"displayName": name}}
    begun = watched.ask("own", "POST", "/upload/v1beta/files", json=about, headers=begin)
    address = begun.headers["x-goog-upload-url"].removeprefix(watched.url)
    piece = {"X-Goog-Upload-Command": "upload, finalize", "X-Goog-Upload-Offset": "0"}
    told = watched.ask(None, "POST", address, headers=piece, data=png(8, 8)).json()["file"]
    assert told.get("displayName", "") == name
    assert re.fullmatch(r"files/[a-z0-9]+", told["name"])
    assert {path.name for path in watched.folder.iterdir()} == outside
    assert strange_names(watched, known) == set()


def form(name: str) -> tuple[bytes, str]:
    """An edit whose picture has that name, as bytes that no client would send."""
    quoted = name.replace('"', "%22").encode("utf-8", "replace")
    lines = (
        b'--XX\r\nContent-Disposition: form-data; name="image"; filename="' + quoted + b'"\r\n',
        b"Content-Type: image/png\r\n\r\n" + png(8, 8) + b"\r\n--XX\r\n",
        b'Content-Disposition: form-data; name="prompt"\r\n\r\nredder\r\n--XX\r\n',
        b'Content-Disposition: form-data; name="model"\r\n\r\n'
        + FLASH.encode()
        + b"\r\n--XX--\r\n",
    )
    return b"".join(lines), "multipart/form-data; boundary=XX"


def test_u1_a_name_that_reached_the_disk_would_be_found(
    watched: Watched, known: frozenset[str]
) -> None:
    for name in ("x.svg", ".hidden", "a b"):
        (watched.home / name).touch()
        assert strange_names(watched, known) == {name}
        (watched.home / name).unlink()


def test_u1_a_form_s_file_names_reach_no_disk(watched: Watched, known: frozenset[str]) -> None:
    before = {path.name for path in watched.folder.iterdir()}
    for name in NAMES:
        data, kind = form(name)
        headers = {"Content-Type": kind, "X-Pisang-Upstream": "echo"}  # it paints nothing
        said = watched.ask("own", "POST", "/v1/images/edits", data=data, headers=headers)
        assert said.status_code == 400, (name, said.text)
    assert {path.name for path in watched.folder.iterdir()} == before
    assert strange_names(watched, known) == set()


# --- U2 ------------------------------------------------------------------------------------------

PAGES = {
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "svg behind a declaration": b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
    "html": b"<!doctype html><script>alert(1)</script>" + b" " * 200,
    "html behind a mark": b"\xef\xbb\xbf<html><script>alert(1)</script></html>",
    "pdf": b"%PDF-1.7 " + b"x" * 100,
    "script": b"alert(document.cookie)" + b" " * 200,
}


def is_inert(headers: Any) -> bool:
    """Whether no browser runs anything of an answer, opened as a page of its own or inside one."""
    kind = headers["content-type"].partition(";")[0]
    quiet = kind in ("application/json", "application/octet-stream", "text/event-stream")
    policy = headers.get("content-security-policy", "")
    return headers["x-content-type-options"] == "nosniff" and (quiet or "sandbox" in policy)


@pytest.mark.parametrize("mime", ["image/svg+xml", "image/png", "text/html"])
@pytest.mark.parametrize("name", PAGES)
def test_u2_a_page_in_place_of_a_picture_is_no_image_and_is_shown_to_no_browser(
    watched: Watched, name: str, mime: str
) -> None:
    data = base64.b64encode(PAGES[name]).decode()
    part = {"inlineData": {"mimeType": mime, "data": data}}
    reply = {"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]}
    front: Any = watched.echo.RequestHandlerClass
    front.answer = (200, "application/json", json.dumps(reply).encode())
    try:
        said = watched.paint(f"{name} as {mime}", via="echo")
    finally:
        front.answer = None
    assert said.status_code in (424, 502), said.text
    request_id = said.headers["x-pisang-request-id"]
    row = watched.ask("own", "GET", f"/pisang/v1/requests/{request_id}").json()
    assert row["images"] == []
    stored = watched.ask("own", "GET", f"/pisang/v1/requests/{request_id}/response")
    assert is_inert(stored.headers)


@pytest.mark.parametrize("name", PAGES)
def test_u2_a_page_in_place_of_an_answer_is_kept_and_given_as_bytes(
    watched: Watched, name: str
) -> None:
    front: Any = watched.echo.RequestHandlerClass
    front.answer = (502, "text/html", PAGES[name])
    try:
        said = watched.paint(f"an answer that is {name}", via="echo")
    finally:
        front.answer = None
    request_id = said.headers["x-pisang-request-id"]
    stored = watched.ask("own", "GET", f"/pisang/v1/requests/{request_id}/response")
    assert stored.headers["content-type"] == "application/octet-stream"
    assert is_inert(stored.headers)
    assert "sandbox" in stored.headers["content-security-policy"]


@pytest.mark.parametrize("kind", ["image/svg+xml", "text/html", "image/", "image/x;a=b"])
def test_u2_what_says_that_it_is_a_page_is_not_taken_in(watched: Watched, kind: str) -> None:
    headers = {"X-Goog-Upload-Command": "start", "X-Goog-Upload-Header-Content-Type": kind}
    said = watched.ask("own", "POST", "/upload/v1beta/files", headers=headers)
    assert said.status_code == 400
    wish = {"prompt": "a", "references": [base64.b64encode(PAGES["svg"]).decode()]}
    assert watched.ask("own", "POST", "/pisang/v1/generations", json=wish).status_code == 400


# --- U3, U4 --------------------------------------------------------------------------------------


def test_u3_the_only_page_has_no_script_no_form_and_nothing_of_anybody_else_s(
    watched: Watched,
) -> None:
    page = watched.ask(None, "GET", "/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert not re.search(r"<script|<form|<iframe|<img|<link|javascript:|\son\w+=", page.text, re.I)
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", page.text)


def test_u4_nobody_frames_it_and_a_script_that_got_in_would_not_run(watched: Watched) -> None:
    policy = watched.ask(None, "GET", "/docs").headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert "script-src" not in rules
    for one in ("frame-ancestors", "base-uri", "form-action"):
        assert rules[one] == "'none'"


def test_u4_no_answer_sets_a_cookie_leads_elsewhere_or_lets_another_page_read_it(
    watched: Watched,
) -> None:
    elsewhere = ("//evil.example/", "/\\evil.example", "/%2f%2fevil.example", "/docs/..//evil",
                 "/pisang/v1/requests/", "/v1beta/models/", "/docs/")  # fmt: skip
    origin = {"Origin": "https://evil.example"}
    for path in (
        *elsewhere,
        "/docs",
        "/healthz",
        "/v1beta/models",
        "/pisang/v1/requests",
        "/nothing",
    ):
        for whose in (None, "own"):
            answer = watched.ask(whose, "GET", path, headers=origin)
            assert answer.status_code // 100 != 3, path
            for name in ("set-cookie", "location", "refresh", "access-control-allow-origin"):
                assert name not in answer.headers, (path, name)


def test_u4_a_form_of_another_page_reaches_nothing_where_keys_are_asked_for(
    watched: Watched,
) -> None:
    """A browser sends no key of its own accord: there is no cookie, and none is taken."""
    body = json.dumps({"contents": [{"parts": [{"text": "a purchase of somebody else's"}]}]})
    for origin in ("https://evil.example", "null"):
        headers = {"Origin": origin, "Content-Type": "text/plain",
                   "Cookie": f"key={watched.keys['own']['key']}"}  # fmt: skip
        path = f"/v1beta/models/{FLASH}:generateContent"
        assert watched.ask(None, "POST", path, data=body, headers=headers).status_code == 401
