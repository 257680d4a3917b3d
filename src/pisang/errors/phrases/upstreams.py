"""What setting up, sharing and looking after upstreams has to say."""

from __future__ import annotations

from collections.abc import Mapping

PHRASES: Mapping[str, str] = {
    # setup, upstream add and key
    "choose one of {}, or give the URL of another Pisang": (
        "可选：{}，也可以给出另一台 Pisang 的网址"
    ),
    "it needs no setting up: pisang try": "沙盒无需设置：pisang try",
    "there is another of that name: give this one its own with --name, or add --force": (
        "已有同名的另一个上游：请用 --name 另取名字，或加 --force 替换"
    ),
    "there is one of that name": "已有这个名字",
    "it takes no key": "它不需要密钥",
    "the preset vertex": "预设 vertex",
    "{} (Vertex)": "{}（Vertex）",
    "{}: there is no Google Cloud login on this machine.": "{}：本机没有登录 Google Cloud。",
    "{}: Google does not take this machine's Google Cloud login.": (
        "{}：Google 不接受本机的 Google Cloud 登录。"
    ),
    # shared files, other tools' files
    "a key does not belong here: give it with `pisang upstream key NAME`": (
        "这里不放密钥：请用 `pisang upstream key 名称` 录入"
    ),
    "it looks like a secret: take it out, and give it with `pisang upstream key NAME`": (
        "看起来是密钥：请删去，再用 `pisang upstream key 名称` 录入"
    ),
    "there is no upstream in it": "其中没有上游",
    "it holds no JSON object": "不是 JSON 对象",
    "`{}` is no text": "`{}` 不是文本",
    "`base_url`: {}": "`base_url`：{}",
    "`api_key`: {}": "`api_key`：{}",
    "there are upstreams of these names: {}; add --force to replace them": (
        "已有同名上游：{}；加 --force 可替换"
    ),
    # doctor
    "it goes with --live": "需与 --live 一起用",
    "not installed (optional)": "未安装（可选）",
    "libvips can't be loaded ({})": "libvips 无法加载（{}）",
    "others can read {}": "其他用户可以读取 {}",
    "{} with an unknown outcome, at stake: {}": "{} 个请求结果未知，涉及金额：{}",
    "play money": "模拟金额",
    "this clock is {} s behind the newest request: set it right": (
        "本机时钟比最近一次请求还早 {} 秒：请校准"
    ),
    "not before the newest request": "不早于最近一次请求",
    "{}: an optional part is missing": "{}：缺少可选组件",
    "{}: it has no key": "{}：没有密钥",
    "no upstream is set up yet": "还没有设置上游",
    "{} is no proxy's address: {}": "{} 不是代理地址：{}",
    "{} is a SOCKS proxy, and an optional part is missing": "{} 是 SOCKS 代理，缺少可选组件",
    "there is no upstream to ask": "没有可检测的上游",
    "is there and takes the key ({})": "可用，密钥有效（{}）",
    "is there; its key can't be tested for free ({})": "可达；无法免费检验密钥（{}）",
    "is there, and needs no key ({})": "可用，无需密钥（{}）",
    "agrees with the upstreams'": "与上游一致",
    "this clock is {} s behind the upstreams'": "本机时钟比上游慢 {} 秒",
    "this clock is {} s ahead of the upstreams'": "本机时钟比上游快 {} 秒",
    # another Pisang
    "The other Pisang had made this before, or was at it: it bought nothing anew.": (
        "另一台 Pisang 之前已做过或正在做这个请求：没有重新购买。"
    ),
}
