# /// script
# requires-python = ">=3.11"
# dependencies = ["pisang"]
# ///
"""Runs `pisang` where it is not installed: `uv run scripts/pisang_run.py generate "a red kite"`."""

from pisang.cli import main

main()
