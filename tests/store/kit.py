"""What the store's tests share: wishes, intents, answers, and processes of their own."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pisang.domain.answer import Answer, Ended, ImageFacts, Made
from pisang.domain.attempt import Charged, State
from pisang.domain.content import Base64Run, Content, Span
from pisang.domain.ledger import Intent, Settlement, Wish
from pisang.domain.money import Money
from pisang.domain.upstream import Limits
from pisang.store.incoming import Incoming
from pisang.store.storage import Storage
from pisang.store.store import Store
from tests.buckets import storage_for
from tests.ledgers import ledger_of

NOW = time.time_ns() // 1_000_000
"""The time of most tests: that of the files they write, which `gc` compares with the clock."""

PRICE = Money(134_000, "USD")

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + b"\0\0\4\0\0\0\4\0" + b"\x08\2\0\0\0"
PNG_END = b"\0\0\0\0IEND\xaeB`\x82"


def picture(number: int = 0, size: int = 40_000) -> bytes:
    """Bytes that look like a whole PNG of 1024 x 1024, of which each number has its own."""
    return PNG + number.to_bytes(8, "big") + bytes(size) + PNG_END


class Clock:
    """A clock that a test sets."""

    def __init__(self, ms: int = NOW) -> None:
        self.ms = ms

    def __call__(self) -> int:
        return self.ms


def counter_ids() -> Callable[[str], str]:
    """Ids that are unique over processes and sort by when they were made."""
    count = itertools.count()
    lead = f"{time.time_ns():020d}{os.getpid():08d}"
    return lambda prefix: f"{prefix}_{lead}{next(count):06d}"


new_id = counter_ids()


def open_store(home: Path, clock: Callable[[], int] | None = None, **more: Any) -> Store:
    """A store that leaves out fsync, which only tests of durability need."""
    kept = replace(storage_for(home) or Storage(), ledger=ledger_of(home))
    given = {"fsync": False, "storage": kept, **more}
    store = Store.open(home, clock_ms=clock or Clock(), new_id=new_id, **given)
    if given["storage"] is not None and given["storage"].images is not None:
        store._blobs.prove()  # else the first claim would be told to ask again
    return store


def wish(**more: Any) -> Wish:
    """A wish; name what matters."""
    given: dict[str, Any] = {
        "id": new_id("req"),
        "created_ms": NOW,
        "prompt": "a cat",
        "model": "nano-banana",
        "spec": {"parts": [{"type": "text", "text": "a cat"}]},
        "fingerprint": "print-1",
    }
    return Wish(**{**given, **more})


def intent(request_id: str, **more: Any) -> Intent:
    """An intent to send; name what matters."""
    given: dict[str, Any] = {
        "attempt_id": new_id("att"),
        "request_id": request_id,
        "ordinal": 0,
        "upstream": "relay",
        "wire": "gemini",
        "kind": "relay",
        "model": "nano-banana",
        "price": PRICE,
        "held": PRICE,
        "limits": Limits(),
    }
    return Intent(**{**given, **more})


def settlement(attempt_id: str, state: State = State.DONE, **more: Any) -> Settlement:
    """How an attempt ended: paid in full unless something else is named."""
    charged = {
        State.DONE: Charged.YES,
        State.FAILED: Charged.NO,
        State.REFUSED: Charged.NO,
        State.UNKNOWN: Charged.UNKNOWN,
    }[state]
    given: dict[str, Any] = {"charged": charged, "at_ms": NOW + 5_000}
    if charged is Charged.YES:
        given |= {"cost": PRICE, "basis": "catalogue"}
    return Settlement(attempt_id, state, **{**given, **more})


def sent(store: Store, **more: Any) -> Intent:
    """A request begun and one attempt of it claimed."""
    return claimed(store, store.begin(wish()).result().request_id, **more)


def claimed(store: Store, request_id: str, **more: Any) -> Intent:
    """One attempt of a request claimed."""
    given = intent(request_id, **more)
    store.claim(given).result()
    return given


def write(incoming: Incoming, data: bytes, chunk: int = 7_000) -> Content:
    """One content written as it would arrive."""
    writer = incoming.open()
    for start in range(0, len(data), chunk):
        writer.write(memoryview(data)[start : start + chunk])
    return writer.close()


def answer_of(contents: Iterable[Content], skeleton: bytes = b'{"parts":[NaN]}') -> Answer:
    """A whole answer whose spans hold these contents as base64."""
    spans = tuple(Span((Base64Run(content),)) for content in contents)
    headers = {"content-type": "application/json"}
    return Answer(Ended.WHOLE, True, 200, headers, skeleton, spans, body_bytes=1, elapsed_ms=2)


def made(content: Content, draft: bool = False) -> Made:
    """An image of an outcome."""
    return Made(content, ImageFacts("image/png", 1024, 1024, True), "image/png", draft)


def paint(store: Store, attempt_id: str, *pictures: bytes, extra: Sequence[bytes] = ()) -> Answer:
    """Take pictures in, keep them and settle the attempt as done; `extra` are no images."""
    incoming = store.incoming(attempt_id)
    images = [write(incoming, data) for data in pictures]
    others = [write(incoming, data) for data in extra]
    answer = answer_of([*images, *others])
    store.keep(attempt_id, answer, tuple(images))
    outcome = settlement(attempt_id, images=tuple(made(one) for one in images))
    store.settle(outcome).result()
    return answer


def run_python(
    code: str, *arguments: object, kill_on: str | None = None, **more: Any
) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, with this kit imported; its output.

    With `kill_on` it is killed (SIGKILL) as soon as it has printed that line.
    """
    process = start_python(code, *arguments, **more)
    assert process.stdout is not None
    printed = ""
    if kill_on is not None:
        for line in process.stdout:
            printed += line
            if line.strip() == kill_on:
                process.kill()
    rest, errors = process.communicate(timeout=60)
    return subprocess.CompletedProcess([], process.returncode, printed + rest, errors)


def start_python(code: str, *arguments: object, **more: Any) -> subprocess.Popen[str]:
    """A process that runs code with this kit imported, its arguments in `argv`."""
    lead = (
        "import sys; from pathlib import Path; from tests.store.kit import *; argv = sys.argv[1:]\n"
    )
    return subprocess.Popen(
        [*more.pop("under", ()), sys.executable, "-c", lead + textwrap.dedent(code)]
        + [str(one) for one in arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[2],
        **more,
    )
