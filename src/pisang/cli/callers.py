"""Who called: somebody at a terminal, a program such as an agent's, or a shell that completes.

An agent reads output as text and kills what takes long, so it gets no pictures, no questions and
no line that is drawn over; a terminal alone doesn't tell, for some agents run commands in one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

ASKED = "_PISANG_COMPLETE"
"""A shell sets it to ask what may come next, in place of running a command."""

_MARKS: Mapping[str, str] = {
    "AMP_CURRENT_THREAD_ID": "amp",
    "ANTIGRAVITY_AGENT": "antigravity",
    "AUGMENT_AGENT": "augment",
    "CLAUDECODE": "claude",
    "CLAUDE_CODE": "claude",
    "CLINE_ACTIVE": "cline",
    "CODEX_CI": "codex",
    "CODEX_SANDBOX": "codex",
    "CODEX_THREAD_ID": "codex",
    "COPILOT_CLI": "copilot",
    "CURSOR_AGENT": "cursor",
    "GEMINI_CLI": "gemini",
    "OPENCODE": "opencode",
}
"""Variables that agents set for the commands they run. Not those that an editor's own terminal has
too (`CURSOR_TRACE_ID`, `REPL_ID`): a person types there."""

_NOT_SET = frozenset({"", "0", "false", "no"})


def agent_in(environ: Mapping[str, str]) -> str | None:
    """The agent that runs this command, as a word; None where none is known of.

    `AI_AGENT`, which names the agent itself, wins over the vendors' own variables.
    """
    named = environ.get("AI_AGENT", "").strip()
    if named.lower() not in _NOT_SET:
        return named
    return next((who for mark, who in _MARKS.items() if _is_set(environ.get(mark, ""))), None)


def attended() -> bool:
    """Whether somebody sits there who sees the output and can answer: standard input and output
    are terminals, and no agent is the caller."""
    return sys.stdin.isatty() and sys.stdout.isatty() and agent_in(os.environ) is None


def _is_set(value: str) -> bool:
    return value.strip().lower() not in _NOT_SET
