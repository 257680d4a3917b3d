"""Google's native wire, both roles, against itself and against what others are known to send."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.domain.answer import Reply
from pisang.domain.request import Request, Text
from pisang.domain.upstream import Upstream
from pisang.wires.base import Ask
from pisang.wires.gemini import Gemini
from tests.wires import strategies as some
from tests.wires.harness import called, heard

WIRE = Gemini()
UPSTREAM = Upstream("up", "gemini", "https://example.com")

parts = some.marked(st.one_of(some.text_parts, some.image_parts, some.link_parts))
wishes = some.requests(
    "gemini",
    parts=parts,
    history=some.turns(parts),
    modalities=st.sampled_from([(), ("IMAGE",), ("TEXT", "IMAGE")]),
    n=st.integers(1, 10),
)
reasons = st.sampled_from(["STOP", "IMAGE_SAFETY", "NO_IMAGE", "SOMETHING_NEW"])
stories = some.replies(
    "gemini",
    parts=st.lists(parts, max_size=4).map(tuple),
    finish_reason=st.none() | reasons,
    block_reason=st.none() | reasons,
    message=st.none() | some.words,
    usage=st.none() | some.usages,
    model=st.none() | some.words,
    response_id=st.none() | some.words,
)


@settings(max_examples=200, deadline=None)
@given(wishes, st.booleans())
def test_a_wish_comes_out_as_it_went_in(wish: Request, stream: bool) -> None:
    request, warnings = WIRE.encode_request(wish, UPSTREAM, stream=stream)
    ask = WIRE.decode_request(called(request))
    assert ask.request == wish
    assert ask.stream is stream
    assert warnings == ()


@settings(max_examples=200, deadline=None)
@given(stories)
def test_a_reply_comes_out_as_it_went_in(reply: Reply) -> None:
    ask = Ask(Request((Text("a"),), "m"))
    assert WIRE.decode_reply(heard(WIRE.encode_reply(reply, ask))) == reply
