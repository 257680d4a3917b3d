"""What the command line says of states, money and warnings, in its user's language.

Ids, codes and amounts stay as they are: only what is read, not what is matched, is translated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pisang.client.results import Cost
    from pisang.domain.attempt import Charged, State
    from pisang.domain.warning import Warn
    from pisang.errors import Language

STATES_ZH: Mapping[str, str] = {
    "planned": "待发送",
    "sent": "进行中",
    "done": "完成",
    "refused": "被拒绝",
    "failed": "失败",
    "unknown": "结果未知",
    "written_off": "已核销",
    "rebought": "已重购",
}

_CHARGED: Mapping[str, tuple[str, str]] = {
    "no": ("not charged", "未扣费"),
    "yes": ("charged", "已扣费"),
    "unknown": ("perhaps charged", "是否扣费未知"),
}

_AMOUNTS_ZH = {
    "(play money)": "（模拟金额）",
    "an unknown amount": "金额未知",
    "unknown": "未知",
    "free": "免费",
}

WARNINGS_ZH: Mapping[str, str] = {
    "answer_cut": "图片完整之后连接中断，图片不受影响。",
    "answer_malformed": "上游的回答无法解析，其中的图片是完整的：",
    "aspect_ratio_normalised": "宽高比按规范写法发送：",
    "background_dropped": "Nano Banana 模型不支持透明背景。",
    "bare_picture": "上游直接返回了图片本身，没有按该协议的格式包装。",
    "base_url_cleaned": "已去掉 base URL 中多余的路径（协议会自己加上）：",
    "base_url_fragment": "已去掉 base URL 中 # 之后的部分，它不会被发送。",
    "base_url_query": "已去掉 base URL 中的查询参数；其中的密钥不会保存，需要另行录入。",
    "base_url_scheme": "base URL 没有写协议，已补上（公网地址用 https，本机和内网用 http）。",
    "base_url_tidied": "已去掉 base URL 前后的空白、引号，并把全角字符改成半角。",
    "converted": "已转换格式，原图保留：",
    "field_dropped": "该协议不支持的字段未发送：",
    "fit_skipped": "目录里没有该请求的标准像素，文件按原样保存。",
    "found_later": "再次查询时取到了回答中链接所指的图片。",
    "history_dropped": "图片作为新的参考图发送，没有带上之前的对话：",
    "image_broken": "部分图片不完整，已略去：",
    "image_size_normalised": "尺寸按规范写法发送：",
    "many_references": "参考图数量超过该模型的建议值：",
    "model_retired": "该模型 ID 已下线，改用现行 ID：",
    "model_unknown": "不认识这个模型，未作检查，原样发送：",
    "model_unlisted": "该上游没有列出这个模型，仍原样发送：",
    "n_dropped": "该协议一次只生成一张图。",
    "not_opened": "无法打开图片查看器：",
    "order_dropped": "该协议把文字放在一起，图片放在后面。",
    "output_failed": "输出文件没有写成，图片仍保存在 Pisang 目录：",
    "part_dropped": "该协议无法携带的内容已略去：",
    "partial_images_dropped": "不发送中间图，图片一次给出。",
    "picture_missing": "有一张图片没有取到：",
    "pixels_unknown": "无法从文件头读出图片像素。",
    "plain_http": "base URL 是公网的 http:// 地址，密钥会明文传输。",
    "ratio_mismatch": "宽高比与要求不符：",
    "recovered": "发起请求的进程中途退出，图片已找回。",
    "reference_converted": "参考图已转换格式后发送：",
    "replayed": "与之前的请求相同（同一幂等键）：直接返回已有结果，没有重新购买。",
    "resized": "已调整尺寸，原图保留：",
    "sandbox": "这张图由沙盒绘制，不是模型生成的。",
    "signature_dropped": "该协议无法携带思考签名：",
    "size_chosen": "该协议按像素请求，尺寸由 Pisang 选定：",
    "size_dropped": "尺寸参数没有发送：",
    "size_mismatch": "尺寸与要求不符：",
    "size_nearest": "按最接近的尺寸生成：",
    "size_respelled": "尺寸按该上游的写法发送：",
    "stream_dropped": "该协议不支持流式返回。",
    "system_in_prompt": "该协议没有系统提示，已放在提示词前面。",
    "thought_dropped": "该协议无法携带思考内容。",
    "type_mismatch": "声明的图片类型与实际不符，以实际字节为准：",
}
"""By code. Behind one that ends in a colon stands the warning's own sentence, with its facts."""


def say_warning(warning: Warn, language: Language) -> str:
    """A warning's sentence."""
    said = WARNINGS_ZH.get(warning.code, "") if language == "zh" else ""
    if not said:
        return warning.message
    return f"{said}{warning.message}" if said.endswith("：") else said


def say_state(state: State, language: Language) -> str:
    """A state as a word; the code itself in English."""
    return STATES_ZH[state.value] if language == "zh" else state.value


def say_charged(charged: Charged, language: Language) -> str:
    """Whether money moved."""
    return _CHARGED[charged.value][language == "zh"]


def say_amount(amount: Cost | str, language: Language) -> str:
    """An amount as money's own words have it (`0.134 USD`, `free`, `0.067 USD (play money)`)."""
    text = str(amount)
    if language == "zh":
        for english, chinese in _AMOUNTS_ZH.items():
            text = text.replace(f" {english}" if english.startswith("(") else english, chinese)
    return text
