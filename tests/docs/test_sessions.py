"""The sessions that the pages show still go the way they are shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.pages import read
from tools.sessions import SESSIONS, Session, page, presentable, shown, written
from tools.stage import Said, Stage, normalise, sandbox_server
from tools.terminal import on_terminal, show

TRANSCRIPTS = [session for session in SESSIONS if session.head]


def gist(text: str, *, folded: bool) -> str:
    """Without what varies. A terminal folds what a pipe does not; through a pipe, the two streams
    of one command have no order."""
    lines = normalise(text).splitlines()
    return re.sub(r"\s+", "", "".join(lines if folded else sorted(lines)))


@pytest.mark.parametrize("session", TRANSCRIPTS, ids=lambda one: one.page)
def test_a_transcript_is_what_happens(session: Session, tmp_path: Path) -> None:
    before = read(session.page)
    with sandbox_server(tmp_path) as url:  # of its own: a relay's log shows what was bought before
        stage = Stage(tmp_path / "stage", url, session.language)
        after = page(session, before, written(session, stage, quick=True))
    for old, new in zip(before.split("\n$ "), after.split("\n$ "), strict=True):
        new, old = (gist(one, folded=session.terminal) for one in (new, old))
        assert new == old, "run: python -m tools.sessions"


@pytest.mark.parametrize("session", SESSIONS, ids=lambda one: one.page)
def test_a_session_has_its_place(session: Session) -> None:
    assert "```console\n$ " in shown(session, read(session.page))


def test_what_is_shown_has_no_folder_port_or_key_of_this_machine(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "stage", "http://127.0.0.1:45678")
    text = f"{stage.folder}/a.png {stage.environ['PISANG_HOME']} {stage.url} sk-made-up-0001"
    assert presentable(text, stage) == "~/demo/a.png ~/.pisang https://api.ikuncode.cc sk-…"
    for session in SESSIONS:
        assert not re.search(r"/tmp/|127\.0\.0\.1:(?!8790)|made-up", read(session.page))


def test_a_live_line_leaves_nothing_behind() -> None:
    drawn = "\x1b[?25lPainting 0 s\r\x1b[2KPainting 1 s\r\n\x1b[?25h\r\x1b[1A\x1b[2Kdone.jpg\r\n"
    assert show(drawn) == "done.jpg"


def test_a_terminal_answers_what_is_asked(tmp_path: Path) -> None:
    code, said = on_terminal(
        ["bash", "-c", "read -s -p 'Key: ' key; echo; echo ${#key}; exit 3"],
        tmp_path,
        {"PATH": "/usr/bin:/bin"},
        [("Key:", "secret\n")],
    )
    assert Said(code, show(said)) == Said(3, "Key:\n6")
