"""Opening what keeps contents, as the settings say."""

from __future__ import annotations

from collections.abc import Callable

from pisang.store.blobs import Blobs
from pisang.store.bucket import BucketBlobs
from pisang.store.cache import Cache
from pisang.store.files import Files
from pisang.store.folder import FolderBlobs
from pisang.store.home import Home
from pisang.store.ledger import Ledger
from pisang.store.objects import Objects
from pisang.store.shared_uploads import SharedUploads
from pisang.store.storage import Bucket
from pisang.store.uploads import Uploads

_LEDGER = "ledger"


def open_blobs(
    home: Home, files: Files, ledger: Ledger, new_id: Callable[[str], str], images: Bucket | None
) -> Blobs:
    """The home's own folders, or the bucket. Nothing is asked of either yet."""
    if images is None:
        return FolderBlobs(home, files)
    cache = Cache(home.cache, images.cache_bytes, files)
    return BucketBlobs(Objects(images), cache, lambda: id_of(ledger, new_id))


def open_uploads(
    home: Home, files: Files, clock_ms: Callable[[], int], images: Bucket | None
) -> Uploads:
    """Where files go that callers hand over: where the images are."""
    if images is None:
        return Uploads(home, clock_ms)
    return SharedUploads(home, clock_ms, Objects(images), files)


def id_of(ledger: Ledger, new_id: Callable[[str], str]) -> str:
    """The ledger's own id, the same for all who share it; given when it is first asked for."""
    told = _told(ledger)
    if told is None:
        mine = new_id(_LEDGER)
        ledger.writer.submit(lambda tx: tx.run("mark_put", mark=_LEDGER, value=mine)).result()
        told = _told(ledger)
    return told or ""


def _told(ledger: Ledger) -> str | None:
    with ledger.readers.read() as tx:
        row = tx.one("mark_get", mark=_LEDGER)
    return None if row is None else str(row["value"])
