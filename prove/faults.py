"""What happens to each send: decided by the wish and by how often that client has sent it.

No dice and no clock: every client meets the same upstream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WISHES = 20
LIMIT_S = 3
"""How long each client waits for an answer: a real one's minutes, scaled."""
SLOW_S = 5.0
"""How long a slow answer takes: longer than any client waits."""
WORK_S = 0.15

Strike = Literal["", "kill", "kill-group", "leave"]
Shape = Literal["picture", "page", "refusal"]


@dataclass(frozen=True, slots=True)
class Fault:
    """How one send is answered. `said` describes it in the docs.

    `billed`: a generation was started, and stands in the book. `share` is how much of the body
    is sent before the connection is cut. `strike` is what then befalls the client; the rest is
    sent all the same. `silent`: no byte of an answer ever comes.
    """

    name: str
    said: str
    billed: bool = True
    shape: Shape = "picture"
    status: int = 200
    share: float = 1.0
    work_s: float = WORK_S
    strike: Strike = ""
    silent: bool = False
    chunked: bool = False


GOOD = Fault("good", "The picture comes at once.")
CUT = Fault("cut", "The connection breaks after half of the body.", share=0.5)
CUT_CHUNKED = Fault(
    "cut-chunked", "The same, and the answer had not said how long it is.", share=0.5, chunked=True
)
HUNG_UP = Fault("hung up", "The connection closes before the answer's first byte.", share=0.0)
CDN_524 = Fault(
    "524", "A CDN gave up waiting (524, an HTML page); the picture was made.", shape="page",
    status=524,
)  # fmt: skip
BAD_GATEWAY = Fault("502", "A 502 page after the work was done.", shape="page", status=502)
TIMED_OUT = Fault("504", "A 504 page after the work was done.", shape="page", status=504)
SLOW = Fault(
    "slow", f"The answer takes {SLOW_S:.0f} s; the client waits {LIMIT_S} s.", work_s=SLOW_S
)
KILLED = Fault("kill -9", "The client's process is killed while the upstream works.", strike="kill")
KILLED_MIDWAY = Fault(
    "kill -9 midway", "The client's whole process group is killed when half of the body is there.",
    share=0.5, strike="kill-group",
)  # fmt: skip
LEFT = Fault(
    "left", "The user presses Ctrl-C, until the program is gone, while the upstream works.",
    strike="leave",
)  # fmt: skip
LIMITED = Fault(
    "429", "Too many requests (429), free; good when sent again.", False, "refusal", 429, work_s=0.0
)
BUSY = Fault(
    "503", "Overloaded (503, in the vendor's words), free; good when sent again.", False, "refusal",
    503, work_s=0.0,
)  # fmt: skip
BLACK_HOLE = Fault(
    "black hole", "The request is taken and nothing ever comes; nothing was made.", False,
    silent=True,
)  # fmt: skip

PLAN: dict[int, tuple[Fault, ...]] = {
    7: (CUT,),
    8: (CUT_CHUNKED,),
    9: (HUNG_UP,),
    10: (CDN_524,),
    11: (BAD_GATEWAY,),
    12: (TIMED_OUT,),
    13: (SLOW,),
    14: (SLOW, SLOW),
    15: (KILLED,),
    16: (KILLED_MIDWAY,),
    17: (LEFT,),
    18: (LIMITED,),
    19: (BUSY,),
    20: (BLACK_HOLE,),
}
"""Wish → what its first sends meet. What isn't here, and every later send, is good."""


def fault_of(wish: int, send: int) -> Fault:
    """What send number `send` (from 1) of that wish meets."""
    planned = PLAN.get(wish, ())
    return planned[send - 1] if send <= len(planned) else GOOD


def prompt_of(wish: int) -> str:
    """The words of a wish; its number is how the upstream's book knows it."""
    return f"wish {wish:02d}: a kitten in a garden, oil painting"
