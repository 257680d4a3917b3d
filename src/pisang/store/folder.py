"""Contents in the home: each a file named by its hash, in `images/` or `blobs/`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path

from pisang.domain.content import Content
from pisang.errors import NotFound, StoreCorrupt
from pisang.store.blobs import (
    GONE,
    Lying,
    Piece,
    check_size,
    hashed,
    measured,
    stored,
    verified,
)
from pisang.store.files import Files
from pisang.store.home import Home

ASIDE = ".aside"


class FolderBlobs:
    """`Blobs` in two folders of the home."""

    def __init__(self, home: Home, files: Files) -> None:
        self._home = home
        self._files = files

    @property
    def place(self) -> str:
        """The folder of the images."""
        return str(self._home.images)

    @property
    def sets_aside(self) -> bool:
        """It takes away at once: a file system renames as one step."""
        return False

    @property
    def threads(self) -> Executor | None:
        """Any: a disk is quick."""
        return None

    def prove(self) -> None:
        """A folder needs no proof: `Health` watches its disk."""

    def hold(self) -> str | None:
        """Never: `Health` watches its disk."""
        return None

    def keep(self, pieces: Sequence[Piece]) -> None:
        """Give every file its lasting name, and sync the folders that the names are in."""
        home = self._home
        targets = [home.image(one.sha256) if one.image else home.blob(one.sha256) for one in pieces]
        for piece, target in zip(pieces, targets, strict=True):
            self._files.place(piece.source, target)
        self._files.sync(dict.fromkeys(target.parent for target in targets))

    def keep_reference(self, piece: Piece) -> None:
        """The same file as the image of that hash, where there is one."""
        is_image = self._home.image(piece.sha256).exists()
        self.keep((Piece(piece.sha256, piece.size, piece.source, image=is_image),))

    def has(self, sha256: str) -> bool:
        """Whether there is a file of that name."""
        return bool(self._paths(sha256))

    def name(self, sha256: str) -> str:
        """The path of that image."""
        return str(self.spot(sha256))

    def spot(self, sha256: str) -> Path:
        """The path of that image."""
        return self._home.image(sha256)

    def path(self, sha256: str) -> Path:
        """The file itself. Raises `NotFound`."""
        for path in self._paths(sha256):
            return path
        raise NotFound(what="content", id=sha256)

    def content(self, sha256: str) -> Content:
        """See `Blobs`."""
        return measured(self.path(sha256), sha256)

    def open(self, content: Content, *, verify: bool = False) -> Iterator[bytes]:
        """See `Blobs`."""
        if content.inline is not None:
            return iter((content.inline,))
        path = self._sound(content)
        return verified(stored(path), content.sha256, str(path)) if verify else stored(path)

    def part(self, content: Content, start: int, end: int) -> Iterator[bytes]:
        """See `Blobs`."""
        return stored(self._sound(content), start, end)

    def sizes(self) -> Callable[[str], int | None]:
        """Each is asked of the file system."""
        return lambda sha256: next((_size(path) for path in self._paths(sha256)), None)

    def measure(self, sha256: str) -> str:
        """See `Blobs`."""
        return hashed(stored(self.path(sha256)))

    def all(self) -> Iterator[Lying]:
        """Every file of both folders."""
        for folder in (self._home.images, self._home.blobs):
            for shelf in sorted(folder.iterdir()):
                for path in sorted(shelf.iterdir()):
                    with suppress(FileNotFoundError):
                        yield _lying(path)

    def lying(self, sha256: str) -> list[Lying]:
        """See `Blobs`."""
        found = []
        for path in self._paths(sha256):
            with suppress(FileNotFoundError):
                found.append(_lying(path))
        return found

    def remove(self, one: Lying, cutoff_ms: float) -> bool:
        """It is moved aside first: whoever wants it from then on writes it anew, and whoever
        wanted it before has renewed its time, which is looked at only then."""
        bare = Path(one.where.removesuffix(ASIDE))
        aside = bare.with_name(bare.name + ASIDE)
        try:
            if not one.aside:
                os.rename(bare, aside)
            if _modified_ms(aside) >= cutoff_ms:
                _restore(aside, bare)
                return False
            os.unlink(aside)
        except FileNotFoundError:
            return False
        return True

    remove_now = remove

    def put_back(self, one: Lying) -> None:
        """See `Blobs`."""
        aside = Path(one.where)
        _restore(aside, aside.with_name(one.sha256))

    def close(self) -> None:
        """There is nothing to let go."""

    def _paths(self, sha256: str) -> list[Path]:
        both = (self._home.image(sha256), self._home.blob(sha256))
        return [path for path in both if path.exists()]

    def _sound(self, content: Content) -> Path:
        """The file, of the right size. Raises `StoreCorrupt`."""
        try:
            path = self.path(content.sha256)
            size = os.stat(path).st_size
        except (NotFound, FileNotFoundError) as error:
            where = str(self._home.blob(content.sha256))
            raise StoreCorrupt(path=where, why=GONE) from error
        check_size(content, size, str(path))
        return path


def _lying(path: Path) -> Lying:
    status = os.stat(path)
    aside = path.name.endswith(ASIDE)
    name = path.name.removesuffix(ASIDE)
    return Lying(name, str(path), status.st_size, status.st_mtime_ns / 1_000_000, aside)


def _restore(aside: Path, path: Path) -> None:
    with suppress(FileExistsError):  # it was written anew meanwhile
        os.link(aside, path)
    os.unlink(aside)


def _modified_ms(path: Path) -> float:
    return os.stat(path).st_mtime_ns / 1_000_000


def _size(path: Path) -> int:
    return os.stat(path).st_size
