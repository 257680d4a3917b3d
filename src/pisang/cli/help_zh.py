"""The Chinese of every help page: summaries, descriptions, options. Keyed by the English.

A text of several paragraphs has an entry for each, without its line breaks.
"""

from __future__ import annotations

from collections.abc import Mapping

HELP: Mapping[str, str] = {
    # --- the whole --------------------------------------------------------------------------
    "Make, edit and keep images from the Nano Banana models, over any gateway.": (
        "用 Nano Banana 系列模型生成、编辑并保存图片，支持各种网关。"
    ),
    "What was paid for is never lost, and never bought twice unasked.": (
        "付过费的图片不会丢失，也不会未经允许重复付费。"
    ),
    "Show the version and exit.": "显示版本号并退出。",
    "Show this message and exit.": "显示本帮助并退出。",
    "How the result is told (default: human).": "结果的输出格式（默认 human）。",
    # --- try, generate, edit, wait ----------------------------------------------------------
    "Paint one picture offline; how to use a real key.": "离线画一张图，并说明如何接入真实密钥。",
    "Paint one picture with the built-in sandbox: no key, no network, no cost.": (
        "用内置沙盒画一张图：无需密钥，不联网，不花钱。"
    ),
    "It takes the same road as a real one, and its prompt's words are drawn into it.": (
        "处理流程与真实请求完全相同，提示词会写在图上。"
    ),
    "Make images from words.": "用文字生成图片。",
    "The file goes to ./pisang-out/ unless --out says otherwise; the original stays in Pisang's "
    "home. Exit codes: 0 ok, 2 usage, 3 set-up, 4 refused, 5 no image, 6 money, 7 unknown, "
    "8 partial.": (
        "图片保存到 ./pisang-out/，可用 --out 另行指定；原图始终保留在 Pisang 的数据目录。退出码："
        "0 成功，2 用法错误，3 配置问题，4 被拒绝，5 没有图片，6 费用问题，7 结果未知，8 部分完成。"
    ),
    "Change an image: a file, an id, or `last`.": "修改图片：文件、图片 ID 或 `last`。",
    "Change an image.": "修改图片。",
    "An image of ours goes on from the turns that made it, with the upstream's own thought "
    "signatures. More pictures may be given with -i.": (
        "Pisang 生成的图片会沿用当时的对话和上游给出的思考签名。可用 -i 追加更多图片。"
    ),
    "The images of a request that is under way.": "等待进行中的请求，取回图片。",
    "Wait for a request that is under way, and tell what came of it as `generate` would.": (
        "等待进行中的请求结束，并像 `generate` 一样给出结果。"
    ),
    "Files go where `generate` or `edit` was told to put them, also where its process was killed. "
    "Exit code 9: still under way; calling it again goes on waiting. Nothing is ever bought.": (
        "图片放到当初 `generate` 或 `edit` 指定的位置，即使当时的进程已被杀掉。退出码 9 表示"
        "仍在进行，再次运行即可继续等待。不会产生任何购买。"
    ),
    "The request (default: the newest of this folder).": "请求 ID（默认为本目录最近一次）。",
    "What to show.": "要画的内容。",
    "What to show; - reads standard input.": "要画的内容；- 表示从标准输入读取。",
    "What to change; - reads standard input.": "要修改的内容；- 表示从标准输入读取。",
    "A path, an image id, `last` of this folder, or -.": (
        "文件路径、图片 ID、`last`（本目录最近一张）或 -。"
    ),
    "The words, as an option.": "以选项形式给出提示词。",
    "Any word for it; see `pisang models`.": "模型名称或别名，见 `pisang models`。",
    "Such as 16:9.": "宽高比，例如 16:9。",
    "512, 1K, 2K or 4K.": "图片尺寸：512、1K、2K 或 4K。",
    "How many images.": "图片数量。",
    "A reference picture: path, image id, last, - or label=path. May be repeated.": (
        "参考图：路径、图片 ID、last、- 或 标签=路径，可重复。"
    ),
    "A file in the format it names; a folder.": "输出文件（格式由扩展名决定）或目录。",
    "The upstream to use.": "使用的上游。",
    "Overwrite the output file.": "覆盖已有的输出文件。",
    "Show the image when it is there.": "完成后打开图片。",
    "Another size, ratio or type than asked is an error.": "尺寸、宽高比或类型与要求不符时报错。",
    "Cut the file to the catalogue's exact pixels.": "把文件裁剪到目录中的标准像素。",
    "Make the file of that size.": "把文件缩放到该尺寸。",
    "Workers on a Ray cluster: ray, ray://HOST:10001.": "在 Ray 集群上工作：ray、ray://HOST:10001。",
    "No file larger than 500kB, 2MB, say.": "文件不超过这么大，例如 500kB、2MB。",
    "How --resize does it (default: cover).": "--resize 的方式（默认 cover）。",
    "A field of the wire's own. May be repeated.": "附加一个协议自有的字段，可重复。",
    "Such as 0.5USD, for all n.": "花费上限，例如 0.5USD，n 张合计。",
    "In place of the size's own time limit.": "超时秒数，替代该尺寸的默认时限。",
    "Repeating it gives the same result.": "幂等键：重复使用会返回同一结果。",
    "Buy again what is unknown under that key.": "重购该幂等键下结果未知的图片。",
    "To find it by. Repeatable.": "标签，便于查找，可重复。",
    "Buy another, even where the same was asked and never told.": (
        "另买一张，即使刚有过相同且未告知结果的请求。"
    ),
    "Return at once; `pisang wait` gives it later.": "立即返回，稍后用 `pisang wait` 取回。",
    "Stay at most that long, such as 90s or 10m (off a terminal: 90s); it goes on.": (
        "最多等待多久，例如 90s 或 10m（非终端下默认 90s）；请求会在后台继续。"
    ),
    "As in generate.": "同 generate。",
    # --- looking back -----------------------------------------------------------------------
    "What was asked for, newest first.": "请求历史，最新的在前。",
    "What was asked for, newest first: state, cost, images, words.": (
        "请求历史，最新的在前：状态、费用、图片和提示词。"
    ),
    "Words that stand in the prompt.": "提示词中包含的文字。",
    "How many.": "显示条数。",
    "Such as 7d, today, 2026-08 or 2026-08-21.": "例如 7d、today、2026-08 或 2026-08-21。",
    "Only those with that tag.": "只列出带该标签的请求。",
    "Only those in that state.": "只列出处于该状态的请求。",
    "One request or image: attempts, cost, lineage.": "查看一个请求或一张图片：尝试、费用、来历。",
    "One request or image: what was asked, each attempt and what it cost, the chain of edits that "
    "led to it, and the edits that were made of it.": (
        "查看一个请求或一张图片：请求内容、每次尝试及费用、它的编辑来历，以及由它得到的后续编辑。"
    ),
    "A request or image id, its beginning, a file, or `last` (the default). Several with "
    "--sheet.": "请求或图片的 ID（可只写开头）、文件，或 `last`（默认）；与 --sheet 合用可写多个。",
    "With --compare, in what two differ; --sheet then puts their images side by side. With "
    "--sheet alone, a contact sheet.": (
        "加 --compare 比较两者的不同，再加 --sheet 则把图片并排放在一起；单独用 --sheet "
        "生成缩略图总览。"
    ),
    "In what it differs from that one.": "与另一个比较，列出不同之处。",
    "Their images small on one picture.": "把它们的图片缩小后拼成一张总览图。",
    "So many newest requests, for --sheet.": "与 --sheet 合用：取最近若干个请求。",
    "Overwrite the sheet's file.": "覆盖已有的总览图文件。",
    "Show the image.": "打开图片。",
    "Models, their ratios, sizes, prices, sources.": "模型及其宽高比、尺寸、价格和资料来源。",
    "Models with their ratios, sizes, list prices and limits; each row's source and its date.": (
        "模型及其宽高比、尺寸、官方价和限制，并注明每行的资料来源与日期。"
    ),
    "Prices are Google's list prices; a relay has its own.": (
        "价格为 Google 官方价；中转站另有定价。"
    ),
    "One model: all its pixels and sources.": "指定模型：显示全部像素表和资料来源。",
    # --- unknown ----------------------------------------------------------------------------
    "Attempts that may have been billed for nothing, and what to do.": (
        "可能已扣费却没有拿到图片的尝试，以及处理办法。"
    ),
    "All of them, with the amount at stake.": "列出全部，及涉及的金额。",
    "All of them, oldest first, with the amount at stake. Each counts as spent until resolved.": (
        "列出全部，最早的在前，附涉及的金额。处理之前都按已花费计算。"
    ),
    "Everything that is known of one.": "查看其中一个的全部已知信息。",
    "Everything that is known of one: when and where it was sent, the upstream's own ids for it, "
    "how it ended. A picture that its answer named by a link is tried again, and a relay's own log "
    "is asked whether it was billed; nothing is paid, and nothing decided.": (
        "查看其中一个的全部已知信息：何时发往何处、上游给的 ID、如何结束。"
        "如果回答里给的是图片链接，"
        "会再次尝试下载，并查询中转站自己的日志是否已扣费；不会付费，也不作任何决定。"
    ),
    "The attempt's id, or its beginning.": "尝试的 ID，可只写开头。",
    "Buy it again, on the record.": "重购，并记录在案。",
    "Buy it again from the same upstream, on the record: it may then have been paid for twice.": (
        "向同一上游重购，并记录在案：这样可能会付两次费。"
    ),
    "Don't ask before paying again.": "再次付费前不询问。",
    "Give it up: it counts as spent.": "放弃：按已花费计算。",
    "Give it up. Its price goes on counting as spent; it is listed no more.": (
        "放弃它。金额仍按已花费计算，之后不再列出。"
    ),
    # --- setup, completion --------------------------------------------------------------------
    "From a key to a first image: choose, check, default.": (
        "从密钥到第一张图：选择、检查、设为默认。"
    ),
    "Set an upstream up: choose it, give its key, try it for free, make it the default.": (
        "配置一个上游：选择、填写密钥、免费测试、设为默认。"
    ),
    "On a terminal it asks for what it wasn't told. Elsewhere it never asks: the key is read from "
    "standard input, or named by a variable. Run it again for another upstream, or for a new "
    "key.": (
        "在终端里，没有给出的内容会逐项询问；非终端下从不询问：密钥从标准输入读取，"
        "或由环境变量指定。"
        "再次运行可添加另一个上游，或更换密钥。"
    ),
    "A preset, or another Pisang's URL.": "预设名称，或另一个 Pisang 的网址。",
    "Its name here (default: the preset's).": "在本地使用的名称（默认与预设相同）。",
    "Replace another of that name.": "替换同名的其他上游。",
    "The Google Cloud project (vertex).": "Google Cloud 项目（vertex）。",
    "Try it for free before it is kept.": "保存之前先免费测试。",
    "Use it by default, though another is the default.": "设为默认，即使已有其他默认上游。",
    "Replace its key.": "更换密钥。",
    "Replace its key: typed in without echo, read from standard input, or named by a variable.": (
        "更换密钥：输入（不回显）、从标准输入读取，或由环境变量指定。"
    ),
    "Print the script that completes commands, options, upstreams, models, ratios, sizes and "
    "ids.": ("输出命令补全脚本：可补全命令、选项、上游、模型、宽高比、尺寸和 ID。"),
    "The script goes to standard output, how to install it for good to standard error.": (
        "脚本写到标准输出，永久安装的方法写到标准错误。"
    ),
    # --- upstreams --------------------------------------------------------------------------
    "The gateways that images are bought from.": "上游：购买图片的网关。",
    "Add one, by preset or by hand.": "添加上游：用预设，或手工填写。",
    "Add an upstream, by preset or by hand.": "添加上游：用预设，或手工填写。",
    "Its key is named by a variable, read from standard input, or asked for without echo; it is "
    "kept in the system's keyring where there is one, else in a file that only you can read.": (
        "密钥可由环境变量指定，从标准输入读取，或在提示时输入（不回显）；"
        "有系统密钥环时存在密钥环里，"
        "否则存在只有你能读取的文件里。"
    ),
    "The upstream's name.": "上游的名称。",
    "What it is like (default: NAME, where that is a preset).": (
        "采用的预设（名称与预设同名时可省略）。"
    ),
    "gemini, crawl, openai-images or openai-chat.": (
        "协议：gemini、crawl、openai-images 或 openai-chat。"
    ),
    "Where it is; may have a path of its own.": "base URL，可以带路径。",
    "The variable that its key stands in.": "存放密钥的环境变量名。",
    "Read its key from stdin.": "从标准输入读取密钥。",
    "Its own model ids (default: any).": "该上游的模型 ID（默认不限）。",
    "Its default model.": "默认模型。",
    "Which of its networks: office or production (crawl).": (
        "网络环境：office 或 production（crawl）。"
    ),
    "Only for this one.": "仅用于该上游的代理。",
    "Replace one of that name.": "替换同名上游。",
    "Those configured, and the presets.": "已配置的上游，以及可用的预设。",
    "Those configured, which one is the default, and the presets that could be added.": (
        "已配置的上游、默认上游，以及可添加的预设。"
    ),
    "One free call: is it there, is the key good?": "一次免费调用：能否连通，密钥是否有效。",
    "One free call: is it there, and does it take the key? Never a billed one.": (
        "一次免费调用：能否连通，密钥是否有效。绝不产生费用。"
    ),
    "Which is used when none is named.": "设置默认上游。",
    "Make it the one that is used when none is named.": "设为默认上游。",
    "Forget one, and its key.": "移除上游及其密钥。",
    "Forget it, and its key. What it made stays.": "移除该上游及其密钥；已生成的图片保留。",
    "Its location (vertex; default: global).": "区域（vertex，默认 global）。",
    "bearer, x-goog-api-key, query, adc or none.": (
        "认证方式：bearer、x-goog-api-key、query、adc 或 none。"
    ),
    # --- prices -----------------------------------------------------------------------------
    "Such as 0.20CNY, 0.134USD or free; none: list.": (
        "价格，例如 0.20CNY、0.134USD 或 free；不填则列出。"
    ),
    "Any word for it (default: its default).": "模型名称或别名（默认为该上游的默认模型）。",
    "Take the price back.": "撤销该价格。",
    "Only say what would change.": "只列出将要变更的内容，不实际修改。",
    "The token's group, where prices differ by group.": "令牌分组（价格因分组而异时填写）。",
    "Take back your own prices that differ.": "撤销你自己设置的、与之不同的价格。",
    "Complete words in bash, zsh or fish.": "为 bash、zsh 或 fish 提供命令补全。",
    "bash, zsh or fish.": "bash、zsh 或 fish。",
    "What an image costs there: list, set.": "查看或设置该上游的图片价格。",
    "What one image costs there: list it, set it, take it back. What you set wins over what the "
    "upstream publishes, and both over Pisang's own list, which holds at Google only.": (
        "查看、设置或撤销该上游每张图的价格。你设置的价格优先于上游公布的价格，两者都优先于 Pisang "
        "自带的价目（只适用于 Google）。"
    ),
    "Only at 512, 1K, 2K or 4K.": "只针对 512、1K、2K 或 4K。",
    "Read the prices that a relay publishes.": "读取中转站公布的价格。",
    "Read what a relay of the new-api family publishes: its prices, this token's balance, its "
    "models. Free calls, each of which may fail. Prices that you set yourself stay.": (
        "读取 new-api 系中转站公布的价格、该令牌的余额和模型列表。都是免费调用，"
        "任何一项都可能失败。"
        "你自己设置的价格不变。"
    ),
    "Write them as TOML, without keys.": "导出为 TOML，不含密钥。",
    "Write upstreams as TOML, without their keys: to give away, or for another machine.": (
        "把上游导出为 TOML，不含密钥：可分享给他人，或用于另一台机器。"
    ),
    "Those to write (default: all).": "要导出的上游（默认全部）。",
    "In place of the screen.": "写到文件，而不是屏幕。",
    "Overwrite the file.": "覆盖已有的文件。",
    "Add those of such a file.": "从这样的文件导入。",
    "Add the upstreams of a shared file: all of them, or none where anything in it is wrong.": (
        "导入分享的文件中的上游：要么全部导入，要么在文件有任何错误时一个也不导入。"
    ),
    "Keys are in no such file: they are given afterwards, with `pisang upstream key NAME`.": (
        "这种文件不含密钥：导入后用 `pisang upstream key 名称` 填写。"
    ),
    "The file, or - for standard input.": "文件；- 表示标准输入。",
    "Replace those of the same names.": "替换同名的上游。",
    "Take over what other tools were set up with.": "接管其他工具的配置。",
    "IKunImage's key, for its relay.": "IKunImage 的密钥，用于它的中转站。",
    "Take IKunImage's key over, for the same relay. Its file is read, and left as it is.": (
        "接管 IKunImage 的密钥，用于同一个中转站。只读取它的文件，不作改动。"
    ),
    "Its config.json (default: ~/.ikunimage/config.json).": (
        "它的 config.json（默认 ~/.ikunimage/config.json）。"
    ),
    "Its name here.": "在本地使用的名称。",
    # --- cost, budget -----------------------------------------------------------------------
    "What was spent, and what may have been.": "已花费的金额，以及可能已花费的金额。",
    "What was spent this month, by upstream; or by day, model, tag, key, over another time.": (
        "本月的花费，按上游汇总；也可按日期、模型、标签、密钥汇总，或换一段时间。"
    ),
    "`at stake` is what unknown outcomes may have cost. Days are your clock's. The sandbox's play "
    "money is in no sum.": (
        "`at stake` 是结果未知的请求可能花费的金额。日期以本机时钟为准。沙盒的模拟金额不计入。"
    ),
    "What to sum by.": "汇总方式。",
    "7d, 24h, today, month, year, all, 2026-11-01.": (
        "起始时间：7d、24h、today、month、year、all 或 2026-11-01。"
    ),
    "To the end of that day (default: now).": "截止到该日结束（默认到现在）。",
    "The rows as CSV.": "以 CSV 输出各行。",
    "Caps on what is spent, and what currencies are worth.": "花费上限（预算）与汇率。",
    "Set a cap: a day, a month, or in all.": "设置上限：按天、按月或总额。",
    "Set a cap. A purchase whose worst price would pass it is refused before anything is sent; "
    "what was spent in its present window counts from the first.": (
        "设置上限。最高可能价格会超出上限的购买，在发送之前就会被拒绝；"
        "当前周期内已花费的金额也计算在内。"
    ),
    "Such as 50USD.": "例如 50USD。",
    "all (default), upstream:NAME, key:ID or team:NAME.": (
        "范围：all（默认）、upstream:名称、key:ID 或 team:名称。"
    ),
    "What it is counted over.": "计算周期。",
    "Whose days (default: this machine's).": "按哪个时区的日期（默认本机时区）。",
    "Every cap: spent, held, left.": "列出各项上限：已用、预留、剩余。",
    "Every cap: what is spent and held of it, what is left, when it is counted anew.": (
        "列出各项上限：已用和预留的金额、剩余金额、何时重新计算。"
    ),
    "Take a cap away.": "取消一项上限。",
    "As `budget list` names it.": "`budget list` 中列出的名称。",
    "What another currency is worth.": "设置其他货币的汇率。",
    "What one unit of a currency is worth in the ledger's: list, set, take back. Prices in that "
    "currency then count toward every cap. Pisang asks nobody for rates.": (
        "查看、设置或撤销 1 单位某货币折合账本货币的汇率。设置后，"
        "以该货币计的价格也会计入各项上限。"
        "Pisang 不会联网查询汇率。"
    ),
    "Such as CNY.": "例如 CNY。",
    "What one of it is worth.": "1 单位折合多少。",
    "Take the rate back.": "撤销该汇率。",
    "The currency that caps count in.": "上限所用的货币。",
    "The ledger's one currency, which caps are counted in: say or set it.": (
        "查看或设置账本货币，各项上限以它计算。"
    ),
    # --- batch ------------------------------------------------------------------------------
    "Many pictures from a list, each bought once.": "按列表批量出图，每张只买一次。",
    "Make every picture of a list.": "生成列表中的每一张图。",
    "Go on with one, to its end.": "继续一个批次，直到完成。",
    "How one stands.": "查看批次进度。",
    "Batches, newest first.": "批次列表，最新的在前。",
    "Try its failed rows again.": "重试失败的行。",
    "Begin nothing more of one.": "不再开始批次中的新请求。",
    "Every row's outcome, as JSONL.": "以 JSONL 导出每一行的结果。",
    "Make every picture of a list, each bought once, whatever happens on the way.": (
        "生成列表中的每一张图；无论途中发生什么，每张只买一次。"
    ),
    "The whole list is checked first, and everything wrong in it is told by line. Columns: prompt, "
    "image, references, model, aspect_ratio, image_size, n, name (or 提示词, 比例, 尺寸, …); all "
    "others can be used as {column}. Given again before it is over, the same list is gone on "
    "with.": (
        "先检查整个列表，所有错误按行号一次列出。可用的列：prompt、image、references、model、"
        "aspect_ratio、image_size、n、name（或 提示词、比例、尺寸 等）；其他列可用 {列名} 引用。"
        "未完成时再次给出同一列表，会继续之前的批次。"
    ),
    "Go on with a batch to its end, with its own options.": "按原有选项继续一个批次，直到完成。",
    "Try the failed rows of a batch again. What is unknown stays so, unless it is said too.": (
        "重试一个批次中失败的行。结果未知的行保持不变，除非另外指明。"
    ),
    "How a batch stands: rows by state, pace, cost, what went wrong, what is at stake.": (
        "查看批次：各状态的行数、速度、费用、失败原因和待确认金额。"
    ),
    "Let nothing more of a batch begin. What was sent is seen through; `resume` takes it up.": (
        "不再开始该批次的新请求。已发送的会等到结束；可用 `resume` 继续。"
    ),
    "Every row's outcome as JSONL: state, files, cost, what went wrong.": (
        "以 JSONL 导出每一行的结果：状态、文件、费用和失败原因。"
    ),
    "CSV, JSON, JSONL or Excel; - is standard input.": (
        "CSV、JSON、JSONL 或 Excel 文件；- 表示标准输入。"
    ),
    "In place of a file: a row for each picture.": "代替列表文件：每张匹配的图片为一行。",
    "Every row's; {column} is filled in.": "每一行的提示词；{列名} 会被替换。",
    "Every file's name, such as '{sku}-{line}'.": "每个文件的名称，例如 '{sku}-{line}'。",
    "The upstream; several share.": "使用的上游；给出多个则共同分担。",
    "Where a row says none.": "行中未指定时使用。",
    "For every row.": "用于每一行。",
    "Where files and results go.": "文件和结果保存到哪里。",
    "At most so many at once.": "同时进行的最大数量。",
    "Begin no faster than one in 1.5s, say.": "每次开始的最小间隔，例如 1.5s。",
    "The most for the whole batch.": "整个批次的最高花费。",
    "Begin at 02:00, or 2026-12-01T02:00.": "在 02:00 或 2026-12-01T02:00 开始。",
    "Every file's exact pixels.": "每个文件的确切像素。",
    "Buy equal rows each, not once.": "相同的行各买一次。",
    "Overwrite files.": "覆盖已有文件。",
    "Buy it again although the same was done before.": "即使相同的批次做过，也重新购买。",
    "Say what it would be, and buy nothing.": "只说明会做什么，不购买。",
    "Return at once; it goes on by itself.": "立即返回，在后台继续。",
    "Return at once.": "立即返回。",
    "Stay so long (90s, 5m); it goes on afterwards.": "最多停留多久（90s、5m），之后在后台继续。",
    "The batch (default: the newest unfinished).": "批次（默认为最新未完成的）。",
    "Also buy again what may have been paid for already.": "连可能已付费的也重新购买。",
    "At most so many.": "最多列出多少个。",
    "Where to; - is standard output.": "保存到哪里；- 表示标准输出。",
    # --- skill ------------------------------------------------------------------------------
    "The skill that teaches an agent to use this command.": "教智能体使用本命令的技能（skill）。",
    "Write it where agents look.": "安装到智能体读取技能的位置。",
    "Print it.": "显示技能内容。",
    "Write the skill that teaches an agent to use this command, as this version has it.": (
        "安装教智能体使用本命令的技能，内容与当前版本一致。"
    ),
    "Without an option it goes to every agent whose folder is there (~/.claude, ~/.codex, "
    "~/.agents). Run it again after an upgrade. A skill that is not ours is never overwritten.": (
        "不加选项时，安装到已有文件夹（~/.claude、~/.codex、~/.agents）的各个智能体。"
        "升级后请重新运行。不是 Pisang 生成的技能绝不覆盖。"
    ),
    "For Claude Code.": "用于 Claude Code。",
    "For Codex.": "用于 Codex。",
    "For agents that read .agents/skills.": "用于读取 .agents/skills 的智能体。",
    "Into another folder of skills.": "安装到另一个技能文件夹。",
    "For this folder only, or for you everywhere.": "只用于当前文件夹，或所有文件夹。",
    "Under another name, such as ikunimage.": "换一个名称，例如 ikunimage。",
    "Move aside what lies there and is not ours.": "把原有的、不是 Pisang 生成的内容移到一旁。",
    "One of its files (default: SKILL.md).": "其中的一个文件（默认 SKILL.md）。",
    "Print the skill as `pisang skill install` would write it.": (
        "显示 `pisang skill install` 会写入的内容。"
    ),
    # --- mcp --------------------------------------------------------------------------------
    "Tools for agents, by the Model Context Protocol.": "供智能体使用的工具（MCP 服务器）。",
    "Serve agents by the Model Context Protocol: a client starts this, no person does.": (
        "以 MCP（Model Context Protocol）为智能体提供工具：由客户端启动，不是给人直接用的。"
    ),
    "Images go to --out; of other files only those below --out, the folder it is started in and "
    "each --root are touched. What was paid for is kept whatever becomes of the client.": (
        "图片保存到 --out；除此之外只读写 --out、启动时所在文件夹和各个 --root 之下的文件。"
        "无论客户端怎样，付过费的图片都会保留。"
    ),
    "Where images are written (~/Pictures/pisang, or so).": (
        "图片保存到哪里（默认 ~/Pictures/pisang 之类）。"
    ),
    "A folder whose files may be read and written too; may be repeated.": (
        "另外允许读写的文件夹；可重复给出。"
    ),
    "The most that this session may spend.": "本次会话最多花费多少。",
    # --- serve ------------------------------------------------------------------------------
    "A gateway for every client, over your upstreams.": "网关：让各种客户端共用你的上游。",
    "Serve every wire over the configured upstreams: point any client's base URL here.": (
        "以各种协议对外提供服务，背后是已配置的上游：把任意客户端的 base URL 指到这里即可。"
    ),
    "Google's SDKs, OpenAI's SDKs, curl and the crawl clients work unchanged. What was paid for is "
    "kept and never bought twice: a client that is cut and asks again is given what it asked for "
    "the first time. Ctrl-C ends it.": (
        "Google 和 OpenAI 的 SDK、curl、crawl 客户端都无需改动。付过费的结果会保留，不会重复购买："
        "客户端中断后再次请求，得到的就是第一次请求的结果。按 Ctrl-C 结束。"
    ),
    "Ctrl-C or SIGTERM closes the port and sees through what was sent; a second one gives that up. "
    "SIGHUP reads the settings again, which a change of their files does by itself.": (
        "Ctrl-C 或 SIGTERM 会立即关闭端口，并等待已发送的请求出结果；再来一次则放弃等待。"
        "SIGHUP 重新读取设置；设置文件有改动时也会自动重新读取。"
    ),
    "When stopping, give up what was sent after so long (its own time limit).": (
        "停止时最多等待已发送的请求多少秒，之后放弃（默认等到请求自身的时限）。"
    ),
    "The log's lines (on a terminal: console, else json).": (
        "日志格式（终端上默认 console，否则 json）。"
    ),
    "The least that is logged.": "日志的最低级别。",
    # --- worker -----------------------------------------------------------------------------
    "The home to look at (default: PISANG_HOME).": "要查看的数据目录（默认 PISANG_HOME）。",
    "The studio in your browser: compose, watch, keep.": "浏览器里的工作室：创作、跟进、保存。",
    "Print the address, and open no browser.": "只打印地址，不打开浏览器。",
    "Open the studio in a browser: compose, watch, keep; batches and costs.": (
        "在浏览器中打开工作室：创作、跟进、保存，批量和费用也在其中。"
    ),
    "A gateway for this machine alone (`pisang serve` has the same page at `/`, for a team). You "
    "are signed in, also where the home has keys for others: the address that is opened holds a "
    "ticket, good once and for five minutes. Ctrl-C ends it; what was sent is seen through.": (
        "只供本机使用的网关（团队可用 `pisang serve`，同一页面在 `/`）。无需另行登录，即使已为他人"
        "发放密钥：打开的地址带有一次性凭票，五分钟内有效。"
        "Ctrl-C 结束；已发出的请求会等到完成。"
    ),
    "Do the jobs of batches, beside whoever else does.": "执行批次里的任务，可多个同时运行。",
    "Do the jobs of every open batch of this home, beside whoever else does.": (
        "执行本机主目录里所有进行中批次的任务，可与其他进程同时运行。"
    ),
    "Any number of workers may run, on one machine or on many that share a database and a bucket: "
    "the limits of upstreams and batches hold for all of them together, and nothing is bought "
    "twice. When one dies, the others take over within seconds what it had not sent.": (
        "可以运行任意多个 worker，既可在一台机器上，也可在共用数据库和存储桶的多台机器上："
        "上游和批次的各项限制对它们合计生效，不会重复购买。某个 worker 异常退出后，"
        "其他 worker 会在几秒内接手它尚未发送的任务。"
    ),
    "Ctrl-C or SIGTERM begins nothing more and sees through what was sent. Every minute one line "
    "says how it is, on standard error; with --format json as an object a line on standard "
    "output.": (
        "Ctrl-C 或 SIGTERM 后不再开始新任务，已发送的会等到结果。每分钟在标准错误输出一行状态；"
        "使用 --format json 时在标准输出每行输出一个对象。"
    ),
    "At most so many images at once, here.": "本进程同时进行的最大张数。",
    "End when no job is left that is due.": "没有到期的任务后即结束。",
    # --- sandbox, doctor, gc ----------------------------------------------------------------
    "Serve the offline painter to other programs.": "把离线沙盒作为服务提供给其他程序。",
    "Serve the offline painter in every wire's server role; any key is good.": (
        "以各种协议的服务端形式提供离线沙盒；任何密钥都可用。"
    ),
    "A prompt may choose a fault: [[sandbox status=503]], delay=30, cut=0.5, finish=IMAGE_SAFETY, "
    "size=1K, html=524, text-only, drafts=3 and more; `curl` its address for all of them. It never "
    "costs anything. Ctrl-C ends it.": (
        "提示词可以指定故障：[[sandbox status=503]]、delay=30、cut=0.5、finish=IMAGE_SAFETY、"
        "size=1K、html=524、text-only、drafts=3 等；用 `curl` 访问其地址可查看全部。永远免费。"
        "按 Ctrl-C 结束。"
    ),
    "Once connections are taken, one line is written to standard output: with --format json "
    '{"url": "http://127.0.0.1:8790"}, with --format quiet the bare address. Programs that start '
    "it with --port 0 wait for that line.": (
        "开始接受连接后会向标准输出写一行：--format json 时为 "
        '{"url": "http://127.0.0.1:8790"}，--format quiet 时只有地址。用 --port 0 启动它的程序'
        "应等待这一行。"
    ),
    "The address to listen on.": "监听地址。",
    "The port; 0 takes a free one.": "端口；0 表示任选空闲端口。",
    "Write down what was charged, a JSON line each.": "把每笔扣费记到文件里，每笔一行 JSON。",
    "Check the home, settings, keys and parts; offline.": (
        "检查数据目录、配置、密钥和组件；不联网。"
    ),
    "Check Python, the optional parts, the home and its disk, the ledger and every image's bytes, "
    "the settings, proxies, the clock, and whether each upstream has a key. Nothing is sent "
    "without "
    "`--live`. Behind each finding stands what to do.": (
        "检查 Python、可选组件、数据目录及磁盘、账本和每张图片的数据、配置、代理、时钟，"
        "以及各上游是否"
        "有密钥。不加 `--live` 时不发送任何请求。每项结果后面会给出处理办法。"
    ),
    "Exit code 0 when nothing must be put right, 3 otherwise.": (
        "没有需要处理的问题时退出码为 0，否则为 3。"
    ),
    "Ask each upstream too: one free call each.": "同时查询各上游：每个一次免费调用。",
    "Read and hash every content that is kept in a bucket too.": (
        "保存在存储桶里的内容也逐一读取并校验哈希。"
    ),
    "With --live: buy one image, the cheapest, from each.": (
        "与 --live 合用：向每个上游购买一张最便宜的图。"
    ),
    "Don't ask before paying.": "付费前不询问。",
    "Remove what retention no longer keeps.": "清理超过保留期限的内容。",
    "Remove what retention no longer keeps: stored answers after 7 days, signatures after 90, what "
    "no row names. Images stay for ever unless --images-days or --images-gb says otherwise.": (
        "清理超过保留期限的内容：回答保留 7 天，思考签名保留 90 天，以及没有归属的文件。"
        "图片永久保留，除非用 --images-days 或 --images-gb 另行指定。"
    ),
    "Only say what would go.": "只列出将被清理的内容，不实际删除。",
    "What no option says is taken from `[retention]` of config.toml. `pisang serve` does this "
    "hourly.": (
        "没有用选项指定的，取 config.toml 的 `[retention]`。`pisang serve` 每小时自动执行一次。"
    ),
    "Whole answers stay so long (default: 7).": "完整回答的保留天数（默认 7）。",
    "What edits go on from stays so long (default: 90).": "后续编辑所需数据的保留天数（默认 90）。",
    "Images may fill so much; the oldest go (default: all stay).": (
        "图片最多占用的空间，超出时先清理最旧的（默认不限）。"
    ),
    "Images are kept so long (default: for ever).": "图片的保留天数（默认永久）。",
    "Also where more than one image in a hundred would go.": "即使会删除超过百分之一的图片也执行。",
    # --- store ------------------------------------------------------------------------------
    "Backups of all that is kept here, and moving it.": "备份、恢复与迁移。",
    "Into a database and a bucket, nothing lost.": "迁移到数据库和存储桶，逐一核对。",
    "Move what is kept in the home to where the settings say: the ledger into PostgreSQL, images "
    "into a bucket. Set `[store]` or PISANG_LEDGER and PISANG_IMAGES first, and stop what runs.": (
        "把数据目录里的内容迁移到设置所指的位置：账本进 PostgreSQL，图片进存储桶。"
        "请先设置 `[store]`（或 PISANG_LEDGER、PISANG_IMAGES），并停止正在运行的进程。"
    ),
    "Every row is read back and compared, every image looked for. What is here stays as it is; to "
    "go back, take the settings away and delete the file `moved`. Killed at any moment, it is "
    "begun again by the same command.": (
        "每一行都读回核对，每张图片都确认存在。原有内容保持不变；要改回来，去掉设置并删除文件 "
        "`moved`。中途被终止时，再次执行同一条命令即可继续。"
    ),
    "Exit code 8 where the home lacks images that its ledger names.": (
        "数据目录缺少账本引用的图片时，退出码为 8。"
    ),
    "Say what would move; change nothing.": "只说明会迁移什么，不做改动。",
    "Save the ledger and the images, while used.": "备份账本和图片，不必停机。",
    "Make a home again from a backup.": "用备份恢复数据目录。",
    "Restore a backup for a trial; is it good?": "试恢复一次，检查备份是否完好。",
    "Save the ledger, every image and what edits go on from, and the settings. Servers and "
    "commands may go on meanwhile: all that was told before it began is in it.": (
        "备份账本、全部图片、后续编辑所需的数据和配置。服务和命令可以照常运行："
        "开始备份前已返回的结果都在其中。"
    ),
    "Repeated, it takes only what is new. Keys of upstreams are left out unless --with-secrets "
    "says otherwise; those in the system's keyring are never in it. `pisang store verify` tries "
    "it.": (
        "再次执行时只复制新增内容。默认不含上游密钥，加 --with-secrets 才会带上；"
        "系统钥匙串里的密钥从不包含在内。用 `pisang store verify` 检验备份。"
    ),
    "Exit code 8 where the home itself lacks images that its ledger names.": (
        "数据目录本身缺少账本引用的图片时，退出码为 8。"
    ),
    "Make a home what it was at a backup. Every byte is checked on the way.": (
        "把数据目录恢复到备份时的状态，逐字节校验。"
    ),
    "A home that is in use is refused; with --force what is in it is set aside in it, nothing is "
    "removed. What was bought after the backup is not known to it.": (
        "数据目录已在使用时拒绝恢复；加 --force 会把原有内容移到其中的子目录，不删除任何东西。"
        "备份之后的购买不在其中。"
    ),
    "Exit code 8 where the backup lacks images.": "备份缺少图片时退出码为 8。",
    "Try a backup: restore it into a scratch place, read every image and compare its hash, check "
    "the ledger's pages, rows and counts. Nothing is changed; it says how long it took.": (
        "检验备份：恢复到临时位置，读取每张图片并核对哈希，检查账本的页、记录和数量。"
        "不改动任何数据，并报告用时。"
    ),
    "Exit code 3 where it is not good.": "备份有问题时退出码为 3。",
    "A folder, made where it is missing.": "目标目录，不存在时自动创建。",
    "Take keys.toml along, readable by you alone.": "同时备份 keys.toml，仅本人可读。",
    "Keep the newest N snapshots (default: all).": "只保留最新的 N 个快照（默认全部保留）。",
    "A backup, or one of its snapshots.": "备份目录，或其中的一个快照。",
    "The home to make (default: PISANG_HOME).": "要恢复到的数据目录（默认 PISANG_HOME）。",
    "One of its snapshots (default: the newest).": "其中的某个快照（默认最新）。",
    "Set aside what is in a home that is in use.": "数据目录已在使用时，先把原有内容移开。",
    # --- key --------------------------------------------------------------------------------
    "Keys for callers of your gateway.": "管理网关调用方的密钥。",
    "Make one: role, models, size, pace, budget.": "新建密钥：角色、模型、尺寸、频率、预算。",
    "Every key: what it may, what it spent.": "列出所有密钥：权限和花费。",
    "Take one back, at once and for good.": "立即并永久吊销一个密钥。",
    "Make a key for a caller of this gateway, and show it, once.": (
        "为网关的调用方新建密钥，密钥只显示这一次。"
    ),
    "From the first key on nobody is served without one, and `pisang serve --host` may listen to "
    "other machines. A running gateway takes the key at once.": (
        "有了第一个密钥之后，所有调用都必须带密钥，`pisang serve --host` 也可以向其他机器开放。"
        "正在运行的网关会立即接受新密钥。"
    ),
    "Whose it is, to know it by.": "密钥的名称，便于辨认。",
    "Make images, only read what the key made, or everything.": (
        "可生成图片、只能读取自己的内容，或拥有全部权限。"
    ),
    "The team it belongs to.": "所属团队。",
    "The models it may use (default: any).": "可用的模型（默认不限）。",
    "The largest image size, such as 2K.": "允许的最大尺寸，例如 2K。",
    "How many requests a minute.": "每分钟的请求数上限。",
    "How many requests at once.": "同时进行的请求数上限。",
    "A cap of its own, such as 50USD.": "该密钥自己的预算，例如 50USD。",
    "What the cap is counted over.": "预算的计算周期。",
    "How long it is taken, such as 90d.": "有效期，例如 90d。",
    "Take a key back for good. Every gateway on this home refuses it within a second; what it "
    "asked for before is seen through.": (
        "永久吊销密钥。使用同一数据目录的所有网关会在一秒内拒绝它；已经发出的请求会继续完成。"
    ),
    "As `key list` names it.": "`key list` 中显示的编号。",
    "Change what one may: models, pace, budget, time.": "修改权限：模型、频率、预算、有效期。",
    "A fresh text, for a key that settings declare.": "为配置文件声明的密钥生成一段新密钥。",
    "The models it may use.": "可以使用的模型。",
    "A cap of its own, such as 50USD; none takes it away.": (
        "它自己的预算，例如 50USD；none 表示取消。"
    ),
    "How long from now it is taken, such as 90d.": "从现在起的有效期，例如 90d。",
    "What limits it no more: models, rpm, expires, team …": (
        "不再限制的项目：models、rpm、expires、team 等。"
    ),
    "Change what a key may; its text stays. Every gateway on this home goes by it within a second; "
    "what is under way goes on. A key that config.toml declares is changed there.": (
        "修改密钥的权限，密钥本身不变。使用同一数据目录的所有网关一秒内生效；已经开始的请求继续完成。"
        "由 config.toml 声明的密钥请在文件中修改。"
    ),
    "The text of a fresh key, for one that config.toml declares: put it into the variable that "
    '`[keys.NAME] key = "${VARIABLE}"` names. Nothing is stored.': (
        "生成一段新密钥，供 config.toml 声明的密钥使用：把它放进 "
        '`[keys.NAME] key = "${VARIABLE}"` 所指的环境变量。不会存储任何内容。'
    ),
    "Every key, revoked ones too: what it may, what it spent this month, and how its caps stand. "
    "Never its text.": "列出所有密钥，包括已吊销的：权限、本月花费、预算情况。不会显示密钥内容。",
    "Keys that share a cap.": "共用一个预算的密钥。",
    "Every team: its keys, and how its caps stand.": "列出所有团队：成员密钥和预算情况。",
    "Every team: its keys that are taken, and how its caps stand.": (
        "列出所有团队：有效的密钥，以及预算情况。"
    ),
    "A key joins one when it is made (`pisang key create --team`); `pisang budget set team:NAME` "
    "caps what they spend together.": (
        "密钥在新建时加入团队（`pisang key create --team`）；"
        "`pisang budget set team:NAME` 限制团队的总花费。"
    ),
}
