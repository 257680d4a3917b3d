"""What the bytes of an answer are taken for, whatever its content type says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pisang.domain.answer import Answer, Ended
from pisang.domain.content import RawRun, Span, content_of
from pisang.engine.intake import RAW_CAP, Intake
from pisang.wires.scan import MemorySink
from tests.crash.book import png

PICTURES = {
    "png": png(1, 200_000),
    "jpeg": b"\xff\xd8\xff\xe0" + bytes(100_000),
    "webp": b"RIFF\0\0\0\0WEBPVP8 " + bytes(100_000),
    "gif": b"GIF89a" + bytes(100_000),
    "avif": b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif" + bytes(100_000),
}


def taken(body: bytes, size: int, ended: Ended = Ended.WHOLE) -> Answer:
    intake = Intake(MemorySink())
    for chunk in chunks(body, size):
        intake.take(chunk)
    return intake.answer(ended=ended, sent=True, status=200, headers={}, elapsed_ms=1)


def chunks(body: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.mark.parametrize("size", [7, 1000, 10**6])
@pytest.mark.parametrize("kind", PICTURES)
def test_a_body_that_is_a_picture_is_kept_whole(kind: str, size: int) -> None:
    picture = PICTURES[kind]
    answer = taken(picture, size)
    content = content_of(picture)
    assert answer.skeleton == b""
    assert answer.spans == (Span((RawRun(content, content),)),)
    assert answer.body_bytes == len(picture)


def test_of_a_picture_that_is_cut_all_that_came_is_kept() -> None:
    (span,) = taken(PICTURES["png"][:-40], 1000, Ended.CUT).spans
    assert span.contents == (content_of(PICTURES["png"][:-40]),)
    assert not span.complete


@pytest.mark.parametrize("size", [7, 1000, 10**6])
def test_of_any_other_body_the_beginning_is_kept(size: int) -> None:
    body = b"<html>" + bytes(range(33, 127)) * 2000
    answer = taken(body, size)
    assert answer.skeleton == body[:RAW_CAP]
    assert answer.spans == ()


@pytest.mark.parametrize("body", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"no", b""])
def test_what_is_too_short_to_tell_is_kept_as_it_is(body: bytes) -> None:
    answer = taken(body, 3)
    assert (answer.skeleton, answer.spans) == (body, ())


def test_an_answer_behind_any_number_of_blanks_is_read() -> None:
    answer = taken(b"\n" * (3 * RAW_CAP) + b'{"a": 1}', 1000)
    assert answer.skeleton.strip() == b'{"a": 1}'
