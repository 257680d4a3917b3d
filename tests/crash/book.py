"""An upstream that keeps a book, for the simulator: it knows what it really charged.

Each send draws a fate from the seed. `charged` fates are the ones a real upstream bills; what the
client gets to see of it is another matter, which is the whole point.
"""

from __future__ import annotations

import base64
import json
import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from pisang.domain.answer import Ended
from pisang.transport.base import Failure

PRICE_MICROS = 134_000


def png(seed: int, size: int = 24_000) -> bytes:
    """A small valid PNG shell with noise inside, so that no two pictures are the same."""
    noise = random.Random(seed).randbytes(size)

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1024, 1024, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", noise) + chunk(b"IEND", b"")


def answer_body(pictures: list[bytes], finish_reason: str = "STOP") -> bytes:
    parts = [
        {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(one).decode()}}
        for one in pictures
    ]
    content = {"parts": parts, "role": "model"} if parts else {}
    candidate = {"content": content, "finishReason": finish_reason, "index": 0}
    return json.dumps({"candidates": [candidate], "modelVersion": "m"}).encode()


def google_error(code: int, status: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": "no", "status": status}}).encode()


@dataclass(frozen=True)
class Fate:
    """What happens to one send: what is seen of it, how it ends, and whether it is billed."""

    name: str
    charged: bool
    status: int | None = 200
    body: bytes = b""
    seen: float = 1.0
    ended: Ended = Ended.WHOLE
    sent: bool = True
    content_type: str = "application/json"

    def chunks(self, size: int) -> Iterator[bytes]:
        """The body's bytes that arrive, then the failure if there is one."""
        upto = int(len(self.body) * self.seen)
        for start in range(0, upto, size):
            yield self.body[start : min(start + size, upto)]
        if self.ended is not Ended.WHOLE:
            raise Failure(self.ended, sent=self.sent, reason=self.name)


@dataclass
class Book:
    """The upstream's own truth: attempt id → what it charged and the pictures it made."""

    seed: int
    charges: dict[str, int] = field(default_factory=dict)
    pictures: dict[str, list[bytes]] = field(default_factory=dict)
    sends: list[str] = field(default_factory=list)

    def answer(self, attempt_id: str, dice: random.Random) -> Fate:
        """Draw the fate of a send and book it. A send that never arrived is not in `sends`."""
        made = png(dice.getrandbits(32))
        fate = dice.choices(*zip(*self._fates(made, dice), strict=True))[0]
        if fate.sent:
            self.sends.append(attempt_id)
        if fate.charged:
            self.charges[attempt_id] = PRICE_MICROS
            self.pictures[attempt_id] = [made]
        return fate

    def _fates(self, made: bytes, dice: random.Random) -> list[tuple[Fate, int]]:
        whole = answer_body([made])
        share = dice.random()
        html = b"<html><body><h1>Error 524</h1></body></html>"
        return [
            (Fate("made", True, body=whole), 50),
            (Fate("cut in the body", True, body=whole, seen=share, ended=Ended.CUT), 8),
            (Fate("cut after the picture", True, body=whole, seen=0.999, ended=Ended.CUT), 4),
            (Fate("cut before headers", True, status=None, ended=Ended.CUT), 4),
            (Fate("black hole", dice.random() < 0.5, status=None, ended=Ended.TIMEOUT), 4),
            (Fate("524 page", True, status=524, body=html, content_type="text/html"), 4),
            (Fate("refused", False, body=answer_body([], "IMAGE_OTHER")), 4),
            (Fate("busy", False, 503, google_error(503, "UNAVAILABLE")), 6),
            (Fate("too many", False, 429, google_error(429, "RESOURCE_EXHAUSTED")), 6),
            (Fate("bad request", False, 400, google_error(400, "INVALID_ARGUMENT")), 3),
            (Fate("no route", False, None, ended=Ended.NOT_CONNECTED, sent=False), 7),
        ]
