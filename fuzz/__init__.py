"""Fuzzing of every decode entry point: `targets` is the table, `python -m fuzz` runs it."""
