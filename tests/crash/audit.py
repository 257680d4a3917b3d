"""The audit after a crash: the ledger, read past the store, held against the upstream's own book.

Its rules are J1–J8: nothing that was charged is lost silently, nothing is bought twice, every
image that is `done` is the one that was made, and the home is at rest.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sqlite3
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from pisang.sandbox.book import Charge
from tests.buckets import storage_for
from tests.crash.shell import PRICE_MICROS
from tests.ledgers import ledger_of
from tests.store.kit import open_store

MODEL = "gemini-3.1-flash-image"

AT_REST = {"done", "refused", "failed", "unknown"}
MAY_BE_CHARGED = {"done", "unknown"}

_ATTEMPTS = """
SELECT a.*, r.prompt, r.idempotency_key, r.state AS request_state, r.owner AS request_owner
FROM attempts AS a JOIN requests AS r ON r.id = a.request_id ORDER BY {order}
"""
_IMAGES = "SELECT i.*, r.prompt FROM images AS i JOIN requests AS r ON r.id = i.request_id"

Row = Mapping[str, Any]
Painted = Callable[[str, int], frozenset[str]]
"""From a prompt and a take to the SHA-256s of the pictures that the sandbox paints then."""

Made = Callable[[str], frozenset[str]]
"""From a prompt to the SHA-256s of the pictures that were charged for it."""

_HURRY = re.compile(r"\b(?:delay|drip|cut|signature)=\S+?(?=[\s\]])")
"""Directives that change how an answer comes, and nothing in its pictures."""


@dataclass(frozen=True)
class Ledger:
    """Everything in a home's ledger that an auditor asks for. Attempts in the order of claims."""

    home: Path
    attempts: list[Row]
    images: list[Row]
    requests: list[Row]
    answered: set[str]
    counted: int

    @property
    def states(self) -> Counter[str]:
        """How many attempts are in which state."""
        return Counter(row["state"] for row in self.attempts)


def read_ledger(home: Path) -> Ledger:
    """The ledger as its database gives it, its integrity checked first where it is a file (J7)."""
    elsewhere = ledger_of(home)
    if elsewhere is not None:
        with psycopg.connect(elsewhere.reveal(), row_factory=dict_row) as there:
            return _read(home, lambda sql: there.execute(sql).fetchall(), "a.sent_ms, a.id")
    with closing(sqlite3.connect(home / "ledger.db")) as connection:
        connection.row_factory = sqlite3.Row
        sound = connection.execute("PRAGMA integrity_check").fetchall()
        assert [row[0] for row in sound] == ["ok"], "J7: damaged"
        dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
        assert dangling == [], "J7: rows name rows that are gone"
        return _read(home, lambda sql: connection.execute(sql).fetchall(), "a.rowid")


def _read(home: Path, rows: Callable[[str], list[Any]], order: str) -> Ledger:
    return Ledger(
        home,
        rows(_ATTEMPTS.format(order=order)),
        rows(_IMAGES),
        rows("SELECT * FROM requests"),
        {row["sha256"] for row in rows("SELECT sha256 FROM answer_contents")},
        int(rows("SELECT coalesce(sum(micros), 0) AS micros FROM counters")[0]["micros"]),
    )


def audit(
    home: Path, charges: Sequence[Charge], acknowledged: Iterable[str], painted: Painted
) -> Ledger:
    """Hold a home at rest against the upstream's book; the ledger when all is as it must be."""
    ledger = read_ledger(home)
    check_charges(ledger, charges)
    check_states(ledger)
    check_money(ledger, charges)
    made = made_of(charges, painted)
    check_images(ledger, set(acknowledged), made)
    check_files(ledger, made)
    return ledger


def made_of(charges: Sequence[Charge], painted: Painted) -> Made:
    """The pictures that the book says were made."""
    takes: dict[str, set[int]] = {}
    for charge in charges:
        takes.setdefault(charge.prompt_sha256, set()).add(charge.take)

    def made(prompt: str) -> frozenset[str]:
        of_prompt = takes.get(hash_of(prompt.encode()), set())
        return frozenset(sha256 for take in of_prompt for sha256 in painted(prompt, take))

    return made


def check_charges(ledger: Ledger, charges: Sequence[Charge]) -> None:
    """J1, J2, J8: each charge stands in the ledger once, as `done` or `unknown`."""
    by_prompt: dict[str, list[Row]] = {}
    for row in ledger.attempts:
        by_prompt.setdefault(hash_of(row["prompt"].encode()), []).append(row)
    times = Counter(charge.prompt_sha256 for charge in charges)
    for charge in charges:
        rows = by_prompt.get(charge.prompt_sha256, [])
        assert rows, f"J1: {charge.id} was charged and nobody knows of it"
        assert times[charge.prompt_sha256] == 1, f"J2: {rows[0]['prompt']!r} was bought twice"
        # Who read the answer to its end knows its id; of who did not, `done` or `unknown` is owed.
        told = [row for row in rows if row["response_id"] in (charge.id, None)]
        owed = [row for row in told if row["state"] in MAY_BE_CHARGED]
        assert len(owed) == 1, f"J1: {len(owed)} attempts answer for {charge.id}"
    ids = {charge.id for charge in charges}
    for row in ledger.attempts:
        if row["state"] == "done" and row["response_id"] is not None:
            assert row["response_id"] in ids, f"{row['id']} is done and was never charged"
        if row["state"] == "failed":
            assert row["charged"] == "no", f"J8: {row['id']} failed and may have been charged"


def check_states(ledger: Ledger) -> None:
    """J5 and what of J6 is in rows: nothing is under way, nobody owns anything."""
    for row in ledger.attempts:
        assert row["state"] in AT_REST, f"J5: {row['id']} is {row['state']}"
        assert row["ended_ms"] is not None, f"J5: {row['id']} never ended"
        assert row["sent_ms"] is not None or row["state"] == "failed"
    for row in ledger.requests:
        assert row["state"] in AT_REST, f"J5: {row['id']} is {row['state']}"
        assert row["owner"] is None, f"J6: {row['id']} is still somebody's"


def check_money(ledger: Ledger, charges: Sequence[Charge]) -> None:
    """J4: what was settled is what was charged, and the budget counts that and what is unknown."""
    prices = {charge.id: charge.price_micros for charge in charges}
    counted = 0
    for row in ledger.attempts:
        if row["state"] == "done" and row["response_id"] is not None:
            assert row["cost_micros"] == prices[row["response_id"]], f"J4: {row['id']}"
        if row["charged"] != "no":
            assert row["cost_micros"] == PRICE_MICROS, f"J4: {row['id']}"
            counted += PRICE_MICROS
    assert ledger.counted == counted, "J6: the budget holds what nobody has"


def check_images(ledger: Ledger, acknowledged: set[str], made: Made) -> None:
    """J3, J7: every image is there, byte for byte the one that was made for its prompt."""
    for sha256 in acknowledged:
        assert any(row["sha256"] == sha256 for row in ledger.images), f"J3: {sha256} is lost"
    have = {row["attempt_id"] for row in ledger.images}
    for row in ledger.attempts:
        assert (row["state"] == "done") == (row["id"] in have), f"J7: {row['id']}"
    with _images(ledger.home) as read:
        for row in ledger.images:
            name = row["sha256"]
            assert hash_of(read(name)) == name, f"J3: {name} is damaged"
            assert name in made(row["prompt"]), f"J3: {name} is another picture"


@contextmanager
def _images(home: Path) -> Iterator[Callable[[str], bytes]]:
    """What gives an image's bytes: of the folder, or of the bucket that the run is told of."""
    if storage_for(home) is None:
        yield lambda name: (home / "images" / name[:2] / name).read_bytes()
        return
    with closing(open_store(home)) as store:
        yield lambda name: b"".join(store.read(store.content(name)))


def check_files(ledger: Ledger, made: Made) -> None:
    """J6, J7: no file without a row, and in `incoming/` only what half came in of an `unknown`."""
    named = {row["sha256"] for row in ledger.images} | ledger.answered
    for path in [*ledger.home.glob("images/*/*"), *ledger.home.glob("blobs/*/*")]:
        assert path.name in named, f"J7: {path} belongs to nothing"
    unknown = {row["id"]: row["prompt"] for row in ledger.attempts if row["state"] == "unknown"}
    for path in (ledger.home / "incoming").iterdir():
        attempt_id = re.split(r"[-.]", path.name)[0]
        assert attempt_id in unknown, f"J6: {path.name} was left behind"
        whole = hash_of(path.read_bytes()) in made(unknown[attempt_id])
        assert not whole, f"J1: {path.name} is a whole picture, and its attempt is unknown"


def hash_of(data: bytes) -> str:
    """The SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def painter(base_url: str) -> Painted:
    """What the sandbox paints, asked of it free of charge and past everything of ours."""

    @cache
    def painted(prompt: str, take: int) -> frozenset[str]:
        words = _HURRY.sub("", prompt) + f"[[sandbox charge=no take={take}]]"
        wish = {
            "contents": [{"parts": [{"text": words}]}],
            "generationConfig": {
                "responseModalities": ["IMAGE"],
                "imageConfig": {"imageSize": "512", "aspectRatio": "1:1"},
            },
        }
        url = f"{base_url}/v1beta/models/{MODEL}:generateContent"
        headers = {"content-type": "application/json"}
        call = urllib.request.Request(url, json.dumps(wish).encode(), headers)
        with urllib.request.urlopen(call, timeout=60) as answer:
            return frozenset(map(hash_of, pictures_in(json.load(answer))))

    return painted


def pictures_in(answer: Any) -> list[bytes]:
    """The pictures of a native answer."""
    parts = answer["candidates"][0].get("content", {}).get("parts", ())
    return [base64.b64decode(p["inlineData"]["data"]) for p in parts if "inlineData" in p]
