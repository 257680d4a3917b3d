"""What is said beside a result that is otherwise fine."""

from __future__ import annotations

from collections.abc import Mapping

PHRASES: Mapping[str, str] = {
    # what was sent is not quite what was asked
    "The base URL's {}.": "base URL 的{}。",
    "path {} was removed: the wire adds its own": "路径 {} 已去掉：协议会自动补上",
    "query was removed; a key in it is not kept": "查询参数已去掉；其中的密钥不会保存",
    "fragment was removed: it is never sent": "片段（# 之后）已去掉：本来就不会发送",
    "Blanks, quotes or full-width characters around the base URL were removed.": (
        "已去掉 base URL 前后的空白、引号或全角字符。"
    ),
    "{}:// was put before the base URL.": "已在 base URL 前补上 {}://。",
    "The base URL is http:// to a public host: the key travels open.": (
        "base URL 是公网的 http:// 地址：密钥会明文传输。"
    ),
    "{} {} is sent as {}.": "{} 的值 {} 按规范写法 {} 发送。",
    "{} makes one size only: image_size {} is left out.": (
        "{} 只有一种尺寸：没有发送 image_size {}。"
    ),
    "{} works best with at most {} reference pictures: {} are sent.": (
        "{} 的参考图最好不超过 {} 张：这次发送 {} 张。"
    ),
    "{} does not list {} among its models: {} is sent anyway.": "{} 没有列出模型 {}：仍发送 {}。",
    "The model {} is not known here: it is sent unchecked.": "不认识模型 {}：未作检查，原样发送。",
    "{} was shut down on {}: {} is used in its place.": "{} 已于 {} 下线：改用 {}。",
    "A picture of an earlier turn was sent as a reference: its thought signature is not known.": (
        "之前一轮中的图片已改作参考图发送：没有它的思考签名。"
    ),
    "The picture was sent as a new reference, without the turns before it: {}.": (
        "图片作为新的参考图发送，没有带上之前的对话：{}。"
    ),
    "{} is another kind of upstream than {}, which made it": "{} 与当初生成它的 {} 不是同类上游",
    "{} signed none of it, and the model asked now wants signatures": (
        "{} 没有给出思考签名，而这次的模型需要签名"
    ),
    "the stored answer it came in is gone": "当时的回答已被清理",
    "{} is {}, which no upstream takes: it is sent as PNG.": (
        "{} 是 {}，上游都不接受：已转为 PNG 发送。"
    ),
    "The picture": "图片",
    "The {} wire can't carry {} of {}.": "{0} 协议无法携带 {2} 的 {1}。",
    "A part that only the {} wire knows was left out.": "只有 {} 协议才有的内容已略去。",
    "Size {} was sent as {}.": "尺寸 {} 以 {} 发送。",
    "Size {} is made as {} at {}.": "尺寸 {} 按 {}、{} 生成。",
    "Quality {} is made at size {}: ask for a size to choose it.": (
        "质量 {} 按尺寸 {} 生成：需要别的尺寸请直接指定。"
    ),
    "The Nano Banana models make no transparent background.": "Nano Banana 模型不支持透明背景。",
    "No partial images are sent: the picture comes whole.": "不发送中间图：图片一次给出。",
    "The crawl wire answers whole.": "crawl 协议不支持流式返回。",
    "The crawl wire makes one image a call.": "crawl 协议一次只生成一张图。",
    "The crawl wire carries no thought signatures.": "crawl 协议无法携带思考签名。",
    "A part that the crawl wire can't carry was left out.": "crawl 协议无法携带的内容已略去。",
    "Without an aspect ratio this wire can't ask for {}: the server chooses.": (
        "没有指定宽高比，该协议无法请求 {}：由服务端决定。"
    ),
    "This wire asks in pixels: {} was sent as {}.": "该协议按像素请求：{} 以 {} 发送。",
    "Image {}: {}": "第 {} 张图：{}",
    "This wire has no turns: of what came before, only the last pictures were sent.": (
        "该协议没有多轮对话：之前的内容只发送了最后的图片。"
    ),
    "This wire has no system text: it stands before the prompt.": (
        "该协议没有系统提示：已放在提示词前面。"
    ),
    "This wire can't carry thought signatures: the pictures go without.": (
        "该协议无法携带思考签名：只发送图片。"
    ),
    "A part that this wire can't carry was left out.": "该协议无法携带的内容已略去。",
    "This wire sends the words together, and the pictures behind them.": (
        "该协议把文字放在一起，图片放在后面。"
    ),
    "A chat can't carry thought signatures: the pictures go without.": (
        "聊天协议无法携带思考签名：只发送图片。"
    ),
    "The model's earlier thoughts are left out of the chat.": "模型之前的思考内容没有带入对话。",
    "A part that only another wire knows was left out.": "只有其他协议才有的内容已略去。",
    # what came is not quite what was asked
    "The image was declared as {}, and its bytes are {}: the bytes count.": (
        "图片声明为 {}，实际是 {}：以实际为准。"
    ),
    "{} was asked for, and the image has {} pixels, which is {}.": (
        "要求的是 {}，图片实际为 {} 像素，即 {}。"
    ),
    "The image's pixels stand too deep to be read.": "无法从文件头读出图片像素。",
    "The answer can't be read ({}); the image in it is whole.": (
        "回答无法解析（{}），其中的图片是完整的。"
    ),
    "The answer broke off behind the image, which is whole.": (
        "图片完整之后连接中断，图片不受影响。"
    ),
    "One of its pictures is missing: {} ({}).": "缺少其中一张图片：{}（{}）。",
    "It answered with the picture alone, which is not how this wire answers.": (
        "返回的只有图片本身，与该协议的格式不符。"
    ),
    "The budget {} has {} of {} spent or held.": "预算 {} 已用或预留 {}，上限 {}。",
    "{} of its pictures came broken and are left out.": "有 {} 张图片损坏，已略去。",
    "The same was asked within the last hour, and nobody was told its outcome: this is it, and "
    "nothing was bought now.": (
        "一小时内有过相同的请求，其结果当时没有告知：这就是那次的结果，这次没有重新购买。"
    ),
    "That key's request was carried out before: nothing was bought now.": (
        "该幂等键的请求之前已执行：这次没有重新购买。"
    ),
    "The picture behind the answer's link was had when it was looked for again.": (
        "再次查询时取到了回答中链接所指的图片。"
    ),
    "The image was found after the process that asked for it had died.": (
        "发起请求的进程中途退出，图片已找回。"
    ),
    "This picture was painted by the sandbox, not by a model.": (
        "这张图由沙盒绘制，不是模型生成的。"
    ),
    # what was done with the file
    "{} was converted from {} to {}; {}.": "{} 已由 {} 转换为 {}；{}。",
    "The files are written, but that could not be noted: {}": "文件已写好，但未能登记：{}",
    "from {} bytes to {}": "从 {} 字节到 {} 字节",
    "{} was made smaller, {}; {}.": "{} 已压缩，{}；{}。",
    "{} was resized {}; {}.": "{} 已调整尺寸，{}；{}。",
    "from {}×{} to {}×{}": "从 {}×{} 到 {}×{}",
    "the original is kept as {}": "原图保留为 {}",
    "{} The image is kept as {}.": "{}图片保存为 {}。",
    "{}; the image is kept as {}": "{}；图片保存为 {}",
    "it exists": "文件已存在",
    "There is no `{}` here to show {} with.": "没有 `{}`，无法打开 {}。",
    "{} could not be shown: {}.": "无法打开 {}：{}。",
    "{}: --fit changed nothing.": "{}：--fit 没有改动文件。",
    "The catalogue knows no exact pixels of what was asked (a ratio has to be named)": (
        "目录里没有该请求的标准像素（需要指定宽高比）"
    ),
}
