"""Work on foreign bytes, done in a child process that can be lost.

A bomb, a crash or an endless picture ends the child, never us: it has limits on memory, processor
time and file size, few decoders, no environment worth reading, and no network where the kernel
allows that. Its results come as files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass

from pisang.errors import OutputUnwritable, ReferenceUnreadable, Unexpected
from pisang.pixels.child import CPU_S, Task

WALL_S = 120.0
"""Seconds after which a child is killed."""

_PASSED_ON = (
    "PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Derived:
    """A picture that a child wrote: its pixels and its size in bytes."""

    width: int
    height: int
    size: int


def run(
    task: Task,
    names: tuple[str, ...] | None = None,
    output: str = "the picture",
    wall_s: float = WALL_S,
) -> tuple[Derived, ...]:
    """What the child wrote, one a source; it is killed after `wall_s` seconds.

    `names` are what the user calls the sources (default: their paths), `output` what he calls the
    target. Raises
    `ReferenceUnreadable`, `OutputUnwritable`, or `Unexpected` where Python itself would not start.
    """
    called = names or task.sources
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pisang.pixels.child"],
            input=task.dump(),
            capture_output=True,
            timeout=wall_s,
            env=_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ReferenceUnreadable(
            reference=called[0], why=f"decoding took more than {wall_s:g} s"
        ) from None
    except OSError as error:
        raise Unexpected(what=f"no child process could be started ({error.strerror})") from error
    return _result(done, called, output)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return kept | {
        "VIPS_BLOCK_UNTRUSTED": "1",
        "VIPS_CONCURRENCY": "2",
        "MALLOC_ARENA_MAX": "2",
        "PYTHONUTF8": "1",
    }


def _result(
    done: subprocess.CompletedProcess[bytes], called: tuple[str, ...], output: str
) -> tuple[Derived, ...]:
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise _crash(done, called) from None
    if "fault" not in answer:
        return tuple(Derived(*facts) for facts in answer["images"])
    if answer["fault"] == "target":
        raise OutputUnwritable(path=output, why=answer["why"])
    raise ReferenceUnreadable(reference=called[answer["index"]], why=answer["why"])


def _crash(
    done: subprocess.CompletedProcess[bytes], called: tuple[str, ...]
) -> ReferenceUnreadable | Unexpected:
    if done.returncode < 0 or b"MemoryError" in done.stderr:
        why = f"its decoder crashed or needed more than {CPU_S} s or 1.5 GB"
        return ReferenceUnreadable(reference=called[0], why=why)
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return Unexpected(what=f"the picture process failed ({said[-1][:160] if said else 'silently'})")
