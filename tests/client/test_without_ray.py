"""What is said where the extra `ray` is not there."""

from __future__ import annotations

import sys

import pytest

from pisang.errors import ExtraMissing
from pisang.ray import generate
from pisang.ray.workers import is_address


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ExtraMissing) as missing:
        generate(["a kite"])
    assert "pisang[ray]" in missing.value.message()


def test_what_names_a_cluster() -> None:
    assert is_address("ray") and is_address("ray://head:10001")
    assert not any(map(is_address, ("", "rays", "ray:/x", "ray://", "http://x")))
