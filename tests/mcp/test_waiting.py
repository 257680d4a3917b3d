"""Slow images, clients that leave, processes that die: an agent hears of it, and loses nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from pisang.mcp import server as mcp_server
from pisang.mcp.line import Line
from tests.cli.conftest import Pisang, Server
from tests.mcp.conftest import Opener, Place, words_of

LONG = os.environ.get("PISANG_CRASH") == "long"
SLOW_S = 60 if LONG else 11


async def test_progress_comes_at_least_every_ten_seconds(session: Opener, local: Server) -> None:
    heard: list[tuple[float, str]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((time.monotonic(), message or ""))

    prompt = {"prompt": f"a heron [[sandbox delay={SLOW_S}]]"}
    async with session() as client:
        begun = time.monotonic()
        result = await client.call_tool("generate_image", prompt, progress_callback=hear)
    assert not result.is_error
    moments = [begun, *(at for at, _ in heard), time.monotonic()]
    gaps = [after - before for before, after in pairwise(moments)]
    assert max(gaps) < 10, gaps
    assert any("being painted" in message for _, message in heard)


async def test_a_client_that_can_t_hear_is_given_a_job_in_time(
    place: Place, local: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcp_server, "DEAF_WAIT_S", 2.0)
    monkeypatch.setenv("PISANG_HOME", place.environ["PISANG_HOME"])
    spec = {"via": "local", "out": str(place.out), "roots": [], "max_cost": None}
    asked = {"prompt": "a heron [[sandbox delay=5]]"}
    async with Line(spec) as line, Client(mcp_server.Server(line)) as client:
        begun = time.monotonic()
        left = await client.call_tool("generate_image", asked)
        assert time.monotonic() - begun < 5
        told = left.structured_content
        assert told["state"] == "sent" and "get_job" in words_of(left)
        done = await client.call_tool("get_job", {"job_id": told["job_id"], "wait_s": 30})
    assert Path(done.structured_content["images"][0]["path"]).parent == place.out


async def test_a_call_that_is_cancelled_is_paid_for_once_and_kept(
    session: Opener, local: Server
) -> None:
    before = len(local.charges)
    async with session() as client:
        sent = asyncio.Event()

        async def hear(progress: float, total: float | None, message: str | None) -> None:
            if "being painted" in (message or ""):
                sent.set()

        asked = {"prompt": "an egret [[sandbox delay=3]]"}
        calling = asyncio.create_task(
            client.call_tool("generate_image", asked, progress_callback=hear)
        )
        await asyncio.wait_for(sent.wait(), 30)
        await asyncio.sleep(0.5)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        found = await client.call_tool("find_images", {"query": "egret"})
        job_id = found.structured_content["requests"][0]["id"]
        done = await client.call_tool("get_job", {"job_id": job_id, "wait_s": 30})
    assert done.structured_content["state"] == "done"
    assert Path(done.structured_content["images"][0]["path"]).is_file()
    assert len(local.charges) == before + 1


def start(place: Place) -> subprocess.Popen[str]:
    """The server as a client starts it, spoken to by hand."""
    return subprocess.Popen(
        place.command(), cwd=place.folder, env=place.environ, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def say(process: subprocess.Popen[str], **message: Any) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    process.stdin.flush()


def ask_for_a_slow_picture(process: subprocess.Popen[str], word: str) -> None:
    """Return once its picture is being painted."""
    params = {
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "by hand", "version": "1"},
    }  # fmt: skip
    say(process, id=1, method="initialize", params=params)
    say(process, method="notifications/initialized")
    arguments = {"prompt": f"{word} [[sandbox delay=3]]"}
    call = {"name": "generate_image", "arguments": arguments, "_meta": {"progressToken": 7}}
    say(process, id=2, method="tools/call", params=call)
    assert process.stdout is not None
    for line in process.stdout:
        if "being painted" in line:
            return
    raise AssertionError("it was never sent")


@pytest.mark.parametrize("end", ["its input ends", "its group is killed"])
async def test_a_client_s_death_loses_nothing(
    end: str, session: Opener, local: Server, place: Place
) -> None:
    before = len(local.charges)
    process = start(place)
    ask_for_a_slow_picture(process, "bittern")
    if end == "its group is killed":
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    async with session() as client:
        found = await client.call_tool("find_images", {"query": "bittern"})
        job_id = found.structured_content["requests"][0]["id"]
        done = await client.call_tool("get_job", {"job_id": job_id, "wait_s": 30})
    assert done.structured_content["state"] == "done"
    path = Path(done.structured_content["images"][0]["path"])
    assert path.parent == place.out and path.is_file()
    assert len(local.charges) == before + 1


def keepers(place: Place) -> list[int]:
    """The keepers of that place's sessions."""
    mine = str(place.out)
    listed = subprocess.run(["ps", "-ewwo", "pid,args"], capture_output=True, text=True, check=True)
    lines = [line.strip() for line in listed.stdout.splitlines()]
    return [int(one.split()[0]) for one in lines if "pisang.mcp.keeper" in one and mine in one]


async def test_a_keeper_that_is_killed_leaves_an_unknown_that_is_named(
    session: Opener, local: Server, place: Place
) -> None:
    async with session() as client:
        sent = asyncio.Event()

        async def hear(progress: float, total: float | None, message: str | None) -> None:
            if "being painted" in (message or ""):
                sent.set()

        asked = {"prompt": "a stork [[sandbox delay=8]]"}
        calling = asyncio.create_task(
            client.call_tool("generate_image", asked, progress_callback=hear)
        )
        await asyncio.wait_for(sent.wait(), 30)
        await asyncio.sleep(0.5)
        (keeper,) = keepers(place)
        os.kill(keeper, signal.SIGKILL)
        told = await asyncio.wait_for(calling, 30)
        again = await client.call_tool("generate_image", {"prompt": "a crane"})
    assert told.is_error and "0.067 USD" in words_of(told)
    assert told.structured_content["error"]["code"] == "outcome_unknown"
    assert not again.is_error


async def test_two_agents_and_a_gateway_share_a_home(
    session: Opener, local: Server, place: Place, pisang: Pisang
) -> None:
    before = len(local.charges)
    gateway = subprocess.Popen(
        [sys.executable, "-m", "pisang", "serve", "--port", "0", "--via", "local"],
        cwd=place.folder, env=place.environ, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert gateway.stdout is not None and "http" in gateway.stdout.readline()
        async with session() as one, session() as two:
            made = await asyncio.gather(
                *(
                    client.call_tool("generate_image", {"prompt": f"agent {n}"})
                    for n, client in enumerate((one, two, one, two))
                )
            )
            seen = await two.call_tool("find_images", {"query": "agent", "limit": 10})
    finally:
        gateway.terminate()
        gateway.communicate(timeout=60)
    assert not any(result.is_error for result in made)
    assert len(seen.structured_content["requests"]) == 4
    assert len(local.charges) == before + 4
    assert not await _still_there(place)


async def _still_there(place: Place) -> bool:
    """Whether a session's keeper stays although nothing is under way."""
    for _ in range(100):
        if not keepers(place):
            return False
        await asyncio.sleep(0.1)
    return True
