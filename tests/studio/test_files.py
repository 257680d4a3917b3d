"""The studio's files: what is served, how, and that its words are whole."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from pisang.studio import app as studio_files
from pisang.studio.app import POLICY, Studio, read_assets

STATIC = Path(str(files("pisang.studio") / "static"))
MODULES = sorted(path for path in STATIC.rglob("*.js") if path.parent.name != "vendor")

MOST_BYTES = 200_000
"""What a first visit may load before images."""


def ask(path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """One call to the studio over an application that says 418 to all that reaches it."""
    told: list[dict[str, Any]] = []

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 418, "headers": []})
        await send({"type": "http.response.body", "body": b"behind"})

    async def send(message: Any) -> None:
        told.append(message)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": raw}
    asyncio.run(Studio(behind)(scope, None, send))  # type: ignore[arg-type]
    fields = {name.decode(): value.decode() for name, value in told[0]["headers"]}
    return told[0]["status"], fields, told[1]["body"]


def at(name: str) -> str:
    """Where a file is served: below the digest of all of them."""
    page = ask("/")[2].decode()
    (version,) = set(re.findall(r'"studio/([0-9a-f]{16})/', page))
    return f"/studio/{version}/{name}"


def test_the_page_and_its_modules_are_served_and_may_load_nothing_from_elsewhere():
    status, fields, body = ask("/")
    assert status == 200
    assert fields["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert "report" not in POLICY
    assert "camera=()" in fields["permissions-policy"]
    assert fields["x-content-type-options"] == "nosniff"
    assert fields["cache-control"] == "no-cache"
    assert f'src="{at("app.js")[1:]}"'.encode() in body
    status, fields, body = ask(at("app.js"))
    assert (status, fields["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert body == (STATIC / "app.js").read_bytes()
    assert fields["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", ["/studio/app.js", "/studio/0123456789abcdef/app.js", "/studio/"])
def test_what_another_version_was_made_of_is_not_here(path):
    status, fields, _ = ask(path)
    assert (status, fields["cache-control"]) == (404, "no-store")


def test_a_file_that_a_browser_has_is_not_sent_again_and_goes_out_compressed_otherwise():
    _, fields, body = ask(at("vendor/lit.js"), accept_encoding="gzip, br")
    assert fields["content-encoding"] == "gzip"
    assert gzip.decompress(body) == (STATIC / "vendor/lit.js").read_bytes()
    status, again, body = ask(at("vendor/lit.js"), if_none_match=fields["etag"])
    assert (status, body, again["etag"]) == (304, b"", fields["etag"])
    assert ask("/", method="HEAD")[2] == b""
    for said in ("", "br", "gzip;q=0", "gzip; q=0.0, br"):
        _, fields, body = ask(at("vendor/lit.js"), accept_encoding=said)
        assert "content-encoding" not in fields
        assert body == (STATIC / "vendor/lit.js").read_bytes()


def test_all_that_the_page_names_is_there_and_another_name_is_another_version(monkeypatch):
    named = re.findall(rb'(?:src|href)="(studio/[^"]+)"', ask("/")[2])
    assert len(named) >= 3
    for one in named:
        assert ask(f"/{one.decode()}")[0] == 200
    before, found = set(read_assets()), dict(studio_files._read(STATIC, ""))
    found["other.svg"] = found.pop("icon.svg")
    monkeypatch.setattr(studio_files, "_read", lambda *_: found.items())
    assert set(read_assets()) & before == {"/"}


@pytest.mark.parametrize("path", ["/pisang/v1/models", "/studios", "//"])
def test_everything_else_is_the_gateways(path):
    assert ask(path)[0] == 418
    assert ask(at("vendor/README.md"))[0] == 404
    assert ask("/", method="POST")[0] == 418


def test_what_is_not_ours_is_what_its_note_says():
    note = (STATIC / "vendor/README.md").read_text()
    digest = hashlib.sha256((STATIC / "vendor/lit.js").read_bytes()).hexdigest()
    assert digest in note


def test_a_module_imports_only_files_that_are_there():
    for module in MODULES:
        for name in re.findall(r"\b(?:from |import |import\()'([^']*)';?\)?", module.read_text()):
            assert name.startswith("."), (module, name)
            assert (module.parent / name).is_file(), (module, name)


def test_no_module_makes_markup_of_text():
    wrong = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|unsafeHTML|document\.write|\beval\("
    )
    assert [module for module in MODULES if wrong.search(module.read_text())] == []


def test_a_first_visit_loads_less_than_it_may():
    sizes = [len(gzip.compress(path.read_bytes())) for path in STATIC.rglob("*.*")]
    assert sum(sizes) < MOST_BYTES


def words(language: str) -> dict[str, str]:
    text = (STATIC / f"i18n/{language}.js").read_text()
    return dict(re.findall(r"^  '([^']+)': '(.+)',$", text, re.MULTILINE))


def test_every_sentence_is_there_in_both_languages_with_the_same_holes():
    english, chinese = words("en"), words("zh")
    assert english.keys() == chinese.keys()
    holes = re.compile(r"\{\w+\}")
    for name, sentence in english.items():
        assert set(holes.findall(sentence)) == set(holes.findall(chinese[name])), name


def test_every_sentence_that_a_page_says_is_in_the_table_and_none_is_there_in_vain():
    english = words("en")
    source = "\n".join(module.read_text() for module in MODULES if module.parent.name != "i18n")
    said = set(re.findall(r"'([a-z][\w-]*\.[\w-]+)'", source))
    families = tuple(re.findall(r"\bt\(`([a-z-]+\.(?:[a-z]+-)?)\$\{", source))
    assert {name for name in re.findall(r"\bt\('([^']+)'", source)} <= english.keys()
    assert [name for name in english if name not in said and not name.startswith(families)] == []


def test_no_element_has_a_method_of_its_own_where_the_browser_calls_its():
    theirs = "remove|append|prepend|before|after|focus|blur|click|closest|matches|animate|normalize"
    wrong = re.compile(rf"^  (?:async )?(?:{theirs})\(|static properties = .*\b(?:{theirs}):", re.M)
    assert [module for module in MODULES if wrong.search(module.read_text())] == []
