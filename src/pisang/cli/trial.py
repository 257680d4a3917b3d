"""`pisang try`: the first picture, offline, and the way to a real one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from pisang.cli.frame import command
from pisang.cli.options import Paint, Told
from pisang.cli.screen import Screen

PROMPT = "一只可爱的小猫咪坐在花园里，油画风格，高清，细节丰富"


@dataclass(frozen=True, slots=True, kw_only=True)
class Try(Told):
    """The arguments of `try`."""

    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="What to show.")] = PROMPT
    out: Annotated[
        str | None, typer.Option("--out", "-o", metavar="PATH", help="As in generate.")
    ] = None
    open: Annotated[bool, typer.Option("--open", help="Show the image when it is there.")] = False


@command(examples='pisang try\npisang try "晨雾中的江南水乡" --open')
def try_it(asked: Try) -> int:
    """Paint one picture with the built-in sandbox: no key, no network, no cost.

    It takes the same road as a real one, and its prompt's words are drawn into it.
    """
    from pisang.cli.painting import paint
    from pisang.client.presets import SANDBOX

    wish = Paint(
        format=asked.format,
        via=SANDBOX,
        aspect_ratio="16:9",
        image_size="2K",
        out=asked.out,
        open=asked.open,
    )
    code = paint(wish, asked.prompt, edited=None)
    screen = Screen.of(asked.format)
    if code == 0:
        for en, zh in NEXT:
            screen.line(screen.pick(en, zh))
    return code


NEXT = (
    ("", ""),
    (
        "That was a sandbox picture. For real ones, set an upstream up once:",
        "这是沙盒图片。要真实出图，先设置一次上游：",
    ),
    (
        "  pisang setup                     # it asks, and tries your key for free",
        "  pisang setup                     # 逐项询问，并免费检测密钥",
    ),
    (
        "(or set GEMINI_API_KEY, IKUN_API_KEY or PISANG_CRAWL_AK), and then:",
        "（或设置环境变量 GEMINI_API_KEY、IKUN_API_KEY、PISANG_CRAWL_AK），然后：",
    ),
    (
        f'  pisang generate "{PROMPT}" --aspect-ratio 16:9 --image-size 2K --out cat.png',
        f'  pisang generate "{PROMPT}" --aspect-ratio 16:9 --image-size 2K --out cat.png',
    ),
    ('  pisang edit last "把背景换成海边日落"', '  pisang edit last "把背景换成海边日落"'),
)
"""What is said after the picture: (English, Chinese), a line each."""
