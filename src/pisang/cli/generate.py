"""`pisang generate`: images from words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from pisang.cli.frame import command
from pisang.cli.options import Paint

EXAMPLES = """\
pisang generate "一只可爱的小猫咪坐在花园里，油画风格" -r 16:9 -s 2K -o cat.png
pisang generate "a poster in the style of the first picture" -i style=old.png -i dog=rex.jpg -n 4
echo "晨雾中的江南水乡" | pisang generate - --via ikuncode --format json
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generate(Paint):
    """The arguments of `generate`."""

    prompt: Annotated[
        str | None, typer.Argument(metavar="PROMPT", help="What to show; - reads standard input.")
    ] = None


@command(examples=EXAMPLES)
def generate(asked: Generate) -> int:
    """Make images from words.

    The file goes to ./pisang-out/ unless --out says otherwise; the original stays in Pisang's home.
    Exit codes: 0 ok, 2 usage, 3 set-up, 4 refused, 5 no image, 6 money, 7 unknown, 8 partial.
    """
    from pisang.cli.painting import paint

    return paint(asked, asked.prompt, edited=None)
