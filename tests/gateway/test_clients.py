"""Public clients as they are, pointed at the gateway: what their users get, and see of errors."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.gateway.clients.cases import (
    BASE_CLASSES,
    CASES,
    ERROR_CLASSES,
    Case,
    Counted,
    Error,
    Filed,
    Listed,
    Made,
)
from tests.gateway.clients.roster import CLIENTS, CannotRun, Client, run
from tests.gateway.conftest import Stage

Told = dict[str, dict[str, Any]]


def expected(client: Client, case: Case) -> Any:
    """What that client's users are to see; None where it has no such call."""
    if case.by_sdk and client.family == "http":
        return None
    return case.openai if client.family == "openai" else case.google


def asked(client: Client) -> list[Case]:
    return [case for case in CASES if expected(client, case) is not None]


@pytest.fixture(scope="module")
def telling(stage: Stage) -> Iterator[dict[str, Future[Told]]]:
    """Every client's answers to the whole table, two clients at once."""
    with ThreadPoolExecutor(2) as pool:
        yield {
            client.name: pool.submit(
                run, client, stage.url, [case.job(client.name) for case in asked(client)]
            )
            for client in CLIENTS
        }


ROWS = [(client, case) for client in CLIENTS for case in asked(client)]


@pytest.mark.parametrize(
    ("client", "case"), ROWS, ids=[f"{client.name}: {case.name}" for client, case in ROWS]
)
def test_a_client_s_users_get_what_the_table_says(
    client: Client, case: Case, telling: dict[str, Future[Told]]
) -> None:
    try:
        told = telling[client.name].result()
    except CannotRun as why:
        pytest.skip(f"NOT RUN: {client.name}: {why}")
    check(client, expected(client, case), told[case.name])


def test_the_upstream_sold_what_the_table_says(
    stage: Stage, telling: dict[str, Future[Told]]
) -> None:
    ran = [one for one in CLIENTS if not isinstance(telling[one.name].exception(), CannotRun)]
    rows = [(client, case) for client in ran for case in asked(client)]
    assert len(stage.charges) == sum(case.sold(expected(one, case)) for one, case in rows)


def check(client: Client, wanted: Any, told: dict[str, Any]) -> None:
    if isinstance(wanted, Error):
        check_error(client, wanted, told)
        return
    assert "error" not in told, told["error"]
    if isinstance(wanted, Counted):
        assert told["tokens"] > 0
    elif isinstance(wanted, Filed):
        assert len(told["pictures"]) == 1
        assert told["state"] == "ACTIVE"
        assert told["uri"].endswith(told["file"])
        assert told["gone"] == 404
    elif isinstance(wanted, Listed):
        assert wanted.model in [name.removeprefix("models/") for name in told["models"]]
    else:
        check_made(client, wanted, told)


def check_made(client: Client, wanted: Made, told: dict[str, Any]) -> None:
    assert len(told["pictures"]) == wanted.pictures
    for picture in told["pictures"]:
        assert picture["mime"] == picture["kind"]  # the declared type is the bytes'
    if client.family != "openai":
        assert told["finish"] == wanted.finish
        assert wanted.text in told["text"]
        if wanted.signed is not None:
            assert told["signed"] is wanted.signed


def check_error(client: Client, wanted: Error, told: dict[str, Any]) -> None:
    error = told["error"]
    assert error["status"] == wanted.status, error
    for word in wanted.words:
        assert word in error["said"]
    sdk = client.name.split()[0]
    if sdk in ERROR_CLASSES:
        wanted_class = ERROR_CLASSES[sdk].get(wanted.status)
        assert error["class"] in ([wanted_class] if wanted_class else BASE_CLASSES), error
