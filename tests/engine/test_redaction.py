"""Our key, repeated by an upstream, is dotted out before anything of the answer is kept."""

from __future__ import annotations

import json

import pytest

from pisang.domain.answer import Answer, Ended
from pisang.domain.content import Base64Run, Span, TextRun, content_of
from pisang.domain.secret import Secret
from pisang.engine.redaction import SHORTEST, redact

KEY = 'sk-4f/1d+"9a&3c'


def answer(skeleton: bytes = b"", **fields: object) -> Answer:
    return Answer(Ended.WHOLE, True, 200, skeleton=skeleton, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "written",
    [
        KEY,
        json.dumps(KEY)[1:-1],
        "sk-4f%2F1d%2B%229a%263c",
        "sk-4f%2f1d%2b%229a%263c",
        "sk-4f/1d+&quot;9a&amp;3c",
    ],
)
def test_every_writing_is_dotted_out_and_nothing_moves(written: str) -> None:
    given = answer(f"<{written}>".encode(), headers={"location": f"/?k={written}"}, reason=written)
    found = redact(given, Secret(KEY))
    assert found.skeleton == b"<" + b"*" * len(written) + b">"
    assert found.headers == {"location": "/?k=" + "*" * len(written)}
    assert found.reason == "*" * len(written)


def test_a_body_that_ends_inside_the_key_does_not_keep_its_beginning() -> None:
    for size in range(SHORTEST, len(KEY)):
        found = redact(answer(b'{"a":"' + KEY[:size].encode()), Secret(KEY))
        assert found.skeleton == b'{"a":"' + b"*" * size


def test_a_long_text_is_searched_and_a_picture_is_not() -> None:
    picture = Base64Run(content_of(KEY.encode()))
    span = Span((TextRun(f"say {KEY}!".encode()), picture), complete=False)
    found = redact(answer(b"NaN", spans=(span,)), Secret(KEY))
    told = TextRun(b"say " + b"*" * len(KEY) + b"!")
    assert found.spans == (Span((told, picture), complete=False),)


def test_a_key_of_digits_leaves_numbers_numbers() -> None:
    found = redact(answer(b'{"a":1234567890,"b":"1234567890"}'), Secret("1234567890"))
    assert json.loads(found.skeleton) == {"a": 1111111111, "b": "1111111111"}


def test_what_is_too_short_to_be_a_secret_stays() -> None:
    given = answer(b"a test of testing")
    assert redact(given, Secret("test")) is given
    assert redact(given, None) is given
