"""The caller's words are wrong: exit 2."""

from __future__ import annotations

from pisang.errors.base import PisangError, Retry


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
    step = "pisang models {model}"


class SizeUnsupported(UsageError):
    """The model cannot make that size. Fields: image_size, model, choices."""

    code = "size_unsupported"
    en = "{model} can't make size {image_size!r}: choose one of {choices}."
    zh = "{model} 不支持尺寸 {image_size!r}，可选：{choices}。"
    step = "pisang models {model}"


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
    step = "pisang models {model}"


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
    step = "pisang history"

    def next_step(self) -> str | None:
        """Where to find what there is: the history, or the list of unknown attempts."""
        of_unknown = self.hint is None and "unknown outcome" in str(self.fields.get("what"))
        return "pisang unknown list" if of_unknown else super().next_step()


class Ambiguous(UsageError):
    """An id prefix fits several. Fields: what, id, count."""

    code = "ambiguous"
    en = "{id!r} fits {count} {what}s: give more of its characters."
    zh = "{id!r} 匹配到 {count} 个 {what}，请多写几位。"
    step = "pisang history"


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
    step = "pisang models {model}"


class ModelNotFound(UsageError):
    """The upstream has no such model (404); free. Fields: upstream, model."""

    code = "model_not_found"
    status = 404
    retry = Retry.ELSEWHERE
    en = "{upstream} has no model {model!r}: see `pisang models` for the ids it takes."
    zh = "{upstream} 没有模型 {model!r}，可用 `pisang models` 查看可用的模型。"
    step = "pisang models"


class RequestTooSlow(UsageError):
    """The caller's body came in too slowly, or not at all (408); nothing was sent. No fields."""

    code = "request_too_slow"
    status = 408
    retry = Retry.SAME
    en = "The request came in too slowly: send its body at 1 KB/s or more."
    zh = "请求体到达过慢：请以不低于 1 KB/s 的速度发送。"


class RequestTooLarge(UsageError):
    """The upstream found the request too large (413); free. Fields: upstream."""

    code = "request_too_large"
    status = 413
    en = "{upstream} says the request is too large: send fewer or smaller reference pictures."
    zh = "{upstream}：请求体过大，请减少或缩小参考图。"


class TableUnreadable(UsageError):
    """A list of wishes can't be read. Fields: path, why."""

    code = "table_unreadable"
    en = "The list {path} can't be read: {why}."
    zh = "无法读取列表 {path}：{why}。"


class RowsWrong(UsageError):
    """Rows of a list can't be granted; nothing was begun. Fields: path, count, rows."""

    code = "rows_wrong"
    en = "{path}: {count} wrong, and nothing was begun:{rows}."
    zh = "{path} 中有 {count} 行有误，尚未开始：{rows}。"


class BatchDone(UsageError):
    """The very same batch was made before. Fields: batch."""

    code = "batch_done"
    en = "The very same batch was done before: {batch}. --new buys all of it again."
    zh = "完全相同的批次已经做过：{batch}。加 --new 会全部重新购买。"
    step = "pisang batch status {batch}"
