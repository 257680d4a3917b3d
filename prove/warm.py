"""Runs one program again and again, each time in a process of its own: `python -m prove.warm FILE`.

The vendors' SDKs take more than a second of CPU to import, which a hundred processes on two cores
can't afford. So what FILE imports is imported once here, and for each line of JSON on standard
input (`place`, `argv`, `folder`, `said`) a child is forked that is then the program: its own
session, its own folder, nothing shared. Standard output tells each child's pid, and how it ended.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import runpy
import signal
import sys
from pathlib import Path
from typing import Any


def warm_up(program: str) -> None:
    """Import what the program imports."""
    for node in ast.parse(Path(program).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            for one in node.names:
                importlib.import_module(one.name)
        elif isinstance(node, ast.ImportFrom) and node.module:
            module = importlib.import_module(node.module)
            for one in node.names:
                if not hasattr(module, one.name):  # a lazy package imports it only now
                    importlib.import_module(f"{node.module}.{one.name}")


def supervise(program: str, order: dict[str, Any]) -> None:
    """Start the child, tell its pid, wait for its end, tell that. (No thread: children fork.)"""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if not child:
        become(program, order)
    tell(place=order["place"], pid=child)
    _, status = os.waitpid(child, 0)
    tell(place=order["place"], code=os.waitstatus_to_exitcode(status))
    os._exit(0)


def become(program: str, order: dict[str, Any]) -> None:
    """Be the program, as if it had been started so."""
    os.setsid()
    os.chdir(order["folder"])
    said = os.open(order["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for at, file in enumerate((os.open(os.devnull, os.O_RDONLY), said, said)):
        os.dup2(file, at)
    sys.argv = [program, *order["argv"]]
    runpy.run_path(program, run_name="__main__")
    sys.exit(0)


def tell(**event: Any) -> None:
    """One line, in one piece."""
    os.write(1, json.dumps(event).encode() + b"\n")


def main(program: str) -> None:
    """Start what is asked for until standard input closes."""
    warm_up(program)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the supervisors need no funeral
    tell(place=0)
    while line := sys.stdin.readline():
        if not os.fork():
            supervise(program, json.loads(line))


if __name__ == "__main__":
    main(sys.argv[1])
