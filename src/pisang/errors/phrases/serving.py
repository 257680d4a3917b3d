"""What is said of a gateway's settings, keys, teams and webhooks."""

from __future__ import annotations

from collections.abc import Mapping

PHRASES: Mapping[str, str] = {
    "key_env is given too": "已经给了 key_env",
    "secrets are not kept here: write ${NAME}, the variable that holds it": (
        "密钥不保存在这里：请引用保存它的环境变量（$ 后加花括号，括号里写变量名）"
    ),
    "an origin is scheme, host and port alone, like https://studio.example.com": (
        "来源只含协议、主机和端口，例如 https://studio.example.com"
    ),
    "write it like https://images.example.com": "请写成 https://images.example.com 的形式",
    "it wants a host, or a host and port, like hooks.internal:8443": (
        "应为主机名，或主机名加端口，例如 hooks.internal:8443"
    ),
    "write it like 2027-06-30 or 2027-06-30T12:00Z": (
        "请写成 2027-06-30 或 2027-06-30T12:00Z 的形式"
    ),
    "`{}`: the variable {} is not set": "`{}`：环境变量 {} 没有设置",
    "`{}`: the variable {}: {}": "`{}`：环境变量 {}：{}",
    "it holds no key of a gateway: `pisang key text` makes one": (
        "其中不是网关密钥：可用 `pisang key text` 生成"
    ),
    "sign in with a key of this gateway": "请用本网关的密钥登录",
    "give one such as 16:9": "请写成 16:9 的形式",
    "`{}`: {} has the same key": "`{}`：与 {} 的密钥相同",
    "`{}`: its id is another key's": "`{}`：它的编号属于另一个密钥",
    "config.toml declares it: change it there": "它由 config.toml 声明：请在那里修改",
    "it is whsec_ and the base64 of 24 to 64 bytes": "应为 whsec_ 加 24 到 64 字节的 base64",
    "its own upstream does not take its key": "对方的上游不接受对方的密钥",
    "an administrator's key lists them at /pisang/v1/upstreams": (
        "管理员密钥可在 /pisang/v1/upstreams 查看全部上游"
    ),
    "this machine's own login goes to Google alone": "本机的登录凭据只会发给谷歌",
}
