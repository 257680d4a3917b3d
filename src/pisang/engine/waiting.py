"""Who waits for a slot of an upstream, as far as one process knows: nothing is decided by it.

A slot goes to whoever asks first once it is free, so a place tells how many of this process came
before and still wait, not whose turn is next.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from itertools import count


class Waiting:
    """The attempts of this process that wait, each upstream's in the order they came."""

    def __init__(self) -> None:
        self._numbers = count()
        self._number: dict[str, int] = {}
        self._lines: dict[str, list[int]] = defaultdict(list)

    def place(self, upstream: str, attempt_id: str) -> int:
        """The attempt's place, from 1 on; it waits from now on, if it did not."""
        line = self._lines[upstream]
        number = self._number.get(attempt_id)
        if number is None:
            number = self._number[attempt_id] = next(self._numbers)
            line.append(number)
        return bisect_left(line, number) + 1

    def leave(self, upstream: str, attempt_id: str) -> None:
        """It waits no more, if it did."""
        number = self._number.pop(attempt_id, None)
        if number is not None:
            line = self._lines[upstream]
            del line[bisect_left(line, number)]
