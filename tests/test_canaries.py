"""K4: a secret stands in one place only. A canary in every slot, then a search in everything.

Each slot that holds a secret is given one with CANARY in it; every family of outcomes is run, the
upstream repeating the key that it was sent wherever it can; then no file of the home (ledger, WAL,
stored answers unpacked, blobs, crash files), no output, no log record and no printed form of any
object holds the word, plain or as base64. Only `keys.toml` does, which its owner alone can read,
and the line of `config.toml` where the user wrote a proxy's password by hand.

What a model says is text like any other: a key in it is dotted out before it is kept. A picture's
own bytes are never touched: they are the user's.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import re
import sqlite3
import stat
import traceback
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from pisang.cli.entry import run
from pisang.client.client import Client
from pisang.client.loading import load_settings
from pisang.client.upstreams import choose, resolve
from pisang.domain.content import TextRun
from pisang.errors import PisangError
from tests.badinput.bodies import PNG, body, good, http, picture
from tests.badinput.conftest import clean_environment
from tests.badinput.stage import MODEL, Server
from tests.transport.faults import Line

WORD = b"CANARY"

ENV_KEY = "sk-CANARY-env-4f1d/9a+3c=&%"
KEPT_KEY = "sk-CANARY-kept-77e0"
QUERY_KEY = "CANARY-ak-b52c/+"
PROXY_PASSWORD = "CANARY-proxy-31"
OWN_PROXY_PASSWORD = "CANARY-own-proxy-8d"
PASTED_KEY = "CANARY-pasted-2b"


def _inside_base64(word: bytes) -> Iterator[bytes]:
    """What is sure to stand in the base64 of any text that holds the word, at each alignment."""
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + word)
        yield encoded[4 if shift else 0 : len(word) * 4 // 3 // 4 * 4]


NEEDLES = (WORD, WORD.decode().encode("utf-16-le"), *_inside_base64(WORD))


def leaks(data: bytes | str) -> list[bytes]:
    raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    return [needle for needle in NEEDLES if needle in raw]


@dataclass
class Heard:
    """All that was said, printed and logged while the canaries were about."""

    text: list[str] = field(default_factory=list)

    def check(self) -> None:
        for one in self.text:
            assert not leaks(one), one[:2000]


class Echo:
    """An upstream that repeats the key it was sent, in the way that each test chooses."""

    def __init__(self) -> None:
        self.answer: Any = None
        self.keys: list[str] = []

    async def __call__(self, line: Line) -> None:
        head, _ = await line.request()
        key = key_in(head.decode("latin-1"))
        self.keys.append(key)
        await line.say(self.answer(key.encode()))
        line.close()


def key_in(head: str) -> str:
    """The key that a request carries, wherever it does; empty for none."""
    for pattern in (
        r"(?i)^authorization: Bearer (.+?)\r?$",
        r"(?i)^x-goog-api-key: (.+?)\r?$",
        r"[?&](?:ak|key)=([^& ]+)",
    ):
        if found := re.search(pattern, head, re.MULTILINE):
            return unquote(found[1])
    return ""


@dataclass(frozen=True)
class Den:
    """The home with every slot filled, the echo, and what was heard."""

    home: Path
    folder: Path
    echo: Echo
    server: Server
    heard: Heard


@pytest.fixture
def den(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Den]:
    home, folder = tmp_path / "home", tmp_path / "here"
    folder.mkdir()
    clean_environment(monkeypatch, home)
    monkeypatch.chdir(folder)
    monkeypatch.setattr("pisang.engine.world.random.random", lambda: 0.0)
    monkeypatch.setenv("MY_KEY", ENV_KEY)
    monkeypatch.setenv("GEMINI_API_KEY", "CANARY-vendor-0c")
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    heard, echo = Heard(), Echo()
    log = _Log(heard)
    logging.getLogger().addHandler(log)
    monkeypatch.setattr(logging.getLogger(), "level", logging.DEBUG)
    with Server(script=echo).running() as server:
        den = Den(home, folder, echo, server, heard)
        fill(den, capsys, monkeypatch)
        yield den
    logging.getLogger().removeHandler(log)


class _Log(logging.Handler):
    """Keeps every record as its full text, tracebacks and all."""

    def __init__(self, heard: Heard) -> None:
        super().__init__(logging.DEBUG)
        self._heard = heard
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.text.append(self.format(record))


def call(
    den: Den, capsys: pytest.CaptureFixture[str], *words: str, stdin: str | None = None
) -> int:
    """One call of the command line; all its output is heard."""
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO((stdin or "").encode())))
        code = run(list(words))
    said = capsys.readouterr()
    den.heard.text += [said.out, said.err]
    return code


def fill(den: Den, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A canary in every slot, put there as a user would."""
    url = den.server.site.url
    pasted = f"{url}/v1beta/models/m:generateContent?key={PASTED_KEY}"
    adding: list[tuple[tuple[str, ...], str | None]] = [
        (("relay", "--wire", "gemini", "--base-url", url, "--key-env", "MY_KEY"), None),
        (
            ("google-like", "--wire", "gemini", "--base-url", pasted, "--auth", "x-goog-api-key",
             "--key-stdin"),
            KEPT_KEY,
        ),
        (("crawling", "--wire", "crawl", "--base-url", url, "--key-stdin"), QUERY_KEY),
        (("images", "--wire", "openai-images", "--base-url", url, "--key-env", "MY_KEY"), None),
        (("chat", "--wire", "openai-chat", "--base-url", url, "--key-env", "MY_KEY"), None),
        (
            ("behind", "--wire", "gemini", "--base-url", "http://relay.invalid", "--key-env",
             "MY_KEY"),
            None,
        ),
        (
            ("tunnelled", "--wire", "gemini", "--base-url", "https://relay.invalid", "--key-env",
             "MY_KEY"),
            None,
        ),
    ]  # fmt: skip
    for words, stdin in adding:
        assert call(den, capsys, "upstream", "add", *words, stdin=stdin) == 0
    with (den.home / "config.toml").open("a") as config:
        config.write("[upstreams.crawling.limits]\ninterval_ms = 0\n")
        config.write(
            '[upstreams.own-proxy]\nwire = "gemini"\nbase_url = "http://relay.invalid"\n'
            f'key_env = "MY_KEY"\nproxy = "http://me:{OWN_PROXY_PASSWORD}@127.0.0.1:'
            f'{den.server.site.port}"\n'
        )
    proxy = f"http://me:{PROXY_PASSWORD}@127.0.0.1:{den.server.site.port}"
    for name in ("http_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy)


def paint(den: Den, capsys: pytest.CaptureFixture[str], via: str, *more: str) -> int:
    return call(den, capsys, "generate", "a lake", "--via", via, "-m", MODEL, *more)


# --- what an upstream repeats --------------------------------------------------------------------


def in_error(status: int) -> Any:
    def answer(key: bytes) -> bytes:
        said = json.dumps({"error": {"message": f"bad token {key.decode()}", "code": key.decode()}})
        return http(said.encode(), status, b"x-request-id: " + key, b"Retry-After: 99")

    return answer


def on_page(status: int) -> Any:
    page = b"<html><title>%b</title><p>Your key %b is odd<!-- %b --></p>" + b"<p>x</p>" * 900
    return lambda key: http(page.replace(b"%b", key), status, kind=b"text/html")


def said_with_image(wire: str) -> Any:
    def answer(key: bytes) -> bytes:
        words = json.dumps(f"You are {key.decode()}").encode()
        return {
            "gemini": lambda: http(
                body(wire, b'{"text":' + words + b"}", picture(wire, base64.b64encode(PNG)))
            ),
            "crawl": lambda: http(
                body(
                    wire,
                    b'{"type":"text","text":' + words + b"}",
                    picture(wire, base64.b64encode(PNG)),
                )
            ),
            "openai-images": lambda: http(good(wire)[:-1] + b',"text":' + words + b"}"),
            "openai-chat": lambda: http(good(wire).replace(b'"content":""', b'"content":' + words)),
        }[wire]()

    return answer


def redirecting(key: bytes) -> bytes:
    return http(b"", 307, b"Location: https://other.example/" + key + b"?key=" + key)


def said_alone(key: bytes) -> bytes:
    words = json.dumps("I know " + key.decode() + "!").encode()
    finish = b'"finishReason":"STOP","finishMessage":' + words
    whole = body("gemini", b'{"text":' + words + b"}").replace(b'"finishReason":"STOP"', finish)
    return http(whole[:-1] + b',"responseId":' + words + b"}")


def said_at_length(key: bytes) -> bytes:
    """In a string too long for the skeleton, and across every length that a message is cut to."""
    words = (key + b" is your key. ") * 2000
    return http(b'{"error":{"message":' + json.dumps(words.decode()).encode() + b"}}", 400)


def cut_off(key: bytes) -> bytes:
    """The body ends inside the key."""
    return http(b'{"error":{"message":"key ' + key[:-4], 500, length=9999)


def page_cut_off(key: bytes) -> bytes:
    """The part of a page that is kept ends inside the key."""
    return http(b"<p>" + b"x" * (64 * 1024 - 3 - 12) + key + b"</p>" * 9, 502, kind=b"text/html")


def garbled(key: bytes) -> bytes:
    return http(b'{"key":"' + key + b'","key":1}')


ECHOES = {
    "relay": [
        *map(in_error, (200, 400, 401, 403, 429, 500, 503)),
        *map(on_page, (200, 403, 404, 502, 524)),
        said_with_image("gemini"),
        redirecting,
        said_alone,
        said_at_length,
        garbled,
        cut_off,
        page_cut_off,
    ],
    "google-like": [in_error(400), on_page(524), said_with_image("gemini"), redirecting],
    "crawling": [in_error(200), in_error(401), on_page(524), said_with_image("crawl"), redirecting],
    "images": [in_error(400), on_page(524), said_with_image("openai-images")],
    "chat": [in_error(400), on_page(524), said_with_image("openai-chat")],
}
SENT = {
    "relay": ENV_KEY,
    "google-like": KEPT_KEY,
    "crawling": QUERY_KEY,
    "images": ENV_KEY,
    "chat": ENV_KEY,
}


@pytest.mark.parametrize("via", ECHOES)
def test_a_key_that_an_upstream_repeats_is_kept_nowhere(
    den: Den, capsys: pytest.CaptureFixture[str], via: str
) -> None:
    for answer in ECHOES[via]:
        den.echo.answer = answer
        paint(den, capsys, via, "--format", "json")
    assert set(den.echo.keys) == {SENT[via]}, "the key arrives, and no other upstream's"
    look_around(den, capsys)
    search(den)


# --- proxies that refuse, hosts that are not there -----------------------------------------------


@pytest.mark.parametrize("via", ["behind", "own-proxy", "tunnelled"])
def test_a_proxy_s_password_is_kept_nowhere(
    den: Den, capsys: pytest.CaptureFixture[str], via: str
) -> None:
    secrets = {"own-proxy": OWN_PROXY_PASSWORD}
    pair = f"me:{secrets.get(via, PROXY_PASSWORD)}".encode()
    for status in (407, 403, 502):
        den.echo.answer = on_page(status)
        assert paint(den, capsys, via) != 0
    head = den.server.site.head(-1)
    assert head["proxy-authorization"] == f"Basic {base64.b64encode(pair).decode()}"
    assert call(den, capsys, "upstream", "test", via) != 0
    look_around(den, capsys)
    search(den)


def test_a_proxy_that_is_not_there_or_no_proxy_is_told_without_its_password(
    den: Den, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in (
        f"http://me:{PROXY_PASSWORD}@127.0.0.1:9",
        f"gopher://me:{PROXY_PASSWORD}@127.0.0.1:9",
        f"http://me:{PROXY_PASSWORD}@127.0.0.1:port",
        f"http://me:{PROXY_PASSWORD}@a b",
    ):
        monkeypatch.setenv("http_proxy", value)
        assert paint(den, capsys, "behind") == 5
    search(den)


# --- what a user pastes in the wrong place -------------------------------------------------------

PASTED = [
    ("upstream", "add", "a", "--wire", "gemini", "--base-url", "https://u:CANARY@e.com"),
    ("upstream", "add", "a", "--wire", "gemini", "--base-url", "htp://e.com?key=CANARY"),
    ("upstream", "add", "a", "--wire", "gemini", "--base-url", "https://e.com", "--key-env",
     "sk-CANARY"),
    ("upstream", "add", "a", "--wire", "gemini", "--base-url", "https://e.com", "--auth", "none",
     "--proxy", "http://u:CANARY@e.com"),
    ("upstream", "add", "a", "--wire", "gemini", "--base-url", "https://e.com", "--auth", "none",
     "--proxy", "CANARY:80:x"),
    ("upstream", "add", "a", "--key=CANARY"),
]  # fmt: skip


@pytest.mark.parametrize("words", PASTED)
def test_a_key_pasted_into_the_wrong_option_is_not_repeated(
    den: Den, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert call(den, capsys, *words) == 2
    assert call(den, capsys, *words, "--format", "json") == 2
    search(den)


@pytest.mark.parametrize(
    "line",
    [
        'base_url = "https://u:CANARY@e.com"',
        'base_url = "ftp://e.com?key=CANARY"',
        'base_url = "https://e.com"\nkey_env = "sk-CANARY"',
        'base_url = "https://e.com"\nauth = "CANARY"',
        'base_url = "https://e.com"\nproxy = "http://u:CANARY@a b"',
        'base_url = "https://e.com"\napi_key = "CANARY"',
        'base_url = "https://e.com"\napi_key = CANARY',
        'base_url = "https://e.com"\napi_key = "CANARY',
    ],
)
def test_a_key_written_into_the_wrong_setting_is_not_repeated(
    den: Den, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    before = (den.home / "config.toml").read_text()
    (den.home / "config.toml").write_text(f'[upstreams.x]\nwire = "gemini"\n{line}\n')
    for words in (("generate", "a"), ("upstream", "list"), ("doctor",)):
        assert call(den, capsys, *words) == 3
    with pytest.raises(PisangError) as caught:
        load_settings()
    den.heard.text += printed(caught.value)
    (den.home / "config.toml").write_text(before)
    search(den)


# --- a fault of ours -----------------------------------------------------------------------------


def test_a_crash_file_says_where_and_never_what(
    den: Den, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever breaks holds every secret: its message, its arguments, its notes, its causes."""

    async def broken(self: object, call: Any, deadline: float) -> None:
        key = call.secrets["authorization"].reveal()
        inner = ValueError(f"cause {key}")
        error = RuntimeError(f"failed on {call.url} with {key}", call, {"key": key})
        error.add_note(f"note {key}")
        raise error from inner

    monkeypatch.setattr("pisang.transport.http.HttpTransport._request", broken)
    assert paint(den, capsys, "relay", "--format", "json") == 1
    (crash,) = (den.home / "crash").iterdir()
    assert "in broken" in crash.read_text()
    assert stat.S_IMODE(crash.stat().st_mode) == 0o600
    monkeypatch.undo()
    clean_environment(monkeypatch, den.home)
    monkeypatch.chdir(den.folder)
    assert call(den, capsys, "unknown", "list") == 0
    search(den)


# --- objects that somebody prints ----------------------------------------------------------------


def test_no_object_prints_a_secret(den: Den, capsys: pytest.CaptureFixture[str]) -> None:
    settings = load_settings()
    den.echo.answer = in_error(401)
    with Client("relay", model=MODEL) as client:
        with pytest.raises(PisangError) as caught:
            client.generate("a lake")
        refused = client.attempt("a lake")
        probed = client.probe()
        shown = [settings, refused, refused.attempts, probed, probed.error, client.upstream]
        shown += [resolve(settings, name) for name in settings.upstreams]
        shown += [settings.upstreams, choose(settings, "relay"), list(settings.upstreams.values())]
        den.heard.text += [text for one in shown for text in (repr(one), str(one), f"{one}")]
        den.heard.text += printed(caught.value)
    search(den)


def printed(error: BaseException) -> list[str]:
    """Every way in which a program may show an error, causes and all."""
    chain, seen = [], error
    while seen is not None:
        chain += [repr(seen), str(seen), repr(vars(seen))]
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return [*chain, "".join(traceback.format_exception(error))]


# --- looking around, and the search --------------------------------------------------------------


def look_around(den: Den, capsys: pytest.CaptureFixture[str]) -> None:
    """Every command that shows what is there."""
    for words in (("upstream", "list"), ("history",), ("unknown", "list"), ("gc", "--dry-run")):
        for form in ("json", "human"):
            assert call(den, capsys, *words, "--format", form) == 0, words
    with Client("sandbox") as client:
        results = client.history(limit=100)
        unknown = client.unknown()
    for result in results:
        call(den, capsys, "show", result.request_id, "--format", "json")
    call(den, capsys, "show", results[0].request_id)
    for attempt in unknown:
        call(den, capsys, "unknown", "look", attempt.id)
    call(den, capsys, "doctor", "--format", "json")


def search(den: Den) -> None:
    """The word stands in `keys.toml`, in the user's own proxy line, and nowhere else."""
    den.heard.check()
    for path in (one for one in den.folder.parent.rglob("*") if one.is_file()):
        data = path.read_bytes()
        if path == den.home / "keys.toml":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            continue
        if path == den.home / "config.toml":
            data = data.replace(OWN_PROXY_PASSWORD.encode(), b"")
        assert not leaks(data), path
        assert not leaks(str(path))
    if not (den.home / "ledger.db").exists():
        return
    for where, value in everything_in(den.home / "ledger.db"):
        assert not leaks(value), where
    with Client("sandbox") as client:
        attempts = [one for result in client.history(limit=100) for one in result.attempts]
    assert asyncio.run(stored_answers(den.home, [one.id for one in attempts])) == []


def everything_in(ledger: Path) -> Iterator[tuple[str, bytes]]:
    """Each value of each table, those that are packed unpacked as well."""
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as base:
        names = [
            row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        for name in names:
            for row in base.execute(f'SELECT * FROM "{name}"'):
                for value in row:
                    raw = value if isinstance(value, bytes) else str(value).encode()
                    yield name, raw
                    if isinstance(value, bytes) and value[:1] == b"\x78":
                        with suppress(zlib.error):  # a digest may begin so too
                            yield f"{name}, unpacked", zlib.decompress(value)


async def stored_answers(home: Path, attempt_ids: list[str]) -> list[str]:
    """The attempts whose stored answer, as it would be replayed, holds the word."""
    from pisang.engine.engine import Engine

    found = []
    async with await Engine.open(home) as engine:
        for attempt_id in attempt_ids:
            answer = engine.store.answer(attempt_id)
            if answer is None:
                continue
            runs = [run for span in answer.spans for run in span.runs]
            texts = [run.raw for run in runs if isinstance(run, TextRun)]
            told = repr((answer.headers, answer.reason)).encode()
            if any(map(leaks, (answer.skeleton, told, *texts))):
                found.append(attempt_id)
    return found


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    """A search that can't find anything would pass as well."""
    assert leaks("a CANARY-1")
    assert leaks(b"\0C\0A\0N\0A\0R\0Y\0"[1:])
    for before in ("", "a", "ab", "me:"):
        assert leaks(base64.b64encode(f"{before}CANARY-1".encode()))
    with closing(sqlite3.connect(tmp_path / "x.db")) as base:
        base.execute("CREATE TABLE t (a)")
        base.execute("INSERT INTO t VALUES (?)", (zlib.compress(b"x CANARY"),))
        base.commit()
    assert [where for where, value in everything_in(tmp_path / "x.db") if leaks(value)] == [
        "t, unpacked"
    ]
