"""The ledger as the store knows it, whichever database keeps it.

What is above (begin, claim, settle, recover, history …) is written once, over a `Tx`. What is
below comes twice, in `sqlite/` and `postgres/`, and keeps the same promises: the jobs of all
processes run one after the other, a job is written down whole or not at all, and its future is
told so only once it is there for good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from pisang.store.finding import Finding

Result = TypeVar("Result")


class Row(Protocol):
    """One row, by column name."""

    def __getitem__(self, name: str, /) -> Any: ...


class Tx(Protocol):
    """Named queries inside one transaction. Values are given by name, never put into the text.

    A lone surrogate in a text, for which UTF-8 has no bytes, becomes `?`: a paid answer that holds
    one must be written down all the same.
    """

    def run(self, name: str, **values: object) -> None:
        """Run a statement. What is wrong with it may show only at a later one of the same job."""

    def count(self, name: str, **values: object) -> int:
        """Run a statement; how many rows it changed."""

    def one(self, name: str, **values: object) -> Row | None:
        """The first row of a query, if it has any."""

    def all(self, name: str, **values: object) -> list[Row]:
        """All rows of a query."""


class Readers(Protocol):
    """Short looks that never keep a writer waiting."""

    def read(self) -> AbstractContextManager[Tx]:
        """One consistent view of the ledger. Raises `StoreCorrupt`, `HomeUnusable`."""

    def close(self) -> None:
        """Let go what is idle; what is still lent out goes when it comes back."""


class Writer(Protocol):
    """Runs jobs in order, and commits together what waits together."""

    def submit(
        self,
        work: Callable[[Tx], Result],
        after: Callable[[], None] | None = None,
        *,
        lazy: bool = False,
    ) -> Future[Result]:
        """Queue a job; its future has the result once it is committed, or the job's own error.

        `after` is called between the commit and the telling. A `lazy` one may wait a moment for
        others to share their commit; the order of jobs stays as it was. A job may be run again from
        its beginning where its transaction was undone, so it changes nothing but through its `Tx`.
        One whose future was cancelled before it began is left out. Raises nothing itself.
        """

    def close(self) -> None:
        """Finish what is queued, then close. What is submitted later is refused."""


class Lives(Protocol):
    """Signs of life: each process holds one lock, and rows carry its name."""

    def take(self, owner: str) -> None:
        """This process lives under that name from now on, until `close` or its end."""

    def alive(self, owner: str) -> bool:
        """Whether that owner's process may still run; false only for one that surely does not."""

    def bury(self, tx: Tx, owner: str) -> bool:
        """Whether that dead owner stays dead until the transaction ends: what was his may be
        taken."""

    def elsewhere(self, owner: str | None) -> bool:
        """Whether that owner is a process of another home: what it settled, it settled without
        looking at what lies in this one."""

    def sweep(self, tx: Tx) -> int:
        """Take away what dead processes left of their signs; how many there were."""

    def close(self) -> None:
        """This process needs its sign no more."""


class Ledger(Protocol):
    """One ledger: how to read it, to write to it, and who else does."""

    @property
    def readers(self) -> Readers: ...

    @property
    def writer(self) -> Writer: ...

    @property
    def lives(self) -> Lives: ...

    def prepare(self) -> None:
        """Make it where there is none, and bring it to this Pisang's schema.

        Raises `HomeUnusable` and `StoreCorrupt` with what is in the way.
        """

    def findings(self, tx: Tx) -> Iterator[Finding]:
        """What `pisang doctor` should know of the database itself."""
