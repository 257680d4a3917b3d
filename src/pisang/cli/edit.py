"""`pisang edit`: change an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from pisang.cli.frame import command
from pisang.cli.options import Paint

EXAMPLES = """\
pisang edit last "把背景换成海边日落"
pisang edit photo.jpg "remove the lamp post" --out photo-clean.jpg
pisang edit 3f9a2c "the same, at night" -i sky=night.png --image-size 4K
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit(Paint):
    """The arguments of `edit`."""

    image: Annotated[
        str,
        typer.Argument(metavar="IMAGE", help="A path, an image id, `last` of this folder, or -."),
    ]
    prompt: Annotated[
        str | None, typer.Argument(metavar="PROMPT", help="What to change; - reads standard input.")
    ] = None


@command(examples=EXAMPLES)
def edit(asked: Edit) -> int:
    """Change an image.

    An image of ours goes on from the turns that made it, with the upstream's own thought
    signatures. More pictures may be given with -i.
    """
    from pisang.cli.painting import paint

    return paint(asked, asked.prompt, edited=asked.image)
