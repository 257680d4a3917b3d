"""The harness of `make prove` counts right, and what the pages say is what was counted."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

from PIL import Image

from prove import pages, pictures
from prove.clients import CLIENTS
from prove.faults import PLAN, WISHES, fault_of
from prove.harness import prove
from prove.record import Granted, read_granted, total

RUN = "run: python -m prove --pages"
NAMED = {client.name: client for client in CLIENTS}


def test_the_book_knows_what_was_paid_and_the_disk_what_was_had(tmp_path: Path) -> None:
    clients = [NAMED["resend"], NAMED["pisang"]]
    sends, rows = prove(tmp_path, [1, 10, 15], clients)

    assert [(one.wish, one.send, one.fault, one.billed) for one in sends[:5]] == [
        (1, 1, "good", 1),
        (10, 1, "524", 1),
        (10, 2, "good", 1),
        (15, 1, "kill -9", 1),
        (15, 2, "good", 1),
    ]
    resend, pisang = rows[:3], rows[3:]
    assert [(one.paid, one.on_disk, one.exits) for one in resend] == [
        (1, 1, "0"),
        (2, 1, "0"),
        (2, 1, "-9 0"),
    ]
    assert [one.paid for one in pisang] == [1, 1, 1]
    assert (pisang[1].on_disk, pisang[1].listed) == (0, "0.134 USD")
    assert total("pisang", pisang).kept
    assert not total("resend", resend).kept


def test_a_payment_is_told_only_where_its_own_wish_is_listed() -> None:
    def row(wish: int, paid: int, on_disk: int, listed: str = "") -> Granted:
        return Granted("x", wish, "", "0", 1, paid, on_disk, listed)

    rows = [row(1, 1, 1), row(2, 1, 0, "1 USD"), row(3, 1, 0), row(4, 3, 2), row(5, 0, 0, "1 USD")]
    counted = total("x", rows)
    assert (counted.paid, counted.on_disk, counted.not_had, counted.told) == (6, 2, 2, 1)
    assert (counted.twice, counted.false_alarms, counted.kept) == (1, 1, False)
    assert total("x", rows[:2]).kept


def test_each_send_makes_a_real_picture_of_its_own() -> None:
    made = {pictures.png("a", 1, 1), pictures.png("a", 1, 2), pictures.png("b", 1, 1)}
    assert len(made) == 3
    for data in made:
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
            assert picture.size == (pictures.WIDTH, pictures.HEIGHT)


def test_every_wish_comes_good_in_the_end() -> None:
    assert max(PLAN) <= WISHES
    assert all(fault_of(wish, 3).name == "good" for wish in range(1, WISHES + 1))


def test_the_pages_say_what_the_kept_figures_say() -> None:
    results = pages.newest()
    rows = read_granted(results / "wishes.csv")
    assert pages.PAGE.read_text("utf-8") == pages.page(rows, results), RUN
    readme = (pages.ROOT / "README.md").read_text("utf-8")
    assert pages.block(rows, "en") in readme, RUN
    chinese = pages.ROOT / "README.zh-CN.md"
    if chinese.exists() and pages.BEGIN in (text := chinese.read_text("utf-8")):
        assert pages.block(rows, "zh") in text, RUN


def test_the_two_kept_files_agree_and_the_promise_stands_in_them() -> None:
    results = pages.newest()
    rows = read_granted(results / "wishes.csv")
    with (results / "sends.csv").open(newline="") as file:
        sends = list(csv.DictReader(file))
    billed = Counter((one["client"], int(one["wish"])) for one in sends if one["billed"] == "1")
    assert {(one.client, one.wish): one.paid for one in rows if one.paid} == dict(billed)
    assert len(rows) == len(CLIENTS) * WISHES
    assert total("pisang", [one for one in rows if one.client == "pisang"]).kept
