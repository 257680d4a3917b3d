"""Every wrong word that a user can say: one sentence that names it, and the right exit code.

Nothing is sent, nothing is lost, nothing is left behind. Each is said twice: in English as JSON,
and in Chinese for eyes.
"""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from pisang import errors
from pisang.errors import base
from pisang.sandbox.pytest_plugin import SandboxServer
from tests.badinput.bodies import LONG_PNG, PNG, good, http, png
from tests.badinput.conftest import clean_environment
from tests.badinput.stage import MODEL, WIRES, Said, Server, add_upstream, check_sentence, pisang
from tests.transport.faults import answering

SANDBOX = ("--via", "sandbox")
PAINT = ("generate", "a lake", *SANDBOX)
NANO_1 = ("-m", "gemini-2.5-flash-image")
PRO = ("-m", "gemini-3-pro-image")
GEMINI = ("--wire", "gemini", "--base-url", "https://e.com")

_FIELDS = {field for leaf in errors.leaves() for _, field, *_ in Formatter().parse(leaf.zh)}


@dataclass(frozen=True)
class Place:
    """A home and a folder with odd files in it."""

    home: Path
    folder: Path

    @property
    def files(self) -> dict[str, bytes]:
        """What lies in the folder, but for files too large to look at."""
        found = (one for one in self.folder.rglob("*") if one.is_file() and not one.is_symlink())
        return {str(one): one.read_bytes() for one in found if one.stat().st_size < 1 << 20}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("words")
    folder = root / "here"
    (folder / "dir.png").mkdir(parents=True)
    contents = {
        "ok.png": PNG,
        "empty.png": b"",
        "text.png": b"I am no picture at all",
        "page.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    for name, size in (("huge.png", 300 << 20), ("big.png", 80 << 20)):
        with (folder / name).open("wb") as file:
            file.write(PNG)
            file.truncate(size)  # a hole: it takes no room
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "gone.png").symlink_to("nowhere.png")
    os.mkfifo(folder / "pipe.png")
    with pytest.MonkeyPatch.context() as patch:
        clean_environment(patch, root / "home")
        patch.chdir(folder)
        yield Place(root / "home", folder)


@pytest.fixture(autouse=True)
def _fields_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error whose sentence lacks a field says `?` to a user; here it is found out."""
    look_up = base._Lenient.get_value

    def strictly(self: Any, key: int | str, args: Any, kwargs: Any) -> Any:
        assert str(key) in kwargs, f"a sentence without its {key!r}"
        return look_up(self, key, args, kwargs)

    monkeypatch.setattr(base._Lenient, "get_value", strictly)


def refused(place: Place, words: tuple[str, ...], code: int, said: str) -> dict[str, Any]:
    """The error object of a call that was turned down, in both languages, without a trace."""
    before = place.files
    english = pisang(*words, "--format", "json")
    assert english.code == code, english.err
    error = check_sentence(english)
    assert said in error["message"]
    assert error["charged"] == "no"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PISANG_LANG", "zh")
        chinese = pisang(*words)
    assert chinese.code == code
    assert chinese.err.startswith("错误：")
    named = {"model"} if "`naming`" in chinese.err else set()  # a field of file names, too
    assert not set(re.findall(r"\{(\w+)", chinese.err)) & (_FIELDS - named), chinese.err
    assert "Traceback" not in chinese.err
    assert place.files == before
    return error


# --- options -------------------------------------------------------------------------------------

OPTIONS: list[tuple[tuple[str, ...], int, str]] = [
    ((*PAINT, "--fit", "most"), 2, "'most' is not one of exact"),
    ((*PAINT, "--mode", "crop"), 2, "'crop' is not one of cover, contain, pad"),
    ((*PAINT, "--mode", "pad"), 2, "it goes with --resize"),
    ((*PAINT, "-n", "0"), 2, "n 0 is not valid: choose 1 to 100"),
    ((*PAINT, "-n", "-1"), 2, "choose 1 to 100"),
    ((*PAINT, "-n", "9" * 30), 2, "choose 1 to 100"),
    ((*PAINT, "-n", "1.5"), 2, "'1.5' is not a whole number"),
    ((*PAINT, "-r", "7:5"), 2, "can't make aspect ratio '7:5': choose one of 1:1"),
    ((*PAINT, "-r", "wide"), 2, "can't make aspect ratio 'wide'"),
    ((*PAINT, "-s", "9K"), 2, "can't make size '9K': choose one of 512, 1K, 2K, 4K"),
    ((*PAINT, *NANO_1, "-s", "2K"), 2, "gemini-2.5-flash-image can't make size '2K'"),
    ((*PAINT, *NANO_1, "-r", "8:1"), 2, "gemini-2.5-flash-image can't make aspect ratio '8:1'"),
    ((*PAINT, *PRO, "-s", "512"), 2, "gemini-3-pro-image can't make size '512'"),
    ((*PAINT, *PRO, "-r", "8:1"), 2, "gemini-3-pro-image can't make aspect ratio '8:1'"),
    ((*PAINT, "-m", "a\udcff"), 2, "it is not valid UTF-8 text"),
    *(
        ((*PAINT, option, value), 2, "it is empty")
        for option in ("-m", "-r", "-s", "-i", "-o", "--via", "--max-cost", "--idempotency-key")
        for value in ("", " ")
    ),
    ((*PAINT, "--max-cost", "lots"), 2, "write it like 5USD or 0.20CNY"),
    ((*PAINT, "--max-cost", "-1USD"), 2, "write it like 5USD"),
    ((*PAINT, "--max-cost", "nan"), 2, "write it like 5USD"),
    ((*PAINT, "--max-cost", "9" * 40), 2, "an amount is at most"),
    ((*PAINT, "--timeout", "0"), 2, "give seconds, up to 86400"),
    ((*PAINT, "--timeout", "-1"), 2, "give seconds, up to 86400"),
    ((*PAINT, "--timeout", "1e9"), 2, "give seconds, up to 86400"),
    ((*PAINT, "--timeout", "nan"), 2, "'nan' is not a number"),
    ((*PAINT, "--timeout", "inf"), 2, "'inf' is not a number"),
    ((*PAINT, "--timeout", "soon"), 2, "'soon' is not a number"),
    ((*PAINT, "--resize", "big"), 2, "write it as 1920x1080"),
    ((*PAINT, "--resize", "0x5"), 2, "each side is 1 to 16384"),
    ((*PAINT, "--resize", "99999x9"), 2, "each side is 1 to 16384"),
    ((*PAINT, "--resize", "5x5", "--fit", "exact"), 2, "--resize is given too"),
    ((*PAINT, "--set", "seed"), 2, "write it as name=value"),
    ((*PAINT, "--set", "=7"), 2, "write it as name=value"),
    ((*PAINT, "--set", "a..b=7"), 2, "a part of the name is empty"),
    ((*PAINT, "--set", "a=1", "--set", "a.b=2"), 2, "a is a value already"),
    ((*PAINT, "--set", "a=1e400"), 2, "--set 'a=…' is not valid: a number"),
    ((*PAINT, "--set", ".".join("a" * 2000) + "=1"), 2, "nested too deep"),
    ((*PAINT, "--set", "a=" + "x" * 20_000), 2, "the value is over 16 KiB"),
    ((*PAINT, "--set", "a=\udcff"), 2, "it is not valid UTF-8 text"),
    ((*PAINT, "--idempotency-key", "k" * 256), 2, "it wants 1 to 255 characters"),
    ((*PAINT, "--retry-unknown"), 2, "it goes with --idempotency-key"),
    ((*PAINT, "--tag", "a\udcff"), 2, "it is not valid UTF-8 text"),
    ((*PAINT, "--nope"), 2, "No such option: --nope"),
    ((*PAINT, "more"), 2, "unexpected extra argument"),
    (("generate", "", *SANDBOX), 2, "The prompt is empty"),
    (("generate", " \n\t", *SANDBOX), 2, "The prompt is empty"),
    (("generate", "\u3000\u200b", *SANDBOX), 2, "The prompt is empty"),
    (("generate", *SANDBOX), 2, "The prompt is empty"),
    (("generate", "-p", "", *SANDBOX), 2, "The prompt is empty"),
    (("generate", "a", "-p", "b", *SANDBOX), 2, "given twice"),
    (("generate", "a\ud800b", *SANDBOX), 2, "it is not valid UTF-8 text"),
    (("generate", "猫" * 1_000_001, *SANDBOX), 2, "has 1,000,001 characters"),
    (("generate", "[[sandbox bogus=1]] x", *SANDBOX), 2, "the directive 'bogus=1'"),
    (("generate", "[[sandbox status=401]] x", *SANDBOX), 3, "the key is invalid or expired"),
    (("genrate",), 2, "did you mean generate?"),
    (("edit", *SANDBOX), 2, "Missing argument 'IMAGE'"),
    (("edit", "ok.png", *SANDBOX), 2, "The prompt is empty"),
    (("edit", "deadbeef00", "x", *SANDBOX), 2, "There is no image 'deadbeef00'"),
    (("edit", "req_0000", "x", *SANDBOX), 2, "There is no image 'req_0000'"),
    (("show", "req_zzzz"), 2, "There is no request 'req_zzzz'"),
    (("show", "%_"), 2, "'%_'"),
    (("show", ""), 2, "There is no"),
    (("models", "dall-e"), 2, "There is no model 'dall-e'"),
    (("history", "--limit", "0"), 2, "0 is not in 1 to 1000"),
    (("history", "--limit", "many"), 2, "'many' is not a whole number"),
    (("gc", "--answers-days", "-1"), 2, "-1.0 is not in 0 to 36500"),
    (("gc", "--answers-days", "1e300"), 2, "is not in 0 to 36500"),
    (("gc", "--images-days", "1e400"), 2, "is not a number"),
    (("unknown", "look", "att_0000"), 2, "There is no attempt"),
    (("unknown", "look", ""), 2, "There is no attempt"),
    (("unknown", "write-off", "att_0000"), 2, "There is no attempt"),
    (("unknown", "rebuy", "att_0000", "--yes"), 2, "There is no attempt"),
    (("unknown", "forget"), 2, "There is no command 'forget'"),
    (("sandbox", "--port", "99999"), 2, "is not in 0 to 65535"),
    (("sandbox", "--host", "203.0.113.7", "--port", "0"), 2, "--host/--port"),
    (("sandbox", "--host", "no where", "--port", "0"), 2, "--host/--port"),
    # no upstream, or none of that name
    (("generate", "a"), 3, "No upstream is configured"),
    (("edit", "ok.png", "a"), 3, "No upstream is configured"),
    (("generate", "a", "--via", "gogle"), 3, "did you mean google"),
    (("generate", "a", "--via", "x\x1b[31m"), 3, "There is no upstream named"),
    (("generate", "a", "--via", "google"), 3, "No key is set for google"),
    (("generate", "a", "--via", "pisang"), 3, "needs a base URL"),
    (("upstream", "test", "nobody"), 3, "There is no upstream named 'nobody'"),
    (("upstream", "default", "nobody"), 3, "There is no upstream named 'nobody'"),
    (("upstream", "remove", "nobody"), 3, "There is no upstream named 'nobody'"),
    (("upstream", "add", "X"), 2, "a name is up to 40"),
    (("upstream", "add"), 2, "Missing argument 'NAME'"),
    (("upstream", "add", "sandbox"), 2, "the sandbox is always there"),
    (("upstream", "add", "mine"), 2, "--wire"),
    (("upstream", "add", "mine", "--wire", "gemini"), 2, "--base-url"),
    (("upstream", "add", "m", "--wire", "soap", "--base-url", "https://e.com"), 2, "choose one of"),
    *(
        (("upstream", "add", "m", "--wire", "gemini", "--base-url", url), 2, why)
        for url, why in (
            ("ftp://e.com", "it must begin with https://"),
            ("https://", "it names no host"),
            ("https://e.com:99999", "it is not a URL"),
            ("https://[::1", "it is not a URL"),
            ("https://e.com/a b", "it holds a blank"),
            ("https://u:p@e.com", "it holds a user name or password"),
        )
    ),
    (("upstream", "add", "m", *GEMINI, "--auth", "magic"), 2, "choose one of bearer"),
    (("upstream", "add", "m", *GEMINI, "--key-env", "sk-123"), 2, "never the key itself"),
    (("upstream", "add", "m", *GEMINI, "--key-env", "A", "--key-stdin"), 2, "--key-env is given"),
    (("upstream", "add", "m", *GEMINI, "--auth", "none", "--proxy", "a b"), 2, "http://host:port"),
    (("upstream", "add", "m", *GEMINI, "-m", "a\udcff", "--auth", "none"), 2, "not valid UTF-8"),
    (("upstream", "add", "google", "--network", "office"), 2, "it has no networks"),
    (("upstream", "add", "crawl", "--network", "moon"), 2, "choose one of production, office"),
    (("upstream", "add", "q", "--preset", "zzz"), 2, "choose one of google"),
    (("upstream", "add", "google"), 3, "No key is set for google"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "code", "said"), OPTIONS)
def test_a_wrong_word_is_named_with_what_to_do(
    place: Place, words: tuple[str, ...], code: int, said: str
) -> None:
    refused(place, words, code, said)


# --- references and files ------------------------------------------------------------------------

REFERENCES = {
    "missing.png": "there is no such file",
    "dir.png": "it is a folder",
    "empty.png": "it is empty",
    "text.png": "its bytes are no picture",
    "page.svg": "its bytes are no picture",
    "loop.png": "too many levels of symbolic links",
    "gone.png": "there is no such file",
    "pipe.png": "it is not a plain file",
    "/dev/zero": "it is not a plain file",
    "/proc/self/mem": "can't be read",
    "x" * 5000: "file name too long",
    "a\udcff.png": "there is no such file",
    "~nobodyhere/x.png": "that is no file name",
    "https://example.com/a.png?key=1": "addresses are not fetched",
    "file:///etc/passwd": "addresses are not fetched",
    "data:image/png;base64,AAAA": "addresses are not fetched",
    "style=missing.png": "there is no such file",
    "huge.png": "come to 315 MB",
    "big.png": "come to 106.7 MiB",
}


@pytest.mark.parametrize("name", REFERENCES)
def test_a_reference_that_cannot_be_sent_is_named(place: Place, name: str) -> None:
    error = refused(place, (*PAINT, "-i", name), 2, REFERENCES[name])
    assert "?key=1" not in error["message"]


def test_last_names_nothing_in_a_folder_where_nothing_was_made(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(place, ("edit", "last", "at night", *SANDBOX), 2, "made in this folder yet")
    refused(place, (*PAINT, "-i", "last"), 2, "made in this folder yet")
    refused(place, ("show", "last"), 2, "in this folder yet")


def test_a_format_nobody_knows_is_named(place: Place) -> None:
    said = pisang(*PAINT, "--format", "xml")
    assert said.code == 2
    assert "'xml' is not one of human, json, quiet" in said.err


def test_a_number_that_was_forgotten_is_named(place: Place) -> None:
    said = pisang(*PAINT, "-n")
    assert said.code == 2
    assert "'-n' requires an argument" in said.err


def test_too_many_references_are_counted(place: Place) -> None:
    many = [word for _ in range(15) for word in ("-i", "ok.png")]
    refused(place, (*PAINT, *many), 2, "15 reference pictures are too many")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write anywhere")
def test_what_may_not_be_read_or_written_is_named(place: Place) -> None:
    locked = place.folder / "locked"
    locked.mkdir(0o500)
    (place.folder / "closed.png").write_bytes(PNG)
    (place.folder / "closed.png").chmod(0)
    try:
        refused(place, (*PAINT, "-o", "locked/x.png"), 2, "permission denied")
        refused(place, (*PAINT, "-i", "locked/../closed.png"), 2, "permission denied")
    finally:
        locked.rmdir()
        (place.folder / "closed.png").unlink()


OUTPUTS = {
    "x.tiff": ".tiff is not written here; there are .png",
    "cat.pgn": ".pgn is not written here",
    ".png": "it has no name before its extension",
    "ok.png": "exists already",
    "loop.png": "exists already",
    "ok.png/x.png": "a part of the path is a file",
    "ok.png/": "a part of the path is a file",
    "/proc/nowhere/x.png": "can't be written",
    "x" * 300 + ".png": "its name is too long",
    "a\0.png": "that is no file name",
    "a\udcff.png": "that is no file name",
    "~nobodyhere/x.png": "there is no such user",
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_that_cannot_be_written_is_named_before_anything_is_paid(
    place: Place, name: str
) -> None:
    refused(place, (*PAINT, "-o", name), 2, OUTPUTS[name])
    for path in (place.folder / name).parents:
        assert path.exists() or path.name in ("nowhere", "~nobodyhere")


ODD_NAMES = (
    "CON.png",
    "-x.png",
    "a\u202egnp.png",
    "猫 🍌.png",
    "cafe\u0301.png",
    "a;b&c|d$(e).png",
    "..png",
    "new/folders/x.png",
)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_odd_output_name_is_that_file_and_no_other(
    place: Place, tmp_path: Path, name: str
) -> None:
    said = pisang(*PAINT, "-s", "512", "-o", str(tmp_path / name), "--format", "json")
    assert said.code == 0, said.err
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == [tmp_path / name]
    assert said.json["images"][0]["path"] == str(tmp_path / name)


def test_an_existing_file_is_overwritten_only_by_force(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(b"mine")
    words = (*PAINT, "-s", "512", "-o", str(path))
    assert pisang(*words).code == 2
    assert path.read_bytes() == b"mine"
    assert pisang(*words, "--force").code == 0
    assert path.read_bytes()[:3] == b"\xff\xd8\xff"


def test_a_long_prompt_passes_whole(place: Place, tmp_path: Path) -> None:
    prompt = "一只猫" * 33_334
    said = pisang(
        "generate", prompt, *SANDBOX, "-s", "512", "-o", str(tmp_path), "--format", "json"
    )
    assert said.code == 0, said.err
    shown = pisang("show", said.json["request_id"], "--format", "json")
    assert shown.json["prompt"] == prompt


# --- settings files ------------------------------------------------------------------------------

ONE = '[upstreams.a]\nwire = "gemini"\nbase_url = "https://e.com"\n'
CONFIG: dict[str, tuple[str | bytes, str]] = {
    "no TOML": ("x = = 3", "line 1 is not valid TOML"),
    "no TOML, further down": ("\n\n[budgets\n", "line 3 is not valid TOML"),
    "a key twice": ("model='a'\nmodel='b'", "is not valid TOML"),
    "NUL": ("a = '\0'", "line 1 is not valid TOML"),
    "no UTF-8": (b"a = 1\nb = '\xff'", "line 2 is not UTF-8"),
    "UTF-16": ("a = 1".encode("utf-16"), "line 1 is not UTF-8"),
    "too large": (b"#" * (2 << 20), "it is larger than 1 MiB"),
    "too deep": ("a = " + "[" * 5000, "is not valid TOML"),
    "a slip": ("modle = 'x'", "the nearest is `model`"),
    "nobody knows it": ("n = 3", "there is no such setting; there are"),
    "a number for a text": ("model = 3", "it wants a text in quotes"),
    "a text for a table": ("upstreams = 'x'", "`upstreams`: it wants a table"),
    "language": ("language = 'fr'", "'fr' is not one of en, zh"),
    "currency": ("currency = 'DOLLAR'", "`currency`"),
    "a rate that is none": ("[rates]\nCNY = 'x'", "line 2, `rates.CNY`"),
    "a rate of nought": ("[rates]\nCNY = '0'", "it wants a number above zero"),
    "a rate of 10^999": ("[rates]\nCNY = '1e999'", "out of all proportion"),
    "a currency nobody has": ("[rates]\nYUAN = '1'", "'YUAN' is not a currency"),
    "a budget without a cap": ("[budgets.x]\nperiod = 'day'", "a budget needs one"),
    "a cap that is none": ("[budgets.x]\ncap = '5 dollars'", "write it like 5USD"),
    "a cap of 10^26": ("[budgets.x]\ncap = '" + "9" * 26 + "USD'", "an amount is at most"),
    "a period": ("[budgets.x]\ncap = '5USD'\nperiod = 'week'", "'week' is not one of"),
    "a scope": ("[budgets.x]\ncap = '5USD'\nscope = 'me'", "a scope is all"),
    "a time zone": ("[budgets.x]\ncap = '5USD'\ntime_zone = 'Mars/Base'", "no such time zone"),
    "a name": ("[upstreams.'Bad Name']\nwire = 'gemini'", "a name is up to 40"),
    "no wire": ("[upstreams.a]\nbase_url = 'https://e.com'", "`upstreams.a.wire`: it is missing"),
    "no base URL": ("[upstreams.a]\nwire = 'gemini'", "`upstreams.a.base_url`: it is missing"),
    "a wire": ("[upstreams.a]\nwire = 'soap'", "'soap' is not one of gemini"),
    "a preset": ("[upstreams.a]\npreset = 'zzz'", "'zzz' is not one of google"),
    "a base URL": (
        "[upstreams.a]\nwire = 'gemini'\nbase_url = 'ftp://e.com'",
        "line 3, `upstreams.a.base",
    ),
    "auth": (ONE + "auth = 'magic'", "choose one of bearer"),
    "a key": (ONE + "api_key = 'x'", "`upstreams.a.api_key`: there is no such setting"),
    "a key for a variable": (ONE + "key_env = 'sk-1'", "never the key itself"),
    "a key among variables": (ONE + "more_key_envs = ['K', 'sk-1']", "never the key itself"),
    "a priority below nought": (ONE + "priority = -1", "-1 is too small: at least 0"),
    "a weight in words": (ONE + "weight = 'much'", "it wants a whole number"),
    "a proxy": (ONE + "proxy = 'http://a b'", "write it as http://host:port"),
    "concurrency": (ONE + "[upstreams.a.limits]\nconcurrency = 0", "at least 1"),
    "concurrency of 10^30": (ONE + f"[upstreams.a.limits]\nrpm = 1{'0' * 18}", "it is too large"),
    "a quirk": (ONE + "[upstreams.a.quirks]\nfast = true", "there is no such setting"),
    "a price": (ONE + "[upstreams.a.prices]\nx = 'cheap'", "write it like 5USD"),
    "models": (ONE + "models = 'a'", "it wants a list of texts"),
    "naming": ("naming = '{prompt}'", "{prompt} is not a field"),
    "naming a folder": ("naming = 'a/b'", "set the folder with `out`"),
    "naming with half a brace": ("naming = '{'", "its braces don't match"),
    "max_cost": ("max_cost = 'lots'", "line 1, `max_cost`"),
    "timeout_s": ("timeout_s = '1e9'", "`timeout_s`: '1e9': at most 86400 seconds"),
    "a folder": ("", "is a directory"),
}
FOLDER: dict[str, tuple[str | bytes, str]] = {
    "no TOML": ("x = = 3", "pisang.toml is wrong: line 1"),
    "an upstream of its own": (ONE, "`upstreams`: there is no such setting"),
    "a budget of its own": ("[budgets.x]\ncap = '1USD'", "`budgets`: there is no such setting"),
    "a key": ("api_key = 'x'", "`api_key`: there is no such setting"),
    "a way out": ("out = '../elsewhere'", "is outside this folder"),
    "a way out from the top": ("out = '/etc'", "is outside this folder"),
    "a way home": ("out = '~/x'", "is outside this folder"),
    "no UTF-8": (b"\xff", "line 1 is not UTF-8"),
}
KEYS: dict[str, tuple[str | bytes, str]] = {
    "no TOML": ("[keys]\nrelay = 'sk-secret\n", "is not valid TOML"),
    "a number": ("[keys]\nrelay = 3", "it wants a text in quotes"),
    "a slip": ("[key]\nrelay = 'sk-secret'", "there is no such setting"),
}


@contextmanager
def holding(path: Path, content: str | bytes) -> Iterator[None]:
    path.parent.mkdir(exist_ok=True)
    if content == "":
        path.mkdir()
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        yield
    finally:
        path.rmdir() if content == "" else path.unlink()


@pytest.mark.parametrize("name", CONFIG)
def test_a_mistake_in_the_home_s_settings_is_named_with_its_place(place: Place, name: str) -> None:
    content, said = CONFIG[name]
    path = place.home / "config.toml"
    with holding(path, content):
        error = refused(place, PAINT, 3, said)
        assert error["message"].startswith(f"The settings file {path} is wrong: ")


@pytest.mark.parametrize("name", FOLDER)
def test_a_mistake_in_the_folder_s_settings_is_named(place: Place, name: str) -> None:
    content, said = FOLDER[name]
    with holding(place.folder / "pisang.toml", content):
        refused(place, PAINT, 3, said)


@pytest.mark.parametrize("name", KEYS)
def test_a_mistake_among_the_keys_is_named_without_a_key(place: Place, name: str) -> None:
    content, said = KEYS[name]
    relay = '[upstreams.relay]\nwire = "gemini"\nbase_url = "https://e.com"\n'
    with holding(place.home / "config.toml", relay), holding(place.home / "keys.toml", content):
        error = refused(place, ("generate", "a", "--via", "relay"), 3, said)
        assert "secret" not in error["message"]


VARIABLES = {
    "PISANG_MAX_COST": ("lots", 2, "PISANG_MAX_COST 'lots'"),
    "PISANG_TIMEOUT": ("soon", 2, "PISANG_TIMEOUT 'soon'"),
    "PISANG_MODEL": ("a\udcff", 2, "it is not valid UTF-8 text"),
    "PISANG_ASPECT_RATIO": ("7:5", 2, "can't make aspect ratio '7:5'"),
    "PISANG_OUT": ("x.tiff", 2, ".tiff is not written here"),
    "PISANG_HOME": ("~nobodyhere/x", 3, "there is no home folder"),
}


@pytest.mark.parametrize("name", VARIABLES)
def test_a_wrong_variable_is_named(
    place: Place, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    value, code, said = VARIABLES[name]
    monkeypatch.setenv(name, value)
    refused(place, PAINT, code, said)


# --- homes and disks -----------------------------------------------------------------------------


def _file(home: Path) -> None:
    home.write_text("x")


def _circle(home: Path) -> None:
    home.symlink_to(home.name)


def _garbage(home: Path) -> None:
    home.mkdir()
    (home / "ledger.db").write_bytes(os.urandom(40_000))


def _half(home: Path) -> None:
    _used(home)
    path = home / "ledger.db"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _folder_for_ledger(home: Path) -> None:
    (home / "ledger.db").mkdir(parents=True)


def _foreign(home: Path) -> None:
    home.mkdir()
    with sqlite3.connect(home / "ledger.db") as ledger:
        ledger.execute("CREATE TABLE theirs (x)")
    ledger.close()


def _newer(home: Path) -> None:
    _used(home)
    with sqlite3.connect(home / "ledger.db") as ledger:
        ledger.execute("PRAGMA user_version = 999")
    ledger.close()


def _used(home: Path) -> None:
    assert pisang("history").code == 0
    assert (home / "ledger.db").exists()


HOMES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a file": (_file, "there is a file in its place"),
    "a link to itself": (_circle, "too many levels of symbolic links"),
    "a garbage ledger": (_garbage, "is damaged: it is not a SQLite database"),
    "half a ledger": (_half, "is damaged"),
    "a folder for a ledger": (_folder_for_ledger, "there is a folder in its place"),
    "another program's database": (_foreign, "it is another program's database"),
    "a newer Pisang's": (_newer, "was written by a newer Pisang (schema 999"),
}


@pytest.mark.parametrize("name", HOMES)
def test_a_home_that_cannot_be_used_is_named_and_left_as_it_is(
    place: Place, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil, said = HOMES[name]
    home = tmp_path / "home"
    monkeypatch.setenv("PISANG_HOME", str(home))
    spoil(home)
    ledger = home / "ledger.db"
    before = ledger.read_bytes() if ledger.is_file() else None
    for words in (PAINT, ("history",), ("unknown", "list"), ("gc",)):
        refused(place, words, 3, said)
    assert (ledger.read_bytes() if ledger.is_file() else None) == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a disk of that size; gone after the test. Skips where that is not allowed."""
    mounted = tmp_path / "disk"
    mounted.mkdir()

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(mounted)]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            pytest.skip(f"no disk can be mounted here: {done.stderr.decode().strip()}")
        return mounted

    yield mount
    subprocess.run(["umount", "-l", str(mounted)], capture_output=True, check=False)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server().running() as running:
        yield running


def at(server: Server, home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """A home with that server as its one upstream; the words of a call to it."""
    monkeypatch.setenv("PISANG_HOME", str(home))
    add_upstream("relay", "gemini", server.site.url, home)
    server.site.requests.clear()
    return ("generate", "a lake", "-m", MODEL)


def test_a_disk_with_too_little_room_is_told_before_anything_is_paid(
    place: Place,
    server: Server,
    small_disk: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = at(server, small_disk("size=8m") / "home", monkeypatch)
    error = refused(place, words, 3, "201 MB are wanted before paying: nothing was sent")
    assert server.site.requests == []
    (row,) = pisang("show", error["request_id"], "--format", "json").json["attempts"]
    assert (row["state"], row["charged"], row["error"]) == ("failed", "no", "store_full")


def test_a_disk_that_fills_while_the_answer_comes_leaves_an_unknown_and_a_way_on(
    server: Server, small_disk: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = small_disk("size=210m")
    words = at(server, disk / "home", monkeypatch)

    async def fill_then_answer(line: Any) -> None:
        await line.request()
        with (disk / "filler").open("wb", buffering=0) as filler:
            os.posix_fallocate(filler.fileno(), 0, os.statvfs(disk).f_bavail * 4096 - 8192)
            with pytest.raises(OSError, match="No space"):
                while True:
                    filler.write(bytes(4096))
        await line.say(http(good("gemini", png(padding=1_000_000))))
        line.close()

    server.script = fill_then_answer
    said = pisang(*words, "--format", "json")
    assert said.code == 7, said.err
    assert "filled up" in check_sentence(said)["message"]
    assert len(server.site.requests) == 1
    (disk / "filler").unlink()
    (row,) = pisang("unknown", "list", "--format", "json").json["unknown"]
    assert row["at_stake"] == "0.07 USD"
    server.script = answering(http(good("gemini")))
    again = pisang(*words)  # that its outcome was told could not be written down
    assert (again.code, len(server.site.requests)) == (7, 1)
    assert pisang(*words).code == 0, "the home is as good as new once there is room"


def test_a_read_only_home_is_named_and_nothing_is_sent(
    place: Place,
    server: Server,
    small_disk: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk = small_disk("size=210m")
    words = at(server, disk / "home", monkeypatch)
    assert pisang("history").code == 0
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    for call in (words, ("history",), ("gc",), ("upstream", "default", "relay")):
        refused(place, call, 3, "read-only")
    refused(place, (*PAINT, "-o", str(disk / "x.png")), 2, "read-only")
    assert server.site.requests == []


def test_an_image_that_finds_no_room_outside_is_kept_in_the_home(
    server: Server,
    small_disk: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk = small_disk("size=64k")
    words = at(server, tmp_path / "home", monkeypatch)
    server.script = answering(http(good("gemini", png(padding=300_000))))
    said = pisang(*words, "-o", str(disk / "x.png"), "--format", "json")
    assert said.code == 2
    (image,) = said.json["images"]
    assert Path(image["path"]).is_relative_to(tmp_path / "home")
    assert Path(image["path"]).stat().st_size > 300_000
    assert "no space left" in said.err
    assert list(disk.iterdir()) == []


# --- money and keys ------------------------------------------------------------------------------


def test_a_cap_below_the_price_or_beside_an_unknown_price_sends_nothing(
    place: Place, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = at(server, tmp_path / "home", monkeypatch)
    server.script = None
    refused(place, (*words, "--max-cost", "0.069USD"), 6, "0.07 USD more would pass it")
    refused(place, (*words, "-m", "other", "--max-cost", "9USD"), 6, "is not known")
    refused(place, (*words, "--max-cost", "9CNY"), 6, "")
    with (tmp_path / "home" / "config.toml").open("a") as config:
        config.write("[budgets.day]\ncap = '0.01USD'\nperiod = 'day'\n")
    error = refused(place, words, 6, "has 0.00 USD of 0.01 USD spent")
    assert server.site.requests == []
    (row,) = pisang("show", error["request_id"], "--format", "json").json["attempts"]
    assert (row["state"], row["charged"]) == ("failed", "no")


def test_an_unknown_model_passes_with_a_warning(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = at(server, tmp_path / "home", monkeypatch)
    server.script = answering(http(good("gemini", LONG_PNG)))
    said = pisang(*words, "-r", "7:5", "-s", "9K", "--format", "json")
    assert said.code == 0, said.err
    assert "model_unknown" in {one["code"] for one in said.json["warnings"]}
    body = server.site.requests[-1][1]
    assert b"7:5" in body
    assert b"9K" in body


def test_an_id_that_fits_several_is_said_to(
    place: Place, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = at(server, tmp_path / "home", monkeypatch)
    server.script = answering(http(b"", 524))
    assert [pisang(*words).code for _ in range(2)] == [7, 7]
    refused(place, ("show", "req_"), 2, "'req_' fits 2")
    refused(place, ("unknown", "look", "att_"), 2, "'att_' fits 2")
    refused(place, ("unknown", "write-off", "att_"), 2, "'att_' fits 2")


@pytest.mark.parametrize("wire", WIRES)
def test_a_wrong_key_is_free_and_said_as_one(
    place: Place,
    pisang_sandbox: SandboxServer,
    wire: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PISANG_HOME", str(tmp_path / "home"))
    words = ("--wire", wire, "--base-url", pisang_sandbox.base_url, "--key-env", "MY_KEY")
    assert pisang("upstream", "add", "relay", *words).code == 0
    paint = ("generate", "a lake", "-m", "gemini-3.1-flash-image")
    refused(place, paint, 3, "No key is set for relay")
    monkeypatch.setenv("MY_KEY", "invalid-and-secret")
    error = refused(place, paint, 3, "the key is invalid or expired")
    assert error["code"] == "key_invalid"
    assert "secret" not in error["message"]
    assert pisang_sandbox.book == ()
    (row,) = pisang("show", error["request_id"], "--format", "json").json["attempts"]
    assert (row["state"], row["charged"], row["status"]) == ("failed", "no", 401)


# --- standard input ------------------------------------------------------------------------------


def test_nobody_is_asked_anything_off_a_terminal(place: Place) -> None:
    said: Said = pisang("upstream", "add", "google")
    assert said.code == 3
    assert "--key-stdin" in said.err
