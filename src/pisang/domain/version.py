"""The version, where every layer may read it; `pyproject.toml` says the same (a test compares)."""

VERSION = "0.1.0"
