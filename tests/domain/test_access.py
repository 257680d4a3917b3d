"""A key as a value: what its text says, what proves it, when it stands."""

from __future__ import annotations

import hashlib

import pytest

from pisang.domain.access import (
    GatewayKey,
    Role,
    cap_of_caller,
    digest_of,
    id_in,
    is_cap_of_caller,
    is_proven,
    write_text,
)
from pisang.domain.ledger import Budget
from pisang.domain.money import Money
from pisang.domain.secret import Secret

ID = "0123456789ab"
TEXT = write_text(ID, bytes(range(32)))
KEY = GatewayKey(ID, "alice", digest_of(TEXT), created_ms=0)


def test_a_text_names_its_id_and_holds_256_bits() -> None:
    assert TEXT.reveal() == f"psk_{ID}_{bytes(range(32)).hex()}"
    assert id_in(TEXT) == ID


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sk-made-up",
        f"psk_{ID}",
        f"psk_{ID}_",
        f"psk_{ID.upper()}_{'0' * 64}",
        f"psk_{ID}_{'0' * 63}",
        f"psk_{ID}_{'0' * 65}",
        f"psk_{ID}_{'0' * 64}\n",
        f" psk_{ID}_{'0' * 64}",
        f"psk_' OR 1=1 --_{'0' * 64}",
    ],
)
def test_what_is_no_key_of_a_gateway_names_none(text: str) -> None:
    assert id_in(Secret(text)) is None


def test_only_the_whole_hash_is_kept_and_neither_is_printed() -> None:
    assert KEY.digest == hashlib.sha256(TEXT.reveal().encode()).digest()
    assert "digest" not in repr(KEY)
    assert TEXT.reveal() not in f"{TEXT!r} {TEXT} {KEY!r}"


def test_a_key_is_proven_by_its_own_text_alone() -> None:
    assert is_proven(KEY, digest_of(TEXT))
    assert not is_proven(KEY, digest_of(write_text(ID, bytes(32))))
    assert not is_proven(None, digest_of(TEXT))
    assert not is_proven(None, bytes(32)), "what stands in for no key is no key"


def test_a_lone_surrogate_in_a_text_proves_nothing_and_breaks_nothing() -> None:
    assert not is_proven(KEY, digest_of(Secret("psk_\ud83d")))


def test_a_key_is_taken_until_it_expires_or_is_revoked() -> None:
    brief = GatewayKey(ID, "a", b"", created_ms=0, expires_ms=10)
    assert (brief.standing(9), brief.standing(10)) == ("live", "expired")
    assert GatewayKey(ID, "a", b"", 0, expires_ms=10, revoked_ms=5).standing(11) == "revoked"
    assert KEY.standing(2**62) == "live"


def test_each_role_may_what_the_lower_ones_may() -> None:
    may = {(one, other) for one in Role for other in Role if one.covers(other)}
    assert may == {
        (Role.READ, Role.READ),
        (Role.USE, Role.READ),
        (Role.USE, Role.USE),
        (Role.ADMIN, Role.READ),
        (Role.ADMIN, Role.USE),
        (Role.ADMIN, Role.ADMIN),
    }


def test_a_key_s_own_cap_is_told_from_one_of_the_settings() -> None:
    cap = cap_of_caller(f"key:{ID}", "month", Money(1, "USD"), "UTC")
    assert (cap.scope, cap.period) == (f"key:{ID}", "month")
    assert is_cap_of_caller(cap)
    assert not is_cap_of_caller(Budget(f"key-{ID}-month", f"key:{ID}", "month", Money(1, "USD")))
