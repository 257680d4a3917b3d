"""Settings and keys changed by several processes at once: none of the changes is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pisang.client.config import parse_config
from pisang.client.keys import kept_key

PROCESSES, EACH = 6, 8

WRITER = """
import sys
from pathlib import Path
from pisang.client.config_edit import put_upstream
from pisang.client.keys import keep_key
from pisang.client.settings import Entry
from pisang.domain.secret import Secret

home, me = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    name = f"u{me}-{number}"
    put_upstream(home, Entry(name, preset="google"))
    keep_key(name, Secret(f"made-up-{name}"), home)
"""


def test_nothing_that_processes_write_at_once_is_lost(tmp_path: Path) -> None:
    home = tmp_path / "home"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(home), str(me), str(EACH)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for me in range(PROCESSES)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    path = home / "config.toml"
    names = {f"u{me}-{number}" for me in range(PROCESSES) for number in range(EACH)}
    assert set(parse_config(path.read_text(), path).upstreams) == names
    for name in names:
        key = kept_key(name, home)
        assert key is not None
        assert key.reveal() == f"made-up-{name}"
