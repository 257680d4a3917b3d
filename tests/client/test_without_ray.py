"""What is said where the extra `ray` is not there."""

from __future__ import annotations

import sys

import pytest

from pisang.errors import ExtraMissing, OptionInvalid
from pisang.ray import generate, workers


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ExtraMissing) as missing:
        generate(["a kite"])
    assert "pisang[ray]" in missing.value.message()


def test_what_names_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "find_spec", lambda name: object())
    for word in ("ray", "ray://head:10001"):
        workers.check_address(word)
    for word in ("", "rays", "ray:/x", "ray://", "http://x"):
        with pytest.raises(OptionInvalid):
            workers.check_address(word)
    monkeypatch.setattr(workers, "find_spec", lambda name: None)
    with pytest.raises(ExtraMissing):
        workers.check_address("ray")
