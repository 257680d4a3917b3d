"""Google's Files API, as far as its SDKs use it: upload in pieces, look, list, delete, refer to.

The address that an upload is sent to is itself the right to send it: Google's SDKs send no key
with the pieces (google-genai 3.4.0, `files.py`; `x-goog-upload-status` on every answer, or they
send the piece again). A picture is used by its `uri`, and belongs to the key that brought it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from dataclasses import replace
from datetime import UTC, datetime

from pisang.domain.fingerprint import fingerprint
from pisang.domain.request import JSON, Image, Link, Part, Request
from pisang.domain.serial import request_to_json
from pisang.errors import NotFound, OptionInvalid, PisangError, RequestTooLarge
from pisang.gateway.access import NAME, OPEN_SCOPE, Caller
from pisang.gateway.intake import Asked
from pisang.gateway.visits import Gone, Visit, base_of
from pisang.store.store import Store
from pisang.store.uploads import Upload, Uploads
from pisang.transport.guard import check_address, check_url
from pisang.wires import strictjson
from pisang.wires.base import WireAnswer
from pisang.wires.table import wire

_UPLOAD = re.compile(r"/upload/(?:v1|v1alpha|v1beta1?)/files")
_FILES = re.compile(r"/(?:v1|v1alpha|v1beta1?)/files(?:/(?P<id>[^/:]+))?")
_URI = re.compile(r"https?://(?P<host>[^/?#]+)/v1(?:alpha|beta1?)?/files/(?P<id>[a-z0-9]+)")

_PICTURE = re.compile(r"image/[a-z0-9.-]{1,40}")
"""No `image/svg+xml`: that is a page, which could run things."""

_ROWS = frozenset({"jsonl", "application/jsonl", "application/x-ndjson", "application/json"})
"""What Google's pages say of a file of a batch's requests."""

_JSON = {"content-type": "application/json; charset=UTF-8"}
_MOST_TOLD = 64 * 1024
"""The largest description of a file."""


async def take_piece(visit: Visit, store: Store) -> WireAnswer:
    """Write a piece down, and say what became of the upload. Raises `Gone`."""
    uploads = store.uploads
    try:
        upload = await asyncio.to_thread(uploads.open, visit.query["upload_id"])
        commands = _commands(visit)
        if "upload" in commands:
            await _append(visit, uploads, upload)
        if "finalize" in commands:
            upload = await asyncio.to_thread(uploads.finish, upload)
            body: JSON = {"file": _told(upload, visit)}
            return _answer(body, {"x-goog-upload-status": "final"})
    except PisangError as error:
        answer = wire("gemini").encode_error(error)
        return replace(answer, headers={**answer.headers, "x-goog-upload-status": "cancelled"})
    received = {"x-goog-upload-size-received": str(uploads.received(upload))}
    return _answer({}, {"x-goog-upload-status": "active", **received})


async def answer_about(visit: Visit, caller: Caller, store: Store) -> WireAnswer:
    """Begin an upload, or look at, list, delete what is there. Raises `Gone`."""
    try:
        if _UPLOAD.fullmatch(visit.path):
            return await _begin(visit, caller, store.uploads)
        match = _FILES.fullmatch(visit.path)
        file_id = match["id"] if match else None
        return await asyncio.to_thread(_look, visit, caller.scope, file_id, store.uploads)
    except PisangError as error:
        return wire("gemini").encode_error(error)


def names_files(asked: Asked) -> bool:
    """Whether a call names any picture by an address: else there is nothing to take in."""
    request = asked.ask.request
    parts = (*request.parts, *(part for turn in request.history for part in turn.parts))
    return any(isinstance(part, Link) for part in parts)


def take_in(asked: Asked, visit: Visit, caller: Caller, store: Store) -> Asked:
    """The call with the pictures that it names by an address of ours in place of the addresses.

    Two calls with the same picture are the same call, however often it was uploaded. Raises
    `NotFound` for a file that is not (any more) the caller's, `AddressRefused`. Blocks.
    """
    request = asked.ask.request
    turns = tuple(
        replace(turn, parts=_parts(turn.parts, visit, caller.scope, store))
        for turn in request.history
    )
    parts = _parts(request.parts, visit, caller.scope, store)
    if (turns, parts) == (request.history, request.parts):
        return asked
    request = replace(request, history=turns, parts=parts)
    return Asked(replace(asked.ask, request=request), _fingerprint(asked, request, visit))


def _fingerprint(asked: Asked, request: Request, visit: Visit) -> str:
    return fingerprint(visit.path, asked.ask.stream, request_to_json(request, inline=False))


def _parts(parts: tuple[Part, ...], visit: Visit, scope: str, store: Store) -> tuple[Part, ...]:
    return tuple(
        _part(part, visit, scope, store) if isinstance(part, Link) else part for part in parts
    )


def _part(link: Link, visit: Visit, scope: str, store: Store) -> Part:
    match = _URI.fullmatch(link.uri)
    if match is None:
        if scope != OPEN_SCOPE and link.uri.lower().startswith(("http:", "https:")):
            _check_link(link)
        return link
    try:
        upload = store.uploads.get(match["id"], scope)
    except NotFound:
        if match["host"] == visit.headers.get("host"):
            raise
        return link  # another's: Google's own, where Google is the upstream
    if not _PICTURE.fullmatch(upload.mime):
        raise OptionInvalid(option="fileData", value=upload.mime, why="it is no picture")
    content = store.put_file(store.uploads.path(upload))
    mime = link.mime or upload.mime
    return Image(content, mime, thought=link.thought, signature=link.signature)


def _check_link(link: Link) -> None:
    """Whoever holds a key of ours may not send an upstream of ours into our own network: a local
    model fetches what it is told to. Raises `AddressRefused`. A name is looked up by the upstream
    alone, so what it leads to is that one's to check."""
    target = check_url(link.uri, allow_http=True)
    if target.address is not None:
        check_address(target, str(target.address))


# --- uploading ---------------------------------------------------------------------------------


def _commands(visit: Visit) -> list[str]:
    said = visit.headers.get("x-goog-upload-command", "")
    return [word.strip().lower() for word in said.split(",")]


async def _append(visit: Visit, uploads: Uploads, upload: Upload) -> None:
    """A piece that was sent before (its answer was lost) is not written twice."""
    offset = visit.headers.get("x-goog-upload-offset", "0")
    have = await asyncio.to_thread(uploads.received, upload)
    skip = have - int(offset) if offset.isascii() and offset.isdigit() else -1
    if skip < 0:
        why = f"{have:,} bytes are here: go on from there"
        raise OptionInvalid(option="X-Goog-Upload-Offset", value=offset[:40], why=why)
    more = True
    while more:
        chunk, more = await _receive(visit)
        fresh = chunk[skip:]
        skip = max(skip - len(chunk), 0)
        if fresh:
            await asyncio.to_thread(uploads.append, upload, fresh)


async def _receive(visit: Visit) -> tuple[bytes, bool]:
    message = await visit.receive()
    if message["type"] != "http.request":
        raise Gone
    return message.get("body", b""), message.get("more_body", False)


async def _begin(visit: Visit, caller: Caller, uploads: Uploads) -> WireAnswer:
    if visit.method != "POST" or "start" not in _commands(visit):
        why = "uploads are resumable: begin with `start`, as Google's SDKs do"
        raise OptionInvalid(option="X-Goog-Upload-Command", value="", why=why)
    body, more = b"", True
    while more:
        chunk, more = await _receive(visit)
        body += chunk
        if len(body) > _MOST_TOLD:
            raise RequestTooLarge(upstream=NAME)
    said = strictjson.loads(body, (), wire="gemini") if body.strip() else {}
    file = said.get("file") if isinstance(said, dict) else None
    told = file if isinstance(file, dict) else {}
    kind = visit.headers.get("x-goog-upload-header-content-type") or told.get("mimeType")
    if not isinstance(kind, str) or not (_PICTURE.fullmatch(kind) or kind in _ROWS):
        why = "only pictures can be uploaded, and JSONL for batches"
        raise OptionInvalid(option="mimeType", value=str(kind)[:80], why=why)
    name = told.get("displayName")
    name = name[:512] if isinstance(name, str) else None
    _, right = await asyncio.to_thread(uploads.begin, caller.scope, kind, name)
    url = f"{base_of(visit)}{visit.path}?upload_id={right}&upload_protocol=resumable"
    headers = {"x-goog-upload-url": url, "x-goog-upload-chunk-granularity": "1"}
    return _answer({}, {"x-goog-upload-status": "active", **headers})


# --- looking -----------------------------------------------------------------------------------


def _look(visit: Visit, scope: str, file_id: str | None, uploads: Uploads) -> WireAnswer:
    if visit.method == "DELETE" and file_id:
        uploads.delete(file_id, scope)
        return _answer({})
    if visit.method not in ("GET", "HEAD"):
        raise NotFound(what="path", id=f"{visit.method} {visit.path}")
    if file_id:
        return _answer(_told(uploads.get(file_id, scope), visit))
    return _answer({"files": [_told(one, visit) for one in uploads.all(scope)]})


def _told(upload: Upload, visit: Visit) -> JSON:
    """A file as Google tells it."""
    digest = base64.b64encode((upload.sha256 or "").encode()).decode()
    named = {"displayName": upload.name} if upload.name else {}
    return {
        "name": f"files/{upload.id}",
        **named,
        "mimeType": upload.mime,
        "sizeBytes": str(upload.size),
        "createTime": moment(upload.created_ms),
        "updateTime": moment(upload.ended_ms or upload.created_ms),
        "expirationTime": moment(upload.expires_ms),
        "sha256Hash": digest,
        "uri": f"{base_of(visit)}/v1beta/files/{upload.id}",
        "state": "ACTIVE",
        "source": "UPLOADED",
    }


def moment(at_ms: int) -> str:
    """A time as Google writes it."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _answer(body: JSON, headers: dict[str, str] | None = None) -> WireAnswer:
    return WireAnswer(200, (json.dumps(body).encode(),), {**_JSON, **(headers or {})})
