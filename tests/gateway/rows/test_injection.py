"""S3, S9, S10, S13: words that want to be more than words."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from contextlib import closing
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pisang.store.queries import migrations, queries
from tests.gateway.guarded import FLASH
from tests.gateway.rows.sockets import ask, head
from tests.gateway.rows.stage import Watched
from tests.ledgers import ledger_of

PAINT = f"/v1beta/models/{FLASH}:generateContent"

# --- S9: SQL -------------------------------------------------------------------------------------

QUOTES = ("'", '"', "''", "`", ";", "--", "/*", "%", "_", "\\", "\x00", "\u02bc", "‘", "）")
CLASSICS = (
    "' OR '1'='1", "1; DROP TABLE requests; --", "' UNION SELECT * FROM gateway_keys --", "%' --",
    "x') OR 1=1 --", "\\'; DELETE FROM attempts; --", "' || (SELECT digest FROM gateway_keys) || '",
    "req_1' AND randomblob(100000000) --", "1 ORDER BY 99", "0x27", "%27%20OR%201=1", "?1", ":id",
    "@p", "$1", "{0}", "%s", "NULL", "'); ATTACH DATABASE '/tmp/x' AS x; --", "load_extension('x')",
)  # fmt: skip
WORDS = st.sampled_from(CLASSICS) | st.lists(
    st.sampled_from((*QUOTES, *CLASSICS, "OR", " ", "a", "猫")), min_size=1, max_size=6
).map("".join)

HEADERS = ("authorization", "x-goog-api-key", "idempotency-key", "x-pisang-upstream",
           "x-pisang-retry-unknown", "accept-language", "if-none-match", "range",
           "x-goog-upload-command")  # fmt: skip
PATHS = ("/pisang/v1/requests/{}", "/pisang/v1/generations/{}", "/pisang/v1/images/{}",
         "/pisang/v1/requests/{}/response", "/v1beta/files/{}", "/v1beta/models/{}")  # fmt: skip
QUERIES = (("/pisang/v1/requests", "query"), ("/pisang/v1/requests", "state"),
           ("/pisang/v1/requests", "tag"), ("/pisang/v1/requests", "since"),
           ("/pisang/v1/requests", "before"), ("/pisang/v1/usage", "by"),
           ("/pisang/v1/usage", "until"), ("/v1beta/models", "key"), ("/v1beta/models", "ak"),
           ("/upload/v1beta/files", "upload_id"))  # fmt: skip
FIELDS = ("model", "aspect_ratio", "image_size", "via", "max_cost", "image")

PLACES = st.one_of(
    st.sampled_from([("header", one) for one in HEADERS]),
    st.sampled_from([("path", one) for one in PATHS]),
    st.sampled_from([("query", one) for one in QUERIES]),
    st.sampled_from([("field", one) for one in FIELDS]),
    st.sampled_from([("delete", "/pisang/v1/requests/{}"), ("delete", "/v1beta/files/{}"),
                     ("post", "/pisang/v1/unknowns/{}/write-off"),
                     ("post", "/pisang/v1/requests/{}/cancel")]),
)  # fmt: skip

LEAKS = re.compile(
    r"sqlite|syntax error|unrecognized token|no such (?:table|column)|operationalerror|near \\?\"",
    re.IGNORECASE,
)


def put(watched: Watched, place: tuple[str, Any], word: str) -> Any:
    """One call with that word there."""
    kind, where = place
    if kind == "header":
        value = word.encode("utf-8").decode("latin-1").replace("\x00", "").strip()
        whose = None if where in ("authorization", "x-goog-api-key") else "own"
        path = "/pisang/v1/requests" if whose is None else "/v1beta/models"
        return watched.ask(whose, "GET", path, headers={where: value.encode("latin-1")})
    if kind == "query":
        path, name = where
        return watched.ask("own", "GET", path, params={name: word})
    if kind == "field":
        wish = {"prompt": word, "model": FLASH, "via": "relay", "max_cost": "0USD",
                "tags": [word[:100]], where: word[:200]}  # fmt: skip
        return watched.ask("own", "POST", "/pisang/v1/generations", json=wish)
    method = {"path": "GET", "delete": "DELETE", "post": "POST"}[kind]
    return watched.ask("own", method, where.format(quote(word, safe="")))


def rows(watched: Watched, table: str) -> list[Any]:
    asked = f"SELECT * FROM {table} ORDER BY 1"
    elsewhere = ledger_of(watched.home)
    if elsewhere is not None:
        with psycopg.connect(elsewhere.reveal()) as there:
            return there.execute(asked.encode()).fetchall()
    with closing(sqlite3.connect(f"file:{watched.home / 'ledger.db'}?mode=ro", uri=True)) as base:
        return base.execute(asked).fetchall()


def test_s9_no_word_reaches_the_database_as_anything_but_a_value(watched: Watched) -> None:
    kept = watched.paint("a plum that stays").headers["x-pisang-request-id"]
    keys = rows(watched, "gateway_keys")

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(PLACES, WORDS)
    def attack(place: tuple[str, Any], word: str) -> None:
        answer = put(watched, place, word)
        assert answer.status_code < 500, answer.text
        told = answer.text.replace(word, "").replace(json.dumps(word)[1:-1], "")
        assert "SELECT" in word or not LEAKS.search(told), told
        assert place not in (("header", "authorization"), ("header", "x-goog-api-key")) or (
            answer.status_code == 401
        )

    attack()
    assert rows(watched, "gateway_keys") == keys
    assert watched.ask("own", "GET", f"/pisang/v1/requests/{kept}").status_code == 200


_OWN = re.compile(
    r"PRAGMA [a-z_]+(?: = [A-Za-z0-9-]+)?(?:\([A-Za-z0-9]+\))?|BEGIN(?: IMMEDIATE)?|COMMIT|"
    r"ROLLBACK|(?:SAVEPOINT|RELEASE|ROLLBACK TO) job|SELECT count\(\*\) FROM sqlite_schema"
)


@pytest.mark.sqlite
def test_s9_all_sql_that_ran_stands_in_the_files_of_named_queries(watched: Watched) -> None:
    watched.paint("any")
    named = {query.sql for query in queries("sqlite").values()}
    schema = "".join(step.sql for step in migrations("sqlite"))
    ran = watched.noted("sql")
    assert len(ran & named) > 10
    strange = [sql for sql in ran - named if not _OWN.fullmatch(sql) and sql.strip() not in schema]
    assert strange == []
    assert watched.noted("stray") == set(), "nothing is run besides"
    assert watched.noted("process") <= {sys.executable}, "the child that draws previews"


# --- S10: fields that want to be settings --------------------------------------------------------

SMUGGLED = {
    "role": "admin", "scope": "local", "key": "psk_x", "api_base": "http://x.invalid",
    "user_config": {"api_base": "http://x.invalid"}, "base_url": "http://x.invalid",
    "upstream": "echo",
    "charged": "no", "cost": 0, "price": "0USD", "quota": None, "budgets": [], "team": "root",
    "headers": {"authorization": "x"}, "proxy": "http://x.invalid", "state": "done", "debug": 1,
    "metadata": {"user_config": {"api_base": "http://x.invalid"}}, "__class__": "x", "id": "req_1",
}  # fmt: skip


@pytest.mark.parametrize("name", SMUGGLED)
def test_s10_the_management_api_refuses_a_field_that_it_does_not_know(
    watched: Watched, name: str
) -> None:
    wish = {"prompt": "a", name: SMUGGLED[name]}
    refused = watched.ask("own", "POST", "/pisang/v1/generations", json=wish)
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "option_invalid"


BODIES = {
    PAINT: {"contents": [{"parts": [{"text": "smuggled"}]}]},
    "/v1/images/generations": {"prompt": "smuggled"},
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "smuggled"}]},
}


@pytest.mark.parametrize("path", BODIES)
def test_s10_in_a_wire_s_call_it_is_a_word_to_the_upstream_and_no_setting_of_ours(
    watched: Watched, path: str
) -> None:
    config = (watched.home / "config.toml").read_bytes()
    keys = rows(watched, "gateway_keys")
    body = {**SMUGGLED, "model": FLASH, **BODIES[path]}
    answer = watched.ask("own", "POST", path, json=body)
    assert answer.status_code == 200, answer.text[:500]
    request_id = answer.headers["x-pisang-request-id"]
    row = watched.ask("own", "GET", f"/pisang/v1/requests/{request_id}").json()
    assert row["upstream"] == "relay"
    assert row["attempts"][0]["charged"] == "yes"
    assert watched.ask("other", "GET", f"/pisang/v1/requests/{request_id}").status_code == 404
    assert watched.ask("own", "GET", "/pisang/v1/upstreams").status_code == 403
    assert (watched.home / "config.toml").read_bytes() == config
    assert rows(watched, "gateway_keys") == keys
    assert not [place for place in watched.noted("lookup") if "x.invalid" in place]


# --- S13: what is repeated -----------------------------------------------------------------------

MARKUP = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\r\nSet-Cookie: a=b",
    "\nX-Injected: yes", "%0d%0aX-Injected:%20yes", "\u2028", "{{7*7}}", "${7*7}",
    "javascript:alert(1)", "\x1b[31mred", "\u202egnp.exe",
)  # fmt: skip


@pytest.mark.parametrize("word", MARKUP)
def test_s13_an_error_repeats_words_as_json_that_no_browser_takes_for_a_page(
    watched: Watched, word: str
) -> None:
    place = quote(word, safe="")
    told = [
        watched.ask("own", "GET", f"/{place}"),
        watched.ask("own", "GET", f"/v1/{place}"),
        watched.ask("own", "GET", f"/v1beta/models/{place}"),
        watched.ask("own", "POST", f"/v1beta/models/{place}:generateContent", json={}),
        watched.ask("own", "GET", f"/pisang/v1/requests/{place}"),
        watched.ask("own", "GET", f"/pisang/v1/{place}"),
        watched.ask("own", "GET", "/pisang/v1/requests", params={"state": word}),
        watched.ask("own", "POST", "/pisang/v1/generations", json={"prompt": "x", "via": word}),
        watched.ask("own", "POST", "/v1/images/generations", json={"model": word}),
        watched.ask("own", "POST", f"/upload/v1beta/files?upload_id={place}"),
    ]
    for answer in told:
        assert answer.status_code in (400, 404), (answer.request.url, answer.text)
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.headers["x-content-type-options"] == "nosniff"
        answer.json()
        assert "x-injected" not in answer.headers
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "field",
    ["Idempotency-Key: a\rX-Injected: yes", "Idempotency-Key: a\x00b", "X-Pisang-Upstream: \x7f",
     "Bad Name: a", ": a", "Idempotency-Key: " + "a" * 70_000],
)  # fmt: skip
def test_s13_a_header_that_breaks_out_of_its_line_is_refused(watched: Watched, field: str) -> None:
    said = ask(watched.url, head("/v1beta/models", field, method="GET"))
    assert 400 <= said.status < 500
    assert "x-injected" not in said.head


def test_s13_a_host_that_is_no_host_is_repeated_as_text_alone(watched: Watched) -> None:
    """The address that an upload is sent to is told by the name that its caller used."""
    key = watched.keys["own"]["key"]
    begin = ("X-Goog-Upload-Command: start", "X-Goog-Upload-Header-Content-Type: image/png",
             f"Authorization: Bearer {key}", "Content-Length: 0")  # fmt: skip
    raw = head("/upload/v1beta/files", *begin).replace(b"localhost", b'a"><script>\xe9')
    said = ask(watched.url, raw)
    assert said.status in (200, 400)
    assert "content-type" not in said.head or "json" in said.head["content-type"]


# --- S3: images by the byte ----------------------------------------------------------------------

TRICKS = (
    "..", "../config.toml", "..%2f..%2fconfig.toml", "%2e%2e%2fconfig.toml", "%252e%252e%252f",
    "a%00b",
    "..%5c..%5cconfig.toml", "/etc/passwd", "%2fetc%2fpasswd", "a" * 5000, "%ff%fe", "{}%00.png",
    "{}/../{}", "{}.png", "{} ", "{}%0a", "%2e/{}", "./{}",
)  # fmt: skip


@pytest.fixture(scope="module")
def sha256(watched: Watched) -> str:
    made = watched.paint("a picture to take bytes of").headers["x-pisang-request-id"]
    return watched.ask("own", "GET", f"/pisang/v1/requests/{made}").json()["images"][0]["sha256"]


@pytest.mark.parametrize("trick", TRICKS)
def test_s3_a_path_names_an_image_by_its_hash_or_nothing(
    watched: Watched, sha256: str, trick: str
) -> None:
    answer = watched.ask("own", "GET", f"/pisang/v1/images/{trick.replace('{}', sha256)}")
    assert answer.status_code in (400, 404), answer.text[:200]
    assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("bytes=0-0", 206), ("bytes=-1", 206), ("bytes=0-", 200), ("bytes=0-9,20-29", 416),
        ("bytes=" + ",".join(f"{n}-{n}" for n in range(10_000)), 416), ("bytes=5-2", 416),
        ("bytes=" + "," * 60_000, 416), ("bytes=" + "0-" * 30_000, 200),
        ("bytes=99999999999-", 416),
        ("bytes=-0", 416), ("lines=0-1", 200), ("bytes=" + "9" * 10_000 + "-", 200),
        ("bytes=٣-٤", 200),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_s3_one_range_is_served_and_ten_thousand_are_not(
    watched: Watched, sha256: str, method: str, said: str, status: int
) -> None:
    headers = {"Range": said.encode("utf-8")}
    answer = watched.ask("own", method, f"/pisang/v1/images/{sha256}", headers=headers)
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox")
    if method == "HEAD":
        assert answer.content == b""


def test_s3_who_has_the_bytes_is_told_so_and_is_sent_none(watched: Watched, sha256: str) -> None:
    path = f"/pisang/v1/images/{sha256}"
    for tags in (f'"{sha256}"', f'W/"{sha256}"', "*", ", ".join(['"x"'] * 5000 + [f'"{sha256}"'])):
        same = watched.ask("own", "GET", path, headers={"If-None-Match": tags})
        assert (same.status_code, same.content) == (304, b"")
    other = {"Range": "bytes=0-9", "If-Range": '"another"'}
    assert watched.ask("own", "GET", path, headers=other).status_code == 200
