"""The error tree: every leaf says what it must, in both languages, and never fails to say it."""

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pisang import errors
from pisang.errors import Charged, PisangError, Retry, Unexpected, leaf, leaves
from pisang.errors.chinese import in_chinese

# The exit codes of the command line, by what went wrong.
EXIT_CODES = {
    errors.UsageError: 2,
    errors.ConfigError: 3,
    errors.Refused: 4,
    errors.NoImage: 5,
    errors.Unavailable: 5,
    errors.MoneyError: 6,
    errors.OutcomeUnknown: 7,
    errors.Mismatch: 8,
    errors.Partial: 8,
    errors.Running: 9,
    errors.WireError: 2,
    errors.Cancelled: 130,
    errors.Unexpected: 1,
}


def test_every_leaf_has_a_code_of_its_own() -> None:
    codes = [one.code for one in leaves()]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z][a-z_]*", code) for code in codes)
    assert PisangError.code not in codes


def test_every_class_of_the_module_is_a_leaf_with_a_code() -> None:
    classes = {
        one
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, PisangError) and one is not PisangError
    }
    assert classes == set(leaves())


@pytest.mark.parametrize("one", leaves(), ids=lambda one: one.code)
def test_a_leaf_exits_with_the_code_of_its_branch(one: type[PisangError]) -> None:
    branch = next(branch for branch in EXIT_CODES if issubclass(one, branch))
    assert one.exit_code == EXIT_CODES[branch]


@pytest.mark.parametrize("one", leaves(), ids=lambda one: one.code)
def test_a_leaf_has_a_status_a_retry_and_a_charge(one: type[PisangError]) -> None:
    assert one is errors.Partial or 400 <= one.status <= 599
    assert isinstance(one.retry, Retry)
    assert isinstance(one.charged, Charged)


@pytest.mark.parametrize("one", leaves(), ids=lambda one: one.code)
def test_a_leaf_speaks_english_and_chinese_with_the_same_fields(one: type[PisangError]) -> None:
    def names(text: str) -> set[str]:
        return set(re.findall(r"\{(\w+)[^}]*\}", text))

    assert names(one.zh) <= names(one.en) | {"what"}
    assert one.en.endswith((".", "{what}"))
    assert one.zh.endswith(("。", "{what}"))
    assert not re.search(r"[\u4e00-\u9fff]", one.en)
    assert one.zh == "{what}" or re.search(r"[\u4e00-\u9fff]", one.zh)


@pytest.mark.parametrize("one", leaves(), ids=lambda one: one.code)
def test_a_leaf_documents_the_fields_that_its_sentence_names(one: type[PisangError]) -> None:
    told = re.search(r"Fields?: ([\w, ]+)\.", one.__doc__ or "")
    documented = set(re.split(r",\s*", told[1])) if told else set()
    assert set(re.findall(r"\{(\w+)", one.en + one.zh)) <= documented | {"what", "at_stake"}


@pytest.mark.parametrize("one", leaves(), ids=lambda one: one.code)
def test_a_leaf_s_next_command_names_only_fields_that_it_documents(one: type[PisangError]) -> None:
    told = re.search(r"Fields?: ([\w, ]+)\.", one.__doc__ or "")
    documented = set(re.split(r",\s*", told[1])) if told else set()
    assert set(re.findall(r"\{(\w+)\}", one.step)) <= documented | {"request_id", "model"}
    assert one.step == "" or one.step.startswith(("pisang ", "pip "))


def test_the_next_command_is_the_leaf_s_where_nobody_knows_a_better_one() -> None:
    assert errors.KeyInvalid(upstream="relay").next_step() == "pisang upstream key relay"
    assert errors.KeyInvalid(upstream="a b").next_step() == "pisang upstream key 'a b'"
    assert errors.KeyInvalid(upstream="relay", hint="export K=…").next_step() == "export K=…"
    assert errors.Running(request_id="req_1").next_step() == "pisang wait req_1"
    assert errors.WireError(wire="gemini", why="x").next_step() is None


def test_what_is_not_found_is_looked_for_where_it_would_be() -> None:
    assert errors.NotFound(what="request", id="zz").next_step() == "pisang history"
    lost = errors.NotFound(what="attempt with an unknown outcome and id", id="zz")
    assert lost.next_step() == "pisang unknown list"
    assert errors.NotFound(what="model", id="x", hint="pisang models").next_step() == (
        "pisang models"
    )


def test_a_next_command_that_would_miss_a_word_is_not_said() -> None:
    assert errors.KeyInvalid().next_step() is None
    assert errors.RequestRejected(upstream="relay", model="").next_step() is None


def test_what_may_have_been_paid_stands_in_the_sentence_of_an_unknown_outcome() -> None:
    lost = errors.OutcomeUnknown(
        upstream="relay", why="the time limit passed", at_stake="0.134 USD"
    )
    assert "the outcome is unknown, 0.134 USD may have been charged" in lost.message("en")
    assert "结果未知，可能已扣费 0.134 USD" in lost.message("zh")
    unpriced = errors.OutcomeUnknown(upstream="relay", why="the time limit passed")
    assert "an unknown amount may have been charged" in unpriced.message("en")
    assert "可能已扣费（金额未知）" in unpriced.message("zh")


def test_how_long_to_wait_is_said_in_both_languages() -> None:
    busy = errors.RateLimited(upstream="relay", retry_after_s=12.0)
    assert busy.message("en").endswith("It asks to wait 12 s.")
    assert busy.message("zh").endswith("请等待 12 秒。")


def test_only_what_is_free_may_be_sent_again_at_once() -> None:
    for one in leaves():
        if one.retry is Retry.SAME:
            assert one.charged is Charged.NO


def test_an_unknown_outcome_is_a_status_that_no_stock_client_retries() -> None:
    assert errors.OutcomeUnknown.status == 424
    assert errors.OutcomeUnknown.charged is Charged.UNKNOWN
    assert errors.OutcomeUnknown.retry is Retry.NEVER


@pytest.mark.parametrize("one", leaves(), ids=lambda one: one.code)
def test_a_leaf_comes_out_even_without_its_fields(one: type[PisangError]) -> None:
    error = one()
    assert error.message("en") == str(error)
    assert error.message("zh")
    assert not re.search(r"\{|\}", error.message("en") + error.message("zh"))


@given(
    st.sampled_from(leaves()),
    st.dictionaries(
        st.sampled_from(["upstream", "why", "model", "reason", "what", "value", "id", "path"]),
        st.one_of(st.text(), st.integers(), st.none(), st.binary()),
    ),
    st.one_of(st.none(), st.text()),
)
def test_message_never_fails_whatever_the_fields_hold(
    one: type[PisangError], fields: dict[str, object], said: str | None
) -> None:
    error = one(upstream_message=said, **fields)
    for language in ("en", "zh"):
        text = error.message(language)
        assert isinstance(text, str)
        if said:
            assert text.endswith(said)


def test_the_upstreams_own_words_stand_behind_ours() -> None:
    error = errors.RateLimited(upstream="relay", upstream_message="slow down")
    assert str(error) == "relay: too many requests, try again later. Upstream: slow down"
    assert error.message("zh") == "relay：请求频率过高，请稍后重试。上游：slow down"


def test_a_long_value_is_shortened_and_a_sentence_of_ours_is_not() -> None:
    pasted = "".join(f"{n:04}" for n in range(500))
    shown = errors.OptionInvalid(option="--seed", value=pasted, why=pasted).message()
    assert f"{pasted[:120]}…{pasted[-60:]}" in shown
    assert pasted in shown, "the reason is a sentence of ours, and whole"
    assert shown.count(pasted) == 1


def test_charge_and_retry_can_be_said_of_one_error_alone() -> None:
    error = errors.Refused(upstream="u", reason="SAFETY", charged=Charged.NO, retry=Retry.LATER)
    assert (error.charged, error.retry) == (Charged.NO, Retry.LATER)
    assert (errors.Refused.charged, errors.Refused.retry) == (Charged.UNKNOWN, Retry.NEVER)
    plain = errors.Refused(upstream="u", reason="SAFETY")
    assert (plain.charged, plain.retry) == (Charged.UNKNOWN, Retry.NEVER)


def test_an_error_keeps_what_the_faces_show() -> None:
    error = errors.OutcomeUnknown(
        upstream="u",
        why="cut",
        at_stake="0.134 USD",
        request_id="req_1",
        upstream_request_id="up_1",
        retry_after_s=3.0,
        hint="pisang unknown list",
    )
    assert error.at_stake == "0.134 USD"
    assert error.request_id == "req_1"
    assert error.upstream_request_id == "up_1"
    assert error.retry_after_s == 3.0
    assert error.hint == "pisang unknown list"
    assert error.fields == {"upstream": "u", "why": "cut"}


# --- reasons, told in Chinese ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("it is empty", "内容为空"),
        ("it has 9 characters and at most 3 are taken", "共 9 个字符，最多 3 个"),
        ("line 3, `[a]`: there is no such setting; the nearest is `b`",
         "第 3 行，`[a]`：没有这项设置；最接近的是 `b`"),
        ("the connection could not be made (Connection refused)", "连接失败（连接被拒绝）"),
        ("the connection could not be made (Mandarin Oranges)", "连接失败（Mandarin Oranges）"),
        ("that would remove 5 of 9 images, more than one in a hundred",
         "这会删除 9 张图片中的 5 张，超过百分之一"),
        ("'round' is not one of cover, pad.", "'round' 不是可选值（cover, pad）。"),
        ("The image's pixels stand too deep to be read", "无法从文件头读出图片像素"),
        ("2K was asked for, and the image has 8×8 pixels, which is 512. It is empty",
         "要求的是 2K，图片实际为 8×8 像素，即 512. It is empty"),
        ("permission denied", "权限不足"),
        ("nobody here ever wrote this in full", "nobody here ever wrote this in full"),
        ("(it is what it is", "(it is what it is"),
        ("x" * 1001, "x" * 1001),
        ("", ""),
    ],
)  # fmt: skip
def test_a_reason_is_told_in_chinese(english: str, chinese: str) -> None:
    assert in_chinese(english) == chinese


def test_no_blank_is_left_where_chinese_meets_chinese() -> None:
    stream = errors.OutputUnwritable(path="standard output", why="it is a folder")
    assert stream.message("zh") == "标准输出无法写入：它是一个目录。"
    named = errors.OutputUnwritable(path="图 片.png", why="it is a folder")
    assert named.message("zh") == "图 片.png 无法写入：它是一个目录。"
    assert errors.NotFound(what="request", id="zz").message("zh") == "没有找到请求 'zz'。"


def test_what_the_user_wrote_is_not_translated() -> None:
    wrong = errors.OptionInvalid(option="--mode", value="it is empty", why="it is empty")
    assert wrong.message("zh") == "--mode 的值 'it is empty' 无效：内容为空。"


@given(st.text(max_size=60))
def test_any_text_comes_out_of_the_table(text: str) -> None:
    assert isinstance(in_chinese(text), str)


@pytest.mark.parametrize("one", leaves(), ids=lambda one: one.code)
def test_a_code_names_its_leaf(one: type[PisangError]) -> None:
    assert leaf(one.code) is one


def test_a_code_that_nobody_has_is_unexpected() -> None:
    assert leaf("no_such_code") is Unexpected


@pytest.mark.parametrize("one", leaves(), ids=lambda one: one.code)
def test_an_error_comes_whole_from_another_process(one: type[PisangError]) -> None:
    error = one(
        hint="pisang x", charged=Charged.UNKNOWN, request_id="req_1", retry_after_s=2.0, name="n"
    )
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is one and again.fields == error.fields
    assert {**vars(again), "retry": error.retry} == {**vars(error), "retry": error.retry}
    assert (again.retry, again.message("zh")) == (error.retry, error.message("zh"))
