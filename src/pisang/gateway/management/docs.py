"""`/docs`: the API as a page that needs nothing but itself: no script, nobody else's server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #ddd }
code, b { font-family: ui-monospace, monospace }
b { display: inline-block; min-width: 4.5rem } summary { cursor: pointer; padding: .3rem 0 }
table { border-collapse: collapse; margin: .5rem 0 } td { padding: .15rem 1rem .15rem 0;
  vertical-align: top } p { white-space: pre-line; margin: .4rem 0 }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818 }
  h2 { border-color: #444 } a { color: #8cf } }
"""

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

Node = Mapping[str, Any]


def write_page(openapi: Node) -> str:
    """The page of an OpenAPI document."""
    info = openapi["info"]
    return "".join(
        (
            '<!doctype html><html lang="en"><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{escape(info['title'])}</title><style>{_STYLE}</style>",
            f"<h1>{escape(info['title'])}</h1><p>{escape(info['description'])}</p>",
            '<p><a href="openapi.json">openapi.json</a></p>',
            *_sections(openapi),
            "</html>",
        )
    )


def _sections(openapi: Node) -> Iterator[str]:
    last = None
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            tag = operation.get("tags", [""])[0]
            if tag != last:
                yield f"<h2>{escape(tag)}</h2>"
                last = tag
            yield from _operation(method, path, operation, openapi)


def _operation(method: str, path: str, operation: Node, openapi: Node) -> Iterator[str]:
    yield f"<details><summary><b>{method.upper()}</b> <code>{escape(path)}</code></summary>"
    yield f"<p>{escape(operation.get('description', ''))}</p>"
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        said = parameter.get("description") or schema.get("description") or ""
        yield _row(f"{parameter['name']} ({parameter['in']})", _type(schema), said)
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    yield from _fields(body.get("schema", {}), openapi, "body: ")
    for status, told in operation["responses"].items():
        schema = told.get("content", {}).get("application/json", {}).get("schema", {})
        yield _row(status, _type(schema), told.get("description", ""))
        if status == "200":
            yield from _fields(schema, openapi, "· ")
    yield "</details>"


def _fields(schema: Node, openapi: Node, lead: str) -> Iterator[str]:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    whole = openapi["components"]["schemas"][name] if name else schema
    for field, one in whole.get("properties", {}).items():
        yield _row(f"{lead}{field}", _type(one), one.get("description", ""))


def _row(name: str, kind: str, said: str) -> str:
    cells = (f"<code>{escape(name)}</code>", escape(kind), escape(said))
    return f"<table><tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr></table>"


def _type(schema: Node) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    kind = str(schema.get("type", ""))
    return f"{kind} of {_type(schema['items'])}" if kind == "array" else kind
