"""What every client is asked, and what its users are shown: a table, and no code of a client.

`google`, `openai` and `http` say what the clients of that family tell: `Made` pictures, or an
`Error` with its HTTP status and words that its text holds. A family that has no such call is None.
"""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import dataclass
from typing import Any

PRO = "gemini-3-pro-image"
FLASH = "gemini-3.1-flash-image"


@dataclass(frozen=True)
class Made:
    """`pictures` came, the last answer ended so, and the text holds that."""

    pictures: int = 1
    finish: str | None = None
    text: str = ""
    signed: bool | None = None


@dataclass(frozen=True)
class Error:
    """An error of that HTTP status, whose text holds all those words."""

    status: int
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Counted:
    """A number of tokens."""


@dataclass(frozen=True)
class Listed:
    """Models, with that one among them."""

    model: str


@dataclass(frozen=True)
class Filed:
    """One picture, made from a file that was uploaded, and is gone afterwards."""


Expected = Filed | Made | Error | Counted | Listed | None


@dataclass(frozen=True)
class Case:
    """One row."""

    name: str
    do: str
    prompt: str
    google: Expected
    openai: Expected
    model: str = FLASH
    bought: int | None = None
    """How many generations the upstream charges for it; None where it is the pictures' number."""
    by_sdk: bool = False
    """Whether only an SDK does such a thing."""

    def sold(self, expected: Expected) -> int:
        """How many generations one client's go at it costs."""
        if self.bought is not None:
            return self.bought
        return expected.pictures if isinstance(expected, Made) else 0

    def job(self, who: str, **more: Any) -> dict[str, Any]:
        """What the client's script is told; the prompt is its own, so that nobody joins him."""
        prompt = f"{self.prompt}, for {who}"
        shape = {"aspect_ratio": "16:9", "image_size": "512" if self.model == FLASH else "1K"}
        said = {"name": self.name, "do": self.do, "model": self.model, "prompt": prompt}
        return {**said, **shape, "picture": REFERENCE, **more}


def png(width: int, height: int) -> bytes:
    """A small PNG in two colours."""
    half = width // 2
    row = b"\0" + b"\xd0\x30\x30" * half + b"\x30\x60\xd0" * (width - half)
    head = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(row * height)), (b"IEND", b""))
    told = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(told)


REFERENCE = base64.b64encode(png(32, 32)).decode()

_PICTURE = Made(1, "STOP")
_SIGNED = Made(1, "STOP", signed=True)

CASES = (
    Case("a picture is made", "generate", "a heron", _SIGNED, Made()),
    Case("a picture is edited", "edit", "make it blue", _SIGNED, Made()),
    Case("a picture is streamed", "stream", "a stream in May", _PICTURE, Made()),
    Case("a picture comes in a chat", "chat", "a bird", None, Made()),
    Case("a second turn edits the first's picture", "turns", "add rain", _SIGNED, Made(), bought=2),
    Case(
        "a turn without its signature is Google's 400", "lost", "add rain",
        Error(400, ("thought_signature",)), None, bought=1,
    ),
    Case(
        "a file is uploaded, used, and deleted", "files", "make it green", Filed(), None,
        bought=1, by_sdk=True,
    ),
    Case("tokens are counted", "count", "a heron", Counted(), None),
    Case("models are listed", "models", "", Listed(PRO), Listed(PRO)),
    Case("a model is shown", "model", "", Listed(FLASH), Listed(FLASH)),
    Case(
        "a call that the upstream can't use is a 400", "generate", "x [[sandbox status=400]]",
        Error(400, ("invalid argument",)), Error(400, ("invalid argument",)),
    ),
    Case(
        "the gateway's own key refused is no fault of the caller's: a 502", "generate",
        "x [[sandbox status=401 relay]]", Error(502, ("own key",)), Error(502, ("own key",)),
    ),
    Case(
        "a group without a channel is a 403", "generate", "x [[sandbox status=503 relay]]",
        Error(403, ("channel",)), Error(403, ("channel",)),
    ),
    Case(
        "an unknown model is a 404", "generate", "x",
        Error(404, ("no-such-model",)), Error(404, ("no-such-model",)), model="no-such-model",
    ),
    Case(
        "too many calls are a 429", "generate", "x [[sandbox status=429 retry-after=0]]",
        Error(429), Error(429),
    ),
    Case(
        "an upstream that is too busy is a 503", "generate",
        "x [[sandbox status=503 retry-after=0]]", Error(503), Error(503),
    ),
    Case(
        "a refusal is told with its reason", "generate", "x [[sandbox finish=IMAGE_SAFETY]]",
        Made(0, "IMAGE_SAFETY"), Error(422, ("IMAGE_SAFETY",)),
    ),
    Case(
        "no picture is told with its reason", "generate", "x [[sandbox finish=NO_IMAGE]]",
        Made(0, "NO_IMAGE"), Error(422, ("NO_IMAGE",)),
    ),
    Case(
        "words in place of a picture reach the user", "generate", "x [[sandbox text-only]]",
        Made(0, "STOP", text="no picture"), Error(422),
    ),
    Case(
        "an unknown outcome is a 424 with the amount at stake", "generate",
        "x [[sandbox html=524]]",
        Error(424, ("0.067 USD",)), Error(424, ("0.067 USD",)), bought=1,
    ),
)  # fmt: skip

ERROR_CLASSES = {
    "google-genai": {400: "ClientError", 401: "ClientError", 403: "ClientError",
                     404: "ClientError", 424: "ClientError", 429: "ClientError",
                     502: "ServerError", 503: "ServerError"},
    "@google/genai": dict.fromkeys((400, 401, 403, 404, 424, 429, 502, 503), "ApiError"),
    "openai": {400: "BadRequestError", 401: "AuthenticationError", 403: "PermissionDeniedError",
               404: "NotFoundError", 422: "UnprocessableEntityError", 429: "RateLimitError",
               502: "InternalServerError", 503: "InternalServerError"},
}  # fmt: skip
"""The class that an SDK raises for a status."""

BASE_CLASSES = ("APIStatusError", "APIError")
"""What openai's SDKs raise for a status that has no class of its own: Python's, Node's."""
