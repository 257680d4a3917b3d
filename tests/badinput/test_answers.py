"""W1-W8, N1-N7 of the research on reliability, through the whole product: every malformed answer.

Whatever an upstream sends, four things are one story: the exit code, the sentence, the ledger's
row, and what was really sent. Nothing is sent twice unless it was free, no image that came whole
is lost, and no broken one is stored.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import random
import socket
from collections.abc import Callable
from functools import partial

import pytest

from tests.badinput.bodies import LONG_PNG, PNG, body, bomb, good, http, picture, png
from tests.badinput.stage import MODEL, WIRES, Stage, add_upstream, pisang
from tests.transport.faults import Line, Script, answering

UNKNOWN = (7, "unknown", "unknown")
DONE = (0, "done", "yes")
SHORT = base64.b64encode(PNG)
LONG = base64.b64encode(LONG_PNG)

Make = Callable[[str], bytes]
"""An HTTP answer for a wire."""

every_wire = pytest.mark.parametrize("wire", WIRES)


def rows(table: dict[str, Make]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("make", table.values(), ids=table.keys())


def whole(change: Callable[[bytes], bytes], image: bytes = PNG) -> Make:
    """A good answer to which something was done."""
    return lambda wire: http(change(good(wire, image)))


def member(raw: bytes, image: bytes = PNG) -> Make:
    """A good answer with one more member at its end."""
    return whole(lambda text: text[:-1] + b"," + raw + b"}", image)


def holding(*data: bytes, mime: bytes = b"image/png") -> Make:
    """An answer whose pictures are these strings."""
    return lambda wire: http(body(wire, *(picture(wire, one, mime) for one in data)))


def just(raw: bytes) -> Make:
    return lambda wire: http(raw)


# --- W1, W4: what is not the JSON it claims to be ------------------------------------------------

FLAWS = {
    "a key twice": b'"a":1,"a":2',
    "5,000 digits": b'"a":' + b"9" * 5000,
    "1e400": b'"a":1e400',
    "depth 100,000": b'"a":' + b"[" * 100_000 + b"]" * 100_000,
    "a lone surrogate": b'"a":"\\ud800"',
    "a lone surrogate in a key": b'"\\udfff":1',
    "NUL in a string": b'"a":"\0"',
    "bytes that are no UTF-8": b'"a":"\xff"',
    "a word": b'"a":tru',
}

NOT_JSON: dict[str, Make] = {
    **{name: member(raw) for name, raw in FLAWS.items()},
    "random bytes": just(random.Random(1).randbytes(3000)),
    "random bytes behind a brace": just(b"{" + random.Random(2).randbytes(3000)),
    "depth, never closed": member(b'"a":' + b"{" * 100_000),
    "NUL behind it": whole(lambda text: text + b"\0"),
    "a byte order mark": whole(lambda text: b"\xef\xbb\xbf" + text),
    "UTF-16": whole(lambda text: text.decode().encode("utf-16")),
    "a letter behind it": whole(lambda text: text + b"x"),
    "itself behind it": whole(lambda text: text + text),
    "a comment before it": whole(lambda text: b"/**/" + text),
    "single quotes": whole(lambda text: text.replace(b'"', b"'")),
    "half of it": whole(lambda text: text[: len(text) // 2]),
    "a list": just(b"[]"),
    "null": just(b"null"),
    "a number": just(b"42"),
    "a string": just(b'"done"'),
    "nothing": just(b""),
    "blanks": just(b"\r\n \t\r\n"),
}


@every_wire
@rows(NOT_JSON)
def test_what_cannot_be_read_is_unknown_and_asked_for_once(
    stage: Stage, wire: str, make: Make
) -> None:
    asked = stage.ask(wire, answering(make(wire)))
    asked.agrees()
    assert asked.fate == UNKNOWN
    assert asked.sends == 1
    assert "iVBOR" not in asked.said.err, "half a picture is no sentence"


STILL_WHOLE: dict[str, Make] = {
    **{name: member(raw, LONG_PNG) for name, raw in FLAWS.items()},
    "NaN": member(b'"a":NaN', LONG_PNG),
    "-Infinity": member(b'"a":-Infinity', LONG_PNG),
    "NUL behind it": whole(lambda text: text + b"\0", LONG_PNG),
    "a byte order mark": whole(lambda text: b"\xef\xbb\xbf" + text, LONG_PNG),
    "a letter behind it": whole(lambda text: text + b"x", LONG_PNG),
    "its last brackets missing": whole(lambda text: text[:-3], LONG_PNG),
}


@every_wire
@rows(STILL_WHOLE)
def test_a_whole_image_in_an_answer_that_cannot_be_read_was_paid_for_and_is_kept(
    stage: Stage, wire: str, make: Make
) -> None:
    asked = stage.ask(wire, answering(make(wire)))
    asked.agrees()
    assert asked.fate == DONE
    assert asked.warnings & {"answer_malformed", "answer_cut"}
    (image,) = asked.said.json["images"]
    assert stage.images()[image["sha256"]] == LONG_PNG


# --- W5: base64 ----------------------------------------------------------------------------------

BROKEN: dict[str, Make] = {
    **{f"short, cut at {n}": holding(SHORT[:n]) for n in (1, 4, 40, 41, 42, 43)},
    **{f"short, last {n} missing": holding(SHORT.rstrip(b"=")[:-n]) for n in (1, 2, 3, 4, 5, 8)},
    **{f"long, cut at {n}": holding(LONG[:n]) for n in (16_385, 30_000, 30_001, 30_002, 30_003)},
    **{f"long, last {n} missing": holding(LONG.rstrip(b"=")[:-n]) for n in (1, 2, 3, 4, 5, 64)},
    "foreign characters": holding(SHORT[:40] + b"!!" + SHORT[40:]),
    "foreign characters in a long one": holding(LONG[:30_000] + b"!!" + LONG[30_000:]),
    "foreign characters first": holding(b"!!" + LONG),
    "padding in the middle": holding(SHORT[:40] + b"==" + SHORT[40:]),
    "a page for a picture": holding(base64.b64encode(b"<!doctype html><html>Sorry</html>" * 9)),
    "zeros for a picture": holding(base64.b64encode(bytes(300))),
    "a picture of no pixels": holding(base64.b64encode(png(0, 0))),
}


@every_wire
@rows(BROKEN)
def test_a_broken_picture_is_unknown_and_never_stored(stage: Stage, wire: str, make: Make) -> None:
    before = stage.images()
    asked = stage.ask(wire, answering(make(wire)))
    asked.agrees()
    assert asked.fate == UNKNOWN
    assert "broken or cut short" in asked.error["message"]
    assert asked.sends == 1
    assert stage.images() == before


def lines(text: bytes, end: bytes) -> bytes:
    return end.join(text[at : at + 76] for at in range(0, len(text), 76))


def urlsafe(image: bytes) -> bytes:
    return base64.urlsafe_b64encode(image)


TAKEN: dict[str, tuple[Make, bytes]] = {
    "url-safe": (holding(urlsafe(PNG)), PNG),
    "url-safe, long": (holding(urlsafe(LONG_PNG)), LONG_PNG),
    "url-safe without padding": (holding(urlsafe(PNG).rstrip(b"=")), PNG),
    "without padding, long": (holding(LONG.rstrip(b"=")), LONG_PNG),
    "in lines": (holding(lines(SHORT, b"\\n")), PNG),
    "in lines, long": (holding(lines(LONG, b"\\r\\n")), LONG_PNG),
    "with escaped letters": (holding(SHORT.replace(b"A", b"\\u0041")), PNG),
    "with escaped slashes": (holding(LONG.replace(b"/", b"\\/")), LONG_PNG),
    "as text/plain": (lambda wire: http(good(wire), kind=b"text/plain"), PNG),
    "as text/html": (lambda wire: http(good(wire), kind=b"text/html"), PNG),
    "without a type": (lambda wire: http(good(wire), kind=b""), PNG),
    "blanks around it": (whole(lambda text: b"\n\n" + text + b"\r\n \r\n"), PNG),
    "gzipped unasked": (
        lambda wire: http(gzip.compress(good(wire)), 200, b"Content-Encoding: gzip"),
        PNG,
    ),
}


@every_wire
@pytest.mark.parametrize(("make", "image"), TAKEN.values(), ids=TAKEN.keys())
def test_what_is_only_unusual_is_taken(stage: Stage, wire: str, make: Make, image: bytes) -> None:
    asked = stage.ask(wire, answering(make(wire)))
    asked.agrees()
    assert asked.fate == DONE
    assert not asked.warnings & {"answer_malformed", "answer_cut", "image_broken"}
    (told,) = asked.said.json["images"]
    assert stage.images()[told["sha256"]] == image


# --- W6: pages, errors under a 200 ---------------------------------------------------------------


@every_wire
def test_a_picture_in_place_of_an_answer_is_kept_to_the_byte(stage: Stage, wire: str) -> None:
    asked = stage.ask(wire, answering(http(LONG_PNG, kind=b"image/png")))
    asked.agrees()
    assert asked.fate == DONE
    assert "bare_picture" in asked.warnings
    (image,) = asked.said.json["images"]
    assert stage.images()[image["sha256"]] == LONG_PNG


BARE: dict[str, tuple[bytes, str]] = {
    "half a picture": (http(LONG_PNG[:30_000], kind=b"image/png"), "cut short"),
    "half of what it says": (http(LONG_PNG[:30_000], length=99_999), "broke after"),
    "a form of parts": (
        http(b"--b\r\n\r\n" + LONG_PNG + b"\r\n--b--", kind=b"multipart/mixed; boundary=b"),
        "can't be read",
    ),
}


@every_wire
@pytest.mark.parametrize("kind", BARE)
def test_less_than_a_picture_in_place_of_an_answer_is_unknown(
    stage: Stage, wire: str, kind: str
) -> None:
    answer, said = BARE[kind]
    asked = stage.ask(wire, answering(answer))
    asked.agrees()
    assert asked.fate == UNKNOWN
    assert said in asked.error["message"]
    assert asked.sends == 1
    if kind == "a form of parts":
        assert "bytes of multipart/mixed, not all of them text: --b" in asked.rows[-1].excerpt


PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>%d Oops</title><style>p{color:red}</style>"
    b"<script>alert('evil')</script></head><body><h1>Error %d</h1>"
    + b"<p>The server is resting.</p>" * 500
    + b"</body></html>"
)

PAGES: dict[int, tuple[tuple[int, str, str], str]] = {
    200: (UNKNOWN, "outcome_unknown"),
    400: ((2, "failed", "no"), "request_rejected"),
    401: ((3, "failed", "no"), "key_invalid"),
    403: ((3, "failed", "no"), "permission_denied"),
    404: ((3, "failed", "no"), "base_url_wrong"),
    405: ((3, "failed", "no"), "base_url_wrong"),
    408: (UNKNOWN, "outcome_unknown"),
    413: ((2, "failed", "no"), "request_too_large"),
    429: ((5, "failed", "no"), "rate_limited"),
    **dict.fromkeys((500, 502, 503, 504, *range(520, 528)), (UNKNOWN, "outcome_unknown")),
}


@every_wire
@pytest.mark.parametrize("status", PAGES)
def test_a_page_in_place_of_an_answer_is_told_by_its_status(
    stage: Stage, wire: str, status: int
) -> None:
    fate, code = PAGES[status]
    page = PAGE % (status, status)
    asked = stage.ask(wire, answering(http(page, status, kind=b"text/html")))
    asked.agrees()
    assert asked.fate == fate
    assert asked.error["code"] == code
    assert "evil" not in asked.said.err
    assert "<" not in asked.said.err
    excerpt = asked.rows[-1].excerpt
    assert excerpt.startswith(f"{status} Oops Error {status} The server is resting.")
    assert len(excerpt.encode()) <= 2048
    assert asked.rows[-1].status == status


UNDER_200 = {
    "Google's error": b'{"error":{"code":503,"message":"It is resting","status":"UNAVAILABLE"}}',
    "a relay's error": b'{"error":{"message":"It is resting","type":"new_api_error"}}',
    "a word": b'{"error":"It is resting"}',
}


@every_wire
@pytest.mark.parametrize("raw", UNDER_200.values(), ids=UNDER_200.keys())
def test_an_error_under_a_200_is_never_free_and_never_sent_again(
    stage: Stage, wire: str, raw: bytes
) -> None:
    asked = stage.ask(wire, answering(http(raw)))
    asked.agrees()
    # The crawl wire's own document has failures under a 200; what they cost it does not say.
    assert asked.fate == ((5, "refused", "unknown") if wire == "crawl" else UNKNOWN)
    assert asked.sends == 1
    assert "It is resting" in asked.error["message"]


def test_a_word_in_place_of_an_answer_is_repeated(stage: Stage) -> None:
    asked = stage.ask("gemini", answering(http(b"Service busy, come back.", kind=b"text/plain")))
    asked.agrees()
    assert asked.fate == UNKNOWN
    assert "Service busy, come back." in asked.error["message"]


# --- W7: the wrong image bytes, more than one ----------------------------------------------------


@every_wire
def test_a_picture_of_another_type_than_declared_is_taken_and_said(stage: Stage, wire: str) -> None:
    asked = stage.ask(wire, answering(http(good(wire, mime=b"image/jpeg"))))
    asked.agrees()
    assert asked.fate == DONE
    assert "type_mismatch" in asked.warnings
    assert asked.said.json["images"][0]["mime"] == "image/png"


@every_wire
def test_two_pictures_are_two_images_and_one_of_them_twice_is_one(stage: Stage, wire: str) -> None:
    other = base64.b64encode(png(16, 16))
    two = stage.ask(wire, answering(holding(SHORT, other)(wire)))
    two.agrees()
    assert len(two.said.json["images"]) == 2
    same = stage.ask(wire, answering(holding(SHORT, SHORT)(wire)))
    same.agrees()
    assert len(same.said.json["images"]) == 1


@every_wire
def test_a_broken_picture_beside_a_whole_one_is_left_out_and_said(stage: Stage, wire: str) -> None:
    asked = stage.ask(wire, answering(holding(SHORT, LONG[:30_001])(wire)))
    asked.agrees()
    assert asked.fate == DONE
    assert "image_broken" in asked.warnings
    assert len(asked.said.json["images"]) == 1


def test_an_image_among_thoughts_alone_is_no_image(stage: Stage) -> None:
    thought = picture("gemini", SHORT)[:-1] + b',"thought":true}'
    asked = stage.ask("gemini", answering(http(body("gemini", thought))))
    asked.agrees()
    assert asked.fate == (5, "refused", "unknown")
    drafted = body("gemini", thought, picture("gemini", base64.b64encode(png(16, 16))))
    (image,) = stage.ask("gemini", answering(http(drafted))).said.json["images"]
    assert image["width"] == 16


@every_wire
def test_words_without_a_picture_are_no_image(stage: Stage, wire: str) -> None:
    words = {
        "gemini": b'{"text":"I would rather not."}',
        "crawl": b'{"type":"text","text":"I would rather not."}',
        "openai-images": b"",
        "openai-chat": b"",
    }
    asked = stage.ask(wire, answering(http(body(wire, words[wire]))))
    asked.agrees()
    assert asked.fate == (5, "refused", "unknown")
    assert asked.error["code"] == "no_image"


LINKS = (
    "http://127.0.0.1:9/a.png",
    "https://127.0.0.1:9/a.png",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]:9/a.png",
)
NAMED = {
    "gemini": b'{"fileData":{"mimeType":"image/png","fileUri":"%b"}}',
    "openai-images": b'{"url":"%b"}',
    "openai-chat": b'{"type":"image_url","image_url":{"url":"%b"}}',
}


@pytest.mark.parametrize("wire", NAMED)
@pytest.mark.parametrize("link", LINKS)
def test_a_link_to_where_nobody_may_go_leaves_the_outcome_unknown(
    stage: Stage, wire: str, link: str
) -> None:
    asked = stage.ask(wire, answering(http(body(wire, NAMED[wire] % link.encode()))))
    asked.agrees()
    assert asked.fate == UNKNOWN
    assert "answered with a link" in asked.error["message"]
    assert asked.sends == 1


BEHIND: dict[str, tuple[bytes, tuple[int, str, str]]] = {
    "the picture": (http(LONG_PNG, kind=b"image/png"), DONE),
    "half of it": (http(LONG_PNG[:30_000], kind=b"image/png"), UNKNOWN),
    "half of what it says": (http(LONG_PNG[:30_000], kind=b"image/png", length=99_999), UNKNOWN),
    "a page": (http(b"<html>expired</html>", kind=b"text/html"), UNKNOWN),
    "nothing": (http(b"", 404), UNKNOWN),
}


@pytest.mark.parametrize("behind", BEHIND)
def test_what_is_behind_a_link_is_a_whole_picture_or_an_unknown_outcome(
    stage: Stage, behind: str
) -> None:
    answer, fate = BEHIND[behind]
    link = f"{stage.server.site.url}/a.png".encode()

    async def script(line: Line) -> None:
        head, _ = await line.request()
        paid = head.startswith(b"POST")
        await line.say(
            http(body("openai-images", NAMED["openai-images"] % link)) if paid else answer
        )
        line.close()

    before = stage.images()
    asked = stage.ask("openai-images", script)
    assert asked.fate == fate
    sent = [head.split(b" ", 1)[0] for head, _ in stage.server.site.requests[-asked.sends :]]
    assert sent == [b"POST", b"GET"]
    if fate == UNKNOWN:
        assert stage.images() == before
        assert "a link" in asked.error["message"]


@pytest.mark.parametrize("wire", NAMED)
def test_one_link_of_two_that_gives_nothing_is_named_beside_the_picture(
    stage: Stage, wire: str
) -> None:
    links = [f"{stage.server.site.url}/{name}?sig=k".encode() for name in ("gone.png", "a.png")]

    async def script(line: Line) -> None:
        head, _ = await line.request()
        if head.startswith(b"POST"):
            await line.say(http(body(wire, *(NAMED[wire] % link for link in links))))
        else:
            await line.say(http(b"", 404) if b"gone" in head else http(LONG_PNG))
        line.close()

    asked = stage.ask(wire, script)
    assert asked.fate == DONE
    assert len(asked.said.json["images"]) == 1
    (missing,) = [
        one["message"] for one in asked.said.json["warnings"] if one["code"] == "picture_missing"
    ]
    assert f"{stage.server.site.url}/gone.png (" in missing
    assert "sig" not in missing


# --- W8: headers ---------------------------------------------------------------------------------

HEADERS = {
    "one of 100 kB": b"X: " + b"a" * 100_000,
    "ten thousand": b"\r\n".join(b"X%d: a" % n for n in range(10_000)),
    "a bare CR": b"X: a\rY: b",
    "NUL": b"X: a\0b",
}


@pytest.mark.parametrize("field", HEADERS.values(), ids=HEADERS.keys())
def test_headers_that_no_server_sends_end_the_call_as_unknown(stage: Stage, field: bytes) -> None:
    asked = stage.ask("gemini", answering(http(good("gemini"), 200, field)))
    asked.agrees()
    assert asked.fate == UNKNOWN
    assert asked.sends == 1


def test_a_header_that_paints_the_terminal_reaches_no_row(stage: Stage) -> None:
    odd = b"x-request-id: \x1b[31m\xe2\x80\xae red"
    for status, content in ((400, b"{}"), (200, good("gemini"))):
        asked = stage.ask("gemini", answering(http(content, status, odd)))
        asked.agrees()
        assert (asked.rows[-1].upstream_request_id or "").split() == ["[31m", "red"]


def test_words_that_steer_a_terminal_are_shown_and_not_obeyed(stage: Stage) -> None:
    words = b'{"text":"\\u001b]0;owned\\u0007\\u202e\\u009b2J I would rather not"}'
    stage.server.script = answering(http(body("gemini", words)))
    said = pisang("generate", "a lake", "--via", "bad-gemini", "-m", MODEL)
    assert said.code == 5
    assert "I would rather not" in said.err
    assert not set("\x1b\x07\u202e\x9b") & set(said.err)


# --- N1: nothing was sent ------------------------------------------------------------------------


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@pytest.mark.parametrize(
    ("name", "url", "why"),
    [
        ("nobody", "http", "Connection refused"),
        ("nowhere", "http://nowhere.invalid", "could not be resolved"),
        ("no-tls", "https", "TLS handshake failed"),
    ],
)
def test_what_never_left_is_free_and_tried_three_times(
    stage: Stage, name: str, url: str, why: str
) -> None:
    if url == "http":
        url = f"http://127.0.0.1:{closed_port()}"
    if url == "https":
        url = stage.server.site.url.replace("http:", "https:")
    add_upstream(name, "gemini", url, stage.home)
    asked = stage.call(
        "generate", "a lake", "--via", name, "-m", MODEL, script=lambda line: line.say(b"no TLS")
    )
    asked.agrees()
    assert asked.fate == (5, "failed", "no")
    assert asked.error["code"] == "unreachable"
    assert why in asked.error["message"]
    assert len(asked.rows) == 3
    assert asked.sends == 0


# --- N2-N4: the connection breaks, or nothing comes ----------------------------------------------

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


async def _reset_at_once(line: Line) -> None:
    await line.request()
    line.reset()


async def _reset_after(sent: bytes, line: Line) -> None:
    await line.request()
    await line.say(sent)
    await asyncio.sleep(0.05)
    line.reset()


async def _black_hole(line: Line) -> None:
    await line.request()
    await line.hold()


async def _hold_after(sent: bytes, line: Line) -> None:
    await line.request()
    await line.say(sent)
    await line.hold()


async def _drip(line: Line) -> None:
    await line.request()
    await line.say(HEAD + b"Content-Length: 100000\r\n\r\n")
    await line.drip(good("gemini", LONG_PNG), 0.02)


async def _half_close(line: Line) -> None:
    await line.request()
    await line.say(http(good("gemini", LONG_PNG))[:-2000])
    line.writer.write_eof()
    await line.hold()


LONG_ANSWER = http(good("gemini", LONG_PNG))
FAULTS: dict[str, Script] = {
    "reset before the header": _reset_at_once,
    "reset inside the status line": partial(_reset_after, b"HTTP/1.1 2"),
    "reset inside the header": partial(_reset_after, HEAD + b"Content-Le"),
    "reset behind the header": partial(_reset_after, HEAD + b"Content-Length: 99\r\n\r\n"),
    "reset inside the picture": partial(_reset_after, LONG_ANSWER[:30_000]),
    "closed before the header": answering(b""),
    "closed inside the picture": answering(LONG_ANSWER[:30_000]),
    "half-closed inside the picture": _half_close,
    "a black hole": _black_hole,
    "a black hole behind the header": partial(_hold_after, HEAD + b"Content-Length: 9\r\n\r\n"),
    "a black hole inside the picture": partial(_hold_after, LONG_ANSWER[:30_000]),
    "a drip": _drip,
    "not HTTP": answering(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"),
    "a length that is too short": answering(http(good("gemini"), length=20)),
    "a length below nought": answering(http(good("gemini"), length=-5)),
    "a length of a terabyte": answering(http(good("gemini"), length=10**12)),
}


def patience(name: str) -> float:
    """Seconds: short only where nothing but the time limit ends it."""
    return 0.7 if "hole" in name or "drip" in name else 10.0


@pytest.mark.parametrize("name", FAULTS)
def test_a_connection_that_fails_after_sending_is_unknown_and_used_once(
    stage: Stage, name: str
) -> None:
    before = stage.images()
    asked = stage.ask("gemini", FAULTS[name], timeout_s=patience(name))
    asked.agrees()
    assert asked.fate == UNKNOWN
    assert asked.sends == 1
    assert asked.error["hint"] == f"pisang unknown look {asked.rows[-1].id}"
    assert stage.images() == before


CUT_BEHIND: dict[str, Script] = {
    "reset behind the last byte": partial(_reset_after, LONG_ANSWER),
    "reset behind the picture": partial(_reset_after, LONG_ANSWER[:-10]),
    "closed behind the picture": answering(LONG_ANSWER[:-10]),
    "a black hole behind the picture": partial(_hold_after, LONG_ANSWER[:-10]),
    "a length that is too long": answering(http(good("gemini", LONG_PNG), length=10**6)),
    "gzip, cut behind the picture": answering(
        http(gzip.compress(good("gemini", LONG_PNG))[:-9], 200, b"Content-Encoding: gzip")
    ),
}


@pytest.mark.parametrize("name", CUT_BEHIND)
def test_a_whole_image_in_an_answer_that_then_broke_is_done(stage: Stage, name: str) -> None:
    asked = stage.ask("gemini", CUT_BEHIND[name], timeout_s=patience(name))
    asked.agrees()
    assert asked.fate == DONE
    (image,) = asked.said.json["images"]
    assert stage.images()[image["sha256"]] == LONG_PNG


def test_a_refusal_is_believed_though_its_body_was_cut(stage: Stage) -> None:
    asked = stage.ask("gemini", answering(http(b'{"error":', 400, length=999)))
    asked.agrees()
    assert asked.fate == (2, "failed", "no")


# --- N6, N7, redirects ---------------------------------------------------------------------------

NOW = b"Date: Sun, 22 Nov 2026 10:00:00 GMT"
DELAYS: dict[str, tuple[list[bytes], int, float | None]] = {
    "nought": ([b"Retry-After: 0"], 3, 0.0),
    "a date that is now": ([NOW, b"Retry-After: Sun, 22 Nov 2026 10:00:00 GMT"], 3, 0.0),
    "a date that has passed": ([NOW, b"Retry-After: Sun, 22 Nov 2020 10:00:00 GMT"], 3, None),
    "a date in two minutes": ([NOW, b"Retry-After: Sun, 22 Nov 2026 10:02:00 GMT"], 1, 120.0),
    "-1": ([b"Retry-After: -1"], 3, None),
    "10^9": ([b"Retry-After: 1000000000"], 1, 3600.0),
    "10^400": ([b"Retry-After: 1" + b"0" * 400], 1, 3600.0),
    "garbage": ([b"Retry-After: soon"], 3, None),
    "nan": ([b"Retry-After: nan"], 3, None),
}


@every_wire
@pytest.mark.parametrize(("fields", "sends", "delay_s"), DELAYS.values(), ids=DELAYS.keys())
def test_a_429_is_free_and_its_delay_is_honoured_or_handed_on(
    stage: Stage, wire: str, fields: list[bytes], sends: int, delay_s: float | None
) -> None:
    asked = stage.ask(wire, answering(http(b'{"error":{"message":"slow down"}}', 429, *fields)))
    asked.agrees()
    assert asked.fate == (5, "failed", "no")
    assert asked.sends == sends
    assert asked.error["retry"] == "later"
    assert asked.rows[-1].error_fields.get("retry_after_s") in (delay_s, delay_s or None)


def test_a_second_try_that_succeeds_is_done_and_both_have_rows(stage: Stage) -> None:
    answers = iter([http(b"{}", 429, b"Retry-After: 0"), http(good("gemini"))])

    async def script(line: Line) -> None:
        await line.request()
        await line.say(next(answers))
        line.close()

    asked = stage.ask("gemini", script)
    asked.agrees()
    assert asked.fate == DONE
    assert [row.state for row in asked.rows] == ["failed", "done"]


CODINGS: dict[str, Make] = {
    "a bomb": lambda _: http(bomb(64 << 20), 200, b"Content-Encoding: gzip"),
    "a bomb in JSON": lambda _: http(
        gzip.compress(b'{"a":"' + b"a" * (64 << 20)), 200, b"Content-Encoding: gzip"
    ),
    "stacked": lambda wire: http(
        gzip.compress(gzip.compress(good(wire))), 200, b"Content-Encoding: gzip, gzip"
    ),
    "br": lambda _: http(b"\x0b\x02\x80abc\x03", 200, b"Content-Encoding: br"),
    "zstd": lambda _: http(b"\x28\xb5\x2f\xfd", 200, b"Content-Encoding: zstd"),
    "gzip that is none": lambda wire: http(good(wire), 200, b"Content-Encoding: gzip"),
}


@rows(CODINGS)
def test_a_body_that_is_not_to_be_unpacked_is_unknown(stage: Stage, make: Make) -> None:
    asked = stage.ask("gemini", answering(make("gemini")))
    asked.agrees()
    assert asked.fate == UNKNOWN
    assert asked.sends == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("wire", WIRES)
def test_a_redirect_is_never_followed(stage: Stage, wire: str, status: int) -> None:
    field = f"Location: {stage.server.site.url}/elsewhere".encode()
    asked = stage.ask(wire, answering(http(good(wire), status, field)))
    asked.agrees()
    # 303 says that the call was carried out (RFC 9110 §15.4.4); the others that it was not.
    assert asked.fate == (UNKNOWN if status == 303 else (3, "failed", "no"))
    assert asked.sends == 1
    if status != 303:
        assert "/elsewhere" in asked.error["message"]


# --- the whole command line ----------------------------------------------------------------------


def test_one_bad_answer_of_two_does_not_lose_the_other(stage: Stage) -> None:
    for status, code in ((400, 8), (524, 7)):
        answers = iter([http(good("gemini", LONG_PNG)), http(b"<html>", status)])

        async def script(line: Line, answers: object = answers) -> None:
            await line.request()
            await line.say(next(answers))  # type: ignore[call-overload]
            line.close()

        stage.server.script = script
        words = ("generate", "a lake", "--via", "bad-gemini", "-m", MODEL, "-n", "2")
        said = pisang(*words, "--format", "json")
        assert said.code == code, said.err
        assert len(said.json["images"]) == 1
        assert len(said.json["failures"]) == 1
        assert "Traceback" not in said.err


def test_the_same_key_again_after_an_unknown_sends_nothing(stage: Stage) -> None:
    words = ("generate", "a lake", "--via", "bad-gemini", "-m", MODEL, "--idempotency-key", "k1")
    first = stage.call(*words, script=answering(http(b"", 524)))
    again = stage.call(*words)
    assert (first.said.code, first.sends) == (7, 1)
    assert (again.said.code, again.sends) == (7, 0)
    assert again.error["request_id"] == first.error["request_id"]
    bought = stage.call(*words, "--retry-unknown", script=answering(http(good("gemini"))))
    assert (bought.said.code, bought.sends) == (0, 1)


def test_the_time_limit_of_the_command_line_ends_a_black_hole(stage: Stage) -> None:
    words = ("generate", "a lake", "--via", "bad-crawl", "-m", MODEL, "--timeout", "1.5")
    asked = stage.call(*words, script=_black_hole)
    asked.agrees()
    assert asked.fate == UNKNOWN
    assert asked.sends == 1
    assert "1.5 s" in asked.error["message"]
    assert asked.error["at_stake"] == "0.07 USD"


def test_an_unknown_is_told_in_chinese_whole(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PISANG_LANG", "zh")
    asked = stage.call(
        "generate", "一个湖", "--via", "bad-gemini", "-m", MODEL, script=answering(http(b"", 524))
    )
    assert asked.said.code == 7
    assert "结果未知" in asked.said.json["error"]["message"]
    assert "{" not in asked.said.err


def test_after_all_of_it_the_home_is_sound(stage: Stage) -> None:
    """Last: every stored image whole, the ledger without a flaw, nothing left under way."""
    assert stage.images()
    said = pisang("doctor", "--format", "json")
    bad = [one for one in said.json["checks"] if one["state"] == "bad"]
    assert not bad
    unknown = pisang("unknown", "list", "--format", "json").json["unknown"]
    assert all(json.dumps(one["at_stake"]) == '"0.07 USD"' for one in unknown)
    assert not [row for row in unknown if row["state"] != "unknown"]
