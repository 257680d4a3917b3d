"""K1 to K5: keys are proven, forgotten at once, and told to nobody."""

from __future__ import annotations

import base64
import hashlib
import re
import stat
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests

import pisang
from pisang.domain.access import digest_of, id_in, is_proven, write_text
from pisang.domain.secret import Secret
from pisang.errors import KeyInvalid
from pisang.gateway.access import Access
from pisang.gateway.routes import ROUTES
from pisang.gateway.visits import open_visit
from pisang.store.store import Store
from tests.gateway.guarded import FLASH
from tests.gateway.rows.stage import KEPT_KEY, PROXY_PASSWORD, Watched
from tests.gateway.test_access import ALICE, TEXT, visit
from tests.store.kit import NOW, Clock, open_store
from tests.test_canaries import everything_in, leaks
from tests.wires.test_asgi import receiving

# --- K1, K2: who he says he is -------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(tmp_path / "home", clock=Clock(NOW))) as store:
        yield store


@pytest.mark.sqlite
def test_k1_a_key_has_256_bits_and_stands_in_the_home_as_its_hash_alone(watched: Watched) -> None:
    texts = [one["key"] for one in watched.keys.values()]
    secrets = [bytes.fromhex(text.rpartition("_")[2]) for text in texts]
    assert {len(one) for one in secrets} == {32}
    assert len(set(secrets)) == len(secrets)
    values = [value for _, value in everything_in(watched.home / "ledger.db")]
    for text, secret in zip(texts, secrets, strict=True):
        digest = hashlib.sha256(text.encode()).digest()
        assert any(repr(digest).encode() in value or digest == value for value in values)
        assert not any(secret in value or secret.hex().encode() in value for value in values)


def test_k1_a_key_that_is_not_there_is_compared_like_one_that_is() -> None:
    digest = digest_of(TEXT)
    assert is_proven(ALICE, digest)
    assert not is_proven(None, digest)
    assert not is_proven(None, bytes(32)), "what stands in for nobody's proves nobody"
    source = Path(pisang.__file__).parent / "domain" / "access.py"
    assert "compare_digest(" in source.read_text()


@pytest.mark.parametrize(
    "text",
    ["", "psk_", "psk_aaaaaaaaaaaa", "psk_aaaaaaaaaaaa_", "psk_AAAAAAAAAAAA_" + "0" * 64,
     "psk_aaaaaaaaaaaa_" + "0" * 63, "psk_aaaaaaaaaaaa_" + "0" * 65, "psk_aaaaaaaaaaaa_" + "G" * 64,
     " psk_aaaaaaaaaaaa_" + "0" * 64, "psk_aaaaaaaaaaaa_" + "0" * 64 + "\n", "psk_' OR 1",
     "psk_aaaaaaaaaaaa_" + "٠" * 64, "sk-" + "0" * 64, "\ud800"],
)  # fmt: skip
def test_k1_what_has_not_a_key_s_shape_is_not_looked_up(text: str) -> None:
    assert id_in(Secret(text)) is None


def test_k2_who_was_proven_a_moment_ago_proves_nobody_whose_key_begins_as_his_does(
    store: Store,
) -> None:
    store.gateway_keys.put(ALICE).result()
    access = Access(store.gateway_keys, clock_ms=lambda: NOW, clock_s=lambda: 0.0)
    text = TEXT.reveal()
    assert access.admit(visit(text)).scope == ALICE.id
    last = "0" if text[-1] != "0" else "1"
    for other in (text[:-1] + last, text[:40], text[:20] + "0" * 61, text + "0", text.upper()):
        with pytest.raises(KeyInvalid):
            access.admit(visit(other))
    assert access.admit(visit(text)).scope == ALICE.id


# --- K5: what is printed -------------------------------------------------------------------------


def test_k5_no_call_and_no_secret_prints_what_it_holds() -> None:
    word = "CANARY"
    scope = {
        "type": "http", "method": "POST", "path": "/v1/models", "client": ("127.0.0.1", 1),
        "headers": [(name.encode(), f"Bearer {word}".encode()) for name in
                    ("Authorization", "X-Goog-Api-Key", "Cookie", "Proxy-Authorization")],
        "query_string": urlencode({"key": word, "ak": word, "alt": "sse"}).encode(),
    }  # fmt: skip
    call = open_visit(scope, receiving(), None)  # type: ignore[arg-type]
    assert call.key is not None
    for one in (
        call,
        call.key,
        call.headers,
        call.query,
        [call],
        {"x": call},
        write_text("a", b""),
    ):
        assert not leaks(f"{one} {one!r} {one!s}")
    assert call.query == {"alt": "sse"}
    assert call.headers == {}


def test_k5_no_traceback_of_ours_shows_the_values_of_a_frame() -> None:
    for path in Path(pisang.__file__).parent.rglob("*.py"):
        assert not re.search(
            r"capture_locals|show_locals=True|cgitb|faulthandler", path.read_text()
        )


# --- K3, K4: a canary in every slot --------------------------------------------------------------

PICTURE = "PICTURE-7c1"
PROMPT = "PROMPT-7c1"
FAULTS = ("status=503", "status=429", "html=524", "cut=0.5", "text-only", "finish=IMAGE_SAFETY",
          "mime-lie", "drafts=2")  # fmt: skip


def places(word: str) -> list[tuple[dict[str, str], dict[str, str]]]:
    """Headers and query of a call that carries a secret there."""
    heads = ({"Authorization": f"Bearer {word}"}, {"Authorization": f"Basic {word}"},
             {"X-Goog-Api-Key": word}, {"Cookie": f"session={word}"},
             {"Proxy-Authorization": f"Basic {word}"})  # fmt: skip
    return [*((one, {}) for one in heads), ({}, {"key": word}), ({}, {"ak": word})]


def run_all(watched: Watched) -> None:
    """Every route by who may and who may not, every kind of outcome, secrets in every place."""
    made = watched.paint(f"a plum {PROMPT}").headers["x-pisang-request-id"]
    lost = watched.paint("lost [[sandbox html=524]]").json()["error"]
    assert lost["code"] == 424
    unknown = watched.ask("own", "GET", "/pisang/v1/unknowns").json()["unknown"][-1]["id"]
    sha256 = watched.ask("own", "GET", f"/pisang/v1/requests/{made}").json()["images"][0]["sha256"]
    for fault in FAULTS:
        watched.paint(f"faulty [[sandbox {fault}]]")
    watched.paint("repeated", via="echo")
    front = watched.echo.RequestHandlerClass
    for status, kind in ((200, "text/html"), (500, "text/html"), (401, "application/json")):
        page = (
            f"<p>{KEPT_KEY}</p>" if "html" in kind else f'{{"error": {{"message": "{KEPT_KEY}"}}}}'
        )
        front.answer = (status, kind, page.encode())  # type: ignore[attr-defined]
        watched.paint(f"repeated by a {status}", via="echo")
    front.answer = None  # type: ignore[attr-defined]
    watched.ask("own", "POST", "/v1beta/models/behind:generateContent",
                json={"contents": [{"parts": [{"text": "through a proxy"}]}]})  # fmt: skip
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n" + PICTURE.encode() * 9).decode()
    wish = {
        "prompt": "with a picture",
        "model": FLASH,
        "references": [f"data:image/png;base64,{data}"],
    }
    watched.ask("own", "POST", "/pisang/v1/generations", json=wish)
    for headers, query in places("CANARY-caller-2f"):
        for path in ("/v1beta/models", "/pisang/v1/requests", "/metrics", "/healthz", "/nothing"):
            watched.ask(None, "GET", path, headers=headers, params=query)
            keyed = (
                {"X-Goog-Api-Key": watched.keys["own"]["key"]}
                if "X-Goog-Api-Key" not in headers
                else {}
            )
            watched.ask(None, "GET", path, headers=headers | keyed, params={**query, "x": "1"})
        body = {"contents": [{"parts": [{"text": "x"}]}]}
        paint = f"/v1beta/models/{FLASH}:generateContent"
        watched.ask(None, "POST", paint, json=body, headers=headers, params=query)
    filled = {"request_id": made, "attempt_id": unknown, "sha256": sha256, "version": "v1beta",
              "model:path": FLASH, "id": "nothing"}  # fmt: skip
    for route in ROUTES:
        for method in route.methods & {"GET", "HEAD"}:
            if route.path.endswith("/events"):
                continue  # it has no end
            path = re.sub(r"\{([^}]+)\}", lambda hole: filled.get(hole[1], "nothing"), route.path)
            for whose in ("admin", "own", "reader", "revoked", "wrong"):
                watched.ask(whose, method, path)


def allowed(path: Path, home: Path, data: bytes) -> bytes:
    """A file without what its user himself wrote into it."""
    if path == home / "keys.toml":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        return data.replace(KEPT_KEY.encode(), b"")
    return data.replace(PROXY_PASSWORD.encode(), b"") if path == home / "config.toml" else data


@pytest.mark.sqlite
def test_k3_k4_after_every_kind_of_call_a_secret_stands_where_it_was_put_and_nowhere_else(
    watched: Watched,
) -> None:
    run_all(watched)
    metrics = watched.ask("admin", "GET", "/metrics")
    assert metrics.status_code == 200
    ours = [one["key"].rpartition("_")[2] for one in watched.keys.values()]
    told = {"log": watched.said.encode(), "metrics": metrics.content,
            "watched": (watched.folder / "watched").read_bytes(),
            "command line": Path(f"/proc/{watched.pid}/cmdline").read_bytes()}  # fmt: skip
    assert b'"level": "debug"' in told["log"] or b"debug" in told["log"]
    told |= {f"answer {number}": answer for number, answer in enumerate(watched.answers)}
    for name, data in told.items():
        assert not leaks(data), (name, data[:3000])
        assert not any(one.encode() in data for one in ours), name
    for name in ("log", "metrics", "watched"):
        for word in (PROMPT, PICTURE, base64.b64encode(PICTURE.encode() * 3)[4:16].decode()):
            assert word.encode() not in told[name], (name, word)
    files = [path for path in watched.home.rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        data = b""
        with suppress(FileNotFoundError):  # one that was only passing
            data = allowed(path, watched.home, path.read_bytes())
        assert not leaks(data), path
        assert not any(one.encode() in data for one in ours), path
    for where, value in everything_in(watched.home / "ledger.db"):
        assert not leaks(value), where


@pytest.mark.sqlite
def test_k4_the_search_would_find_what_is_there(watched: Watched) -> None:
    """The upstream was sent its key, and repeated it; a prompt that is kept is found."""
    watched.paint("sent with a key", via="echo")
    assert f"key={KEPT_KEY}" in watched.echo.RequestHandlerClass.paths[-1]  # type: ignore[attr-defined]
    made = watched.paint("a word that is kept: KEPT-WORD").headers["x-pisang-request-id"]
    assert requests.get(watched.url + "/healthz", timeout=30).status_code == 200
    values = [value for _, value in everything_in(watched.home / "ledger.db")]
    assert any(b"KEPT-WORD" in value for value in values)
    assert any(made.encode() in value for value in values)
