"""Output files: planned and tried before anything is paid, written so that nothing is lost after.

`--out cat.png` means that file in that format; a folder, or a name without an extension, means
files named by the template inside it, each with its bytes' own extension. Several images become
`cat-1.png`, `cat-2.png`. What stands there is not overwritten unless forced; names that the
template made step aside by themselves. The original always stays in the home, byte for byte.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pisang.client.files import placing, reason_of
from pisang.client.naming import render, safe_name
from pisang.domain.image import extension
from pisang.errors import OptionInvalid, OutputExists, OutputUnwritable

DEFAULT_FOLDER = "pisang-out"

EXTENSIONS = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".avif": "image/avif",
}
"""The extensions that name a format that can be written."""

_FILE_LIKE = re.compile(r"\.[a-z][a-z0-9]{1,4}")
"""Suffixes that name a file (`.tiff`, or `.pgn` for a slip), and no folder such as `v1.2`."""

_MOST_TRIES = 10_000


@dataclass(frozen=True, slots=True)
class Target:
    """Where images will go. `stem` None: the template names them; `mime` None: as they came."""

    folder: Path
    stem: str | None = None
    extension: str | None = None
    force: bool = False

    @property
    def mime(self) -> str | None:
        """The format that the output's name asks for."""
        return None if self.extension is None else EXTENSIONS[self.extension.lower()]

    def names(self, count: int) -> tuple[Path, ...]:
        """The files that `count` images will be, where that is known beforehand."""
        if self.stem is None or self.extension is None:
            return ()
        if count == 1:
            return (self.folder / f"{self.stem}{self.extension}",)
        return tuple(self.folder / f"{self.stem}-{i}{self.extension}" for i in range(1, count + 1))


def plan_output(out: str | None, *, base: Path, force: bool = False) -> Target:
    """Where `out` (an option's or a setting's word) sends images. Raises `OptionInvalid`."""
    if not out:
        return Target(base / DEFAULT_FOLDER, force=force)
    if "\0" in out or any("\ud800" <= c <= "\udfff" for c in out):
        raise OptionInvalid(option="--out", value=out, why="that is no file name")
    try:
        path = base / Path(out).expanduser()
    except RuntimeError as error:  # ~somebody who is not there
        raise OptionInvalid(option="--out", value=out, why="there is no such user") from error
    suffix = path.suffix.lower()
    if out.endswith(("/", os.sep)) or os.path.isdir(path):
        return Target(path, force=force)
    if suffix in EXTENSIONS:
        return Target(path.parent, path.stem, path.suffix, force=force)
    known = ", ".join(EXTENSIONS)
    if path.name.lower() in EXTENSIONS:
        raise OptionInvalid(option="--out", value=out, why="it has no name before its extension")
    if _FILE_LIKE.fullmatch(suffix):
        why = f"{suffix} is not written here; there are {known} (a folder ends with /)"
        raise OptionInvalid(option="--out", value=out, why=why)
    return Target(path, force=force)


def check_output(target: Target, count: int) -> None:
    """Prove, before paying, that the files can be written. Makes the folder.

    Raises `OutputExists` or `OutputUnwritable`.
    """
    for path in target.names(count):
        if os.path.isdir(path):
            raise OutputUnwritable(path=str(path), why="it is a folder")
        if os.path.lexists(path) and not target.force:
            raise OutputExists(path=str(path))
        if len(os.fsencode(path.name)) > 255:
            raise OutputUnwritable(path=str(path), why="its name is too long")
    try:
        target.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=target.folder):
            pass
    except (FileExistsError, NotADirectoryError) as error:
        why = "a part of the path is a file, not a folder"
        raise OutputUnwritable(path=str(target.folder), why=why) from error
    except OSError as error:
        raise OutputUnwritable(path=str(target.folder), why=reason_of(error)) from error


@dataclass(frozen=True, slots=True)
class Label:
    """What a template name is made of."""

    template: str
    at: datetime
    prompt: str
    model: str

    @property
    def stem(self) -> str:
        """The name without extension."""
        return render(self.template, at=self.at, prompt=self.prompt, model=self.model)


@dataclass(frozen=True, slots=True)
class Slot:
    """One image's place: the `index`-th (from 1) of `count`."""

    target: Target
    label: Label
    index: int
    count: int

    def write(self, mime: str, fill: Callable[[Path], None]) -> Path:
        """Write one image, whole or not at all; its path. Raises as `check_output` does."""
        named = self.target.names(self.count)
        if named:
            return write_file(named[self.index - 1], fill, overwrite=self.target.force)
        stem = self.label.stem if self.count == 1 else f"{self.label.stem}-{self.index}"
        return self._write_aside(safe_name(stem), f".{extension(mime)}", fill)

    def _write_aside(self, stem: str, ending: str, fill: Callable[[Path], None]) -> Path:
        """Under the template's name, or that name with the next free number."""
        folder = self.target.folder
        for number in range(1, _MOST_TRIES):
            suffix = "" if number == 1 else f"_{number}"
            path = folder / f"{stem}{suffix}{ending}"
            if not os.path.lexists(path):
                try:
                    return write_file(path, fill)
                except OutputExists:
                    continue
        raise OutputUnwritable(path=str(folder / stem), why="thousands of that name exist already")


def write_file(path: Path, fill: Callable[[Path], None], *, overwrite: bool = False) -> Path:
    """`path`, filled whole or not there at all. Raises `OutputExists` or `OutputUnwritable`."""
    try:
        with placing(path, overwrite=overwrite) as temporary:
            fill(temporary)
    except FileExistsError as error:
        raise OutputExists(path=str(path)) from error
    except OutputUnwritable as error:  # it names the file beside, which is nobody's
        raise OutputUnwritable(path=str(path), why=error.fields.get("why")) from error
    except OSError as error:
        raise OutputUnwritable(path=str(path), why=reason_of(error)) from error
    return path
