"""What the command line says of its words, and what `doctor` finds."""

from __future__ import annotations

from collections.abc import Mapping

PHRASES: Mapping[str, str] = {
    # the parser's own (Typer 0.29)
    "No such option: {}.": "没有选项 {}。",
    "No such option: {} (Possible options: {}).": "没有选项 {}（相近的有：{}）。",
    "Missing argument {}.": "缺少参数 {}。",
    "Missing option {}.": "缺少选项 {}。",
    "Missing command.": "缺少命令。",
    "Invalid value for {}: {}": "{} 的值无效：{}",
    "Invalid value: {}": "值无效：{}",
    "Option {} requires an argument.": "选项 {} 需要一个值。",
    "Option {} requires {} arguments.": "选项 {} 需要 {} 个值。",
    "Option {} does not take a value.": "选项 {} 不需要值。",
    "the states are {}": "可用的状态：{}",
    "Argument {} takes {} values.": "参数 {} 需要 {} 个值。",
    "Got unexpected extra argument(s) ({}).": "多余的参数（{}）。",
    "No such command {}.": "没有命令 {}。",
    "Upstream: {}": "上游：{}",
    # ours
    "give a FILE or --each, one of them": "请给出 FILE 或 --each 之一",
    "write it as 02:00 or 2026-12-01T02:00": "请写成 02:00 或 2026-12-01T02:00",
    "no file here is like that": "这里没有匹配的文件",
    "unfinished batch": "未完成的批次",
    "there is no column of that name (there are {})": "没有这个名称的列（现有：{}）",
    "the list is read from there": "列表已从那里读取",
    "it is no whole number": "不是整数",
    "a number is needed": "需要一个数字",
    "write ray for this machine's cluster, or ray://host:10001": "写 ray 或 ray://host:10001",
    "A node of the cluster has another ledger, without {}.": "有节点使用另一个账本，没有 {}。",
    "The Ray cluster {} can't be reached ({}).": "无法连接 Ray 集群 {}（{}）。",
    "Working on a Ray cluster": "在 Ray 集群上工作",
    "name an upstream": "请指定上游",
    "write it as 500kB or 2MB (1 kB to 1 GB)": "请写成 500kB 或 2MB（1 kB 到 1 GB）",
    "PNG is not made smaller: name it .jpg or .webp": "PNG 无法压缩：请用 .jpg 或 .webp",
    "line {} is to be {} too": "第 {} 行也要写入 {}",
    "{} is there already (--force overwrites)": "{} 已存在（--force 可覆盖）",
    "its text is neither UTF-8 nor GB18030": "其文字既不是 UTF-8 也不是 GB18030",
    "it is over {} MB": "超过 {} MB",
    "there is no row in it": "其中没有任何行",
    "it has more than {} rows": "超过 {} 行",
    "a brace is open, or stands alone (two of them make one)": (
        "花括号没有闭合，或单独出现（写两个表示一个）"
    ),
    "in braces stands a column's name and nothing else": "花括号里只能写列名",
    "it is nested too deeply": "嵌套过深",
    "it is no JSON, or nested too deeply": "不是 JSON，或嵌套过深",
    "it is no JSON ({})": "不是 JSON（{}）",
    "it holds no list of rows": "其中没有行的列表",
    "its first line has no headings": "第一行没有列名",
    "two columns are called {}": "有两列同名 {}",
    "it is no Excel file (.xlsx)": "不是 Excel 文件（.xlsx）",
    "it has {} cells and there are {} headings": "有 {} 个单元格，但只有 {} 个列名",
    "it is neither an object nor a text": "既不是对象也不是文字",
    "its request is not in Google's form ({})": "其中的 request 不是谷歌的格式（{}）",
    "a part is neither text nor an inline picture": "有一部分既不是文字也不是内嵌图片",
    "of this session (--max-cost)": "（本次会话，--max-cost）",
    "this session may touch only what is below {} (start it with --root DIR)": (
        "本次会话只能读写 {} 之下的文件（可用 --root DIR 增加文件夹）"
    ),
    "a skill's name is 1 to 64 of a-z, 0-9 and single hyphens, and no vendor's": (
        "技能名称为 1 到 64 个字符，只含 a-z、0-9 和单个连字符，且不含厂商名"
    ),
    "--{} is given too": "同时给出了 --{}",
    "that is no path": "这不是有效的路径",
    "image made in this session yet, to be": "本次会话还没有生成过图片，无法使用",
    "The relay counts in dollars of its own: what one cost you may differ.": (
        "中转站按自己的美元额度计费：与你的实际花费可能不同。"
    ),
    "--last goes with --sheet, and stands in place of ids.": (
        "--last 需与 --sheet 合用，且不能再写 ID。"
    ),
    "{} ids were given: one is shown at a time, several go on a sheet.": (
        "给了 {} 个 ID：一次只显示一个，多个请用 --sheet。"
    ),
    "--force goes with --sheet.": "--force 需与 --sheet 合用。",
    "None of these requests made an image: there is nothing to put on a sheet.": (
        "这些请求都没有图片，无法生成总览图。"
    ),
    "a sheet is a .png, .jpg or .webp file": "总览图应为 .png、.jpg 或 .webp 文件",
    "There is no command {}: {}": "没有命令 {}：{}",
    "did you mean {}?": "是不是想用 {}？",
    "there are {}.": "现有命令：{}。",
    "{} is not {}.": "{} 不是 {}。",
    "{} is not one of {}.": "{} 不是可选值（{}）。",
    "in {} to {}": "{} 到 {} 之间的数",
    "{} or more": "不小于 {} 的数",
    "{}, told in {}": "{}，详情见 {}",
    # serve
    "other machines may ask only where callers have keys, and there is none yet": (
        "只有设置了调用方密钥后才允许其他机器访问，而现在还没有密钥"
    ),
    "this gateway": "本网关",
    "it takes 1 to {} characters on one line": "请写在一行内，长度为 1 到 {} 个字符",
    "at least a minute and at most {} days": "最短一分钟，最长 {} 天",
    "at least 1": "至少为 1",
    "write it like 90d, 12h or 2w": "请写成 90d、12h 或 2w 的形式",
    "reading": "读取",
    "making images and reading": "生成图片和读取",
    "administration": "管理",
    "model {}": "模型 {}",
    "size {}": "尺寸 {}",
    "sizes up to {}": "不超过 {} 的尺寸",
    "{} at once": "同时 {} 个请求",
    "{} a minute": "每分钟 {} 个请求",
    "stored answer of request": "所保存的回答，请求",
    # doctor
    "{} does not exist yet: it is made when it is needed ({} MB are free)": (
        "{} 尚不存在：需要时会自动创建（可用 {} MB）"
    ),
    "{} faults of Pisang's own, the newest in {}: report it": (
        "Pisang 自身出错 {} 次，最近一次见 {}：请反馈"
    ),
    "{} on {}": "{}，{}",
    "{}, key: {}": "{}，密钥：{}",
    "read from {}": "读自 {}",
    "none yet: {} is made when it is needed": "还没有：需要时会创建 {}",
    "those of this folder, from {}, lie over them": "本目录的设置（{}）优先",
    "{} can't be made: you may not write in {}": "无法创建 {}：没有 {} 的写入权限",
    "images go to {}": "图片保存到 {}",
    "{} can't be written here: name another with --out": "这里无法写入 {}：请用 --out 指定别处",
    "${} is not set": "${} 未设置",
    "it has no key": "没有密钥",
    "none needed": "无需密钥",
    "from the environment: {}": "来自环境变量：{}",
    "{}, where no --via is given": "{}（未指定 --via 时）",
    "{} is set, and is heeded": "已设置 {}，会被采用",
    "{} is set": "已设置 {}",
    "extra {}": "组件 {}",
    "upstream {}": "上游 {}",
}
