"""A stage on which the commands of the docs run: a fresh folder and home, loopback upstreams only.

Every preset's host, and every host that the docs make up, is `pisang sandbox` on this machine; keys
are made up. Plain `pisang …` lines run in this process (a tenth of the time), lines of the shell in
`bash`, where `pisang` is this module: `python -m tools.stage URL WORDS…`.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import CodeType
from unittest.mock import patch

from tools.sources import ROOT
from tools.terminal import COLUMNS, Answers, on_terminal, show

LOCAL = "http://127.0.0.1:8790"
"""Where `pisang sandbox` listens unless it is told otherwise: so the docs show it."""

GATEWAY = "http://127.0.0.1:8787"
"""Where `pisang serve` listens unless it is told otherwise."""

SERVERS = frozenset({"sandbox", "serve"})

MADE_UP = ("https://relay.example.com", "https://images.example.com", LOCAL)
KEY = "sk-made-up-0001"
LIMIT_S = 60

_SHELL = re.compile(r"[|<>;&`]|\$\(|\$\w")
_OURS = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "SYSTEMROOT")


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended, and all that it wrote, both streams as a terminal shows them."""

    code: int
    text: str


@dataclass
class Stage:
    """One fresh folder, home and environment; `url` is the sandbox server behind every host."""

    root: Path
    url: str
    language: str = "en"
    gateway: str = GATEWAY
    code: int = 0
    environ: dict[str, str] = field(default_factory=dict)
    served: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder = self.root / "here"
        self.folder.mkdir(parents=True)
        binary = self.root / "bin"
        binary.mkdir()
        staged = shlex.join((sys.executable, "-m", "tools.stage", self.url))
        _script(binary / "pisang", f"PYTHONPATH={shlex.quote(str(ROOT))} exec {staged}")
        _script(binary / "python", f"exec {shlex.quote(sys.executable)}")
        kept = {name: os.environ[name] for name in _OURS if name in os.environ}
        self.environ |= kept | {
            "PATH": f"{binary}:{os.environ['PATH']}",
            "PISANG_HOME": str(self.root / "home"),
            "PISANG_LANG": self.language,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "COLUMNS": "100",
            "PISANG_PREVIEW": "off",
            "LANG": "C.UTF-8",
        }

    def close(self) -> None:
        """End what was started here."""
        for server in self.served:
            server.terminate()
            server.communicate(timeout=10)

    def localise(self, text: str) -> str:
        """The text with every host that the docs make up on this machine."""
        for host in MADE_UP:
            text = text.replace(host, self.url)
        return text.replace(GATEWAY, self.gateway)

    def run(self, line: str) -> Said:
        """Run one line as a shell would."""
        line = self.localise(line)
        words = shlex.split(line, comments=True)
        if words[:1] == ["export"]:
            self.environ.update(self._assigned(word) for word in words[1:])
            return Said(0, "")
        if words == ["echo", "$?"]:
            return Said(0, str(self.code))
        if words[:1] == ["pisang"] and SERVERS & {*words[1:2]} and "--help" not in words:
            return self._serve(words[1:])
        plain = words[:1] == ["pisang"] and not _SHELL.search(_unquoted(line))
        said = self._call(words[1:]) if plain else self._shell(line)
        self.code = said.code
        return said

    def piped(self, line: str) -> Said:
        """Run one line of the shell without a terminal, as a program would."""
        if line.startswith(("export ", "echo $?")):
            return self.run(line)
        said = self._shell(self.localise(line))
        self.code = said.code
        return said

    def typed(self, line: str, answers: Answers = ()) -> Said:
        """Run one line on a pseudo terminal, and type the answers that it waits for."""
        if line.startswith(("export ", "echo $?")):
            return self.run(line)
        environ = {**self.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
        words = ["bash", "-c", self.localise(line)]
        self.code, text = on_terminal(words, self.folder, environ, answers)
        return Said(self.code, show(text))

    def execute(self, code: CodeType) -> None:
        """Run a Python block in this process, as a script of its own."""
        with self._here():
            exec(code, {"__name__": "__main__"})

    def _assigned(self, word: str) -> tuple[str, str]:
        """A variable; a key that is only hinted at (`sk-…`) becomes a made-up one."""
        name, _, value = word.partition("=")
        return name, value if value.isascii() else KEY

    def _call(self, words: list[str]) -> Said:
        from pisang.cli.entry import run

        with self._here() as shown:
            code = run(words)
        return Said(code, shown.getvalue())

    def _shell(self, line: str) -> Said:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LIMIT_S,
            check=False,
        )
        return Said(done.returncode, done.stdout.decode())

    def _serve(self, words: list[str]) -> Said:
        """Start it on a free port; its first line. It is the sandbox, or the gateway, from here
        on."""
        at = words.index("--port") if "--port" in words else None
        words = [*words[:at], *words[at + 2 :]] if at else words
        server = subprocess.Popen(
            ["pisang", *words, "--port", "0"],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.served.append(server)
        assert server.stdout is not None
        line = server.stdout.readline()
        found = re.search(r"http://[\d.]+:\d+", line)
        if found is None:
            return Said(server.wait(LIMIT_S), line + server.stdout.read())
        if words[0] == "serve":
            self.gateway = found[0]
        else:
            self.url = found[0]
        return Said(0, line)

    @contextmanager
    def _here(self) -> Iterator[io.StringIO]:
        """This process as one that was started on the stage; what it shows is collected."""
        shown = io.StringIO()
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            with (
                patch.dict(os.environ, self.environ | {"PISANG_KEEPER": "off"}, clear=True),
                patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO())),
                redirect_stdout(shown),
                redirect_stderr(shown),
                presets_at(self.url),
            ):
                yield shown
        finally:
            os.chdir(before)


def _script(path: Path, command: str) -> None:
    path.write_text(f'#!/bin/sh\n{command} "$@"\n')
    path.chmod(0o755)


def _unquoted(line: str) -> str:
    """The line without what quotes protect from the shell, and without its comment."""
    return re.sub(r"\s#.*", "", re.sub(r"'[^']*'|\"[^\"$`]*\"", "''", line))


@contextmanager
def presets_at(url: str) -> Iterator[None]:
    """Every preset's hosts, and those of its networks, at `url`: no command leaves this machine."""
    from pisang.client.presets import PRESETS, SANDBOX

    away = {
        name: replace(
            preset,
            base_url=preset.base_url and url,
            networks=dict.fromkeys(preset.networks, url),
        )
        for name, preset in PRESETS.items()
        if name != SANDBOX
    }
    with patch.dict(PRESETS, away):  # type: ignore[arg-type]
        yield


@contextmanager
def sandbox_server(folder: Path) -> Iterator[str]:
    """The address of a running `pisang sandbox`, its book in that folder."""
    words = ["sandbox", "--port", "0", "--format", "json", "--book", str(folder / "book.jsonl")]
    home = {"PISANG_HOME": str(folder / "server")}
    server = subprocess.Popen(
        [sys.executable, "-m", "pisang", *words],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **home},
    )
    assert server.stdout is not None
    try:
        yield json.loads(server.stdout.readline())["url"]
    finally:
        server.terminate()
        server.communicate(timeout=10)


# --- what is the same each time -----------------------------------------------------------------

_VARYING = (
    (r"\x1b\[[0-9;?]*[A-Za-z]", ""),
    (r"\b(req|att|img|job)_[0-9a-z]{20,}", r"\1_…"),
    (r"\b[0-9a-f]{64}\b", "<sha256>"),
    (r"(Ray ID: |sandbox-)[0-9a-f]{16}\b", r"\1<hash>"),
    (r"\b(?=[0-9a-f]*\d)[0-9a-f]{12}\b", "<hash>"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?([+-]\d\d:\d\d|Z)?", "<time>"),
    (r"\b\d{4}-\d\d-\d\d\b", "<day>"),
    (r"\d{8}_\d{6}", "<time>"),
    (r"http://(127\.0\.0\.1|localhost):\d+", LOCAL),
    (r"[\d.,]+ (B|kB|MB|GB)\b", "<size>"),
    (r'"bytes": \d+', '"bytes": 0'),
    (r"\b\d+(\.\d+)? (s|ms|秒)(?!\w)", r"<n> \2"),
    (r'"elapsed_ms": \d+', '"elapsed_ms": 0'),
    (r"[ \t]+", " "),
)


def normalise(text: str, root: Path | None = None) -> str:
    """The text without what differs from run to run: ids, times, hashes, sizes, ports, paths."""
    if root is not None:
        text = text.replace(str(root / "here"), "~/demo")
        text = text.replace(str(root / "home"), "~/.pisang").replace(str(root), "~")
    for host in MADE_UP:
        text = text.replace(host, LOCAL)
    for pattern, word in _VARYING:
        text = re.sub(pattern, word, text)
    return "\n".join(line.strip() for line in text.strip().splitlines())


def matches(shown: str, said: str, root: Path) -> bool:
    """Whether a page shows what was said. `…` stands for anything within a line, and alone on a
    line for any lines."""
    wanted = [
        r"(?:.*\n)*?" if line == "…" else r".*?".join(map(re.escape, line.split("…"))) + r"\n"
        for line in normalise(shown).splitlines()
    ]
    return re.fullmatch("".join(wanted), normalise(said, root) + "\n") is not None


def main() -> None:
    """`pisang` as a line of the shell calls it on the stage."""
    from pisang.cli.entry import main as pisang

    url, *words = sys.argv[1:]
    with presets_at(url):
        pisang(words)


if __name__ == "__main__":
    main()
