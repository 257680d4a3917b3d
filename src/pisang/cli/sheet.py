"""What `show --sheet` does: many pictures small on one, each with its number, id and words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pisang.cli.screen import Screen
from pisang.errors import OptionInvalid, UsageError

if TYPE_CHECKING:
    from pisang.client.results import Picture, Result

SIDE_PX, PAIR_PX = 320, 1024
"""How large a picture is on a sheet, and where two stand beside one another."""


@dataclass(frozen=True, slots=True)
class Placed:
    """One picture of a sheet, with its number there, from 1."""

    number: int
    image: Picture
    result: Result

    def to_json(self) -> dict[str, Any]:
        """One place of a sheet, for scripts."""
        return {
            "number": self.number,
            "request_id": self.result.request_id,
            "sha256": self.image.sha256,
            "prompt": self.result.prompt,
        }


def place(results: Iterable[Result]) -> list[Placed]:
    """Every final image of the requests, numbered. Raises `UsageError` where there is none."""
    images = [(image, result) for result in results for image in result.finals]
    if not images:
        what = "None of these requests made an image: there is nothing to put on a sheet."
        raise UsageError(what=what, hint="pisang history --state done")
    return [Placed(number, *one) for number, one in enumerate(images, 1)]


def write_sheet(placed: Sequence[Placed], out: str, *, force: bool, side: int = SIDE_PX) -> Path:
    """The sheet's file, in the format that its name says.

    Raises `OptionInvalid` for a name that says none, `OutputExists`, `OutputUnwritable`.
    """
    from pisang.client.output import EXTENSIONS, write_file
    from pisang.pixels.sheet import SHEET_MIMES, Cell, draw_sheet

    path = Path(out).expanduser()
    mime = EXTENSIONS.get(path.suffix.lower(), "")
    if mime not in SHEET_MIMES:
        why = "a sheet is a .png, .jpg or .webp file"
        raise OptionInvalid(option="--sheet", value=out, why=why)
    cells = [
        Cell(
            one.image.path,
            one.image.width,
            one.image.height,
            f"{one.number} · {one.result.request_id}",
            one.result.prompt,
        )
        for one in placed
    ]
    data = draw_sheet(cells, mime, side)
    return write_file(path, lambda target: _fill(target, data), overwrite=force)


def _fill(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def tell_sheet(path: Path, placed: Sequence[Placed], screen: Screen) -> None:
    """Say where the sheet is, and what is on it."""
    screen.data({"path": str(path), "images": [one.to_json() for one in placed]})
    screen.bare(str(path))
    count = len(placed)
    screen.file(path, f"  {screen.pick(f'{count} images', f'{count} 张图片')}")
