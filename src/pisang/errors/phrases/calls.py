"""What is said of a call to an upstream: connecting, sending, what came back, what it means."""

from __future__ import annotations

from collections.abc import Mapping

PHRASES: Mapping[str, str] = {
    # a call of the management API
    "this path is asked otherwise: see /docs": "这个路径不支持该方法，请见 /docs",
    "there is no such field": "没有这个字段",
    "a string is needed": "应为字符串",
    "a whole number is needed": "应为整数",
    "true or false is needed": "应为 true 或 false",
    "a list is needed": "应为数组",
    "an object is needed": "应为对象",
    "an image's id or its base64 is needed, as a string": "应为字符串：图片编号或其 base64",
    "it is neither an image's id, nor base64, nor a data: URL": (
        "既不是图片编号，也不是 base64 或 data: URL"
    ),
    "a picture of the call": "请求中的图片",
    # connecting
    "no connection": "没有建立连接",
    "the connection could not be made": "连接失败",
    "the host name could not be resolved": "域名无法解析",
    "the name {} could not be resolved": "域名 {} 无法解析",
    "the name was not looked up": "没有解析域名",
    "the TLS handshake failed": "TLS 握手失败",
    "the server's certificate is not trusted": "服务器证书不受信任",
    "the proxy could not be reached": "无法连接代理",
    "the proxy refused the tunnel": "代理拒绝建立隧道",
    "the URL is not one that can be called": "网址无法访问",
    "the URL is not an http or https address": "网址不是 http 或 https 地址",
    "the URL holds a user name: set the upstream's key for that": (
        "网址含有用户名：请改用上游的密钥"
    ),
    "connecting took too long": "连接超时",
    "no certificates can be read from it": "无法从中读取证书",
    "the server speaks before it is asked": "服务器在收到请求之前就发来了数据",
    # while sending and receiving
    "the connection was lost": "连接中断",
    "the server closed the connection without a whole answer": (
        "服务器没有返回完整的回答就关闭了连接"
    ),
    "the request could not be written to its end": "请求没有发送完",
    "the answer's body was cut short": "回答不完整",
    "the connection ended inside the body": "回答传到一半时连接结束",
    "it is not valid HTTP": "不是有效的 HTTP",
    "its header is larger than is taken": "响应头过大",
    "the time limit passed": "超过时限",
    "nothing came for {} s": "{} 秒内没有收到任何数据",
    "no end within {} s": "{} 秒内没有结束",
    "more than {} bytes": "超过 {} 字节",
    "no status line came": "没有收到状态行",
    "the request's body is empty": "请求体为空",
    "the request's body could not be read ({})": "请求体无法读取（{}）",
    "the header name {} is not one": "请求头名称 {} 无效",
    "the value of header {} holds a line break or control character": (
        "请求头 {} 的值含有换行或控制字符"
    ),
    "the answer is encoded as {}, which was not asked for": "回答的编码是 {}，并非请求的编码",
    "the answer is encoded more than once": "回答被多次编码",
    "bytes follow the end of the compressed body": "压缩数据之后还有多余的字节",
    "the compressed body is damaged": "压缩数据已损坏",
    "the compressed body was cut short": "压缩数据不完整",
    "the compressed body unpacks to more than {} times its size": (
        "压缩数据解开后超过原大小的 {} 倍"
    ),
    "the caller is gone": "调用方已离开",
    "the application ended without a whole answer{}": "应用没有返回完整的回答就结束了{}",
    "the application owed {}": "应用没有给出 {}",
    "the sandbox": "沙盒",
    # what came of it
    "the connection broke after the request was sent": "请求发出后连接断开",
    "no whole answer came within the time limit": "时限内没有收到完整的回答",
    "the answer is larger than is safe to take": "回答过大，无法安全接收",
    "the answer can't be read": "回答无法解析",
    "the answer can't be read ({})": "回答无法解析（{}）",
    "the connection failed after a part of the request was sent": "请求发出一部分后连接失败",
    "it was given up after the request was sent": "请求发出后被放弃",
    "you interrupted it after it was sent": "请求发出后被你中断",
    "the process that sent it died": "发出请求的进程已退出",
    "the process that sent it died before the answer was whole": "发出请求的进程在收完回答之前退出",
    "what came of it can't be kept yet ({})": "结果暂时无法保存（{}）",
    "the picture in the answer is broken or cut short": "回答里的图片损坏或不完整",
    "the request is still under way": "请求仍在进行中",
    "the batch is still under way": "批次仍在进行中",
    # what the answer says
    "it answered {}": "它返回了 {}",
    "it answered {} {}": "未知错误: {}（{}）",
    "with an error of its own": "上游自己的错误",
    "with a page that is not its own": "返回的不是上游自己的页面",
    "it answered {} and nothing more": "未知错误: {}（没有更多说明）",
    "it answered {}, and then said that it failed": "它先返回 {}，随后又说失败了",
    "a gateway on the way gave up waiting (HTTP {})": "途中的网关等待超时（HTTP {}）",
    "a gateway on the way failed (HTTP {})": "途中的网关出错（HTTP {}）",
    "HTTP {} to {}": "HTTP {}，重定向到 {}",
    "no reason given": "没有说明原因",
    "it doesn't say why": "没有说明原因",
    "text only": "只有文字",
    "an empty answer": "空的回答",
    "no image": "没有图片",
    "it says that it can't know either": "它也无法确定",
    "its own upstream failed": "它的上游出错",
    "its own upstream can't be reached": "它的上游无法连接",
    "it has no upstream": "它没有配置上游",
    "its disk is full, and it sent nothing on": "它的磁盘已满，没有转发请求",
    "it answered with a link, and {}": "它返回的是链接，{}",
    "there was no whole image behind it": "链接里没有完整的图片",
    "fetching that failed ({})": "下载失败（{}）",
    "it is a picture and not how this wire answers, and the picture is cut short": (
        "返回的只有图片本身，与该协议的格式不符，而且图片不完整"
    ),
    # what a relay publishes of itself
    "that upstream is configured no more": "该上游已不在配置中",
    "that Pisang can't be asked yet": "还不支持查询另一个 Pisang",
    "the relay publishes these: {}": "该中转公布的有：{}",
    "it publishes none": "它没有公布",
    "it wants a key, and none is set": "需要密钥，而密钥未设置",
    "it does not let this key see it (HTTP {})": "该密钥无权查看（HTTP {}）",
    "it does not publish that (HTTP {})": "它没有公布（HTTP {}）",
    "it does not publish that (it answers with a page)": "它没有公布（返回的是网页）",
    "it answers in a form that is not known here": "返回的格式无法识别",
    "no whole answer came": "没有收到完整的回答",
    "it says no ({})": "它拒绝了（{}）",
    "it says no": "它拒绝了",
    # Google's credentials
    "{}'s token endpoint": "{} 的令牌接口",
    "the token endpoint can't be reached": "无法连接令牌接口",
    "they give no bearer token": "没有得到 bearer 令牌",
    "they are revoked, expired or of no use here": "凭据已撤销、过期或不适用",
    "no answer": "没有回答",
    # links, which are fetched with care
    "only https links are fetched": "只下载 https 链接",
    "it redirects from https to http": "它从 https 重定向到 http",
    "it redirects more than {} times": "重定向超过 {} 次",
    "it redirects to what is not a URL": "重定向的目标不是网址",
    "its address {} is {}": "它的地址 {} 是 {}",
    "its name gives no address": "域名没有对应的地址",
    "its host is a name of the local network": "主机名属于本地网络",
    "its host name is not a plain one": "主机名格式不正常",
    "its host is not an address in its usual form": "主机地址的写法不正常",
    "what stands for its host is not a plain host name and port": "主机部分不是普通的主机名和端口",
    "it is too long, or holds blanks, control characters or backslashes": (
        "过长，或含有空白、控制字符、反斜杠"
    ),
    "port {} is not the usual one": "端口 {} 不是常用端口",
    "no plain address": "不正常的地址",
    "not a public address": "非公网地址",
    "this machine": "本机",
    "in a private network": "私有网络地址",
    "in a carrier's or overlay's inner network": "运营商或虚拟网的内部地址",
    "a cloud's metadata service": "云平台的元数据服务",
    "link-local, where clouds keep their metadata": "链路本地地址（云平台的元数据服务在此）",
    "for documentation": "文档示例地址",
    "for benchmarks (a proxy in fake-IP mode answers so too)": (
        "测试用地址（fake-IP 模式的代理也会如此）"
    ),
    "an IPv4 address in IPv6 form": "IPv6 形式的 IPv4 地址",
    "a Teredo form": "Teredo 地址",
    # pictures
    "it is cut short": "图片不完整",
    "it has {} bytes at the least, and at most {} fit": "最少也有 {} 字节，上限是 {} 字节",
    "the codec says {}": "解码器报告：{}",
    "it is not a PNG, JPEG, WebP, GIF, AVIF or HEIF picture": (
        "不是 PNG、JPEG、WebP、GIF、AVIF 或 HEIF 图片"
    ),
    "it is {} pixels, more than {} million": "共 {} 像素，超过 {} 百万",
    "no preview of it fits in {} bytes": "预览图无法压缩到 {} 字节以内",
    "the system refused": "系统拒绝",
    "the picture": "图片",
    "only {} can be written, not {}": "只能写成 {}，不能写成 {}",
    "its decoder crashed or needed more than {} s or 1.5 GB": (
        "解码器崩溃，或超出 {} 秒、1.5 GB 的限制"
    ),
    "decoding took more than {} s": "解码超过 {} 秒",
    "the picture process failed ({})": "图片处理进程失败（{}）",
    "no child process could be started ({})": "无法启动子进程（{}）",
    "{}×{} pixels can't be painted": "无法绘制 {}×{} 像素",
    "a painting is JPEG, PNG or WebP, not {}": "只能画成 JPEG、PNG 或 WebP，不能是 {}",
    # the sandbox's directives
    "the sandbox knows {}": "沙盒支持 {}",
    "the directive": "指令",
    "it takes a number from {} to {}": "应为 {} 到 {} 之间的数",
    "it takes a whole number from {} to {}": "应为 {} 到 {} 之间的整数",
    "it takes one of {}": "可选：{}",
    "it takes one of Google's words, like IMAGE_SAFETY": "应为 Google 的取值，例如 IMAGE_SAFETY",
    "it takes a ratio, like 16:9": "应为宽高比，例如 16:9",
    "it stands alone": "必须单独使用",
    "it holds something else than a book": "文件里不是沙盒账本",
    "{} bytes are here: go on from there": "已收到 {} 字节：请从这里继续",
    "uploads are resumable: begin with `start`, as Google's SDKs do": (
        "上传须分段进行：请像 Google SDK 那样以 `start` 开始"
    ),
    "only pictures can be uploaded, and JSONL for batches": "只能上传图片，以及批处理用的 JSONL",
    "a list of objects is needed": "需要对象列表",
    "row {}: {}": "第 {} 行：{}",
    "1 to {} requests are needed": "需要 1 到 {} 个请求",
    "batch.inputConfig.requests.requests is needed": "需要 batch.inputConfig.requests.requests",
    "it is of another list": "它属于另一个列表",
    "it holds at most {} bytes, sent once": "最多 {} 字节，且只能上传一次",
}
