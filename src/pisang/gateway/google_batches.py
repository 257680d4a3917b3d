"""Google's batch forms over any upstream: `:batchGenerateContent` with its requests in the call, or
in an uploaded file, and the operations that its SDKs look at (google-genai 3.4.0, `batches.py`).

A batch here is one of the ledger's, like any other: its rows are made by whoever has room.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from urllib.parse import unquote

from pisang.domain.attempt import State
from pisang.domain.batch import Batch, BatchState, BatchStatus, JobRow
from pisang.domain.content import Body, Piece
from pisang.domain.fingerprint import fingerprint, span_hash
from pisang.domain.request import JSON, Request, Text
from pisang.domain.serial import request_to_json
from pisang.engine.beside import beside
from pisang.engine.ids import new_id
from pisang.engine.outcome import summary
from pisang.errors import (
    Cancelled,
    NotFound,
    OptionInvalid,
    PisangError,
    RequestTooLarge,
    WireError,
)
from pisang.gateway.access import NAME, Caller
from pisang.gateway.batching import Given, Row, find, write_down
from pisang.gateway.files import moment, names_files, take_in
from pisang.gateway.intake import Asked, scan_body
from pisang.gateway.replies import JSON_TYPE, encode
from pisang.gateway.routing import as_told
from pisang.gateway.serving import Service, is_set, orders_for
from pisang.gateway.visits import Gone, Visit
from pisang.store.store import Store
from pisang.wires import strictjson
from pisang.wires.asgi import MAX_BODY
from pisang.wires.base import Ask, Sink, WireAnswer
from pisang.wires.fault import spoken_status
from pisang.wires.gemini_request import decode_body
from pisang.wires.scan import Scanner
from pisang.wires.table import wire

SOURCE = "google"
"""What marks a batch that was given this way: only those are told this way."""

DELETED = "google-deleted"
"""What marks one that its owner deleted: he is told of it no more, and the ledger keeps it."""

MAX_ROWS = 10_000
MAX_LIMIT = 100

_CREATE = re.compile(r"/v1(?:alpha|beta1?)?/(?P<resource>.+):batchGenerateContent")
_FILE = re.compile(r"/v1(?:alpha|beta1?)?/files/(?P<id>[^/:]+):download")
_ONE = re.compile(r"/v1(?:alpha|beta1?)?/batches/(?P<id>[^/:]+)(?P<cancel>:cancel)?")
_TYPE = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch"
_HEADERS = {"content-type": JSON_TYPE}
_LINES = {"content-type": "application/jsonl"}
_GEMINI = wire("gemini")


async def answer_batches(service: Service, visit: Visit, caller: Caller) -> WireAnswer:
    """Create, get, list, cancel or delete. Raises `Gone`."""
    try:
        created = _CREATE.fullmatch(visit.path)
        if created is not None:
            return await _create(service, visit, caller, unquote(created["resource"]))
        store = service.engine.store
        named = _FILE.fullmatch(visit.path) or _ONE.fullmatch(visit.path)
        if named is None:
            return await _list(service, visit, caller)
        batch = await _own(store, named["id"], caller)
        if named.re is _FILE:
            return WireAnswer(200, await beside(store, _lines, store, batch), _LINES)
        if visit.method == "DELETE":
            await asyncio.wrap_future(store.batches.disown(batch.id, DELETED))
            return WireAnswer(200, (b"{}",), _HEADERS)
        if named["cancel"]:
            await asyncio.wrap_future(store.batches.cancel(batch.id))
            return WireAnswer(200, (b"{}",), _HEADERS)
        return WireAnswer(200, await beside(store, _operation, store, batch), _HEADERS)
    except PisangError as error:
        return _GEMINI.encode_error(error)


async def _own(store: Store, batch_id: str, caller: Caller) -> Batch:
    found = await asyncio.to_thread(find, store, batch_id, caller.sees)
    if found is None or found.source != SOURCE:
        raise NotFound(what="batch", id=batch_id)
    return found


# --- given ---------------------------------------------------------------------------------------


async def _create(service: Service, visit: Visit, caller: Caller, resource: str) -> WireAnswer:
    """Every request of the call is checked before any is written down."""
    store = service.engine.store
    call_id = new_id("call")
    try:
        sink = store.spool(call_id)
        skeleton, spans = await scan_body(visit, sink)
        body = await asyncio.to_thread(strictjson.loads, skeleton, spans, wire="gemini")
        name, file, told = _read(body)
        if file is not None:
            told = await beside(store, _read_file, store, caller.scope, file, sink)
        await asyncio.to_thread(store.adopt, call_id)
    except (PisangError, Gone):
        store.let_go(call_id)
        raise
    same = fingerprint(visit.path, False, skeleton, tuple(map(span_hash, spans)))
    model = resource.rpartition("models/")[2] or resource
    rows = [await _row(service, visit, caller, item, model) for item in told]
    given = Given(
        scope=caller.scope,
        source=SOURCE,
        name=name,
        key=visit.headers.get("idempotency-key"),
        new=is_set(visit.headers, "x-pisang-new"),
        fingerprint=same,
        quota=caller.quota,
        facts={"model": resource, "file": file},
        rows=rows,
    )
    batch, known = await write_down(store, given)
    answer = await beside(store, _operation, store, batch)
    attached = {"x-pisang-attached": batch.id} if known else {}
    return WireAnswer(200, answer, _HEADERS | attached)


def _read(body: JSON) -> tuple[str, str | None, list[JSON]]:
    """The batch's name, and the file of its requests or they themselves. Raises `WireError`."""
    batch = _object(_object(body).get("batch"))
    source = _object(batch.get("inputConfig") or batch.get("input_config"))
    name, file = batch.get("displayName"), source.get("fileName")
    name = name[:200] if isinstance(name, str) else ""
    if isinstance(file, str):
        return name, file.removeprefix("files/"), []
    told = _object(source.get("requests")).get("requests")
    if not isinstance(told, list) or not 0 < len(told) <= MAX_ROWS:
        raise WireError(wire="gemini", why=_HOW_MANY)
    return name, None, told


_HOW_MANY = f"1 to {MAX_ROWS} requests are needed"


def _read_file(store: Store, scope: str, file_id: str, sink: Sink) -> list[JSON]:
    """The requests of a file that was uploaded: JSON, one a line, their long strings in `sink`.
    Raises `WireError` that names the line, `NotFound`, `RequestTooLarge`. Blocks."""
    told: list[JSON] = []
    with store.uploads.path(store.uploads.get(file_id, scope)).open("rb") as file:
        number = 0
        while line := file.readline(MAX_BODY + 1):
            number += 1
            if len(line) > MAX_BODY:
                raise RequestTooLarge(upstream=NAME)
            if line.strip():
                told.append(_read_line(line, number, sink))
    if not 0 < len(told) <= MAX_ROWS:
        raise WireError(wire="gemini", why=_HOW_MANY)
    return told


def _read_line(line: bytes, number: int, sink: Sink) -> JSON:
    scanner = Scanner(sink)
    try:
        scanner.feed(line)
        scanned = scanner.close()
        return strictjson.loads(scanned.skeleton, scanned.spans, wire="gemini")
    except WireError as error:
        raise WireError(wire="gemini", why=f"line {number}: {error.fields['why']}") from None


def _object(value: JSON) -> dict[str, JSON]:
    if not isinstance(value, dict):
        raise WireError(wire="gemini", why="batch.inputConfig.requests.requests is needed")
    return value


async def _row(service: Service, visit: Visit, caller: Caller, item: JSON, model: str) -> Row:
    told = _object(item)
    own = {name: told[name] for name in ("key", "metadata") if told.get(name) is not None}
    wanted = dict(_object(told.get("request")))
    named = wanted.pop("model", None)  # Google's SDKs may say it in each
    if isinstance(named, str) and named:
        model = named.rpartition("models/")[2] or named
    request = decode_body(wanted, model)
    same = fingerprint(visit.path, False, request_to_json(request, inline=False))
    asked = Asked(Ask(request), same)
    store = service.engine.store
    if names_files(asked):
        asked = await beside(store, take_in, asked, visit, caller, store)
    orders = orders_for(service, visit, caller, asked)
    return Row(orders, own or None)


# --- looked at -----------------------------------------------------------------------------------


async def _list(service: Service, visit: Visit, caller: Caller) -> WireAnswer:
    """Newest first, without their responses."""
    store = service.engine.store
    size = visit.query.get("pageSize", "")
    limit = min(int(size), MAX_LIMIT) if size.isascii() and size.isdigit() and size != "0" else 20
    token = visit.query.get("pageToken")
    before = await asyncio.to_thread(find, store, token, caller.sees) if token else None
    if token and before is None:
        raise OptionInvalid(option="pageToken", value=token[:40], why="it is of another list")

    def read() -> JSON:
        found = store.batches.newest(caller.sees, limit=limit, before=before)
        told = [_told(store.batches.status(one.id)) for one in found if one.source == SOURCE]
        following = {"nextPageToken": found[-1].id} if len(found) == limit else {}
        return {"operations": told, **following}

    return WireAnswer(200, (json.dumps(await asyncio.to_thread(read)).encode(),), _HEADERS)


def _told(status: BatchStatus) -> dict[str, JSON]:
    """A batch as a long-running operation, without its responses."""
    batch = status.batch
    succeeded = status.states.get(State.DONE, 0)
    left = status.waiting + status.taken
    stats = {
        "requestCount": status.total,
        "successfulRequestCount": succeeded,
        "failedRequestCount": max(0, status.total - left - succeeded),
        "pendingRequestCount": left,
    }
    changed_ms = status.ended_ms or status.started_ms or batch.created_ms
    metadata: dict[str, JSON] = {
        "@type": _TYPE,
        "model": batch.options["model"],
        "displayName": batch.name,
        "state": _state(status),
        "createTime": moment(batch.created_ms),
        "updateTime": moment(changed_ms),
        **({"endTime": moment(changed_ms)} if status.over else {}),
        "batchStats": {name: str(count) for name, count in stats.items()},
        "name": f"batches/{batch.id}",
    }
    return {"name": f"batches/{batch.id}", "metadata": metadata, "done": status.over}


def _state(status: BatchStatus) -> str:
    """Rows that failed say so themselves: the batch has succeeded all the same, as at Google."""
    cancelled = status.batch.state is BatchState.CANCELLED
    if status.over:
        return "BATCH_STATE_CANCELLED" if cancelled else "BATCH_STATE_SUCCEEDED"
    return "BATCH_STATE_RUNNING" if status.started_ms is not None else "BATCH_STATE_PENDING"


def _operation(store: Store, batch: Batch) -> Body:
    """A batch with its responses, once it is over; their pictures stay where they are. Blocks."""
    status = store.batches.status(batch.id)
    told = _told(status)
    if not status.over:
        return (json.dumps(told).encode(),)
    if batch.options["file"] is not None:
        told["metadata"]["output"] = {"responsesFile": f"files/{batch.id}"}
        return (json.dumps(told).encode(),)
    told["metadata"]["output"] = {"inlinedResponses": {"inlinedResponses": []}}
    lead, _, rest = json.dumps(told).rpartition("[]")
    rows: list[Piece] = []
    for at, row in enumerate(_rows(store, batch)):
        rows += [b", " if at else b"", *_response(store, row)]
    return (f"{lead}[".encode(), *rows, f"]{rest}".encode())


def _lines(store: Store, batch: Batch) -> Body:
    """The responses of a batch that is over, one a line. Raises `NotFound` before. Blocks."""
    if not store.batches.status(batch.id).over:
        raise NotFound(what="file", id=batch.id)
    return tuple(piece for row in _rows(store, batch) for piece in (*_response(store, row), b"\n"))


def _rows(store: Store, batch: Batch) -> Iterator[JobRow]:
    after = -1
    while page := store.batches.jobs(batch.id, after=after):
        yield from page
        after = page[-1].job.number


def _response(store: Store, row: JobRow) -> Body:
    """What became of one request: what its upstream said, or the error, behind what its caller
    marked it with."""
    own = json.dumps(row.job.terms.extras or {})[:-1]
    lead = own if own == "{" else f"{own}, "
    if row.ended is None:
        return (f'{lead}"error": '.encode(), _error_json(Cancelled()), b"}")
    ran = summary(row.request)
    ask = Ask(Request((Text(row.request.prompt),), row.request.model))
    answer = encode(ran, ask, _GEMINI, store, str)  # a refusal is told as its upstream told it
    if answer.status != 200:
        return (f'{lead}"error": '.encode(), _error_json(as_told(ran.error or Cancelled())), b"}")
    return (f'{lead}"response": '.encode(), *answer.body, b"}")


def _error_json(error: PisangError) -> bytes:
    """An error in the three fields that Google's SDKs take (`types.JobError`)."""
    told = {"code": spoken_status(error), "message": error.message(), "details": [error.code]}
    return json.dumps(told).encode()
