"""The command line, each address it looks up or connects to and each SQL it runs written down.

`WATCH` names the file: JSON lines of a kind and a value, each pair once.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import threading
from typing import Any

WATCHED = {
    "socket.connect": "connect",
    "socket.getaddrinfo": "lookup",
    "socket.gethostbyname": "lookup",
    "socket.sendto": "connect",
    "subprocess.Popen": "process",
    "os.system": "process",
    "os.exec": "process",
    "os.posix_spawn": "process",
}


class Notes:
    """Writes each pair once, at once."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._seen: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def write(self, kind: str, value: str) -> None:
        with self._lock:
            if (kind, value) not in self._seen:
                self._seen.add((kind, value))
                os.write(self._fd, json.dumps([kind, value]).encode() + b"\n")


def main() -> None:
    notes = Notes(os.environ["WATCH"])

    def hear(event: str, args: tuple[Any, ...]) -> None:
        kind = WATCHED.get(event)
        if kind is not None:
            place = args[0] if kind == "lookup" else args[-1] if kind == "connect" else args[0]
            notes.write(kind, str(place))

    sys.addaudithook(hear)
    inside = threading.local()

    class Connection(sqlite3.Connection):
        """A connection that notes the text of what is asked of it, before values are put in."""

        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            notes.write("sql", sql)
            inside.named = True
            try:
                return super().execute(sql, *values)
            finally:
                inside.named = False

    plain = sqlite3.connect

    def connect(*args: Any, **more: Any) -> sqlite3.Connection:
        connection = plain(*args, **{"factory": Connection, **more})

        def trace(sql: str) -> None:
            if not getattr(inside, "named", False) and not sql.startswith("--"):
                notes.write("stray", sql)

        connection.set_trace_callback(trace)
        return connection

    sqlite3.connect = connect
    from pisang.cli import main as pisang

    pisang()


if __name__ == "__main__":
    main()
