"""Signs of life on one machine: a locked file of the home for each process."""

from __future__ import annotations

from pisang.store.home import Home
from pisang.store.ledger import Tx
from pisang.store.lock import OwnerLock, is_free, sweep


class FileLives:
    """Who is alive among the processes that share a home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._own: OwnerLock | None = None

    def take(self, owner: str) -> None:
        """Hold that owner's file until `close` or the end of this process."""
        self._own = OwnerLock(self._home, owner)

    def alive(self, owner: str) -> bool:
        """Whether somebody holds that owner's file."""
        return not is_free(self._home, owner)

    def bury(self, tx: Tx, owner: str) -> bool:
        """True: a process never comes back."""
        return True

    def elsewhere(self, owner: str | None) -> bool:
        """False: nobody else has this home's ledger."""
        return False

    def is_here(self, owner: str) -> bool:
        """Whether there is a file of that owner's, held or not."""
        return self._home.owner_lock(owner).exists()

    def sweep(self, tx: Tx) -> int:
        """Take away the files of dead processes; how many there were."""
        return sweep(self._home)

    def close(self, *, leave: bool = False) -> None:
        """Let go, and leave the file where others tell by it that this process is gone."""
        if self._own is not None:
            self._own.close(leave=leave)
