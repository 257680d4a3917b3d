"""Files of a result: who is cancelled while they are written leaves nothing half done."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

import pisang.client.delivery as delivery_module
from pisang import AsyncClient
from pisang.client.delivery import Delivery
from pisang.client.output import Target


def test_a_delivery_that_is_cancelled_ends_its_file_and_is_not_done_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    write = delivery_module.export

    def slowly(*words: Any) -> Any:
        begun.set()
        assert go_on.wait(20)
        return write(*words)

    monkeypatch.setattr(delivery_module, "export", slowly)

    async def act() -> None:
        async with AsyncClient("sandbox", home=tmp_path / "home") as client:
            (tmp_path / "out").mkdir()
            told = Delivery(Target(tmp_path / "out", "cat", ".png"), "cat")
            result = await client.attempt("cat", delivery=told, image_size="512")
            collecting = asyncio.create_task(client.collect(result))
            await asyncio.to_thread(begun.wait, 20)
            collecting.cancel()
            asyncio.get_running_loop().call_later(0.2, go_on.set)
            with pytest.raises(asyncio.CancelledError):
                await collecting
            found = (await client.collect(result)).result
            assert [picture.spot for picture in found.images] == [tmp_path / "out" / "cat.png"]
            assert [path.name for path in (tmp_path / "out").iterdir()] == ["cat.png"]

    asyncio.run(act())
