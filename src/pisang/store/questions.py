"""What may be asked of the ledger: looks that never keep a writer waiting.

One half of the store's door (`store.Store`), which is one of these.
"""

from __future__ import annotations

from collections.abc import Sequence

from pisang.domain.answer import Answer
from pisang.domain.ledger import AttemptRow, Budget, ImageRow, RequestRow
from pisang.store import history, usual
from pisang.store.answers import Answers
from pisang.store.gallery import Page, Shown, Wanted, find_shown, gallery
from pisang.store.history import Asked
from pisang.store.ledger import Readers
from pisang.store.rows import budget_row


class Questions:
    """Answers from the ledger. Blocks for a moment; any thread may ask."""

    _readers: Readers
    _answers: Answers

    def request(self, prefix: str) -> RequestRow:
        """The request whose id is, or begins with, `prefix`. Raises `NotFound`, `Ambiguous`."""
        with self._readers.read() as tx:
            return history.load(tx, [history.find_request(tx, prefix)])[0]

    def answer(self, attempt_id: str) -> Answer | None:
        """The stored answer of an attempt, its contents ready to be opened; None when there is
        none (any more). Raises `NotFound` when one of its contents is gone."""
        with self._readers.read() as tx:
            row = tx.one("answer_by_attempt", attempt_id=attempt_id)
        return None if row is None else self._answers.unpack(row["record"], whole=row["whole"])

    def newest_request(self, folder: str, scope: str = "local") -> str | None:
        """The id of the newest request asked in that folder, whatever became of it."""
        with self._readers.read() as tx:
            row = tx.one("newest_of_folder", folder=folder, scope=scope)
        return None if row is None else str(row["id"])

    def image(self, name: str) -> ImageRow:
        """The image named by the beginning of its hash, or by its request (then the first that
        is no draft). Raises `NotFound`, `Ambiguous`."""
        with self._readers.read() as tx:
            return history.find_image(tx, name)

    def last_image(self, folder: str, scope: str = "local") -> ImageRow | None:
        """The image of the newest wish asked in that folder which made one."""
        with self._readers.read() as tx:
            return history.last_image(tx, folder, scope)

    def children(self, hashes: Sequence[str]) -> list[RequestRow]:
        """The requests that edit one of these images (by their whole hashes), oldest first."""
        with self._readers.read() as tx:
            return history.children(tx, hashes)

    def history(self, asked: Asked | None = None) -> list[RequestRow]:
        """Requests, newest first."""
        with self._readers.read() as tx:
            return history.history(tx, asked or Asked())

    def gallery(self, wanted: Wanted) -> Page:
        """The images, newest first. Raises `NotFound` for a page that follows none."""
        with self._readers.read() as tx:
            return gallery(tx, wanted)

    def shown(self, sha256: str, scope: str | None) -> Shown:
        """The image of that hash as a gallery shows it, of that scope or (None) of any. Raises
        `NotFound`."""
        with self._readers.read() as tx:
            return find_shown(tx, sha256, scope)

    def usual_s(self, upstream: str, model: str, image_size: str | None) -> float | None:
        """How many seconds such an image took lately (the median); None where none was made."""
        with self._readers.read() as tx:
            return usual.usual_s(tx, upstream, model, image_size)

    def unknowns(self) -> list[AttemptRow]:
        """The attempts whose outcome is unknown, oldest first."""
        with self._readers.read() as tx:
            return history.attempts(tx.all("attempts_unknown"))

    def live(self) -> list[AttemptRow]:
        """The attempts that are not ended, oldest first, whoever owns them."""
        with self._readers.read() as tx:
            return history.attempts(tx.all("attempts_open"))

    def budgets(self) -> list[Budget]:
        """Every cap."""
        with self._readers.read() as tx:
            return [budget_row(row) for row in tx.all("budgets_all")]
