"""What an upstream did, or could not do: exit 4, 5, 7, 8, 9; and what is no upstream's doing."""

from __future__ import annotations

from pisang.errors.base import Charged, PisangError, Retry


class Refused(PisangError):
    """The upstream declined this picture for its content. Fields: upstream, reason."""

    code = "refused"
    status = 422
    exit_code = 4
    charged = Charged.UNKNOWN
    en = "{upstream} declined to make this picture ({reason}): word the prompt differently."
    zh = "{upstream} 拒绝生成该图片（{reason}）：请修改提示词。"
    step = "pisang show {request_id}"


class NoImage(PisangError):
    """An answer came whole, and held no image. Fields: upstream, reason."""

    code = "no_image"
    status = 422
    exit_code = 5
    charged = Charged.UNKNOWN
    en = "{upstream} answered without an image ({reason})."
    zh = "{upstream} 的回答里没有图片（{reason}）。"
    step = "pisang show {request_id}"


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
    step = "pisang upstream test {upstream}"


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


class KeyLimited(Unavailable):
    """A gateway's key asked for more than it may at once, or in a minute; free. Fields: what."""

    code = "key_limited"
    status = 429
    en = "This key may ask for {what}: try again later."
    zh = "该密钥的用量上限是 {what}，请稍后重试。"


class SignInLimited(Unavailable):
    """Too many wrong keys at a gateway's sign-in came from one address."""

    code = "sign_in_limited"
    status = 429
    en = "Too many wrong keys came from your address: try to sign in again in a minute."
    zh = "来自您的地址的错误密钥过多：请一分钟后再登录。"


class Stopping(Unavailable):
    """This server is being stopped: what was not sent is not sent; free."""

    code = "stopping"
    retry = Retry.SAME
    en = "This gateway is stopping, and nothing was sent for this: ask again in a moment."
    zh = "网关正在停止，本次没有发送任何请求：请稍后重试。"


class Crowded(Unavailable):
    """This server works on as many calls as it can; free. Fields: most."""

    code = "crowded"
    retry = Retry.SAME
    en = "This gateway is working on as many calls as it can ({most}): ask again in a moment."
    zh = "网关正在处理的请求已达上限（{most} 个）：请稍后重试。"


class UpstreamsEjected(Unavailable):
    """Every upstream failed so often that it is left alone for a while; free. Fields: names."""

    code = "upstreams_ejected"
    en = "Every upstream ({names}) failed several times in a row, and is left alone for a while."
    zh = "所有上游（{names}）都连续多次失败，暂时停用。"


class QuotaExhausted(Unavailable):
    """The day's quota is used up, or the key has none (429); free. Fields: upstream."""

    code = "quota_exhausted"
    status = 429
    retry = Retry.ELSEWHERE
    en = "{upstream}: this key's quota is used up, or it has none for this model."
    zh = "{upstream}：该密钥的配额已用完，或没有该模型的配额。"
    step = "pisang upstream list"


class UpstreamFault(Unavailable):
    """The upstream failed in a way its own table calls free. Fields: upstream, why."""

    code = "upstream_fault"
    status = 502
    en = "{upstream} failed: {why}."
    zh = "{upstream} 出错：{why}。"
    step = "pisang upstream test {upstream}"


class OutcomeUnknown(PisangError):
    """Sent, and nobody can say whether it was made or billed. Fields: upstream, why."""

    code = "outcome_unknown"
    status = 424
    exit_code = 7
    charged = Charged.UNKNOWN
    en = (
        "{upstream}: the outcome is unknown, {at_stake} may have been charged: {why}. "
        "Nothing was sent again."
    )
    zh = "{upstream}：结果未知，可能已扣费 {at_stake}：{why}。没有自动重发。"
    step = "pisang unknown list"


class Mismatch(PisangError):
    """`--strict`: the image came and is kept, and is not what was asked for. Fields: what."""

    code = "mismatch"
    status = 422
    exit_code = 8
    charged = Charged.YES
    en = "The image was kept, but it is not what was asked for: {what}."
    zh = "图片已保存，但与要求不符：{what}。"
    step = "pisang show {request_id}"


class Partial(PisangError):
    """Some of n images came. Fields: done, n."""

    code = "partial"
    status = 200
    exit_code = 8
    charged = Charged.YES
    en = "{done} of {n} images came."
    zh = "共 {n} 张，完成 {done} 张。"
    step = "pisang show {request_id}"


class Running(PisangError):
    """Still under way. Fields: request_id."""

    code = "running"
    status = 409
    exit_code = 9
    retry = Retry.LATER
    charged = Charged.UNKNOWN
    en = "The request is still under way."
    zh = "请求仍在进行中。"
    step = "pisang wait {request_id}"


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
    step = "pisang doctor"
