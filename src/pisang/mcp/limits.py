"""How much there may be of anything, for both processes."""

from __future__ import annotations

MOST_N = 8
"""Pictures of one wish."""
MOST_ROWS = 50
"""Wishes of one batch. More are a file for `pisang batch run`, not an argument that a model
writes."""
MOST_LINE_BYTES = 8 << 20
"""An order is words and paths; a prompt has at most a million characters."""
