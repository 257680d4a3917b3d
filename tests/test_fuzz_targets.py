"""Each fuzz target holds for its seeds, their cuts, and mutations of them: no tool needed."""

from __future__ import annotations

import random

import pytest

from fuzz.targets import TARGETS

MUTANTS = 120
SPICE = [
    *(b'"', b"\\", b"\n", b"\r", b"{", b"}", b"[", b"]", b":", b",", b"NaN", b"\\u00", b"\\ud800"),
    *(b"\x00", b"\xff", b"=", b"\\/", b";base64,", b"1e999", b"null", b"--b1", b"\r\n\r\n", b"0"),
]


def mutated(seed: bytes, dice: random.Random) -> bytes:
    """The seed with a few places overwritten, doubled, dropped, or spiced."""
    data = bytearray(seed)
    for _ in range(dice.randint(1, 6)):
        at = dice.randint(0, len(data))
        to = min(len(data), at + dice.randint(0, 12))
        kind = dice.randint(0, 3)
        if kind == 0:
            data[at:at] = dice.choice(SPICE)
        elif kind == 1:
            del data[at:to]
        elif kind == 2:
            data[at:at] = data[at:to] * dice.randint(1, 3)
        else:
            data[at:to] = dice.randbytes(to - at)
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_for_its_seeds_and_what_is_near_them(name: str) -> None:
    target = TARGETS[name]
    dice = random.Random(name)
    assert target.seeds
    target.run(b"")
    for seed in target.seeds:
        target.run(seed)
        for at in range(0, len(seed), 1 + len(seed) // 40):
            target.run(seed[:at])
        for _ in range(MUTANTS):
            target.run(mutated(seed, dice))
