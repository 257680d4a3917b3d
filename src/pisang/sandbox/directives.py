"""Directives: words in a prompt that choose how the sandbox answers.

`[[sandbox key=value word …]]` may stand anywhere in the prompt, more than once; it is taken out
before the picture is painted. What is not known is an error that names it, so that a test never
passes because a fault was misspelt.
Which words there are stands in `GUIDE`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from pisang.domain.model import SIZES, canonical_ratio
from pisang.domain.request import JSON
from pisang.errors import OptionInvalid

_BLOCK = re.compile(r"\[\[\s*sandbox\b(?P<words>[^\]]*)\]\]", re.IGNORECASE)

GUIDE = """\
status=503            an error of that status, in Google's words
relay                 with `status`: in a relay's words
retry-after=34        how long to wait, on an error
final                 429: the day's quota, or none at all, in place of a minute's
html=524              a CDN's page with that status; the picture was made and charged
delay=30              seconds before the answer
cut=0.5               the connection breaks after that share of the body; charged
drip=10               the body comes in small pieces over that many seconds
gzip                  a compressed body, whether it was asked for or not
empty                 200 and no body at all
finish=IMAGE_SAFETY   no image, for that reason
block=SAFETY          no candidate: the prompt was blocked
shape=1               without an image: which of Google's five forms, 1 to 5
text-only             words in place of an image
drafts=3              that many ordinary image parts before the last one
thoughts              thought parts before the rest
take=0                which picture of the prompt: 0 is the first, however often it was asked for
size=1K               another size than was asked for
ratio=1:1             another ratio than was asked for
mime-lie              the declared type is not the picture's
signature=1100000     bytes of each thought signature
url                   the picture as a link (OpenAI wires)
variant=markdown      where a chat answer holds the picture: markdown, array, images
charge=yes            the book's entry is made all the same, or (`no`) is not made
"""
"""Every directive with what it does, a line each."""

MOST_BYTES = 16 * 1024 * 1024
LONGEST_S = 3600.0
VARIANTS = ("markdown", "array", "images")
SHAPES = ("empty_content", "role_only", "null_parts", "no_content", "no_candidates")
"""Google's forms of an answer without an image, `shape=1` to `shape=5`."""


@dataclass(frozen=True, slots=True)
class Directives:
    """What a prompt asks of the sandbox; nothing, by default."""

    status: int | None = None
    relay: bool = False
    retry_after_s: float | None = None
    final: bool = False
    html: int | None = None
    delay_s: float = 0.0
    cut: float | None = None
    drip_s: float | None = None
    gzip: bool = False
    empty: bool = False
    finish: str | None = None
    block: str | None = None
    shape: int = 1
    text_only: bool = False
    drafts: int = 0
    thoughts: bool = False
    take: int | None = None
    image_size: str | None = None
    aspect_ratio: str | None = None
    mime_lie: bool = False
    signature_bytes: int | None = None
    url: bool = False
    variant: str | None = None
    charge: bool | None = None

    @property
    def is_turned_away(self) -> bool:
        """Whether the call is answered with an error, before any work."""
        return self.status is not None

    @property
    def is_without_image(self) -> bool:
        """Whether a whole answer comes that holds no image."""
        return bool(self.finish or self.block or self.text_only)

    @property
    def charges(self) -> bool:
        """Whether the call is billed: what was worked for is, unless the prompt says otherwise."""
        if self.charge is not None:
            return self.charge
        return not (self.is_turned_away or self.is_without_image)


def read_directives(prompt: str) -> tuple[Directives, str]:
    """The directives in a prompt, and the prompt without them.

    Raises `OptionInvalid` that names the word and what would do.
    """
    directives = Directives()
    for block in _BLOCK.finditer(prompt):
        for word in block["words"].split():
            directives = _apply(directives, word)
    return directives, " ".join(_BLOCK.sub(" ", prompt).split())


def _apply(directives: Directives, word: str) -> Directives:
    name, _, value = word.partition("=")
    row = _WORDS.get(name.lower())
    if row is None:
        raise _invalid(word, f"the sandbox knows {', '.join(_WORDS)}")
    field, read = row
    try:
        return replace(directives, **{field: read(value)})
    except ValueError as error:
        raise _invalid(word, str(error)) from None


def _invalid(word: str, why: str) -> OptionInvalid:
    return OptionInvalid(option="the directive", value=word[:80], why=why)


# --- values ------------------------------------------------------------------------------------


def _number(low: float, high: float) -> Callable[[str], float]:
    def read(value: str) -> float:
        problem = ValueError(f"it takes a number from {low:g} to {high:g}")
        try:
            number = float(value)
        except ValueError:
            raise problem from None
        if not low <= number <= high:
            raise problem
        return number

    return read


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise ValueError(f"it takes a whole number from {low} to {high}")
        return int(value)

    return read


def _choice(*choices: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in choices:
            raise ValueError(f"it takes one of {', '.join(choices)}")
        return value

    return read


def _flag(value: str) -> bool:
    if value not in ("", "1", "yes", "true"):
        raise ValueError("it stands alone")
    return True


def _yes_or_no(value: str) -> bool:
    return _choice("yes", "no")(value) == "yes"


def _reason(value: str) -> str:
    if re.fullmatch(r"[A-Z][A-Z_]{1,60}", value) is None:
        raise ValueError("it takes one of Google's words, like IMAGE_SAFETY")
    return value


def _ratio(value: str) -> str:
    ratio = canonical_ratio(value)
    if ratio is None:
        raise ValueError("it takes a ratio, like 16:9")
    return ratio


_WORDS: dict[str, tuple[str, Callable[[str], JSON]]] = {
    "status": ("status", _whole(400, 599)),
    "relay": ("relay", _flag),
    "retry-after": ("retry_after_s", _number(0, LONGEST_S)),
    "final": ("final", _flag),
    "html": ("html", _whole(200, 599)),
    "delay": ("delay_s", _number(0, LONGEST_S)),
    "cut": ("cut", _number(0, 0.999)),
    "drip": ("drip_s", _number(0, LONGEST_S)),
    "gzip": ("gzip", _flag),
    "empty": ("empty", _flag),
    "finish": ("finish", _reason),
    "block": ("block", _reason),
    "shape": ("shape", _whole(1, len(SHAPES))),
    "text-only": ("text_only", _flag),
    "drafts": ("drafts", _whole(0, 10)),
    "thoughts": ("thoughts", _flag),
    "take": ("take", _whole(0, 9999)),
    "size": ("image_size", _choice(*SIZES)),
    "ratio": ("aspect_ratio", _ratio),
    "mime-lie": ("mime_lie", _flag),
    "signature": ("signature_bytes", _whole(0, MOST_BYTES)),
    "url": ("url", _flag),
    "variant": ("variant", _choice(*VARIANTS)),
    "charge": ("charge", _yes_or_no),
}
"""Directive → its field and how its value is read."""
