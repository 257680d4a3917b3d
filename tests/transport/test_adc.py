"""Tokens for Vertex: signed by google-auth, fetched over our client, renewed, and nowhere seen."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pisang
from pisang.domain.upstream import Auth, Upstream
from pisang.errors import ConfigError, ExtraMissing, Unreachable
from pisang.transport.adc import AdcTokens, CredentialsMissing, CredentialsRefused
from pisang.transport.http import HttpTransport
from tests.google import TOKEN, Google, google


@pytest.fixture(scope="module")
def service() -> Iterator[Google]:
    with google() as running:
        yield running


@pytest.fixture
def vertex(service: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    """An upstream at the fake, with a service account named as users name it."""
    service.lives_s, service.refuses, service.echoes = 3600, False, False
    service.calls.clear()
    account = service.account(tmp_path / "account.json")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account))
    return Upstream(
        "vertex", "gemini", service.base_url, Auth.ADC, kind="vertex",
        default_model="gemini-3.1-flash-image",
    )  # fmt: skip


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without credentials of any kind."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_the_token_reaches_the_upstream_and_is_nowhere_else(
    vertex: Upstream, service: Google, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    service.echoes = True
    with pisang.Client(vertex, home=tmp_path / "home") as client:
        result = client.generate("a kite", image_size="1K")
    (path, said, _, body), token = service.calls[0], TOKEN.format(service.issued)
    assert said == f"Bearer {token}"
    assert path == (
        "/v1/projects/p-1/locations/global/publishers/google"
        "/models/gemini-3.1-flash-image:generateContent"
    )
    assert body["contents"][0]["role"] == "user"
    assert result.images
    assert "CANARY-token" not in repr(result) + result.text + json.dumps(result.to_json())
    assert b"CANARY-token" not in everything_in(tmp_path / "home")
    assert "CANARY-token" not in "".join(capfd.readouterr())


def test_one_token_serves_many_calls_and_an_old_one_is_renewed(
    vertex: Upstream, service: Google, tmp_path: Path
) -> None:
    before = service.issued
    with pisang.Client(vertex, home=tmp_path / "home") as client:
        client.generate("a", n=2, image_size="1K")
        assert service.issued == before + 1
    service.lives_s = 1  # google-auth renews minutes ahead: this one is never good
    with pisang.Client(vertex, home=tmp_path / "home") as client:
        client.generate("b", image_size="1K")
    assert service.issued >= before + 3
    assert service.grants[-1]["scope"] == "https://www.googleapis.com/auth/cloud-platform"


def test_the_free_call_counts_tokens_and_tests_the_token(
    vertex: Upstream, service: Google, tmp_path: Path
) -> None:
    with pisang.Client(vertex, home=tmp_path / "home") as client:
        probe = client.probe()
    assert probe.error is None
    assert probe.key_tested
    assert probe.skew_s is not None
    assert [path.rpartition(":")[2] for path, *_ in service.calls] == ["countTokens"]


def test_a_refusal_of_the_endpoint_is_told_without_what_it_repeats(
    vertex: Upstream, service: Google, tmp_path: Path
) -> None:
    service.refuses = True
    with (
        pisang.Client(vertex, home=tmp_path / "home") as client,
        pytest.raises(ConfigError, match="does not take") as told,
    ):
        client.generate("a")
    assert told.value.hint == "gcloud auth application-default login"
    assert told.value.__cause__ is None
    assert "eyJ" not in str(told.value) + repr(told.value.__context__)
    assert service.calls == []


def test_no_credentials_is_a_missing_key_and_nothing_is_written_down(
    vertex: Upstream, nobody: None, tmp_path: Path
) -> None:
    with pisang.Client(vertex, home=tmp_path / "home") as client:
        with pytest.raises(ConfigError, match="vertex: there is no Google Cloud login"):
            client.generate("a")
        assert client.history() == ()


def test_a_token_endpoint_that_is_not_there_is_unreachable(
    vertex: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = tmp_path / "account.json"
    told = json.loads(account.read_text()) | {"token_uri": "http://127.0.0.1:9/token"}
    account.write_text(json.dumps(told))
    with pisang.Client(vertex, home=tmp_path / "home") as client, pytest.raises(Unreachable):
        client.generate("a")


async def test_credentials_of_no_use_are_refused_in_our_own_words(
    service: Google, vertex: Upstream, tmp_path: Path
) -> None:
    account = tmp_path / "account.json"
    told = json.loads(account.read_text()) | {"private_key": "CANARY-no-key"}
    account.write_text(json.dumps(told))
    http = HttpTransport()
    try:
        with pytest.raises((CredentialsMissing, CredentialsRefused)) as refused:
            await AdcTokens(http).token()
    finally:
        await http.close()
    assert "CANARY" not in str(refused.value)


def test_without_the_extra_the_exact_command_is_named(tmp_path: Path) -> None:
    """In a process of its own, where google-auth can't be imported."""
    code = (
        "import sys; sys.modules['google.auth'] = None\n"
        "import pisang\n"
        "from pisang.domain.upstream import Auth, Upstream\n"
        "up = Upstream('vertex', 'gemini', 'http://127.0.0.1:9/publishers/google', Auth.ADC)\n"
        f"client = pisang.Client(up, home={str(tmp_path / 'home')!r})\n"
        "try:\n    client.generate('a', model='m')\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
        "client.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith(ExtraMissing.__name__), done.stderr
    assert "pip install 'pisang[vertex]'" in done.stdout
