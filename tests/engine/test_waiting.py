"""Places among those that wait for one upstream."""

from __future__ import annotations

from pisang.engine.waiting import Waiting


def test_a_place_is_by_when_one_came_and_moves_up() -> None:
    waiting = Waiting()
    assert [waiting.place("relay", one) for one in "abc"] == [1, 2, 3]
    assert waiting.place("relay", "b") == 2, "asking again changes nothing"
    assert waiting.place("other", "d") == 1
    waiting.leave("relay", "a")
    waiting.leave("relay", "a")
    waiting.leave("relay", "never came")
    assert [waiting.place("relay", one) for one in "bc"] == [1, 2]
    assert waiting.place("relay", "a") == 3, "who comes back is the last"
