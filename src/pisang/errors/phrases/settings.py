"""What is said of options, settings, names and files that a user gave."""

from __future__ import annotations

from collections.abc import Mapping

PHRASES: Mapping[str, str] = {
    # options
    "it is empty": "内容为空",
    "it is empty: give a value, or leave it out.": "值为空：请填写，或去掉这个选项。",
    "it is missing": "未填写",
    "it is missing; or name a preset with --preset ({})": (
        "未填写；也可以用 --preset 指定预设（{}）"
    ),
    "it is given twice": "重复给出",
    "it is not valid UTF-8 text": "不是有效的 UTF-8 文本",
    "it is not valid UTF-8 text.": "不是有效的 UTF-8 文本。",
    "choose one of {}": "可选：{}",
    "choose 1 to {}": "请取 1 到 {}",
    "{} is not one of {}": "{} 不在可选项 {} 之中",
    "it wants {}": "应为 {}",
    "it wants a number above zero": "应为大于零的数",
    "it wants a decimal number": "应为十进制数",
    "it wants 1 to 255 characters of text": "应为 1 到 255 个字符的文本",
    "it is out of all proportion": "数值过大，不合常理",
    "it is too large: at most {}": "过大，最多 {}",
    "{} is too small: at least {}": "{} 过小，至少 {}",
    "at most {} seconds": "最多 {} 秒",
    "at most {} days": "最多 {} 天",
    "give seconds, up to {}": "请填秒数，最多 {}",
    "it has {} characters and at most {} are taken": "共 {} 个字符，最多 {} 个",
    "there is no option {}{}": "没有选项 {}{}",
    " (did you mean {}?)": "（是不是想写 {}？）",
    "n is at least 1": "n 至少为 1",
    "write it as 1920x1080": "请写成 1920x1080 的形式",
    "write it as name=value": "请写成 名称=值 的形式",
    "each side is 1 to {} pixels": "每边应为 1 到 {} 像素",
    "the value is over 16 KiB": "值超过 16 KiB",
    "a part of the name is empty: write it as a.b=value": "名称有一段为空：请写成 a.b=值 的形式",
    "{} is a value already": "{} 已经是一个值，不能再有下级",
    "{} has no default model, so name one (see `pisang models`)": (
        "{} 没有默认模型，请指定一个（见 `pisang models`）"
    ),
    "the prompt is given twice": "提示词给了两次",
    "it is the prompt and a picture at once": "它不能既是提示词又是图片",
    "--detach is given too": "已经给了 --detach",
    "write it like 7d, 24h, today, month, year, all, 2026-11 or 2026-11-01": (
        "请写成 7d、24h、today、month、year、all、2026-11 或 2026-11-01 的形式"
    ),
    "write it like 90s, 10m or 1h": "请写成 90s、10m 或 1h 的形式",
    "--remove takes a price back, and needs none": "--remove 用于撤销价格，不需要再给价格",
    "give the price, such as 0.20CNY, or --remove": "请给出价格，例如 0.20CNY，或用 --remove",
    "--resize is given too": "已经给了 --resize",
    "--key-env is given too": "已经给了 --key-env",
    "it goes with --resize, as in --resize 1920x1080": (
        "需与 --resize 一起用，例如 --resize 1920x1080"
    ),
    "it goes with --idempotency-key, which says what to buy again": (
        "需与 --idempotency-key 一起用，由它指明要重购的请求"
    ),
    "that is no host": "不是有效的主机名",
    "that is no key: it wants one plain word": "不是有效的密钥：应为一个不含空白的词",
    "a name and password are not taken here: set HTTPS_PROXY, or edit config.toml": (
        "这里不接受用户名和密码：请设置 HTTPS_PROXY，或编辑 config.toml"
    ),
    "money is never negative": "金额不能为负",
    "{} is too fine: an amount has at most six decimals": "{} 太精细：金额最多六位小数",
    "{} is not an amount: write it like 5USD or 0.20CNY": (
        "{} 不是金额：请写成 5USD 或 0.20CNY 的形式"
    ),
    "an amount is at most {}": "金额最大为 {}",
    "a currency is three capital letters, not {}": "货币应为三个大写字母，而不是 {}",
    "{} is not a currency": "{} 不是货币代码",
    "cannot add {} to {}": "不能把 {} 与 {} 相加",
    # upstreams
    "there is one of that name: add --force to replace it": "同名的上游已存在：加 --force 替换",
    "the sandbox is always there": "沙盒始终可用，无需添加",
    "it has no networks": "它不区分网络",
    "{} needs one": "{} 需要填写",
    "configured are: {}": "已配置：{}",
    "the upstream": "该上游",
    "the key": "密钥",
    "there are {}": "现有 {}",
    "(this preset has none)": "（该预设没有）",
    "a fake is asked for each time, with --via sandbox or PISANG_UPSTREAM=sandbox": (
        "沙盒每次用 --via sandbox 或 PISANG_UPSTREAM=sandbox 指定，不能设为默认"
    ),
    "Several upstreams could be meant ({}): choose one with --via, "
    "or set one with `pisang upstream default NAME`.": (
        "有多个可用的上游（{}）：请用 --via 选择，或用 `pisang upstream default 名称` 设为默认。"
    ),
    "The upstream {} needs a base URL.": "上游 {} 缺少 base URL。",
    "another Pisang (give --base-url)": "另一台 Pisang（需给 --base-url）",
    "Google's Vertex AI, with this machine's Google Cloud login (give --project)": (
        "Google Vertex AI，用本机的 Google Cloud 登录（需给 --project）"
    ),
    "that is no id of a Google Cloud project": "不是有效的 Google Cloud 项目 ID",
    "that is no location of Google Cloud: global, us-central1 or the like": (
        "不是有效的 Google Cloud 区域：例如 global、us-central1"
    ),
    "Google Cloud's login": "Google Cloud 登录",
    "Google's own Gemini API": "Google 官方 Gemini API",
    "the IKunCode relay (Google's native format)": "IKunCode 中转（Google 原生格式）",
    "the chat-like crawl gateway (`--network office` inside the office)": (
        "类聊天格式的 crawl 网关（办公网络用 `--network office`）"
    ),
    "any server of OpenAI's Images API (give --base-url)": (
        "任何兼容 OpenAI Images API 的服务（需给 --base-url）"
    ),
    "the built-in painter: offline, free, no key": "内置画师：离线、免费、无需密钥",
    "it is not a URL": "不是有效的网址",
    "it names no host": "缺少主机名",
    "it must begin with https:// (or http:// on your own network)": (
        "必须以 https:// 开头（内网可用 http://）"
    ),
    "it holds a user name or password: give the key with --key-stdin": (
        "含有用户名或密码：密钥请用 --key-stdin 录入"
    ),
    "it holds a blank or a control character": "含有空白或控制字符",
    "write it as http://host:port, or with one of {}": "请写成 http://主机:端口，或使用 {} 之一",
    "the upstream's proxy": "该上游的代理",
    "it is missing: the id of your Google Cloud project": "未填写：Google Cloud 项目 ID",
    "it goes with the preset vertex": "只用于 vertex 预设",
    "configured are {}": "已配置：{}",
    "none is configured yet": "还没有配置任何上游",
    "a currency is three letters, such as CNY": "货币应为三个字母，例如 CNY",
    "rates are set in {}: take them back first": "已有按 {} 设置的汇率：请先撤销",
    "it is the ledger's own": "这就是账本自己的货币",
    "give what one of it is worth, such as 0.14, or --remove": (
        "请给出 1 单位的价值，例如 0.14，或用 --remove"
    ),
    "standard input": "标准输入",
    # settings files
    "line {}, `{}`": "第 {} 行，`{}`",
    "line {}": "第 {} 行",
    "its end": "文件末尾",
    "line {} is not UTF-8": "第 {} 行不是 UTF-8",
    "{} is not valid TOML": "{} 不是有效的 TOML",
    "it is larger than 1 MiB": "超过 1 MiB",
    "a text in quotes": "带引号的文本",
    "a list of texts": "文本列表",
    "true or false": "true 或 false",
    "a whole number": "整数",
    "there is no such setting; {}": "没有这项设置；{}",
    "the nearest is `{}`": "最接近的是 `{}`",
    "it is written so that it must be edited by hand": "写法特殊，只能手工修改",
    "{} is outside this folder": "{} 不在本目录之内",
    "a name is up to 40 of a-z, 0-9, dot, dash and underscore": (
        "名称最多 40 个字符，只能用 a-z、0-9、点、横线和下划线"
    ),
    "it takes the name of a variable, never the key itself": "应填环境变量名，不要填密钥本身",
    'a budget needs one, such as "5USD"': '预算必须有上限，例如 "5USD"',
    "a scope is all, upstream:NAME, key:ID or team:NAME": (
        "范围应为 all、upstream:名称、key:ID 或 team:名称"
    ),
    "there is no such time zone: write it like Asia/Shanghai": (
        "没有这个时区：请写成 Asia/Shanghai 的形式"
    ),
    "{}: {} must be a size with [width, height]": "{}：{} 应为带 [宽, 高] 的尺寸",
    "{}: {} {} is none of {}": "{}：{} {} 不在 {} 之中",
    "{}: time_limits must name each of {} once": "{}：time_limits 必须逐一列出 {}",
    "{}: {} must list ratios like 16:9, not {}": "{}：{} 应列出 16:9 这样的宽高比，而不是 {}",
    "{}: there is no pixel table {}": "{}：没有像素表 {}",
    "{}: sizes {} with default {} can't be": "{}：尺寸 {} 与默认值 {} 不相容",
    "{}: {} names no pixel table": "{}：{} 不是像素表的名称",
    "{}: {} has no pixels for {}": "{}：{} 缺少 {} 的像素",
    "{}: the prices of {} must name each of {}": "{}：{} 的价格必须逐一列出 {}",
    "{}: thinking_default {} is no level of its own": "{}：thinking_default {} 不是它的思考级别",
    "models: an id stands twice": "models：有重复的 ID",
    "models: {} and {} both go by {}": "models：{} 与 {} 都叫 {}",
    "{}: {} must be a {}, not {}": "{}：{} 应为 {}，而不是 {}",
    "{}: {} must be a list of strings": "{}：{} 应为字符串列表",
    "the file": "文件",
    # names and output files
    "its braces don't match": "花括号不配对",
    "{{}} is not a field; there are {}": "{{{}}} 不是可用字段，可用的有 {}",
    "it names a file, not a folder: set the folder with `out`": "这里是文件名，目录请用 `out` 设置",
    "{} is not written here; there are {} (a folder ends with /)": (
        "不支持写成 {}，可用的有 {}（目录请以 / 结尾）"
    ),
    "a part of the path is a file, not a folder": "路径中有一段是文件而不是目录",
    "that is no file name": "不是有效的文件名",
    "it has no name before its extension": "扩展名前面没有文件名",
    "thousands of that name exist already": "同名文件已有数千个",
    "there is no such user": "没有这个用户",
    "it is a folder": "它是一个目录",
    "its name is too long": "文件名过长",
    "there is a file in its place": "该位置已有同名文件",
    "there is a folder in its place": "该位置已有同名目录",
    "there is no home folder; set PISANG_HOME": "没有主目录；请设置 PISANG_HOME",
    "the current folder is gone": "当前目录已被删除",
    "standard error": "标准错误",
    "standard output": "标准输出",
    "the keyring": "系统密钥环",
    # references
    "it is not a plain file": "不是普通文件",
    "it is not a file": "不是文件",
    "it is gone": "已不存在",
    "there is no such file": "没有这个文件",
    "nothing is piped in": "标准输入没有内容",
    "over {}": "超过 {}",
    "reading it failed": "读取失败",
    "its bytes are gone ({})": "它的数据已不在（{}）",
    "addresses are not fetched: save the picture and give its path": (
        "不会下载网址：请先保存图片，再给出文件路径"
    ),
    "its bytes are no picture (PNG, JPEG, WebP, GIF, AVIF or HEIC)": (
        "内容不是图片（支持 PNG、JPEG、WebP、GIF、AVIF、HEIC）"
    ),
    # what there is none of
    "request": "请求",
    "key": "密钥",
    "image": "图片",
    "archive": "压缩包",
    "attempt": "尝试",
    "model": "模型",
    "content": "内容",
    "price at {} for": "上游 {} 的价格",
    "unknown attempt": "结果未知的尝试",
    "attempt with an unknown outcome and id": "结果未知的尝试",
    "request in this folder yet, to be": "本目录下可用的请求",
    "request here that made the bytes of": "生成该文件的请求",
    "image made in this folder yet, to be": "本目录下可用的图片",
    "an unknown amount": "（金额未知）",
    "(at stake)": "（待确认）",
    "{} (play money)": "{}（模拟金额）",
}
