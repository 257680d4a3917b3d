"""The five clients: what each runs for a wish, and what it tells of a payment without a picture."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prove.faults import LIMIT_S, prompt_of
from prove.running import Cold, Launcher, warmed

PROGRAMS = Path(__file__).parent / "programs"
PISANG = (sys.executable, "-m", "pisang")
PRICE = "0.134USD"
SETTLED_S = 15.0

_ONWARD = re.compile(r"pisang (wait \S+)")


@dataclass(frozen=True, slots=True)
class Desk:
    """One client's place: a folder of its own, the upstream's address, a made-up key."""

    folder: Path
    base_url: str
    key: str

    @property
    def environ(self) -> dict[str, str]:
        """What its processes have of an environment: nothing of this one's but the path."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "API_KEY": self.key,
            "BASE_URL": self.base_url,
            "LIMIT_S": str(LIMIT_S),
            "PISANG_HOME": str(self.folder / "home"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }

    def place(self, wish: int) -> Path:
        """The folder that a wish is made in."""
        return self.folder / f"{wish:02d}"

    def run(self, command: Sequence[str], told: str = "") -> str:
        """A command to its end; its standard output. It must succeed."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environ, input=told, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
        return done.stdout


@dataclass(frozen=True, slots=True)
class Client:
    """A program that is run once a wish, and prints nothing but its error where it fails."""

    name: str
    title: Mapping[str, str]
    program: str

    def prepare(self, desk: Desk) -> None:
        """What its user does once, before the first wish."""

    def launcher(self, desk: Desk) -> AbstractContextManager[Launcher]:
        """What starts it."""
        return warmed(PROGRAMS / self.program, desk.environ)

    def words(self, wish: int) -> list[str]:
        """What its user runs for a wish; the same again when it was killed."""
        return [prompt_of(wish)]

    def onward(self, said: str) -> list[str] | None:
        """The free command that its own output names as the next, if it names one."""
        return None

    def listed(self, desk: Desk) -> dict[int, str]:
        """Wish → the amount that it names as perhaps paid for nothing. A program lists nothing."""
        return {}


@dataclass(frozen=True, slots=True)
class Pisang(Client):
    """The command line, with a price set so that what is at stake is an amount."""

    def prepare(self, desk: Desk) -> None:
        words = ("--wire", "gemini", "--base-url", desk.base_url, "--auth", "bearer")
        desk.run((*PISANG, "upstream", "add", "faulty", *words, "--key-stdin"), desk.key)
        with (desk.folder / "home" / "config.toml").open("a") as config:
            config.write(f'\n[upstreams.faulty.prices]\n"gemini-3-pro-image-preview" = "{PRICE}"\n')

    def launcher(self, desk: Desk) -> AbstractContextManager[Launcher]:
        return nullcontext(Cold(desk.environ))

    def words(self, wish: int) -> list[str]:
        shape = ("--model", "gemini-3-pro-image-preview", "-r", "16:9", "-s", "2K")
        how = ("--via", "faulty", "--timeout", str(LIMIT_S))
        return [*PISANG, "generate", prompt_of(wish), *shape, *how]

    def onward(self, said: str) -> list[str] | None:
        named = _ONWARD.search(said)
        return [*PISANG, *named[1].split(), "--for", f"{SETTLED_S:.0f}s"] if named else None

    def listed(self, desk: Desk) -> dict[int, str]:
        requests = self._settled(desk)
        wish_of = {one["id"]: int(one["prompt"][5:7]) for one in requests}
        rows = json.loads(desk.run((*PISANG, "unknown", "list", "--format", "json")))["unknown"]
        return {wish_of[row["request_id"]]: row["at_stake"] for row in rows if row["at_stake"]}

    def _settled(self, desk: Desk) -> list[dict[str, Any]]:
        """The history, when nothing is under way any more: a keeper may outlive what started it."""
        until = time.monotonic() + SETTLED_S
        while True:
            said = desk.run((*PISANG, "history", "--limit", "100", "--format", "json"))
            requests: list[dict[str, Any]] = json.loads(said)["requests"]
            if time.monotonic() > until or all(one["state"] != "sent" for one in requests):
                return requests
            time.sleep(0.5)


CLIENTS: tuple[Client, ...] = (
    Client(
        "relay-guide",
        {"en": "a relay guide's Python", "zh": "中转站教程里的 Python"},
        "relay_guide.py",
    ),
    Client(
        "resend",
        {"en": "the same, sent up to 3 times", "zh": "同上，失败重发，最多 3 次"},
        "resend.py",
    ),
    Client("google-genai", {"en": "google-genai", "zh": "google-genai"}, "google_sdk.py"),
    Client("openai", {"en": "openai", "zh": "openai"}, "openai_sdk.py"),
    Pisang("pisang", {"en": "**Pisang**", "zh": "**Pisang**"}, ""),
)
