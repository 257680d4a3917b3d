"""The SDK, as a user writes it, over the sandbox inside the process."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

import pisang
from pisang.client.settings import Settings
from pisang.domain.image import sniff_mime
from pisang.domain.ledger import Budget
from pisang.domain.money import Money
from pisang.errors import (
    NoImage,
    NotFound,
    OptionInvalid,
    OutcomeUnknown,
    OutputExists,
    PromptMissing,
    UpstreamMissing,
)


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pisang.Client]:
    monkeypatch.chdir(tmp_path)
    with pisang.Client("sandbox", home=tmp_path / "home") as opened:
        yield opened


def test_a_picture_is_made_and_saved_in_the_format_its_name_says(client, tmp_path: Path):
    result = client.generate("一只猫", aspect_ratio="16:9", image_size="1K")
    (image,) = result.images
    assert (image.width, image.height) == (1376, 768)
    assert sha256(image.bytes).hexdigest() == image.sha256
    assert image.path.read_bytes() == image.bytes
    assert image.pil().size == (1376, 768)
    saved = image.save(tmp_path / "cat.png")
    assert sniff_mime(saved.read_bytes()[:64]) == "image/png"
    same = image.save(tmp_path / "cat")
    assert same.read_bytes() == image.bytes
    with pytest.raises(OutputExists):
        image.save(tmp_path / "cat.png")
    image.save(tmp_path / "cat.png", force=True)


def test_a_result_tells_what_it_cost_and_what_to_know(client):
    result = client.generate("x")
    assert result.cost.money is not None
    assert result.cost.money.currency == "USD"
    assert "sandbox" in [warn.code for warn in result.warnings]
    assert result.finish_reason == "STOP"
    assert result.usage is not None
    assert result.failures == ()
    assert result.error is None
    assert client.request(result.request_id).images == result.images


def test_an_edit_goes_on_from_the_last_picture(client):
    first = client.generate("a hill")
    second = client.edit("last", "at night", n=2)
    assert len(second.images) == 2
    assert {image.parent for image in second.images} == {first.images[0].sha256}
    assert [one.request_id for one in client.lineage(second)] == [first.request_id]
    again = client.edit(first.images[0].sha256[:12], "in winter", references=[first.images[0].path])
    assert again.images[0].parent == first.images[0].sha256


def test_errors_are_of_their_own_kind_and_say_whether_money_moved(client):
    with pytest.raises(NoImage):
        client.generate("[[sandbox text-only]]")
    with pytest.raises(OutcomeUnknown) as caught:
        client.generate("[[sandbox cut=0.5]]")
    assert caught.value.charged == "unknown"
    (row,) = client.unknown()
    assert client.look(row.id[:10]).row.id == row.id
    client.write_off(row.id)
    assert client.unknown() == ()


def test_an_unknown_picture_is_bought_again_on_the_record(client):
    with pytest.raises(OutcomeUnknown):
        client.generate("x [[sandbox html=524]]")
    (row,) = client.unknown()
    with pytest.raises(OutcomeUnknown):
        client.rebuy(row.id)
    assert len(client.unknown()) == 2
    with pytest.raises(NotFound):
        client.rebuy("att_nope")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"n": 0}, OptionInvalid),
        ({"n": 1000}, OptionInvalid),
        ({"timeout_s": 0}, OptionInvalid),
        ({"timeout_s": float("nan")}, OptionInvalid),
        ({"max_cost": "much"}, OptionInvalid),
        ({"aspect_rato": "1:1"}, TypeError),
    ],
)
def test_wrong_options_are_refused_before_anything_is_written(client, options, error):
    with pytest.raises(error):
        client.generate("x", **options)
    assert client.history() == ()


@pytest.mark.parametrize("prompt", ["", "  \n"])
def test_an_empty_prompt_is_refused(client, prompt: str):
    with pytest.raises(PromptMissing):
        client.generate(prompt)


def test_a_prompt_that_is_no_text_is_refused(client):
    with pytest.raises(OptionInvalid, match="not valid UTF-8"):
        client.generate("a\ud800b")


def test_a_wrong_option_names_the_right_one(client):
    with pytest.raises(TypeError, match="did you mean 'aspect_ratio'"):
        client.generate("x", aspect_rato="1:1")


def test_defaults_are_laid_over_one_another_and_the_engine_is_shared(client):
    wide = client.with_options(aspect_ratio="21:9")
    assert wide.generate("x").images[0].width > 1500
    assert wide.generate("x", aspect_ratio="1:1").images[0].width == 1024
    assert len(client.history()) == 2


def test_each_step_is_heard(client):
    kinds: list[str] = []
    client.generate("x", on_event=lambda event: kinds.append(event.kind))
    steps = ["begun", "claimed", "sent", "kept", "done"]
    assert [kind for kind in kinds if kind != "received"] == steps
    assert "received" in kinds


def test_a_handle_is_waited_for_or_left(client):
    handle = client.submit("x [[sandbox delay=0.3]]")
    with pytest.raises(TimeoutError):
        handle.wait(0.01)
    assert not handle.done
    assert len(handle.wait().images) == 1
    sent = threading.Event()
    left = client.submit(
        "y [[sandbox delay=0.2]]", on_event=lambda event: event.kind == "sent" and sent.set()
    )
    assert sent.wait(10)
    assert left.cancel()
    for _ in range(100):
        if any(one.prompt.startswith("y") and one.images for one in client.history()):
            break
        threading.Event().wait(0.05)
    else:
        pytest.fail("what was sent was not seen through")


def test_no_upstream_is_an_error_and_never_the_sandbox(tmp_path: Path, monkeypatch):
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "IKUN_API_KEY", "IKUNCODE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("PISANG_UPSTREAM", raising=False)
    with pisang.Client(home=tmp_path / "home") as client, pytest.raises(UpstreamMissing):
        client.generate("x")


def test_an_upstream_may_be_given_as_a_value(tmp_path: Path):
    upstream = pisang.Upstream("mine", "gemini", "sandbox:", auth=pisang.Auth.NONE, kind="sandbox")
    with pisang.Client(upstream, home=tmp_path / "home") as client:
        assert client.generate("x", model="gemini-3-pro-image").upstream == "mine"


async def test_the_async_client_runs_side_by_side(tmp_path: Path):
    async with pisang.AsyncClient("sandbox", home=tmp_path / "home") as client:
        results = await asyncio.gather(*(client.generate(f"picture {i}") for i in range(3)))
        assert len({one.images[0].sha256 for one in results}) == 3
        handle = await client.submit("one more")
        assert (await handle.wait()).images


def test_several_threads_may_share_a_client(client):
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda i=i: found.append(len(client.generate(f"t{i}").images)))
        for i in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1, 1, 1]


def test_a_client_that_nobody_closes_ends_quietly_with_the_program(tmp_path: Path):
    code = "from pisang import Client; c = Client('sandbox'); print(c.generate('x').state)"
    environ = {"PATH": os.environ["PATH"], "PISANG_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_closing_twice_is_closing_once(tmp_path: Path):
    client = pisang.Client("sandbox", home=tmp_path / "home")
    client.generate("x")
    client.close()
    client.close()


def test_what_is_public_is_what_is_listed():
    assert set(dir(pisang)) == set(pisang.__all__)
    for name in pisang.__all__:
        assert getattr(pisang, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nope'"):
        pisang.Nope  # noqa: B018


def test_both_clients_have_the_same_methods():
    def public(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    assert public(pisang.Client) == public(pisang.AsyncClient)


def test_settings_that_name_no_caps_leave_those_of_the_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    cap = Budget("all-month", "all", "month", Money(5_000_000, "USD"))
    told = Settings(home, tmp_path, budgets=(cap,))
    with pisang.Client("sandbox", settings=told) as client:
        client.history()
    with pisang.Client("sandbox", settings=Settings(home, tmp_path)) as client:
        assert [one.budget.id for one in client.budgets()] == ["all-month"]
    with pisang.Client("sandbox", settings=Settings(home, tmp_path, budgets=())) as client:
        assert client.budgets() == ()


def test_a_client_that_is_dropped_on_its_own_thread_waits_for_nobody(tmp_path: Path):
    """The garbage collector runs on whichever thread it likes."""
    client = pisang.Client("sandbox", home=tmp_path / "home")
    client.generate("a kite", image_size="512")
    portal = client._portal

    async def drop() -> None:
        client.close()

    portal.call(drop)
    portal._thread.join(10)
    assert not portal._thread.is_alive()
    with pisang.Client("sandbox", home=tmp_path / "home") as again:
        assert len(again.history()) == 1
