"""Strict JSON with long strings kept apart: in (`loads`), out (`dumps`), and one string's sense.

The one door to three files: `jsontext` (bytes to values), `jsonbody` (values to the pieces of a
body) and `jsonstring` (text, base64 and data URLs in a string, short or long).
"""

from __future__ import annotations

from pisang.wires.jsonbody import Joined, dumps
from pisang.wires.jsonstring import (
    DataUrl,
    content_of,
    data_urls,
    span_of,
    split_data_urls,
    text_of,
)
from pisang.wires.jsontext import loads, loads_partial

__all__ = [
    "DataUrl",
    "Joined",
    "content_of",
    "data_urls",
    "dumps",
    "loads",
    "loads_partial",
    "span_of",
    "split_data_urls",
    "text_of",
]
