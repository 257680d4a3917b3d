"""What is said of the home folder, the ledger and what is kept there."""

from __future__ import annotations

from collections.abc import Mapping

PHRASES: Mapping[str, str] = {
    "you have no right to write there": "没有写入权限",
    "its disk is read-only": "磁盘只读",
    "it is not there": "不存在",
    "it is not there any more": "已经不存在",
    "a part of the path is a file": "路径中有一段是文件",
    "its disk is full": "磁盘已满",
    "your disk quota is used up": "磁盘配额已用完",
    "the path is too long": "路径过长",
    "the path runs in a circle of links": "路径中的符号链接成环",
    "{} is no id of ours": "{} 不是有效的 ID",
    "it can't be opened": "无法打开",
    "it can't be read ({})": "无法读取（{}）",
    "its file system has no file locks: use a local disk": (
        "所在文件系统不支持文件锁：请使用本地磁盘"
    ),
    "it was written by a newer Pisang (schema {}, this one knows {}): upgrade": (
        "由更新版本的 Pisang 写入（结构版本 {}，当前支持 {}）：请升级"
    ),
    "it is another program's database": "是其他程序的数据库",
    "it is not a SQLite database": "不是 SQLite 数据库",
    "the ledger can't be written": "账本无法写入",
    "its URL is not of the form postgresql://user:password@host:port/database": (
        "它的 URL 不是 postgresql://用户:密码@主机:端口/数据库 的形式"
    ),
    "the server takes no writes: it is read-only, or a standby": (
        "服务器不接受写入：处于只读状态，或是备库"
    ),
    "it does not let that user in": "不允许该用户连接",
    "it does not take that user or password": "用户名或密码不对",
    "the server has no database of that name": "服务器上没有这个数据库",
    "its search_path names no schema that is there": "search_path 指向的 schema 不存在",
    "that user has no right to make or change tables there": "该用户没有建表或改表的权限",
    "the server is out of memory": "服务器内存不足",
    "the server takes no more connections": "服务器的连接数已满",
    "the server is stopping": "服务器正在停止",
    "the server crashed and starts again": "服务器崩溃后正在重启",
    "the server is starting or stopping": "服务器正在启动或停止",
    "nobody answers there": "那里没有响应",
    "that host is not known": "找不到该主机",
    "it did not answer in time": "连接超时",
    "no road leads there": "网络不可达",
    "the encrypted connection was not agreed upon": "无法建立加密连接",
    "its user's own": "该用户的同名数据库",
    "its encoding is {}: make the database with ENCODING 'UTF8'": (
        "它的编码是 {}：请用 ENCODING 'UTF8' 建库"
    ),
    "it holds another program's tables": "里面有其他程序的表",
    "the server says so ({})": "服务器报告如此（{}）",
    "the lock of {} is taken": "{} 的锁已被占用",
    "request {} was taken over by another process": "请求 {} 已被另一个进程接管",
    "A ledger in PostgreSQL": "PostgreSQL 账本",
    "PostgreSQL {} at {}.": "PostgreSQL {}，位于 {}。",
    "The server's {} is off: a power cut can damage the ledger.": (
        "服务器的 {} 已关闭：断电可能损坏账本。"
    ),
    "The server is a standby: it can be read, and nothing can be bought.": (
        "服务器是备库：只能读取，无法发起付费请求。"
    ),
    "another program holds the ledger locked": "另一个程序锁住了账本",
    "a write failed": "写入失败",
    "this saves a ledger that is in the home: save the database with `pg_dump`": (
        "这里只备份数据目录里的账本：数据库请用 `pg_dump` 备份"
    ),
    "there is no ledger in it": "其中没有账本",
    "it lies inside the folder that is to be saved": "它位于要备份的目录之内",
    "it is damaged": "已损坏",
    "it can't be used": "无法使用",
    "there are other files in it ({})": "其中有其他文件（{}）",
    "there is no finished backup in it": "其中没有完成的备份",
    "there is no snapshot {}; there are {}": "没有快照 {}，现有：{}",
    "a newer Pisang made it: upgrade": "由更新版本的 Pisang 制作：请升级",
    "a process of Pisang is at work in it: stop it first": "有 Pisang 进程正在使用它：请先停止",
    "its ledger moved to {}: set `[store] ledger` or PISANG_LEDGER to that, or delete {} to go "
    "back to this one as it was then": (
        "它的账本已迁移到 {}：请把 `[store] ledger` 或 PISANG_LEDGER 设为该数据库，"
        "或删除 {} 以改回迁移时的账本"
    ),
    "there are rows of another ledger in it: give this one a schema of its own": (
        "其中已有另一份账本的数据：请为这份账本单独准备一个 schema"
    ),
    "what was read back of {} is not what was written": "{} 读回的内容与写入的不一致",
    "there is nowhere to move to: set `ledger` or `images` of it": (
        "没有可迁移的目标：请先设置其中的 `ledger` 或 `images`"
    ),
    "it is in use: add --force to set what is in it aside": (
        "已在使用中：加 --force 可先把原有内容移开"
    ),
    "Missing or damaged: {} of {} contents ({}).": "{1} 个文件中有 {0} 个缺失或已损坏（{2}）。",
    "Missing when the backup was made: {} contents ({}).": "备份时已缺失 {} 个文件（{}）。",
    "The ledger has {} {}, not {}.": "账本记录数不符：{1} 为 {0}，应为 {2}。",
    "the ledger said: {}": "账本报错：{}",
    "the ledger's writer met {}": "账本写入线程遇到 {}",
    "a store was used after a fork: open one in the child": (
        "fork 之后不能沿用：请在子进程中重新打开"
    ),
    "a store was used after it was closed": "关闭之后又被使用",
    "the content {} never came in": "内容 {} 没有写入",
    "it has {} bytes, not {}": "大小是 {} 字节，不是 {}",
    "it has {} bytes, and {} were written": "大小是 {} 字节，而写入时是 {}",
    "its bytes are not the ones that were written": "内容与写入时不同",
    "a stored answer": "保存的回答",
    "a stored {}": "保存的 {}",
    "it does not unpack": "无法解压",
    "it is no JSON": "不是 JSON",
    "it is no {} ({})": "不是 {}（{}）",
    "it is `all`, `upstream:NAME`, `key:ID` or `team:NAME`": (
        "应为 `all`、`upstream:名称`、`key:ID` 或 `team:名称`"
    ),
    "budget scope": "预算范围",
    "budget time zone": "预算时区",
    "{} in {}": "{} 的 {}",
    "{} per {}": "{}，周期 {}",
    "its outcome is unknown: see `pisang unknown list` and settle it first": (
        "它的结果未知：请先用 `pisang unknown list` 处理"
    ),
    "that would remove {} of {} images, more than one in a hundred": (
        "这会删除 {1} 张图片中的 {0} 张，超过百分之一"
    ),
    "{}: add --force if you mean it": "{}：确认要删请加 --force",
    "attempt {} is {}, not unknown": "尝试 {} 的状态是 {}，并非结果未知",
    "attempt {} is {} and can't become {}": "尝试 {} 的状态是 {}，不能变为 {}",
    "attempt {} was taken over and is gone": "尝试 {} 已被接管，不复存在",
    "{} takes {} at once": "{} 最多同时处理 {} 个请求",
    "{} takes one every {} ms": "{} 每 {} 毫秒只接受一个请求",
    "the batch takes {} at once": "该批次最多同时处理 {} 个请求",
    "the batch takes one every {} ms": "该批次每 {} 毫秒只开始一个请求",
    "{} asked to be left alone for a while": "{} 要求稍后再发送请求",
    "{} has calls to answer that somebody waits for": "{} 正优先处理有人等待的请求",
    "{} takes {} a minute": "{} 每分钟最多接受 {} 个请求",
    # what doctor finds of it
    "A write failed earlier ({}); everything is there, so buying may go on.": (
        "之前有一次写入失败（{}）；数据完好，可以继续付费请求。"
    ),
    "A write failed earlier ({}): nothing is bought.": "之前有一次写入失败（{}）：暂停付费请求。",
    "No write has failed.": "没有写入失败过。",
    "SQLite {} has the WAL-reset fault (fixed in 3.51.3); it can't happen here, "
    "because one process at a time writes and checkpoints.": (
        "SQLite {} 有 WAL 重置的缺陷（3.51.3 修复）；这里同一时刻只有一个进程写入，不受影响。"
    ),
    "SQLite {}.": "SQLite {}。",
    "{} are free{}.": "可用空间 {}{}。",
    "; {} are wanted before paying": "，付费前需要 {}",
    "{} requests are in another state than their attempts ({}).": (
        "{} 个请求的状态与其尝试不一致（{}）。"
    ),
    "{} processes died at work: the next command settles what they left.": (
        "{} 个进程中途退出：下一条命令会处理它们留下的请求。"
    ),
    "{} of {} stored contents are wrong: {}.": "{1} 份保存的内容中有 {0} 份不对：{2}。",
    "All {} stored contents are {}.": "保存的 {} 份内容{}。",
    "there": "都在",
    "there and as written": "都在，且与写入时一致",
    "is missing": "缺失",
    "has the wrong size": "大小不对",
    "has other bytes": "内容不同",
    "Belonging to nothing: {} ({}), see `pisang gc`.": "没有归属：{}（{}），见 `pisang gc`。",
    "{} files": "{} 个文件",
    "The budget {} counts {} micro-units, not {}.": "预算 {} 记为 {} 微单位，应为 {}。",
    "Others may look into {}: run `chmod go-rwx {}`.": (
        "其他用户可以读取 {}：请运行 `chmod go-rwx {}`。"
    ),
    "Only you may look into Pisang's folder.": "Pisang 的数据目录只有你能读取。",
    "The ledger is damaged: {}.": "账本已损坏：{}。",
    "{} rows of the ledger name rows that are gone.": "账本有 {} 行引用了不存在的行。",
    "The ledger is sound.": "账本完好。",
    "write it as s3://bucket/prefix": "请写成 s3://存储桶/前缀 的形式",
    "write it as postgresql://user:password@host:port/database": (
        "请写成 postgresql://用户:密码@主机:端口/数据库 的形式"
    ),
    "write it as https://host:port": "请写成 https://主机:端口 的形式",
    "a prefix is made of letters, digits and -_.!*'()=, with / between": (
        "前缀由字母、数字和 -_.!*'()= 组成，以 / 分隔"
    ),
    "an address has no keys in it: they go into variables": "地址里不能写密钥：请放进环境变量",
    "no keys were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY": (
        "没有找到密钥：请设置 AWS_ACCESS_KEY_ID 和 AWS_SECRET_ACCESS_KEY"
    ),
    "the connection was cut": "连接中断",
    "no connection can be made": "无法建立连接",
    "it takes too long": "等待超时",
    "it answers {}": "返回 {}",
    "it does not take these keys": "不接受这组密钥",
    "there is no such bucket": "没有这个存储桶",
    "it does not know the access key": "访问密钥不存在",
    "the secret key is wrong": "私有密钥不对",
    "the keys have expired": "密钥已过期",
    "these keys have no right to it": "这组密钥没有权限",
    "this machine's clock is wrong": "本机时钟不准",
    "it is in another region": "它在另一个区域",
    "it gives fewer bytes than it has": "返回的字节数不足",
    "what was put there is not there": "写入后没有找到",
    "another ledger's images are there: give these a prefix of their own": (
        "那里是另一个账本的图片：请换一个单独的前缀"
    ),
    "{} is looked at": "正在检查 {}",
    "{} does not answer": "{} 没有响应",
    "Images are in {}.": "图片保存在 {}。",
    "Files that are not ours lie there: {}.": "目录里有不属于 Pisang 的文件：{}。",
}
