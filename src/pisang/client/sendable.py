"""Pictures that no upstream takes as they are, made into ones that all take.

Google takes PNG, JPEG, WebP, HEIC and HEIF (ai.google.dev, image understanding, July 2026),
OpenAI's servers PNG, JPEG and WebP. AVIF, which is written here too, and GIF go as PNG.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from pisang.client.references import Reference, Shelf
from pisang.domain.warning import Warn

NOT_TAKEN = frozenset({"image/avif", "image/gif"})

_PNG = "image/png"


def make_sendable(
    reference: Reference, shown: str, shelf: Shelf
) -> tuple[Reference, tuple[Warn, ...]]:
    """The reference, as PNG where its type is one that is not taken, and a warning of that.

    Of an animation the first frame goes. `shown` is what its user called it. Blocks. Raises
    `ReferenceUnreadable` where it can't be decoded.
    """
    if reference.mime not in NOT_TAKEN:
        return reference, ()
    from pisang.pixels.convert import convert  # 30 ms that most calls need not pay

    with TemporaryDirectory(prefix="pisang-") as folder:
        target = Path(folder, "reference.png")
        convert(shelf.path(reference.content.sha256), _PNG, target)
        content = shelf.put_file(target)
    said = f"{shown} is {reference.mime}, which no upstream takes: it is sent as PNG."
    sent = replace(reference, content=content, mime=_PNG)
    return sent, (Warn("reference_converted", said),)
