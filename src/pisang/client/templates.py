"""Templates with `{column}` in them, filled from a row of a list."""

from __future__ import annotations

from string import Formatter

from pisang.client.tables import Record
from pisang.errors import OptionInvalid


def fill(template: str, record: Record) -> str:
    """A template with the row's columns, and its `{line}`, in it. Raises `OptionInvalid` for one
    that it has not."""
    columns = {**record.columns, "line": str(record.line)}
    try:
        pieces = list(Formatter().parse(template))
    except ValueError as error:
        why = "a brace is open, or stands alone (two of them make one)"
        raise OptionInvalid(option="template", value=template, why=why) from error
    for _, name, layout, conversion in pieces:
        if layout or conversion:
            why = "in braces stands a column's name and nothing else"
            raise OptionInvalid(option="template", value=template, why=why)
        if name is not None and name not in columns:
            why = f"there is no column of that name (there are {', '.join(columns)})"
            raise OptionInvalid(option="template", value=f"{{{name}}}", why=why)
    return template.format_map(columns)
