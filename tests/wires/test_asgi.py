"""A call as a server hands it in."""

from __future__ import annotations

import pytest

from pisang.errors import RequestTooLarge
from pisang.wires.asgi import Gone, Message, Receive, read_chunks, read_headers, read_query


def receiving(*messages: Message) -> Receive:
    told = iter(messages)

    async def receive() -> Message:
        return next(told)

    return receive


def test_header_names_are_in_lower_case_and_the_last_of_a_query_s_name_counts() -> None:
    scope = {"headers": [(b"X-Key", b"\xe9")], "query_string": b"a=1&a=%20&b="}
    assert read_headers(scope) == {"x-key": "é"}
    assert read_query(scope) == {"a": " ", "b": ""}
    assert read_query({}) == {}


async def test_a_body_comes_in_chunks_until_it_is_whole() -> None:
    receive = receiving(
        {"type": "http.request", "body": b"ab", "more_body": True},
        {"type": "http.request", "more_body": True},
        {"type": "http.request", "body": b"c"},
    )
    assert [chunk async for chunk in read_chunks(receive, 3, "x")] == [b"ab", b"", b"c"]


async def test_a_body_past_the_cap_and_one_whose_sender_left_are_told_apart() -> None:
    long: Message = {"type": "http.request", "body": b"abcd", "more_body": True}
    with pytest.raises(RequestTooLarge):
        [chunk async for chunk in read_chunks(receiving(long), 3, "x")]
    with pytest.raises(Gone):
        [chunk async for chunk in read_chunks(receiving({"type": "http.disconnect"}), 3, "x")]
