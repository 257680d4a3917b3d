"""How things stand with a bucket: whether it answers, how long to wait, when to ask again."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from pisang.errors import BucketRefused, BucketUnreachable

PATIENCE_S = 45.0
"""How long a bucket that does not answer is waited for: what came lies on this disk meanwhile."""

REST_S = 3.0
"""Once patience is over, how often it is tried whether it is back."""

_FIRST_DELAY_S = 0.2
_MOST_DELAY_S = 3.0

Result = TypeVar("Result")


class Standing:
    """Shared by all threads of a process. `prove` asks the bucket whether all is well with it."""

    def __init__(self, prove: Callable[[], None], patience_s: float = PATIENCE_S) -> None:
        self._ask = prove
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._proven = False
        self._probing = False
        self._since_s: float | None = None
        self._tried_s = 0.0
        self._error: BucketRefused | BucketUnreachable | None = None

    def prove(self) -> None:
        """Ask the bucket now. Raises `BucketUnreachable`, `BucketRefused`."""
        self._turn()
        try:
            self._ask()
        except (BucketRefused, BucketUnreachable) as error:
            self._failed(error)
            raise
        self._worked(proven=True)

    def hold(self) -> bool | None:
        """Whether nothing should be bought just now: None when all is well, True while the bucket
        is asked, False once it did not answer. Never blocks: it has the bucket asked beside.

        Raises `BucketRefused`, and `BucketUnreachable` once patience is over.
        """
        with self._lock:
            if self._proven and self._error is None:
                return None
            self._probe()
            if self._error is not None and self._left_s() <= 0:
                raise _again(self._error)
            return self._error is None

    def insist(self, work: Callable[[], Result]) -> Result:
        """Do it, and do it again while the bucket does not answer and patience lasts. Raises
        `BucketUnreachable` then, and `BucketRefused` at once."""
        delay_s = _FIRST_DELAY_S
        while True:
            self._turn()
            try:
                result = work()
            except BucketRefused as error:
                self._failed(error)
                raise
            except BucketUnreachable as error:
                left_s = self._failed(error)
                nap_s = min(delay_s * random.uniform(0.5, 1), left_s)  # noqa: S311 - jitter
                if left_s <= 0 or self._closing.wait(nap_s):
                    raise
                delay_s = min(delay_s * 2, _MOST_DELAY_S)
            else:
                self._worked()
                return result

    def close(self) -> None:
        """Nobody waits any more."""
        self._closing.set()

    def _turn(self) -> None:
        """Raises what is known, where patience is over and it was tried a moment ago."""
        with self._lock:
            now_s = time.monotonic()
            over = isinstance(self._error, BucketUnreachable) and self._left_s() <= 0
            if over and self._error and now_s - self._tried_s < REST_S:
                raise _again(self._error)
            self._tried_s = now_s

    def _failed(self, error: BucketRefused | BucketUnreachable) -> float:
        """Note it; how long to wait still, in seconds."""
        with self._lock:
            self._error = error
            self._since_s = self._since_s or time.monotonic()
            return self._left_s()

    def _worked(self, *, proven: bool = False) -> None:
        with self._lock:
            self._proven = self._proven or proven
            self._error, self._since_s = None, None

    def _left_s(self) -> float:
        if isinstance(self._error, BucketRefused):
            return 0.0
        since_s = self._since_s
        return self._patience_s - (time.monotonic() - since_s if since_s else 0.0)

    def _probe(self) -> None:
        """Have the bucket asked beside us, unless it was a moment ago."""
        rests = self._error is not None and time.monotonic() - self._tried_s < REST_S
        if self._probing or rests or self._closing.is_set():
            return
        self._probing = True
        threading.Thread(target=self._run_probe, name="bucket-probe", daemon=True).start()

    def _run_probe(self) -> None:
        try:
            self.prove()
        except (BucketRefused, BucketUnreachable):
            pass  # it is noted
        finally:
            with self._lock:
                self._probing = False


def _again(error: BucketRefused | BucketUnreachable) -> BucketRefused | BucketUnreachable:
    """The same error, to be raised in another place."""
    return type(error)(**error.fields)
