"""A sentence in English is found in the table however it was put together, and no other one is."""

from __future__ import annotations

import pytest

from pisang.errors.chinese import Phrases, close_up, in_chinese, name_in_chinese

PHRASES = Phrases(
    {
        "standard output": "标准输出",
        "it is empty": "内容为空",
        "Nothing was sent.": "没有发送。",
        "the disk is full": "磁盘已满",
        "the answer can't be read ({})": "回答无法解析（{}）",
        "{} has {} bytes, not {}": "{0} 应为 {2} 字节，实际 {1}",
        "{} in {}": "{1} 里的 {0}",
    }
)


@pytest.mark.parametrize(
    ("said", "chinese"),
    [
        ("it is empty", "内容为空"),
        ("a.png has 5 bytes, not 6", "a.png 应为 6 字节，实际 5"),
        ("the answer can't be read (it is empty)", "回答无法解析（内容为空）"),
        ("the disk is full; it is empty", "磁盘已满；内容为空"),
        ("the disk is full (it is empty)", "磁盘已满（内容为空）"),
        ("Nothing was sent. the disk is full", "没有发送。磁盘已满"),
        ("Nothing was sent", "没有发送"),
        ("the disk is full: No space left", "磁盘已满：No space left"),
        ("'x y' in cat.png", "cat.png 里的 'x y'"),
        ("it is empty in cat.png", "cat.png 里的内容为空"),
    ],
)
def test_a_sentence_is_said_in_chinese(said: str, chinese: str) -> None:
    assert PHRASES.say(said) == chinese
    assert PHRASES.say(said) == chinese, "also when it is asked for again"


@pytest.mark.parametrize(
    "said",
    [
        "some cat in my hat",
        "somebody else's words",
        "No space left: it is empty",
        "a.png has 5 bytes",
        "has bytes, not a.png, has 7",
        "the disk is full (it is empty",
        "it is empty" * 100,
        "",
    ],
)
def test_what_is_no_sentence_of_ours_comes_out_as_it_is(said: str) -> None:
    assert PHRASES.find(said) is None
    assert PHRASES.say(said) == said


def test_of_a_name_only_the_whole_is_looked_up() -> None:
    assert PHRASES.name("standard output") == "标准输出"
    assert PHRASES.name("the disk is full; it is empty") == "the disk is full; it is empty"
    assert name_in_chinese("my-relay") == "my-relay"


def test_the_tables_of_the_project_are_asked() -> None:
    assert in_chinese("an empty answer") == "空的回答"
    assert in_chinese("nobody says so") == "nobody says so"


@pytest.mark.parametrize(
    ("text", "value", "closed"),
    [
        ("无法写入 标准输出 ：原因", "标准输出", "无法写入标准输出：原因"),
        ("无法写入 a.png ：原因", "a.png", "无法写入 a.png ：原因"),
        ("无法写入 标准输出 now", "标准输出", "无法写入标准输出 now"),
    ],
)
def test_no_blank_stands_where_chinese_meets_chinese(text: str, value: str, closed: str) -> None:
    assert close_up(text, value) == closed


def test_a_list_of_what_is_wrong_is_told_line_by_line() -> None:
    table = Phrases({"it is no JSON": "不是 JSON", "{} is no size": "{} 不是尺寸"})
    listed = "\n  2: it is no JSON\n  13: 9K is no size\n  14: Who knows?\n  … +7"
    assert table.say(listed) == "\n  2: 不是 JSON\n  13: 9K 不是尺寸\n  14: Who knows?\n  … +7"
