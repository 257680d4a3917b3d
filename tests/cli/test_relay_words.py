"""What relays answer (each row of the relay fact sheet), and how the user is told, in both
languages: the real command line against a relay on loopback."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.badinput.bodies import PNG, good, http
from tests.badinput.conftest import clean_environment
from tests.badinput.stage import MODEL, Said, Server, add_upstream, pisang
from tests.transport.faults import Line, Script, answering

WIRES = ("gemini", "openai-chat", "openai-images", "crawl")
REQUEST_ID = "202611221530001234567890"

STAKE_EN = "the outcome is unknown, 0.07 USD may have been charged"
STAKE_ZH = "结果未知，可能已扣费 0.07 USD"


def relay_json(status: int, message: str, code: str | None = None, kind: str = "") -> Script:
    """An error as new-api writes it, its request id in the head."""
    error = {"message": message, "type": kind or "new_api_error", "param": "", "code": code}
    return answering(http(dumped({"error": error}), status, ID_HEADER))


def google_json(status: int, message: str, reason: str) -> Script:
    """An error as Google writes it."""
    error = {"code": status, "message": message, "status": reason}
    return answering(http(dumped({"error": error}), status, ID_HEADER))


def wrapped(status: int, message: str, reason: str) -> Script:
    """Google's error in the words of a relay's own 500."""
    inner = dumped({"error": {"code": status, "message": message, "status": reason}}).decode()
    said = f"bad response status code {status}, body: {inner}"
    return relay_json(500, said, "bad_response_status_code", "upstream_error")


def dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


ID_HEADER = f"X-Oneapi-Request-Id: {REQUEST_ID}".encode()


def page(status: int, title: str) -> Script:
    """A gateway's page."""
    text = f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{title}</body></html>"
    return answering(http(text.encode(), status, kind=b"text/html"))


def gemini(*parts: dict[str, Any], **candidate: Any) -> Script:
    """A 200 with Google's body."""
    content = {"role": "model", "parts": list(parts)}
    answer = {"candidates": [{"content": content, "finishReason": "STOP", **candidate}]}
    return answering(http(dumped(answer)))


def chat(content: Any, **message: Any) -> Script:
    """A 200 of the chat wire."""
    said = {"role": "assistant", "content": content, **message}
    choice = {"index": 0, "finish_reason": "stop", "message": said}
    return answering(http(dumped({"id": "c1", "object": "chat.completion", "choices": [choice]})))


async def cut(line: Line) -> None:
    """Half of an answer, then nothing."""
    await line.request()
    await line.say(http(good("gemini"))[:-40])
    line.reset()


async def silence(line: Line) -> None:
    """It takes the request and says nothing."""
    await line.request()
    await line.hold()


@dataclass(frozen=True)
class Row:
    """What the relay does, and what the user gets."""

    name: str
    script: Script
    exit: int
    code: str
    charged: str
    en: str
    zh: str
    step: str
    wire: str = "gemini"
    theirs: str = ""

    def __str__(self) -> str:
        return self.name


CHANNEL_EN = (
    f"this token's group has no channel for model {MODEL}: "
    "create a token for image models in the relay's console"
)
CHANNEL_ZH = f"令牌分组没有模型 {MODEL}，请在控制台新建支持图像模型的令牌"
NO_CHANNEL = f"当前分组 default 下对于模型 {MODEL} 无可用渠道"
KEY = "pisang upstream key relay-gemini"
TEST = "pisang upstream test relay-gemini"
LOOK = "pisang unknown look att_"
SHOW = "pisang show "

ROWS = (
    Row(
        "503 without a channel", relay_json(503, NO_CHANNEL), 3, "no_channel", "no",
        CHANNEL_EN, CHANNEL_ZH, KEY, theirs=NO_CHANNEL,
    ),
    Row(
        "503 new_api_error", relay_json(503, "no service"), 3, "no_channel", "no",
        CHANNEL_EN, CHANNEL_ZH, KEY, theirs="no service",
    ),
    Row(
        "403 insufficient_user_quota",
        relay_json(403, "用户额度不足, 剩余额度: ＄0.01", "insufficient_user_quota"),
        6, "balance_exhausted", "no", "the relay's balance is used up", "余额不足", TEST,
        theirs="用户额度不足",
    ),
    Row(
        "402", relay_json(402, "额度不足"), 6, "balance_exhausted", "no",
        "the relay's balance is used up", "余额不足", TEST, theirs="额度不足",
    ),
    Row(
        "401", relay_json(401, "无效的令牌"), 3, "key_invalid", "no",
        "the key is invalid or expired", "API Key 无效或过期", KEY, theirs="无效的令牌",
    ),
    Row(
        "429", relay_json(429, "当前分组请求过于频繁"), 5, "rate_limited", "no",
        "too many requests", "请求频率过高，请稍后重试", "", theirs="过于频繁",
    ),
    Row(
        "400", google_json(400, "Invalid aspect ratio.", "INVALID_ARGUMENT"), 2,
        "request_rejected", "no", "its parameters are wrong", "请求参数错误，请检查参数格式",
        f"pisang models {MODEL}", theirs="Invalid aspect ratio.",
    ),
    Row(
        "500 around Google's 400", wrapped(400, "Invalid aspect ratio.", "INVALID_ARGUMENT"), 2,
        "request_rejected", "no", "its parameters are wrong", "请求参数错误，请检查参数格式",
        f"pisang models {MODEL}", theirs="Invalid aspect ratio.",
    ),
    Row(
        "500 around Google's refused key",
        wrapped(400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT"),
        5, "upstream_fault", "no", "failed: HTTP 500", "出错：HTTP 500", TEST,
        theirs="API key not valid",
    ),
    Row(
        "500 around Google's overload",
        wrapped(503, "The model is overloaded. Please try again later.", "UNAVAILABLE"),
        5, "overloaded", "no", "is overloaded: try again later", "过载，请稍后重试", "",
        theirs="overloaded",
    ),
    Row(
        "500 around Google's own 500",
        wrapped(500, "An internal error has occurred.", "INTERNAL"),
        7, "outcome_unknown", "unknown", STAKE_EN, STAKE_ZH, LOOK, theirs="internal error",
    ),
    *(
        Row(
            f"{status} page", page(status, title), 7, "outcome_unknown", "unknown",
            f"{STAKE_EN}: a gateway on the way {en} (HTTP {status})",
            f"{STAKE_ZH}：途中的网关{zh}（HTTP {status}）", LOOK,
        )
        for status, title, en, zh in (
            (502, "Bad gateway", "failed", "出错"),
            (504, "Gateway time-out", "gave up waiting", "等待超时"),
            (524, "A timeout occurred", "gave up waiting", "等待超时"),
        )
    ),
    Row(
        "an HTML page under 200", page(200, "Welcome"), 7, "outcome_unknown", "unknown",
        STAKE_EN, STAKE_ZH, LOOK,
    ),
    Row(
        "a cut connection", cut, 7, "outcome_unknown", "unknown",
        f"{STAKE_EN}: the connection broke after the request was sent",
        f"{STAKE_ZH}：请求发出后连接断开", LOOK,
    ),
    Row(
        "a timeout after sending", silence, 7, "outcome_unknown", "unknown",
        f"{STAKE_EN}: no whole answer came within the time limit",
        f"{STAKE_ZH}：时限内没有收到完整的回答", LOOK,
    ),
    Row(
        "200 and a refusal", gemini(finishReason="IMAGE_SAFETY"), 4, "refused", "unknown",
        "declined to make this picture (IMAGE_SAFETY)", "拒绝生成该图片（IMAGE_SAFETY）", SHOW,
    ),
    Row(
        "200 and words alone", gemini({"text": "I can't."}), 5, "no_image", "unknown",
        "answered without an image (text only)", "的回答里没有图片（只有文字）", SHOW,
    ),
    Row(
        "a chat's placeholder", chat("![image](https://example.com/image.png)"), 5, "no_image",
        "unknown", "answered without an image", "的回答里没有图片", SHOW, wire="openai-chat",
    ),
    Row(
        "a chat's link that must not be fetched", chat("![image](https://127.0.0.1/a.png)"), 7,
        "outcome_unknown", "unknown", f"{STAKE_EN}: it answered with a link",
        f"{STAKE_ZH}：它返回的是链接，下载失败", LOOK, wire="openai-chat",
    ),
    Row(
        "the crawl document's 401", relay_json(401, "bad ak"), 3, "key_invalid", "no",
        "the key is invalid or expired", "API Key 无效或过期", "pisang upstream key relay-crawl",
        wire="crawl", theirs="bad ak",
    ),
    Row(
        "the crawl document's other statuses", answering(http(b'{"code": 7}', 500)), 7,
        "outcome_unknown", "unknown", f"{STAKE_EN}: it answered 500", "未知错误: 500", LOOK,
        wire="crawl",
    ),
)  # fmt: skip

DATA = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
PICTURES = {
    "a markdown data URI": chat(f"Here it is:\n\n![image]({DATA})"),
    "a content array": chat([{"type": "image_url", "image_url": {"url": DATA}}]),
    "message.images[]": chat("", images=[{"type": "image_url", "image_url": {"url": DATA}}]),
}


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A relay on loopback, an upstream for each wire it speaks, at 0.07 USD an image."""
    folder = tmp_path_factory.mktemp("relay")
    with pytest.MonkeyPatch.context() as patch, Server().running() as server:
        clean_environment(patch, folder / "home")
        patch.setenv("RELAY_KEY", "sk-made-up-for-this-test")
        patch.chdir(folder)
        patch.setattr("pisang.engine.world.random.random", lambda: 0.0)
        for wire in WIRES:
            add_upstream(f"relay-{wire}", wire, server.site.url, folder / "home")
        yield server


def ask(relay: Server, row: Row, language: str, patch: pytest.MonkeyPatch) -> Said:
    relay.script = row.script
    patch.setenv("PISANG_LANG", language)
    limit = ("--timeout", "0.3") if row.script is silence else ()
    via = ("--via", f"relay-{row.wire}", "--model", MODEL)
    return pisang("generate", "一只小猫", *via, *limit, "--format", "json")


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_a_relay_answers_is_told_as_it_is(
    relay: Server, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    for language, sentence, next_word, theirs in (
        ("en", row.en, "Next: ", "Upstream: "),
        ("zh", row.zh, "下一步：", "上游："),
    ):
        said = ask(relay, row, language, monkeypatch)
        error = said.json["error"]
        assert said.code == row.exit, said.err
        assert (error["code"], error["charged"]) == (row.code, row.charged)
        assert sentence in error["message"]
        assert error["message"] in said.err
        assert (error["hint"] or "").startswith(row.step)
        assert f"{next_word}{row.step}" in said.err or not row.step
        assert (error["at_stake"] is not None) == (row.charged == "unknown")
        if row.theirs:
            assert row.theirs in error["message"].partition(theirs)[2]
            assert error["upstream_request_id"] == REQUEST_ID
            assert REQUEST_ID in said.err


def test_an_error_is_told_from_the_ledger_in_the_language_of_whoever_asks(
    relay: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = next(row for row in ROWS if row.name == "a cut connection")
    lost = ask(relay, row, "en", monkeypatch).json["error"]["request_id"]
    monkeypatch.setenv("PISANG_LANG", "zh")
    shown = pisang("show", lost)
    assert "请求发出后连接断开" in shown.out + shown.err
    assert "the connection broke" not in shown.out + shown.err


@pytest.mark.parametrize("variant", sorted(PICTURES))
def test_every_shape_in_which_a_chat_carries_a_picture_is_read(
    relay: Server, variant: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    relay.script = PICTURES[variant]
    monkeypatch.setenv("PISANG_LANG", "zh")
    goal = tmp_path / "cat.png"
    via = ("--via", "relay-openai-chat", "--model", MODEL, "--out", str(goal))
    said = pisang("generate", "一只小猫", *via, "--format", "json")
    assert said.code == 0, said.err
    assert goal.read_bytes() == PNG
    assert said.json["cost"]["amount"] == "0.07"
