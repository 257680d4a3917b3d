"""`make prove`: the table on the terminal, raw figures in `prove/out/`.

`python -m prove --keep` keeps them as `prove/results/DATE/` and writes `docs/proof.md` and the
READMEs' block from them; `--pages` writes only those, from the figures that are kept.
Exit 1 when Pisang lost a payment without saying so, or paid twice.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from prove import pages
from prove.harness import prove
from prove.record import Granted, Send, machine, totals, write_rows

OUT = Path(__file__).parent / "out"
STEP = 10
"""Off a terminal, progress is told once in so many wishes."""


def keep(folder: Path, sends: Sequence[Send], rows: Sequence[Granted]) -> None:
    """The raw figures as files."""
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / "sends.csv", Send, sends)
    write_rows(folder / "wishes.csv", Granted, rows)
    (folder / "machine.txt").write_text(machine(), encoding="utf-8")


def progress(started: float) -> Callable[[int, int], None]:
    """Tells how far it is: one live line on a terminal, else a line now and then."""
    live = sys.stderr.isatty()

    def tell(done: int, all_: int) -> None:
        line = f"{time.monotonic() - started:3.0f} s  {done} of {all_} wishes"
        if live:
            print(f"\r{line}", end="\n" if done == all_ else "", file=sys.stderr, flush=True)
        elif done % STEP == 0:
            print(line, file=sys.stderr, flush=True)

    return tell


def main(words: Sequence[str]) -> int:
    """Run it, or only write the pages; the exit code."""
    if "--pages" in words:
        pages.rewrite()
        return 0
    # In the background of a shell Ctrl-C is ignored, and whoever is started inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    started = time.monotonic()
    print("Five clients, one faulty upstream: up to a minute and a half.", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="prove-", ignore_cleanup_errors=True) as name:
        sends, rows = prove(Path(name), progress=progress(started))
    keep(OUT, sends, rows)
    print(pages.plain(rows))
    if "--keep" in words:
        results = pages.RESULTS / datetime.now(UTC).strftime("%Y-%m-%d")
        keep(results, sends, rows)
        pages.write(rows, results, print)
    ours = next(one for one in totals(rows) if one.client == "pisang")
    verdict = "Pisang: nothing lost untold, nothing paid twice."
    if not ours.kept:
        untold = ours.not_had - ours.told
        verdict = f"PISANG BROKE ITS PROMISE: {untold} lost untold, {ours.twice} paid twice."
    print(f"\n{verdict} Raw figures: prove/out/; how it is counted: docs/proof.md", file=sys.stderr)
    return 0 if ours.kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
