"""The two documents that users come from, taken at their word.

Their printed requests are compared with what our encoders say for the same wish, and their
printed clients, run as they stand, read what our server roles answer. The documents lie beside
the checkout; without them these tests are skipped, and say so.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

from pisang.domain.answer import Reply
from pisang.domain.content import content_of
from pisang.domain.request import JSON, Image, Request, Text
from pisang.domain.upstream import Quirks, Upstream
from pisang.errors import KeyInvalid, PisangError, RateLimited, RequestRejected
from pisang.wires.base import Ask, Call, WireAnswer
from pisang.wires.crawl import Crawl
from pisang.wires.gemini import Gemini
from tests.wires.harness import answer_of, bytes_of, scan

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
GUIDE, SKILL = REFERENCE / "relay-guide.zh.md", REFERENCE / "crawl-skill.zh.md"
pytestmark = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason=f"NOT RUN: no reference documents in {REFERENCE}"
)

GEMINI, CRAWL = Gemini(), Crawl()
RELAY = Upstream("ikun", "gemini", "https://example.com", quirks=Quirks(size_key="image_size"))
GATEWAY = Upstream("crawl", "crawl", "https://example.com", kind="crawl")

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3
PAINTED = Reply((Image(content_of(PICTURE), "image/png"),), finish_reason="STOP")


def blocks(document: Path, language: str) -> list[str]:
    """The document's code blocks in that language, in order."""
    pattern = rf"^```{language}\n(.*?)^```"
    return re.findall(pattern, document.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def data_of_curl(block: str) -> JSON:
    """The JSON of a printed curl line."""
    match = re.search(r"(?:-d|--data) '(.*?)'", block, re.DOTALL)
    assert match is not None
    return json.loads(match[1])


def asked(wire: Gemini | Crawl, wish: Request, upstream: Upstream) -> JSON:
    """The body that we send for a wish, as JSON."""
    request, warnings = wire.encode_request(wish, upstream)
    assert warnings == ()
    return json.loads(bytes_of(request.body))


def call(path: str, body: object) -> Call:
    scanned = scan(json.dumps(body, ensure_ascii=False).encode())
    return Call("POST", path, {}, {}, scanned.skeleton, scanned.spans)


def as_response(answer: WireAnswer) -> SimpleNamespace:
    """What `requests` would show of it."""
    data = bytes_of(answer.body)
    return SimpleNamespace(
        status_code=answer.status, json=lambda: json.loads(data), text=data.decode()
    )


# --- the relay guide ---------------------------------------------------------------------------


def guide_wish(text: str, *pictures: Image) -> Request:
    return Request((*pictures, Text(text)), "gemini-3-pro-image-preview", "16:9", "2K")


def printed_wish() -> Request:
    """The wish of the guide's examples in three languages, with the words that it prints."""
    body = data_of_curl(blocks(GUIDE, "bash")[0])
    return guide_wish(body["contents"][0]["parts"][0]["text"])


def test_the_guides_basic_request_is_ours_field_by_field() -> None:
    basic = json.loads(blocks(GUIDE, "json")[0])
    wish = guide_wish(basic["contents"][0]["parts"][0]["text"])
    assert asked(GEMINI, wish, RELAY) == basic


def test_the_guides_edit_request_is_ours_field_by_field_with_the_picture_first() -> None:
    edit = json.loads(blocks(GUIDE, "json")[1])
    picture, words = edit["contents"][0]["parts"]
    picture["inlineData"]["data"] = base64.b64encode(PICTURE).decode()
    wish = guide_wish(words["text"], Image(content_of(PICTURE), "image/png"))
    assert asked(GEMINI, wish, RELAY) == edit


def test_the_guides_curl_line_is_ours_path_and_all() -> None:
    block = blocks(GUIDE, "bash")[0]
    assert asked(GEMINI, printed_wish(), RELAY) == data_of_curl(block)
    request, _ = GEMINI.encode_request(printed_wish(), RELAY)
    assert f"https://api.ikuncode.cc{request.path}" in block


def test_the_guides_python_payload_is_ours() -> None:
    block = blocks(GUIDE, "python")[0]
    printed = re.search(r"^payload = (\{.*?^\})", block, re.DOTALL | re.MULTILINE)
    assert printed is not None
    assert asked(GEMINI, printed_wish(), RELAY) == json.loads(printed[1])


def test_the_guides_models_ratios_and_sizes_all_pass() -> None:
    text = GUIDE.read_text("utf-8")
    models = set(re.findall(r"`(gemini-[\w.-]+)`", text))
    assert len(models) == 2
    ratios = {ratio for ratio in re.findall(r"`(\d+:\d+)`", text)}
    assert len(ratios) == 10
    for model in models:
        for ratio in ratios:
            for size in ("1K", "2K", "4K"):
                request, warnings = GEMINI.encode_request(
                    Request((Text("a"),), model, ratio, size), RELAY
                )
                assert warnings == ()
                assert request.path == f"/v1beta/models/{model}:generateContent"
                config = json.loads(bytes_of(request.body))["generationConfig"]
                assert config["imageConfig"] == {"aspectRatio": ratio, "image_size": size}


def test_our_server_understands_every_request_that_the_guide_prints() -> None:
    path = "/v1beta/models/gemini-3-pro-image-preview:generateContent"
    ask = GEMINI.decode_request(call(path, data_of_curl(blocks(GUIDE, "bash")[0])))
    assert ask == Ask(printed_wish())
    basic = GEMINI.decode_request(call(path, json.loads(blocks(GUIDE, "json")[0]))).request
    assert (basic.aspect_ratio, basic.image_size) == ("16:9", "2K")


def test_the_guides_python_client_saves_the_picture_that_our_server_sends(tmp_path: Path) -> None:
    block = blocks(GUIDE, "python")[0]
    parsing = block[block.index("if response.status_code == 200:") :]
    saved = tmp_path / "output.png"
    code = parsing.replace('"output.png"', repr(str(saved)))
    answer = GEMINI.encode_reply(PAINTED, Ask(printed_wish()))
    exec(compile(code, "guide", "exec"), {"base64": base64, "response": as_response(answer)})
    assert saved.read_bytes() == PICTURE


def test_the_guides_python_client_prints_our_errors(capsys: pytest.CaptureFixture[str]) -> None:
    block = blocks(GUIDE, "python")[0]
    parsing = block[block.index("if response.status_code == 200:") :]
    answer = GEMINI.encode_error(KeyInvalid(upstream="ikun"))
    exec(compile(parsing, "guide", "exec"), {"base64": base64, "response": as_response(answer)})
    printed = capsys.readouterr().out
    assert "401" in printed
    assert "invalid or expired" in printed


@pytest.mark.skipif(shutil.which("node") is None, reason="NOT RUN: node is not installed")
def test_the_guides_node_client_saves_the_picture_that_our_server_sends(tmp_path: Path) -> None:
    block = blocks(GUIDE, "javascript")[0]
    answer = bytes_of(GEMINI.encode_reply(PAINTED, Ask(printed_wish())).body)
    (tmp_path / "answer.json").write_bytes(answer)
    stub = """
        let sent;
        globalThis.fetch = async (url, options) => {
          sent = { url, body: JSON.parse(options.body) };
          require('fs').writeFileSync('sent.json', JSON.stringify(sent));
          return new Response(require('fs').readFileSync('answer.json'));
        };
    """
    subprocess.run(
        ["node", "-e", textwrap.dedent(stub) + block],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert (tmp_path / "output.png").read_bytes() == PICTURE
    sent = json.loads((tmp_path / "sent.json").read_bytes())
    assert asked(GEMINI, printed_wish(), RELAY) == sent["body"]


# --- the crawl document ------------------------------------------------------------------------


def skill_code(name: str) -> dict[str, object]:
    """The names that the document's Python block with that function defines."""
    block = next(block for block in blocks(SKILL, "python") if f"def {name}(" in block)
    names: dict[str, object] = {}
    exec(compile(block, "skill", "exec"), names)
    return names


class Posts:
    """Stands where `requests` is: keeps what was posted, answers what it was given."""

    def __init__(self, answer: WireAnswer) -> None:
        self.answer = answer
        self.url = ""
        self.headers: dict[str, str] = {}
        self.json: object = None

    def post(self, url: str, *, headers: dict[str, str], json: object) -> SimpleNamespace:
        self.url, self.headers, self.json = url, headers, json
        return as_response(self.answer)


def generate(answer: WireAnswer, **options: str) -> tuple[dict[str, object], Posts]:
    """The document's own function, run as printed against our answer."""
    names = skill_code("generate_image_nano_banana")
    posts = Posts(answer)
    names["requests"] = posts
    result = names["generate_image_nano_banana"]("雨后的屋顶", **options)  # type: ignore[operator]
    return result, posts


SPOKEN = Reply((Text("好"), Image(content_of(PICTURE), "image/png")), finish_reason="STOP")
SHIBA = Ask(Request((Text("雨后的屋顶"),), "nano-banana2"))


def test_the_crawl_documents_curl_body_is_ours_field_by_field() -> None:
    printed = data_of_curl(blocks(SKILL, "bash")[0])
    text = printed["messages"][0]["content"][0]["text"]
    wish = Request((Text(text),), "nano-banana2", "16:9", "2K")
    assert asked(CRAWL, wish, GATEWAY) == printed


@pytest.mark.parametrize("network", ["production", "office"])
def test_the_crawl_documents_python_body_headers_and_path_are_ours(network: str) -> None:
    _, posts = generate(
        CRAWL.encode_reply(SPOKEN, SHIBA), aspect_ratio="3:4", image_size="1K", network=network
    )
    log_id = posts.headers["X-TT-LOGID"]
    wish = Request(
        (Text("雨后的屋顶"),),
        "nano-banana2",
        "3:4",
        "1K",
        extra={"crawl": {"logid": log_id}},
    )
    request, warnings = CRAWL.encode_request(wish, GATEWAY)
    assert warnings == ()
    assert json.loads(bytes_of(request.body)) == posts.json
    assert request.headers == posts.headers
    assert posts.url.partition("?")[0].endswith(request.path)
    assert f"?{CRAWL.query_key}=" in posts.url


def test_our_server_understands_what_the_crawl_documents_client_sends() -> None:
    _, posts = generate(CRAWL.encode_reply(SPOKEN, SHIBA), aspect_ratio="16:9", image_size="2K")
    ask = CRAWL.decode_request(call("/gpt/openapi/online/multimodal/crawl", posts.json))
    assert ask == Ask(
        Request(
            (Text("雨后的屋顶"),),
            "nano-banana2",
            "16:9",
            "2K",
            modalities=("TEXT", "IMAGE"),
        ),
        options={"mime": "image/png"},
    )


def test_the_crawl_documents_client_reads_what_our_server_answers(tmp_path: Path) -> None:
    result, posts = generate(CRAWL.encode_reply(SPOKEN, SHIBA), aspect_ratio="1:1")
    assert result["status"] == "success"
    assert result["logid"] == posts.headers["X-TT-LOGID"]
    (image,) = result["images"]  # type: ignore[misc]
    assert image["mime_type"] == "image/png"
    saved = tmp_path / "shiba_inu.png"
    skill_code("save_base64_image")["save_base64_image"](image["base64"], str(saved))  # type: ignore[operator]
    assert saved.read_bytes() == PICTURE


def test_the_crawl_documents_extract_function_finds_every_image() -> None:
    many = Reply((*SPOKEN.parts, Image(content_of(b"second"), "image/jpeg")))
    body = json.loads(bytes_of(CRAWL.encode_reply(many, SHIBA).body))
    found = skill_code("extract_images")["extract_images"](body)  # type: ignore[operator]
    assert [base64.b64decode(one["data"]) for one in found] == [PICTURE, b"second"]
    assert [one["mime_type"] for one in found] == ["image/png", "image/jpeg"]


def test_an_answer_without_a_picture_is_no_success_to_the_crawl_documents_client() -> None:
    refused = Reply((Text("不行"),), finish_reason="IMAGE_SAFETY", message="违反政策")
    result, _ = generate(CRAWL.encode_reply(refused, SHIBA))
    assert result["status"] == "error"
    assert "违反政策" in str(result["response"])


@pytest.mark.parametrize("error", [RequestRejected, KeyInvalid, RateLimited])
def test_the_crawl_documents_error_function_tells_our_errors_in_our_words(
    error: type[PisangError],
) -> None:
    raised = error(upstream="x")
    told = skill_code("handle_error")["handle_error"](as_response(CRAWL.encode_error(raised)))  # type: ignore[operator]
    assert told in raised.message("zh")


def test_the_crawl_documents_jq_line_cuts_the_picture_out_of_our_answer() -> None:
    body = bytes_of(CRAWL.encode_reply(SPOKEN, SHIBA).body)
    block = blocks(SKILL, "bash")[0]
    expression = re.search(r"\| jq '(.*?)' -r \| base64 -d", block)
    assert expression is not None
    if shutil.which("jq") is None:
        contents = json.loads(body)["data"]["choices"][0]["message"]["multimodal_contents"]
        found = [item["inline_data"]["data"] for item in contents if item["type"] == "inline_data"]
        cut = "\n".join(found)
    else:
        run = subprocess.run(
            ["jq", expression[1], "-r"], input=body, capture_output=True, check=True, timeout=60
        )
        cut = run.stdout.decode()
    assert base64.b64decode(cut) == PICTURE


def test_the_crawl_documents_printed_answer_is_read_and_told_again() -> None:
    printed = json.loads(blocks(SKILL, "json")[0])
    items = printed["data"]["choices"][0]["message"]["multimodal_contents"]
    items[1]["inline_data"]["data"] = base64.b64encode(PICTURE).decode()
    answer = answer_of(json.dumps(printed).encode())
    assert CRAWL.decode_fault(answer) is None
    reply = CRAWL.decode_reply(answer)
    assert reply.parts == (Text(items[0]["text"]), Image(content_of(PICTURE), "image/png"))
    assert reply.finish_reason == "stop"
    assert json.loads(bytes_of(CRAWL.encode_reply(reply, SHIBA).body)) == printed
