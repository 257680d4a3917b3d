"""Every way Pisang can say no, drawn once.

    PisangError
    ├── UsageError            the caller's words are wrong                    exit 2
    │   ├── OptionInvalid · PromptMissing · RatioUnsupported · SizeUnsupported
    │   ├── ReferenceUnreadable · ReferenceUnsupported · TooManyReferences · ReferenceTooLarge
    │   ├── OutputExists · OutputUnwritable · NotFound · Ambiguous · IdempotencyMismatch
    │   └── RequestRejected · ModelNotFound · RequestTooLarge     the upstream said so (free)
    ├── ConfigError           something must be set up first                  exit 3
    │   ├── UpstreamMissing · UpstreamUnknown · SettingsMalformed · ExtraMissing
    │   ├── HomeUnusable · StoreFull · StoreFilled · StoreCorrupt · StoreSuspect
    │   ├── AddressRefused · BaseUrlWrong
    │   └── KeyMissing · KeyInvalid · PermissionDenied · NoChannel · LocationBlocked
    ├── Refused               the upstream declined this picture               exit 4
    ├── NoImage               an answer came, and no image in it               exit 5
    ├── Unavailable           nothing was sent, or it was turned away free     exit 5
    │   └── Unreachable · Overloaded · RateLimited · QuotaExhausted · UpstreamFault
    ├── MoneyError            the money is not there                           exit 6
    │   └── BudgetExceeded · PriceUnknown · BalanceExhausted · ConfirmationNeeded
    ├── OutcomeUnknown        sent; whether it was made or billed is unknown   exit 7
    ├── Mismatch              `--strict`: an image came, not the one asked for exit 8
    ├── Partial               some of n images came                            exit 8
    ├── Running               still under way                                  exit 9
    ├── WireError             bytes that are not the dialect they claim to be  exit 2
    ├── Cancelled             stopped before anything was sent                 exit 130
    └── Unexpected            a fault of ours                                  exit 1

Two questions are answered by each leaf, and never mixed up: may it be tried again (`retry`), and
did money move (`charged`). Each leaf also knows its HTTP status and its exit code, and says
itself in English and Chinese. One table (`leaves()`) feeds the wires' own error bodies, the
command line and the docs page. May import nothing of the project.
"""

from __future__ import annotations

from enum import StrEnum
from string import Formatter
from typing import Any, ClassVar, Literal

Language = Literal["en", "zh"]


class Retry(StrEnum):
    """May this be tried again?"""

    NEVER = "never"  # the same request will fail the same way
    SAME = "same"  # at once, as it is: it is known that nothing happened
    LATER = "later"  # after a delay
    ELSEWHERE = "elsewhere"  # another upstream may do it


class Charged(StrEnum):
    """Did money move?"""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"


class PisangError(Exception):
    """The root. Never raised itself: raise a leaf, with the fields its sentence names.

    `at_stake` is an amount already in words (`0.134 USD`); `upstream_message` is the upstream's
    own sentence; `hint` is the exact next command, where there is one.
    """

    code: ClassVar[str] = "error"
    retry: Retry = Retry.NEVER
    charged: Charged = Charged.NO
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    en: ClassVar[str] = "Something failed."
    zh: ClassVar[str] = "出错了。"

    def __init__(
        self,
        *,
        charged: Charged | None = None,
        retry: Retry | None = None,
        at_stake: str | None = None,
        request_id: str | None = None,
        upstream_message: str | None = None,
        upstream_request_id: str | None = None,
        retry_after_s: float | None = None,
        hint: str | None = None,
        **fields: Any,
    ) -> None:
        if charged is not None:
            self.charged = charged
        if retry is not None:
            self.retry = retry
        self.at_stake = at_stake
        self.request_id = request_id
        self.upstream_message = upstream_message
        self.upstream_request_id = upstream_request_id
        self.retry_after_s = retry_after_s
        self.hint = hint
        self.fields = fields
        super().__init__(self.message())

    def message(self, language: Language = "en") -> str:
        """The sentence in that language, with the upstream's own words behind it where given."""
        template = self.zh if language == "zh" else self.en
        text = _Lenient().vformat(template, (), self.fields)
        if self.upstream_message:
            said = "上游：" if language == "zh" else "Upstream: "
            text = f"{text} {said}{self.upstream_message}"
        return text

    def __str__(self) -> str:
        return self.message()


_SHOWN = 240
"""Characters of a value that a sentence repeats: a path mostly, a pasted text by mistake."""

_SENTENCES = frozenset({"what", "why", "choices"})
"""Fields with words of our own."""


class _Lenient(Formatter):
    """`str.format` that never fails on a field that was not given: an error must come out."""

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> Any:
        value = kwargs.get(str(key), "?")
        if isinstance(value, str) and len(value) > _SHOWN and key not in _SENTENCES:
            return f"{value[: _SHOWN // 2]}…{value[-_SHOWN // 4 :]}"
        return value


# --- usage: exit 2 -----------------------------------------------------------------------------


class UsageError(PisangError):
    """The caller's words are wrong; nothing was sent."""

    code = "usage"
    status = 400
    exit_code = 2
    en = "{what}"
    zh = "{what}"


class OptionInvalid(UsageError):
    """An option's value is not one it takes. Fields: option, value, why."""

    code = "option_invalid"
    en = "{option} {value!r} is not valid: {why}."
    zh = "{option} 的值 {value!r} 无效：{why}。"


class PromptMissing(UsageError):
    """No words were given."""

    code = "prompt_missing"
    en = "The prompt is empty: say what the picture should show."
    zh = "提示词为空：请描述要画的内容。"


class RatioUnsupported(UsageError):
    """The model cannot make that shape. Fields: aspect_ratio, model, choices."""

    code = "ratio_unsupported"
    en = "{model} can't make aspect ratio {aspect_ratio!r}: choose one of {choices}."
    zh = "{model} 不支持宽高比 {aspect_ratio!r}，可选：{choices}。"


class SizeUnsupported(UsageError):
    """The model cannot make that size. Fields: image_size, model, choices."""

    code = "size_unsupported"
    en = "{model} can't make size {image_size!r}: choose one of {choices}."
    zh = "{model} 不支持尺寸 {image_size!r}，可选：{choices}。"


class ReferenceUnreadable(UsageError):
    """A reference picture could not be read. Fields: reference, why."""

    code = "reference_unreadable"
    en = "The reference {reference!r} can't be read: {why}."
    zh = "参考图 {reference!r} 无法读取：{why}。"


class ReferenceUnsupported(UsageError):
    """This upstream takes no such reference. Fields: reference, why."""

    code = "reference_unsupported"
    en = "The reference {reference!r} can't be sent: {why}."
    zh = "参考图 {reference!r} 无法发送：{why}。"


class TooManyReferences(UsageError):
    """More reference pictures than the model takes. Fields: count, model, limit."""

    code = "too_many_references"
    en = "{count} reference pictures are too many for {model}: it takes at most {limit}."
    zh = "参考图共 {count} 张，超出 {model} 的上限 {limit} 张。"


class ReferenceTooLarge(UsageError):
    """The references together are more than the upstream takes. Fields: size, limit."""

    code = "reference_too_large"
    status = 413
    en = "The reference pictures come to {size}: the upstream takes at most {limit} in one request."
    zh = "参考图合计 {size}，超出上游单次请求上限 {limit}。"


class OutputExists(UsageError):
    """The output file is there already. Fields: path."""

    code = "output_exists"
    status = 409
    en = "{path} exists already: choose another name, or add --force to overwrite it."
    zh = "{path} 已存在：请换个文件名，或加 --force 覆盖。"


class OutputUnwritable(UsageError):
    """The output cannot be written. Fields: path, why."""

    code = "output_unwritable"
    en = "{path} can't be written: {why}."
    zh = "{path} 无法写入：{why}。"


class NotFound(UsageError):
    """No such request, image or attempt. Fields: what, id."""

    code = "not_found"
    status = 404
    en = "There is no {what} {id!r}."
    zh = "没有找到 {what} {id!r}。"


class Ambiguous(UsageError):
    """An id prefix fits several. Fields: what, id, count."""

    code = "ambiguous"
    en = "{id!r} fits {count} {what}s: give more of its characters."
    zh = "{id!r} 匹配到 {count} 个 {what}，请多写几位。"


class IdempotencyMismatch(UsageError):
    """The key was used for another request. Fields: key."""

    code = "idempotency_mismatch"
    status = 422
    en = "The idempotency key {key!r} was used for a different request: use a new key."
    zh = "幂等键 {key!r} 已用于另一个请求，请换一个。"


class RequestRejected(UsageError):
    """The upstream found the request wrong (400); free. Fields: upstream."""

    code = "request_rejected"
    en = "{upstream} rejected the request: its parameters are wrong."
    zh = "{upstream}：请求参数错误，请检查参数格式。"


class ModelNotFound(UsageError):
    """The upstream has no such model (404); free. Fields: upstream, model."""

    code = "model_not_found"
    status = 404
    retry = Retry.ELSEWHERE
    en = "{upstream} has no model {model!r}: see `pisang models` for the ids it takes."
    zh = "{upstream} 没有模型 {model!r}，可用 `pisang models` 查看可用的模型。"


class RequestTooLarge(UsageError):
    """The upstream found the request too large (413); free. Fields: upstream."""

    code = "request_too_large"
    status = 413
    en = "{upstream} says the request is too large: send fewer or smaller reference pictures."
    zh = "{upstream}：请求体过大，请减少或缩小参考图。"


# --- configuration: exit 3 ---------------------------------------------------------------------


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
        "No upstream is configured: add one with `pisang upstream add`, "
        "or practise with `--via sandbox`."
    )
    zh = "还没有配置上游：用 `pisang upstream add` 添加，或用 `--via sandbox` 离线试用。"


class UpstreamUnknown(ConfigError):
    """No upstream of that name. Fields: name, choices."""

    code = "upstream_unknown"
    status = 404
    en = "There is no upstream named {name!r}: {choices}."
    zh = "没有名为 {name!r} 的上游：{choices}。"


class SettingsMalformed(ConfigError):
    """A settings file is wrong. Fields: path, why."""

    code = "settings_malformed"
    en = "The settings file {path} is wrong: {why}."
    zh = "配置文件 {path} 有误：{why}。"


class ExtraMissing(ConfigError):
    """An optional part is not installed. Fields: feature, extra."""

    code = "extra_missing"
    status = 501
    en = "{feature} needs an optional part: pip install 'pisang[{extra}]'."
    zh = "{feature} 需要安装可选组件：pip install 'pisang[{extra}]'。"


class HomeUnusable(ConfigError):
    """The home folder cannot be used. Fields: path, why."""

    code = "home_unusable"
    en = "Pisang's folder {path} can't be used: {why}."
    zh = "Pisang 的数据目录 {path} 不可用：{why}。"


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


class StoreFilled(ConfigError):
    """The disk filled up while something was being written. Fields: path, why."""

    code = "store_filled"
    status = 507
    charged = Charged.UNKNOWN
    en = "{path} filled up while it was being written to ({why}): free some space."
    zh = "写入 {path} 时磁盘已满（{why}）：请清理磁盘空间。"


class StoreCorrupt(ConfigError):
    """The ledger or an image does not read as it was written. Fields: path, why."""

    code = "store_corrupt"
    en = "{path} is damaged: {why}."
    zh = "{path} 已损坏：{why}。"


class StoreSuspect(ConfigError):
    """A write or fsync failed: what it held is not to be trusted. Fields: path, why."""

    code = "store_suspect"
    en = "Writing to {path} failed ({why}); nothing more is bought until `pisang doctor` is clean."
    zh = "写入 {path} 失败（{why}）；在 `pisang doctor` 通过之前不会再发起付费请求。"


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


class KeyMissing(ConfigError):
    """No key is set for this upstream. Fields: upstream."""

    code = "key_missing"
    status = 401
    en = "No key is set for {upstream}: set its variable, or add it with `--key-stdin`."
    zh = "{upstream} 没有设置密钥：请设置对应的环境变量，或用 `--key-stdin` 录入。"


class KeyInvalid(ConfigError):
    """The upstream does not take the key (401, or Google's 400). Fields: upstream."""

    code = "key_invalid"
    status = 401
    en = "{upstream}: the key is invalid or expired."
    zh = "{upstream}：API Key 无效或过期。"


class PermissionDenied(ConfigError):
    """The key has no right to this (403). Fields: upstream."""

    code = "permission_denied"
    status = 403
    en = "{upstream}: this key has no right to do that."
    zh = "{upstream}：该密钥没有权限。"


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


class LocationBlocked(ConfigError):
    """The upstream does not serve this place or account. Fields: upstream."""

    code = "location_blocked"
    status = 403
    retry = Retry.ELSEWHERE
    en = "{upstream} does not serve this location or account (billing may be off)."
    zh = "{upstream} 不支持当前地区或账户（可能未开通结算）。"


# --- refused, no image: exit 4, 5 --------------------------------------------------------------


class Refused(PisangError):
    """The upstream declined this picture for its content. Fields: upstream, reason."""

    code = "refused"
    status = 422
    exit_code = 4
    charged = Charged.UNKNOWN
    en = "{upstream} declined to make this picture ({reason}): word the prompt differently."
    zh = "{upstream} 拒绝生成该图片（{reason}）：请修改提示词。"


class NoImage(PisangError):
    """An answer came whole, and held no image. Fields: upstream, reason."""

    code = "no_image"
    status = 422
    exit_code = 5
    charged = Charged.UNKNOWN
    en = "{upstream} answered without an image ({reason})."
    zh = "{upstream} 的回答里没有图片（{reason}）。"


class Unavailable(PisangError):
    """The upstream could not take it now; free. Fields: upstream, why."""

    code = "unavailable"
    status = 503
    exit_code = 5
    retry = Retry.LATER
    en = "{upstream} is not available now: {why}."
    zh = "{upstream} 暂时不可用：{why}。"


class Unreachable(Unavailable):
    """DNS, connect or TLS failed: nothing was sent. Fields: upstream, why."""

    code = "unreachable"
    status = 502
    retry = Retry.SAME
    en = "{upstream} can't be reached: {why}. Nothing was sent."
    zh = "无法连接 {upstream}：{why}。请求尚未发送。"


class Overloaded(Unavailable):
    """The upstream says it is too busy (503, in its own words); free. Fields: upstream."""

    code = "overloaded"
    en = "{upstream} is overloaded: try again later."
    zh = "{upstream} 过载，请稍后重试。"


class RateLimited(Unavailable):
    """Too many requests (429); free. Fields: upstream."""

    code = "rate_limited"
    status = 429
    en = "{upstream}: too many requests, try again later."
    zh = "{upstream}：请求频率过高，请稍后重试。"


class QuotaExhausted(Unavailable):
    """The day's quota is used up, or the key has none (429); free. Fields: upstream."""

    code = "quota_exhausted"
    status = 429
    retry = Retry.ELSEWHERE
    en = "{upstream}: this key's quota is used up, or it has none for this model."
    zh = "{upstream}：该密钥的配额已用完，或没有该模型的配额。"


class UpstreamFault(Unavailable):
    """The upstream failed in a way its own table calls free. Fields: upstream, why."""

    code = "upstream_fault"
    status = 502
    en = "{upstream} failed: {why}."
    zh = "{upstream} 出错：{why}。"


# --- money: exit 6 -----------------------------------------------------------------------------


class MoneyError(PisangError):
    """The money is not there; nothing was sent. Fields: what."""

    code = "money"
    status = 402
    exit_code = 6
    en = "{what}"
    zh = "{what}"


class BudgetExceeded(MoneyError):
    """The worst price would pass a cap. Fields: budget, cap, spent, price."""

    code = "budget_exceeded"
    en = "The budget {budget} has {spent} of {cap} spent or held: {price} more would pass it."
    zh = "预算 {budget} 的上限是 {cap}，已用或预留 {spent}：再花 {price} 就会超出。"


class PriceUnknown(MoneyError):
    """A budget applies and the price is not known. Fields: upstream, model, image_size."""

    code = "price_unknown"
    en = (
        "A budget applies, and the price of {model} {image_size} at {upstream} is not known: "
        "set it under [upstreams.{upstream}.prices] in config.toml."
    )
    zh = (
        "设有预算，但不知道 {upstream} 上 {model} {image_size} 的价格："
        "请在 config.toml 的 [upstreams.{upstream}.prices] 里设置。"
    )


class BalanceExhausted(MoneyError):
    """The upstream's account is empty; free. Fields: upstream."""

    code = "balance_exhausted"
    retry = Retry.ELSEWHERE
    en = "{upstream}: the balance is used up."
    zh = "{upstream}：余额不足。"


class ConfirmationNeeded(MoneyError):
    """This costs money and nobody confirmed it. Fields: price, flag."""

    code = "confirmation_needed"
    status = 409
    en = "This costs {price}: confirm it with {flag}."
    zh = "这一步需要花费 {price}：请用 {flag} 确认。"


# --- the rest ----------------------------------------------------------------------------------


class OutcomeUnknown(PisangError):
    """Sent, and nobody can say whether it was made or billed. Fields: upstream, why."""

    code = "outcome_unknown"
    status = 424
    exit_code = 7
    charged = Charged.UNKNOWN
    en = (
        "The outcome at {upstream} is unknown: {why}. "
        "The picture may have been made and billed; nothing was sent again."
    )
    zh = "{upstream} 的结果未知：{why}。图片可能已生成并扣费；没有自动重发。"


class Mismatch(PisangError):
    """`--strict`: the image came and is kept, and is not what was asked for. Fields: what."""

    code = "mismatch"
    status = 422
    exit_code = 8
    charged = Charged.YES
    en = "The image was kept, but it is not what was asked for: {what}."
    zh = "图片已保存，但与要求不符：{what}。"


class Partial(PisangError):
    """Some of n images came. Fields: done, n."""

    code = "partial"
    status = 200
    exit_code = 8
    charged = Charged.YES
    en = "{done} of {n} images came."
    zh = "共 {n} 张，完成 {done} 张。"


class Running(PisangError):
    """Still under way. Fields: request_id."""

    code = "running"
    status = 409
    exit_code = 9
    retry = Retry.LATER
    charged = Charged.UNKNOWN
    en = "The request is still under way."
    zh = "请求仍在进行中。"


class WireError(PisangError):
    """Bytes that are not the dialect they claim to be. Fields: wire, why.

    Raised by decoders for foreign bytes. On the client side the flow turns it into
    `OutcomeUnknown` once something was sent; on the server side it is the caller's 400.
    """

    code = "wire"
    status = 400
    exit_code = 2
    en = "That is not valid {wire}: {why}."
    zh = "不是有效的 {wire} 数据：{why}。"


class Cancelled(PisangError):
    """Stopped before anything was sent."""

    code = "cancelled"
    status = 499
    exit_code = 130
    en = "Cancelled before anything was sent."
    zh = "已取消，尚未发送任何请求。"


class Unexpected(PisangError):
    """A fault of ours. Fields: what."""

    code = "unexpected"
    charged = Charged.UNKNOWN
    en = "Pisang failed in a way it should not: {what}. Please report it."
    zh = "Pisang 出现意外错误：{what}。请反馈给我们。"


def leaves() -> tuple[type[PisangError], ...]:
    """Every error class with a code of its own, in drawing order."""

    def walk(base: type[PisangError]) -> list[type[PisangError]]:
        found = [base] if "code" in vars(base) and base is not PisangError else []
        for child in base.__subclasses__():
            found.extend(walk(child))
        return found

    return tuple(walk(PisangError))


def leaf(code: str) -> type[PisangError]:
    """The class with that code; `Unexpected` for a code that no version of ours wrote."""
    return next((found for found in leaves() if found.code == code), Unexpected)
