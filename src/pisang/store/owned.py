"""Whose what is: the questions of a caller who may see his own only.

A `scope` of None sees everybody's. What is another's is answered as what is not there.
"""

from __future__ import annotations

from pisang.domain.ledger import AttemptRow, ImageRow, RequestRow
from pisang.errors import NotFound
from pisang.store.history import attempts, load
from pisang.store.ledger import Readers
from pisang.store.rows import image_row


class Owned:
    """What the ledger has of one scope. Each question names what it asks for in full: a prefix
    would tell how another's ids begin."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    def request(self, request_id: str, scope: str | None) -> RequestRow:
        """That request. Raises `NotFound`."""
        with self._readers.read() as tx:
            rows = load(tx, [request_id])
            gone = tx.one("request_by_id", id=request_id) is None
        if gone or not rows or scope not in (None, rows[0].scope):
            raise NotFound(what="request", id=request_id)
        return rows[0]

    def image(self, sha256: str, scope: str | None) -> ImageRow:
        """The image of that hash, as a request of that scope made it. Raises `NotFound`."""
        with self._readers.read() as tx:
            row = tx.one("image_in_scope", sha256=sha256, scope=scope)
        if row is None:
            raise NotFound(what="image", id=sha256)
        return image_row(row)

    def unknowns(self, scope: str | None) -> list[AttemptRow]:
        """The attempts whose outcome is unknown, oldest first."""
        with self._readers.read() as tx:
            return attempts(tx.all("attempts_unknown_in_scope", scope=scope))
