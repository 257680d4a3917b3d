"""Who is the caller: a person at a terminal, or an agent."""

from __future__ import annotations

import pytest

from pisang.cli.callers import agent_in


@pytest.mark.parametrize(
    ("environ", "who"),
    [
        ({"CLAUDECODE": "1"}, "claude"),
        ({"CLAUDE_CODE": "true"}, "claude"),
        ({"CODEX_SANDBOX": "seatbelt"}, "codex"),
        ({"GEMINI_CLI": "1"}, "gemini"),
        ({"CURSOR_AGENT": "1"}, "cursor"),
        ({"AI_AGENT": "devin@1"}, "devin@1"),
    ],
)
def test_an_agent_is_known_by_the_variable_it_sets(environ: dict[str, str], who: str) -> None:
    assert agent_in(environ) == who


def test_an_agent_that_names_itself_goes_by_that_name() -> None:
    assert agent_in({"CLAUDECODE": "1", "AI_AGENT": "reviewer"}) == "reviewer"


@pytest.mark.parametrize("value", ["", "0", "false", " no "])
def test_a_variable_that_is_switched_off_means_no_agent(value: str) -> None:
    assert agent_in({"CLAUDECODE": value, "AI_AGENT": value}) is None


def test_the_terminal_of_an_editor_is_no_agent() -> None:
    assert agent_in({"TERM_PROGRAM": "vscode", "CURSOR_TRACE_ID": "5b1f", "REPL_ID": "x"}) is None
