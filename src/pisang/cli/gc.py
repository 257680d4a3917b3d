"""`pisang gc`: what retention no longer keeps."""

from __future__ import annotations
