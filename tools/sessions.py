"""Terminal sessions that were really run, written into pages: `python -m tools.sessions`.

A session is a list of lines. Each runs on a stage (a fresh folder and home, `pisang sandbox` in
the place of every upstream), in a process of its own, on a pseudo terminal where a person would
sit; what it showed is written under it. `tests/docs` runs the lines again and compares.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tools.sources import ROOT
from tools.stage import KEY, Said, Stage, normalise, sandbox_server
from tools.terminal import Answers

RELAY = "https://api.ikuncode.cc"
"""The host that the stub stands for in what is shown."""

FOLDER, HOME = "~/demo", "~/.pisang"


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is typed; what is waited for and answered while it runs. `{request}` and
    `{attempt}` in it are the ids that were last shown. `real`: only in a process of its own is it
    what it is (it asks questions, or leaves a keeper behind)."""

    text: str
    answers: Answers = ()
    real: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """What the page says between two lines."""

    text: str


@dataclass(frozen=True, slots=True)
class Session:
    """A page, or the part of one between `<!-- session:begin -->` and `<!-- session:end -->`."""

    page: str
    steps: tuple[Line | Words, ...]
    language: str = "en"
    terminal: bool = True
    head: str = ""


def perform(
    session: Session, stage: Stage, *, quick: bool = False
) -> Iterator[tuple[Line | Words, Said]]:
    """Each step with how it went. `quick`: in this process what can be, without a terminal."""
    ids: dict[str, str] = {}
    for step in session.steps:
        if isinstance(step, Words):
            yield step, Said(0, "")
            continue
        line = replace(step, text=_filled(step.text, ids))
        said = _run(line, session, stage, quick=quick)
        for name, mark in (("request", "req"), ("attempt", "att")):
            for found in re.findall(rf"\b{mark}_[0-9a-z]{{26}}\b", said.text):
                ids[name] = found
        yield line, Said(said.code, presentable(said.text, stage))


def _filled(text: str, ids: dict[str, str]) -> str:
    for name, found in ids.items():
        text = text.replace(f"{{{name}}}", found)
    return text


def _run(line: Line, session: Session, stage: Stage, *, quick: bool) -> Said:
    if quick and not line.real:
        return stage.run(line.text)
    if session.terminal:
        return stage.typed(line.text, line.answers)
    return stage.piped(line.text)


def presentable(text: str, stage: Stage) -> str:
    """The text with this machine's folders and ports as a reader would have his own."""
    for old, new in (
        (str(stage.folder), FOLDER),
        (stage.environ["PISANG_HOME"], HOME),
        (stage.url, RELAY),
        (KEY, "sk-…"),
    ):
        text = text.replace(old, new)
    return text


def written(session: Session, stage: Stage, *, quick: bool = False) -> str:
    """The session as Markdown."""
    parts: list[str] = []
    block: list[str] = []
    for step, said in perform(session, stage, quick=quick):
        if isinstance(step, Words):
            parts += _fenced(block)
            parts.append(step.text)
            block = []
            continue
        block.append(f"$ {step.text}")
        if said.text.strip():
            block.append(said.text.strip("\n"))
    parts += _fenced(block)
    return "\n\n".join(parts)


def _fenced(lines: list[str]) -> list[str]:
    return ["```console\n" + "\n".join(lines) + "\n```"] if lines else []


# --- the sessions -------------------------------------------------------------------------------

KEYED = (
    Line('export IKUN_API_KEY="sk-…"'),
    Line("pisang upstream add ikuncode --key-env IKUN_API_KEY --format quiet"),
    Line("pisang upstream price ikuncode --size 2K 0.20CNY"),
)

FRONT = (
    *KEYED,
    Line('pisang generate "a lighthouse in the fog, oil painting" -r 16:9 --out fog.jpg'),
    Line('pisang edit last "make it dusk" --max-cost 0.5CNY --format quiet'),
    Line('pisang generate "a map of the coast [[sandbox html=524]]"'),
    Line("echo $?"),
    Line("pisang unknown list --format quiet"),
)

FRONT_ZH = (
    *KEYED,
    Line('pisang generate "雾中的灯塔，油画风格" -r 16:9 --out fog.jpg'),
    Line('pisang edit last "改成黄昏" --max-cost 0.5CNY --format quiet'),
    Line('pisang generate "海岸地图 [[sandbox html=524]]"'),
    Line("echo $?"),
    Line("pisang unknown list --format quiet"),
)

AGENT_HEAD = """\
# An agent without a terminal

What a program meets whose shell has no terminal and kills what takes long: JSON on standard
output, all else on standard error, an exit code for each case, no questions. `AI_AGENT` (or the
variable that the agent's own shell sets) says who calls. The sandbox stands in the relay's place.\
"""

AGENT = (
    Line("export AI_AGENT=demo"),
    Line("export PISANG_FORMAT=json"),
    Words("Nothing is set up. That is an error, and never the sandbox's picture for a real one."),
    Line('pisang generate "a lighthouse"'),
    Line("echo $?"),
    Words("A key comes from a variable, never from an argument. The check costs nothing."),
    Line('export IKUN_API_KEY="sk-…"'),
    Line("pisang setup ikuncode --key-env IKUN_API_KEY"),
    Line("pisang upstream price ikuncode 0.20CNY"),
    Line('pisang generate "a lighthouse" -s 1K --idempotency-key task-1 --max-cost 1CNY'),
    Words("The same line again, after a crash, say: answered from the ledger, for free."),
    Line('pisang generate "a lighthouse" -s 1K --idempotency-key task-1 --max-cost 1CNY'),
    Words(
        "A slow picture. The command is back before the shell kills it (after 90 s, or as `--for`\n"
        "says) with exit code 9; the attempt goes on in a process of its own, and the next line\n"
        "fetches it. Killing the command changes nothing about that."
    ),
    Line('pisang generate "a city [[sandbox delay=3]]" -s 1K --for 1s', real=True),
    Line("echo $?"),
    Line("pisang wait {request} --for 60s", real=True),
    Words("A mistake is found before anything is sent, and names what would be right."),
    Line('pisang generate "a city" --aspect-ratio 16:10'),
    Line("echo $?"),
    Words("A refusal is no success, though it came as HTTP 200."),
    Line('pisang generate "x [[sandbox finish=IMAGE_SAFETY]]" -s 1K'),
    Line("echo $?"),
    Words(
        "A CDN gave up waiting. Nobody knows whether the picture was made and billed, so it isn't\n"
        "bought again; the same key only says how things stand."
    ),
    Line('pisang generate "a map [[sandbox html=524]]" -s 1K --idempotency-key task-2'),
    Line("echo $?"),
    Line('pisang generate "a map [[sandbox html=524]]" -s 1K --idempotency-key task-2'),
    Line("echo $?"),
    Words("The exits: look (free), buy again on the record, or give it up."),
    Line("pisang unknown look {attempt}"),
    Line("pisang unknown rebuy {attempt}"),
    Line("echo $?"),
    Line("pisang unknown write-off {attempt}"),
    Words("What all of it cost."),
    Line("pisang cost"),
)

NEWCOMER_HEAD = """\
# 新手的第一个小时

拿到一个中转令牌之后，从 `pisang setup` 到看账单。命令都在真实的伪终端上运行过。令牌和价格是编的，
中转由沙盒代替，`[[sandbox …]]` 用来点名要某种故障。\
"""

NEWCOMER = (
    Words("先配置。密钥输入时不显示，检测不花钱。"),
    Line("pisang setup", (("编号", "3\n"), ("密钥", f"{KEY}\n")), real=True),
    Words("第一张图，参数与部署指南里的例子相同。"),
    Line('pisang generate "一只可爱的小猫咪坐在花园里，油画风格" -r 16:9 -s 2K --out cat.png'),
    Words("价格页上写着每张 0.20 元。录入以后，每张图都有费用，限额也才会生效。"),
    Line("pisang upstream price ikuncode --size 2K 0.20CNY"),
    Line('pisang edit last "把背景换成海边日落" --max-cost 0.5CNY'),
    Words("然后遇到几种失败。内容被拒绝："),
    Line('pisang generate "小猫 [[sandbox finish=IMAGE_SAFETY]]"'),
    Line("echo $?"),
    Words("令牌分组不对："),
    Line('pisang generate "小猫 [[sandbox status=503 relay]]"'),
    Line("echo $?"),
    Words("比例写错，发送之前就会发现："),
    Line('pisang generate "小猫" --aspect-ratio 16:10'),
    Line("echo $?"),
    Words("中转的 CDN 等不及，断开了。图可能已经生成并扣费，所以不会自动重发："),
    Line('pisang generate "海岸地图 [[sandbox html=524]]"'),
    Line("echo $?"),
    Line("pisang unknown list"),
    Line("pisang unknown look {attempt}"),
    Words("中转的日志里有这一笔，图却取不回来了。不想重买就核销，它仍然算作已经花费："),
    Line("pisang unknown write-off {attempt}"),
    Words("最后看看历史和账单。"),
    Line("pisang history"),
    Line("pisang budget currency CNY"),
    Line("pisang cost"),
    Line("pisang cost --by day"),
)

SESSIONS = (
    Session("README.md", FRONT, terminal=False),
    Session("README.zh-CN.md", FRONT_ZH, language="zh", terminal=False),
    Session("docs/transcripts/agent.md", AGENT, terminal=False, head=AGENT_HEAD),
    Session("docs/transcripts/newcomer.zh.md", NEWCOMER, language="zh", head=NEWCOMER_HEAD),
)

_MARKS = re.compile(r"(?<=<!-- session:begin -->\n).*?(?=<!-- session:end -->)", re.S)
NOTE = "<!-- Run and written by `python -m tools.sessions`; change the session, not this page. -->"


def page(session: Session, before: str, text: str) -> str:
    """The page with the session in it; one that is nothing else is written whole."""
    if session.head:
        return f"{NOTE}\n\n{session.head}\n\n{text}\n"
    if not _MARKS.search(before):
        raise ValueError(f"{session.page} has no place for a session")
    return _MARKS.sub(lambda _: f"\n<!-- fresh stage -->\n{text}\n\n", before)


def shown(session: Session, whole: str) -> str:
    """What a page has of a session."""
    found = _MARKS.search(whole)
    return found[0] if found and not session.head else whole


@contextmanager
def staged(session: Session) -> Iterator[Stage]:
    """A stage of its own for a session, its relay included."""
    with (
        tempfile.TemporaryDirectory(prefix="session-") as place,
        sandbox_server(Path(place)) as url,
    ):
        stage = Stage(Path(place) / "stage", url, session.language)
        try:
            yield stage
        finally:
            stage.close()


def main(names: Sequence[str]) -> None:
    """Run the sessions of the named pages, or all, and write what changed."""
    for session in SESSIONS:
        if names and session.page not in names:
            continue
        path = ROOT / session.page
        before = path.read_text("utf-8") if path.exists() else ""
        with staged(session) as stage:
            after = page(session, before, written(session, stage))
            same = normalise(shown(session, before)) == normalise(shown(session, after))
        if not same:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(after, "utf-8")
            print(f"wrote {session.page}")


if __name__ == "__main__":
    main(sys.argv[1:])
