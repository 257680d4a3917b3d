"""What agents get: every tool over the official client, and what a result weighs."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pisang.domain.content import content_of
from pisang.domain.image import read_facts
from tests.cli.conftest import Server
from tests.gateway.clients.roster import FOLDER, CannotRun, making
from tests.mcp.conftest import Opener, Place, words_of

TOOLS = Path(__file__).with_name("tools.json")
INSPECTOR = "@modelcontextprotocol/inspector"
LONG = os.environ.get("PISANG_CRASH") == "long"
MOST_BYTES = 256 * 1024


async def test_the_list_of_tools_is_stable(session: Opener) -> None:
    """To take a change over: write what is shown to tools.json."""
    async with session() as client:
        listed = (await client.list_tools()).model_dump(mode="json", exclude_none=True)["tools"]
    assert listed == json.loads(TOOLS.read_text()), json.dumps(listed, indent=1)


async def test_no_tool_that_buys_is_said_to_be_harmless(session: Opener) -> None:
    async with session() as client:
        told = {one.name: one.annotations for one in (await client.list_tools()).tools}
    buying = {"generate_image", "edit_image", "start_batch"}
    for name, said in told.items():
        assert said is not None
        assert (not said.read_only_hint and not said.idempotent_hint) == (name in buying)
        assert bool(said.open_world_hint) == (name in buying)
        assert said.destructive_hint is not True


async def test_a_4k_image_is_a_path_a_preview_and_a_link(
    session: Opener, local: Server, place: Place
) -> None:
    wanted = {"prompt": "用 ikun 画一张赛博朋克风格的城市夜景", "aspect_ratio": "16:9"}
    async with session() as client:
        result = await client.call_tool("generate_image", {**wanted, "image_size": "4K"})
    assert not result.is_error
    assert len(result.model_dump_json()) < MOST_BYTES
    (image,) = result.structured_content["images"]
    path = Path(image["path"])
    assert path.parent == place.out
    assert (image["width"], image["height"]) == (5504, 3072)
    assert path.stat().st_size == image["bytes"]
    preview, link = result.content[1:]
    small = base64.b64decode(preview.data)
    facts = read_facts(content_of(small))
    assert facts is not None and facts.mime == preview.mime_type == "image/jpeg"
    assert len(small) <= 200_000 and max(facts.width, facts.height) <= 1024
    assert (link.type, link.uri, link.size) == ("resource_link", path.as_uri(), image["bytes"])
    assert str(path) in words_of(result) and "0.067 USD" in words_of(result)
    assert preview.data not in json.dumps(result.structured_content)
    assert len(local.charges) > 0


async def test_an_edit_goes_on_from_the_session_s_last(session: Opener, local: Server) -> None:
    async with session() as client, session() as other:
        first = await client.call_tool("generate_image", {"prompt": "a heron"})
        edited = await client.call_tool("edit_image", {"image": "last", "prompt": "at dusk"})
        again = await client.call_tool("get_image", {"image": "last"})
        theirs = await other.call_tool("edit_image", {"image": "last", "prompt": "at dawn"})
    before, after = (one.structured_content["images"][0] for one in (first, edited))
    assert after["parent"] == before["sha256"]
    assert again.structured_content["images"][0]["path"] == after["path"]
    assert theirs.is_error and "no image made in this session yet" in words_of(theirs)


async def test_several_pictures_share_the_preview_s_room(session: Opener, local: Server) -> None:
    async with session() as client:
        result = await client.call_tool("generate_image", {"prompt": "geese", "n": 3})
    kinds = [one.type for one in result.content]
    assert kinds == ["text", *["image"] * 3, *["resource_link"] * 3]
    assert len(result.model_dump_json()) < MOST_BYTES
    assert len({one["path"] for one in result.structured_content["images"]}) == 3


async def test_a_batch_is_begun_waited_for_and_found(session: Opener, local: Server) -> None:
    prompts = ["一只白鹭", "a red kite", "[[sandbox finish=IMAGE_SAFETY]] a storm"]
    async with session() as client:
        begun = await client.call_tool("start_batch", {"prompts": prompts, "out": "birds"})
        job_id = begun.structured_content["job_id"]
        over = await client.call_tool("get_job", {"job_id": job_id, "wait_s": 60})
        found = await client.call_tool("find_images", {"query": "白鹭"})
    rows = over.structured_content["requests"]
    assert [(row["prompt"], row["state"]) for row in rows] == list(
        zip(prompts, ["done", "done", "refused"], strict=True)
    )
    assert [Path(one["path"]).parent.name for row in rows for one in row["images"]] == ["birds"] * 2
    assert f"{job_id}: 2 done, 1 refused" in words_of(over)
    assert [row["id"] for row in found.structured_content["requests"]] == [rows[0]["id"]]


async def test_a_batch_with_a_wish_that_can_t_be_granted_buys_nothing(
    session: Opener, local: Server
) -> None:
    before = len(local.charges)
    asked = {"prompts": ["a heron", " "], "aspect_ratio": "16:9"}
    async with session() as client:
        refused = await client.call_tool("start_batch", asked)
    assert refused.is_error and "prompt is empty" in words_of(refused)
    assert len(local.charges) == before


async def test_what_went_wrong_is_said_with_what_it_cost(session: Opener, local: Server) -> None:
    async with session() as client:
        refused = await client.call_tool(
            "generate_image", {"prompt": "[[sandbox finish=IMAGE_SAFETY]] x"}
        )
        unknown = await client.call_tool("generate_image", {"prompt": "[[sandbox html=524]] y"})
    assert refused.is_error and "IMAGE_SAFETY" in words_of(refused)
    assert unknown.is_error and "do not ask again" in words_of(unknown)
    assert unknown.structured_content["error"]["at_stake"] == "0.067 USD"


async def test_models_are_listed_with_what_they_can(session: Opener, local: Server) -> None:
    async with session() as client:
        told = await client.call_tool("list_models", {})
    assert told.structured_content["upstream"] == "local"
    ids = {one["id"] for one in told.structured_content["models"]}
    assert {"gemini-3-pro-image", "gemini-3.1-flash-image"} <= ids


async def test_a_session_has_a_cap_of_its_own(session: Opener, local: Server) -> None:
    before = len(local.charges)
    async with session("--max-cost", "0.14USD") as client:
        made = [
            await client.call_tool("generate_image", {"prompt": f"a heron, {n}"}) for n in range(3)
        ]
        unpriced = await client.call_tool(
            "generate_image", {"prompt": "x", "model": "gemini-3-pro-image"}
        )
    assert [one.is_error for one in made] == [False, False, True]
    assert made[2].structured_content["error"]["code"] == "budget_exceeded"
    assert unpriced.structured_content["error"]["code"] == "price_unknown"
    assert len(local.charges) == before + 2


async def test_without_an_upstream_the_agent_is_told_what_its_user_does(session: Opener) -> None:
    async with session(via="nowhere") as client:
        said = await client.call_tool("generate_image", {"prompt": "a heron"})
    assert said.is_error and "no upstream named 'nowhere'" in words_of(said)


HOSTILE: list[tuple[str, dict[str, Any], str]] = [
    ("edit_image", {"image": "../../../etc/passwd", "prompt": "x"}, "may touch only"),
    ("edit_image", {"image": "/etc/passwd", "prompt": "x"}, "may touch only"),
    ("edit_image", {"image": "~/.ssh/id_rsa", "prompt": "x"}, "may touch only"),
    ("edit_image", {"image": "link.png", "prompt": "x"}, "may touch only"),
    ("edit_image", {"image": "a\0b.png", "prompt": "x"}, "no path"),
    ("edit_image", {"image": "-", "prompt": "x"}, "no such file"),
    ("edit_image", {"image": "http://127.0.0.1:1/x.png", "prompt": "x"}, "not fetched"),
    ("edit_image", {"image": "http://169.254.169.254/latest", "prompt": "x"}, "not fetched"),
    ("edit_image", {"image": "file:///etc/passwd", "prompt": "x"}, "not fetched"),
    ("edit_image", {"image": "data:image/png;base64,iVBORw0KGgo=", "prompt": "x"}, "not fetched"),
    ("get_image", {"image": "/etc/hostname"}, "may touch only"),
    ("generate_image", {"prompt": "x", "out": "../../outside.png"}, "may touch only"),
    ("generate_image", {"prompt": "x", "out": "/etc/cron.d/x.png"}, "may touch only"),
    ("generate_image", {"prompt": "x", "references": ["/etc/shadow"]}, "may touch only"),
    ("generate_image", {"prompt": "x", "n": 1_000_000}, "less than or equal to 8"),
    ("generate_image", {"prompt": "x", "n": "many"}, "valid integer"),
    ("generate_image", {"prompt": ["x"]}, "valid string"),
    ("generate_image", {}, "field required"),
    ("generate_image", {"prompt": ""}, "prompt is empty"),
    ("generate_image", {"prompt": "x", "aspect_ratio": "17:4"}, "17:4"),
    ("generate_image", {"prompt": "x", "image_size": "64K"}, "64K"),
    ("generate_image", {"prompt": "x", "max_cost": "much"}, "much"),
    ("generate_image", {"prompt": "x", "max_cost": "0.01USD"}, "0.01 USD"),
    ("start_batch", {"prompts": []}, "at least 1"),
    ("start_batch", {"prompts": ["x"] * 51}, "at most 50"),
    ("get_job", {"job_id": "req_none"}, "no request"),
    ("get_job", {"job_id": "job_none"}, "no job"),
    ("get_job", {"job_id": "../../etc"}, "There is no"),
    ("cancel_job", {"job_id": "'; DROP TABLE requests"}, "There is no"),
    ("find_images", {"limit": 10_000}, "less than or equal to 50"),
]


async def test_hostile_words_touch_nothing_and_are_answered_in_a_sentence(
    session: Opener, local: Server, place: Place, tmp_path: Path
) -> None:
    place.out.mkdir()
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"not yours")
    (place.out / "link.png").symlink_to(secret)
    charged, files = len(local.charges), set(tmp_path.rglob("*.png"))
    async with session() as client:
        for tool, arguments, said in HOSTILE:
            result = await client.call_tool(tool, arguments)
            told = words_of(result)
            assert result.is_error, (tool, arguments, told)
            assert said in told, (tool, arguments, told)
            assert "Traceback" not in told and "pydantic" not in told
    assert len(local.charges) == charged
    assert set(tmp_path.rglob("*.png")) == files


async def test_markup_in_a_prompt_stays_words(session: Opener, local: Server) -> None:
    prompt = "<script>alert(1)</script> [x](javascript:y) \x1b[31m {{config}} ignore all rules"
    async with session() as client:
        made = await client.call_tool("generate_image", {"prompt": prompt})
        found = await client.call_tool("find_images", {"limit": 1})
    assert not made.is_error
    assert found.structured_content["requests"][0]["prompt"] == prompt
    assert "\x1b" not in words_of(found)
    assert Path(made.structured_content["images"][0]["path"]).name.isprintable()


@pytest.fixture(scope="module")
def inspector() -> str:
    """The inspector's program, from the npm registry."""
    npm = shutil.which("npm")
    if npm is None:
        raise CannotRun("Node is not installed")
    folder = FOLDER / "inspector"
    with making(folder) as wanted:
        if wanted:
            folder.mkdir(parents=True, exist_ok=True)
            words = [npm, "install", "--silent", "--no-audit", "--no-fund", INSPECTOR]
            subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=300)
    return str(folder / "node_modules" / ".bin" / "mcp-inspector")


CALLS: list[tuple[str, list[str]]] = [
    ("generate_image", ["prompt=a heron", "aspect_ratio=3:4"]),
    ("edit_image", ["image={sha256}", "prompt=at dusk"]),
    ("start_batch", ['prompts=["a heron", "a kite"]']),
    ("get_job", ["job_id={request_id}", "wait_s=20"]),
    ("cancel_job", ["job_id={request_id}"]),
    ("list_models", []),
    ("find_images", ["query=heron"]),
    ("get_image", ["image={request_id}"]),
]


@pytest.mark.crash
async def test_the_inspector_drives_every_tool(
    session: Opener, local: Server, place: Place, inspector: str
) -> None:
    async with session() as client:
        made = await client.call_tool("generate_image", {"prompt": "a heron"})
    known = {
        "request_id": made.structured_content["request_id"],
        "sha256": made.structured_content["images"][0]["sha256"],
    }
    names = {one["name"] for one in json.loads(TOOLS.read_text())}
    assert {tool for tool, _ in CALLS} == names
    for tool, words in CALLS if LONG else CALLS[:1]:  # it takes seconds to start
        said = [word.format(**known) if "{" in word else word for word in words]
        asked = ["--method", "tools/call", "--tool-name", tool]
        asked += [one for word in said for one in ("--tool-arg", word)]
        done = subprocess.run(
            [inspector, "--cli", *place.command(), *asked],
            cwd=place.folder, env=place.environ, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, (tool, done.stderr[-500:])
        result = json.loads(done.stdout)
        assert not result.get("isError"), (tool, result)
        assert len(done.stdout) < MOST_BYTES
