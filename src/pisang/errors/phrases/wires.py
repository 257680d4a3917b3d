"""What is said of bytes that are not the dialect they claim to be."""

from __future__ import annotations

from collections.abc import Mapping

PHRASES: Mapping[str, str] = {
    # JSON
    "the body": "请求体",
    "the body is empty": "内容为空",
    "the body is no object": "内容不是对象",
    "{} is no object": "{} 不是对象",
    "{} is no string": "{} 不是字符串",
    "{} is not JSON": "{} 不是 JSON",
    "{} at byte {}": "{}，位于第 {} 字节",
    "{} at ${}": "{}，位于 ${}",
    "an object": "对象",
    "an array": "数组",
    "a string is needed, not {}": "应为字符串，而不是 {}",
    "it is not UTF-8 at byte {}": "第 {} 字节不是 UTF-8",
    "it begins with a byte order mark: plain UTF-8 is needed": "以 BOM 开头：应为不带 BOM 的 UTF-8",
    "it is nested more than {} deep": "嵌套超过 {} 层",
    "the value is nested too deep": "嵌套过深",
    "the key {} stands twice": "键 {} 重复",
    "a number is too long": "数字过长",
    "a number is too large or too long": "数字过大或过长",
    "a number in it is NaN or infinite": "含有 NaN 或无穷大",
    "NaN and Infinity are not JSON": "NaN 和 Infinity 不是 JSON",
    "{} is no JSON value": "{} 不是 JSON 值",
    "a lone surrogate": "单独的代理码元",
    "a lone surrogate in a key": "键中有单独的代理码元",
    "a text in it holds a lone surrogate": "文本中有单独的代理码元",
    "a text is longer than {} bytes": "文本超过 {} 字节",
    "a string is longer than {} bytes": "字符串超过 {} 字节",
    "a long string is unterminated": "长字符串没有结束",
    "an object key is longer than {} bytes": "对象的键超过 {} 字节",
    "a string that should be text holds binary data": "应为文本的字符串里是二进制数据",
    "a string that should be base64 is not": "应为 base64 的字符串不是 base64",
    "a data URL that should be base64 is not": "data URL 应为 base64，实际不是",
    "one picture is needed, and the string holds several": "应为一张图片，字符串里有多张",
    "it has letters where a value should stand": "该出现值的地方是字母",
    "it has more long strings than places for them": "长字符串多于可放的位置",
    "it holds more than {} long strings": "长字符串超过 {} 个",
    "its strings hold more than {} contents": "字符串里的内容超过 {} 份",
    "it is longer than {} bytes besides its long strings": "除长字符串外超过 {} 字节",
    "it is longer than {} bytes": "超过 {} 字节",
    "there are more long strings than the skeleton names": "长字符串多于骨架所列",
    "the skeleton names more long strings than there are": "长字符串少于骨架所列",
    "a raw control character (0x{}) stands inside a string": "字符串里有未转义的控制字符（0x{}）",
    "an event is longer than {} bytes": "单个事件超过 {} 字节",
    "it ends inside a string": "在字符串中间结束",
    "it holds no object": "里面没有对象",
    "it holds no reply ({})": "里面没有回答（{}）",
    "nothing known": "原因不明",
    # requests in Google's format
    "the path is not …/models/MODEL:generateContent": "路径不是 …/models/模型:generateContent",
    "a model id has no empty, `.` or `..` segment": "模型 ID 不能有空的、`.` 或 `..` 路径段",
    "contents is no list of at least one content": "contents 不是非空列表",
    "the last of contents is not the user's": "contents 的最后一条不是用户的",
    "{}.role is neither user nor model": "{}.role 既不是 user 也不是 model",
    "{}.parts is no list": "{}.parts 不是列表",
    "{}.parts[{}] can't be read": "{}.parts[{}] 无法解析",
    "responseModalities is no list of strings": "responseModalities 不是字符串列表",
    "candidateCount is no number from 1 to {}": "candidateCount 不是 1 到 {} 的数",
    "{} is given twice, and not alike": "{} 给了两次，且不一致",
    "{} is there in both spellings": "{} 的两种写法同时出现",
    "a part's data is no object": "part 的 data 不是对象",
    "a part's type or address is no string": "part 的类型或地址不是字符串",
    # of the crawl wire
    "this upstream takes words only": "该上游只接受文字",
    "the crawl wire takes http(s) URLs only": "crawl 协议的参考图只接受 http(s) 网址",
    "model is missing": "缺少 model",
    "stream is not false: this wire answers whole": "stream 不为 false：该协议不支持流式返回",
    "response_modalities is no list of strings": "response_modalities 不是字符串列表",
    "messages is no list of at least one message": "messages 不是非空列表",
    "messages are not an optional system message, turns, and the user's last": (
        "messages 的顺序应为：可选的系统消息、往来对话、用户的最后一条"
    ),
    "the system message holds more than text": "系统消息里不只有文字",
    "{} is no message of a user, an assistant or the system": "{} 不是用户、助手或系统的消息",
    "{} names no picture by a data URL or an https URL": "{} 没有用 data URL 或 https 网址给出图片",
    # of OpenAI's wires
    "{} is no message of the user, the assistant or the system": "{} 不是用户、助手或系统的消息",
    "the last of messages is not the user's": "messages 的最后一条不是用户的",
    "modalities is no list of strings": "modalities 不是字符串列表",
    "{}.content holds more than text": "{}.content 里不只有文字",
    "{}.text is no string": "{}.text 不是字符串",
    "{} takes no pictures": "{} 不接受图片",
    "this wire sends pictures by their bytes, and this one is an address": (
        "该协议只能上传图片数据，而这里是网址"
    ),
    "it is neither a data URL nor an http(s) address": "既不是 data URL 也不是 http(s) 网址",
    "the Nano Banana models take no masks: say in the prompt what is to change": (
        "Nano Banana 模型不支持蒙版：请在提示词里说明要改什么"
    ),
    "a body is taken as it is, not compressed": "请求体须原样发送，不能压缩",
    "with output_format the pictures are in the answer itself: leave one of the two out": (
        "指定 output_format 时图片直接放在回答里：两个参数只能用一个"
    ),
    "pictures are named image or image[]": "图片字段名应为 image 或 image[]",
    "an edit needs at least one picture": "编辑至少需要一张图片",
    "it is no picture": "不是图片",
    "it is no string": "不是字符串",
    "it is neither true nor false": "应为 true 或 false",
    "it is a whole number from {} to {}": "应为 {} 到 {} 的整数",
    "it is 1 to {}": "应为 1 到 {}",
    "it is one of {}": "可选：{}",
    "write WIDTHxHEIGHT, or auto": "请写成 宽x高 的形式，或 auto",
    # forms
    "the content type is not multipart/form-data with a boundary": (
        "Content-Type 不是带 boundary 的 multipart/form-data"
    ),
    "its boundary is not one": "boundary 无效",
    "it does not begin with its boundary": "没有以 boundary 开头",
    "it ends before its last boundary": "在最后的 boundary 之前结束",
    "it has more than {} parts": "超过 {} 个部分",
    "a part's headers are longer than {} bytes": "某部分的头超过 {} 字节",
    "a part has the same header twice": "某部分有重复的头",
    "a part has a transfer encoding, which forms no longer have": (
        "某部分带有表单已废弃的 Content-Transfer-Encoding"
    ),
    "a part has no Content-Disposition with a name": "某部分没有带名称的 Content-Disposition",
    "a value is longer than {} bytes": "值超过 {} 字节",
    "a name or value is not UTF-8": "名称或值不是 UTF-8",
    "a name or value holds a lone surrogate": "名称或值中有单独的代理码元",
    "a control character or backslash stands in {}": "{} 中有控制字符或反斜杠",
    "the value of {} holds the boundary": "{} 的值含有 boundary",
}
