"""Something must be set up, or set right, first: exit 3."""

from __future__ import annotations

from pisang.errors.base import Charged, PisangError, Retry


class ConfigError(PisangError):
    """Something must be set up, or set right, first; nothing was sent. Fields: what."""

    code = "config"
    status = 500
    exit_code = 3
    en = "{what}"
    zh = "{what}"


class UpstreamMissing(ConfigError):
    """No upstream is configured and none was named."""

    code = "upstream_missing"
    status = 503
    en = (
        "No upstream is configured: set one up with `pisang setup`, "
        "or practise with `--via sandbox`."
    )
    zh = "还没有配置上游：用 `pisang setup` 设置，或用 `--via sandbox` 离线试用。"
    step = "pisang setup"


class UpstreamUnknown(ConfigError):
    """No upstream of that name. Fields: name, choices."""

    code = "upstream_unknown"
    status = 404
    en = "There is no upstream named {name!r}: {choices}."
    zh = "没有名为 {name!r} 的上游：{choices}。"
    step = "pisang upstream list"


class SettingsMalformed(ConfigError):
    """A settings file is wrong. Fields: path, why."""

    code = "settings_malformed"
    en = "The settings file {path} is wrong: {why}."
    zh = "配置文件 {path} 有误：{why}。"
    step = "pisang doctor"


class ExtraMissing(ConfigError):
    """An optional part is not installed. Fields: feature, extra."""

    code = "extra_missing"
    status = 501
    en = "{feature} needs an optional part: pip install 'pisang[{extra}]'."
    zh = "{feature} 需要安装可选组件：pip install 'pisang[{extra}]'。"
    step = "pip install 'pisang[{extra}]'"


class HomeUnusable(ConfigError):
    """The home folder cannot be used. Fields: path, why."""

    code = "home_unusable"
    en = "Pisang's folder {path} can't be used: {why}."
    zh = "Pisang 的数据目录 {path} 不可用：{why}。"
    step = "pisang doctor"


class LedgerUnusable(ConfigError):
    """The database that keeps the ledger cannot be reached or used. Fields: ledger, why."""

    code = "ledger_unusable"
    status = 503
    retry = Retry.LATER
    en = "The ledger at {ledger} can't be used: {why}."
    zh = "位于 {ledger} 的账本不可用：{why}。"
    step = "pisang doctor"


class StoreFull(ConfigError):
    """There is not enough disk to pay for an answer safely. Fields: path, free, needed."""

    code = "store_full"
    status = 507
    en = (
        "{path} has {free} free and {needed} are wanted before paying: nothing was sent. "
        "Free some space, or see `pisang gc --dry-run`."
    )
    zh = (
        "{path} 仅剩 {free}，付费前需要 {needed}：尚未发送请求。"
        "请清理磁盘，或看看 `pisang gc --dry-run`。"
    )
    step = "pisang gc --dry-run"


class StoreFilled(ConfigError):
    """The disk filled up while something was being written. Fields: path, why."""

    code = "store_filled"
    status = 507
    charged = Charged.UNKNOWN
    en = "{path} filled up while it was being written to ({why}): free some space."
    zh = "写入 {path} 时磁盘已满（{why}）：请清理磁盘空间。"
    step = "pisang gc --dry-run"


class StoreCorrupt(ConfigError):
    """The ledger or an image does not read as it was written. Fields: path, why."""

    code = "store_corrupt"
    en = "{path} is damaged: {why}."
    zh = "{path} 已损坏：{why}。"
    step = "pisang doctor"


class StoreSuspect(ConfigError):
    """A write or fsync failed: what it held is not to be trusted. Fields: path, why."""

    code = "store_suspect"
    en = "Writing to {path} failed ({why}); nothing more is bought until `pisang doctor` is clean."
    zh = "写入 {path} 失败（{why}）；在 `pisang doctor` 通过之前不会再发起付费请求。"
    step = "pisang doctor"


class BackupUnusable(ConfigError):
    """A backup can't be made there, or read from there. Fields: path, why."""

    code = "backup_unusable"
    en = "{path} can't be used as a backup: {why}."
    zh = "{path} 不能用作备份：{why}。"


class BucketUnreachable(ConfigError):
    """The bucket that images are kept in does not answer; it may soon. Fields: bucket, why."""

    code = "bucket_unreachable"
    status = 503
    retry = Retry.LATER
    en = "{bucket}, where images are kept, can't be reached ({why}): try again later."
    zh = "无法访问保存图片的存储桶 {bucket}（{why}）：请稍后再试。"
    step = "pisang doctor"


class BucketRefused(ConfigError):
    """The bucket that images are kept in does not let us: to be set right. Fields: bucket, why."""

    code = "bucket_refused"
    en = "{bucket}, where images are kept, can't be used: {why}."
    zh = "保存图片的存储桶 {bucket} 不可用：{why}。"
    step = "pisang doctor"


class AddressRefused(ConfigError):
    """An address that must not be fetched. Fields: url, why."""

    code = "address_refused"
    status = 400
    en = "{url} is not fetched: {why}."
    zh = "不会访问 {url}：{why}。"


class BaseUrlWrong(ConfigError):
    """Where its base URL leads is a page of something else, or a redirect; free.

    Fields: upstream, why.
    """

    code = "base_url_wrong"
    status = 502
    en = "There is nothing to ask at {upstream}'s base URL ({why}): set it right."
    zh = "{upstream} 的 base URL 处没有可用的接口（{why}）：请改正它的 base URL。"
    step = "pisang upstream test {upstream}"


class KeyMissing(ConfigError):
    """No key is set for this upstream. Fields: upstream."""

    code = "key_missing"
    status = 401
    en = "No key is set for {upstream}: set its variable, or add it with `--key-stdin`."
    zh = "{upstream} 没有设置密钥：请设置对应的环境变量，或用 `--key-stdin` 录入。"
    step = "pisang upstream key {upstream}"


class KeyInvalid(ConfigError):
    """The upstream does not take the key (401, or Google's 400). Fields: upstream."""

    code = "key_invalid"
    status = 401
    en = "{upstream}: the key is invalid or expired."
    zh = "{upstream}：API Key 无效或过期。"
    step = "pisang upstream key {upstream}"


class UpstreamKeyRefused(ConfigError):
    """An upstream does not take a gateway's own key; the caller's is good, and nothing was charged.
    Fields: upstream."""

    code = "upstream_key_refused"
    status = 502
    retry = Retry.ELSEWHERE
    en = "{upstream} does not take this gateway's own key: its administrator has to set another."
    zh = "{upstream} 不接受本网关自己的密钥：请网关管理员更换。"
    step = "pisang upstream key {upstream}"


class PermissionDenied(ConfigError):
    """The key has no right to this (403). Fields: upstream."""

    code = "permission_denied"
    status = 403
    en = "{upstream}: this key has no right to do that."
    zh = "{upstream}：该密钥没有权限。"
    step = "pisang upstream test {upstream}"


class KeyRestricted(ConfigError):
    """A gateway's key is not for this; nothing was sent. Fields: what, choices."""

    code = "key_restricted"
    status = 403
    en = "This key is not for {what}: it is for {choices}."
    zh = "该密钥不能用于 {what}，只能用于 {choices}。"


class TicketSpent(ConfigError):
    """The address that `pisang studio` opened was used already, or is too old."""

    code = "ticket_spent"
    status = 401
    en = "This address let somebody in once, within five minutes: run `pisang studio` again."
    zh = "该地址只能使用一次，且五分钟内有效：请重新运行 `pisang studio`。"
    step = "pisang studio"


class ForeignPage(ConfigError):
    """A browser asks with its session for what a page of another site may have it ask for."""

    code = "foreign_page"
    status = 403
    en = (
        "Signed in by a browser, only this gateway's own studio may ask for that: nothing was "
        "done. A program sends a key along instead."
    )
    zh = "以浏览器登录时，只有本网关自己的工作室页面可以这样请求，未执行任何操作。程序请改用密钥。"


class NoChannel(ConfigError):
    """The relay's token group has no channel for the model. Fields: upstream, model."""

    code = "no_channel"
    status = 403
    retry = Retry.ELSEWHERE
    en = (
        "{upstream}: this token's group has no channel for model {model}: "
        "create a token for image models in the relay's console."
    )
    zh = "{upstream}：令牌分组没有模型 {model}，请在控制台新建支持图像模型的令牌。"
    step = "pisang upstream key {upstream}"


class LocationBlocked(ConfigError):
    """The upstream does not serve this place or account. Fields: upstream."""

    code = "location_blocked"
    status = 403
    retry = Retry.ELSEWHERE
    en = "{upstream} does not serve this location or account (billing may be off)."
    zh = "{upstream} 不支持当前地区或账户（可能未开通结算）。"
    step = "pisang upstream list"
