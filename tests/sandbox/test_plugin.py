"""The fixture that ships: a real server over a real socket."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pisang.sandbox import pytest_plugin
from pisang.sandbox.pytest_plugin import SandboxServer

from .asking import wish

PATH = "/v1beta/models/gemini-3.1-flash-image:generateContent"


@contextmanager
def post(server: SandboxServer, prompt: str) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(urlsplit(server.base_url).netloc, timeout=30)
    headers = {"content-type": "application/json", "x-goog-api-key": server.key}
    try:
        connection.request("POST", PATH, json.dumps(wish(prompt, size="512")), headers)
        yield connection.getresponse()
    finally:
        connection.close()


def test_the_server_paints_and_its_book_is_this_tests_own(pisang_sandbox: SandboxServer) -> None:
    with post(pisang_sandbox, "a cat") as response:
        assert response.status == 200
        answer = json.loads(response.read())
    assert [charge.id for charge in pisang_sandbox.book] == [answer["responseId"]]


def test_a_cut_is_a_broken_connection(pisang_sandbox: SandboxServer) -> None:
    assert pisang_sandbox.book == ()
    with post(pisang_sandbox, "a cat [[sandbox cut=0.5]]") as response:
        with pytest.raises(http.client.IncompleteRead) as broken:
            response.read()
        length = int(response.headers["content-length"])
    assert len(broken.value.partial) == length // 2
    assert [charge.fault for charge in pisang_sandbox.book] == ["cut"]
    assert len(pisang_sandbox.all_charges) >= 2


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    said = tmp_path / "stderr.txt"
    said.write_text("no such port")
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE, text=True)
    with process, pytest.raises(RuntimeError, match="did not start: no such port"):
        pytest_plugin._url_from(process, said)


def test_the_plugin_imports_nothing_heavy() -> None:
    program = (
        "import sys, pisang.sandbox.pytest_plugin\n"
        "print([name for name in ('pyvips', 'aiohttp', 'asyncio', 'granian', 'typer')"
        " if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
