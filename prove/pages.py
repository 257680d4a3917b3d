"""The table, as `make prove` prints it and as `docs/proof.md` and the READMEs carry it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from prove.clients import CLIENTS
from prove.faults import LIMIT_S, PLAN, SLOW_S, fault_of
from prove.record import Granted, Total, read_granted, totals

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "prove" / "results"
PAGE = ROOT / "docs" / "proof.md"
BEGIN, END = "<!-- proof:begin -->", "<!-- proof:end -->"

HEADINGS = {
    "en": (
        "", "wanted", "paid", "on disk", "paid and not had", "…and told so", "paid twice",
    ),
    "zh": ("", "想要", "付费", "到手", "付了费没拿到", "其中已告知", "付了两次"),
}  # fmt: skip

READING = {
    "en": (
        "{wishes} wishes for each of five clients, over one faulty upstream that keeps a book: cut "
        "bodies, 502s, 504s and 524s, slow answers, `kill -9`, Ctrl-C. Pisang "
        "re-buys nothing by itself: what it could not have it lists "
        "by name, with the amount, for you to decide. "
        "`make prove` runs it (a minute and a half at most); [how it is counted]({page}) has every "
        "fault and the raw figures."
    ),
    "zh": (
        "五个客户端各要 {wishes} 张图，面对同一个会出故障、并自己记账的上游：断流、502/504/524、"
        "超时、`kill -9`、Ctrl-C。Pisang 不会自行重复购买："
        "没拿到的逐条列出金额，由你决定。"
        "用 `make prove` 自己跑一遍（最多一分半钟）；[计数方法]({page})列出了每种故障和原始数据。"
    ),
}


def newest() -> Path:
    """The folder of the committed figures."""
    return max(one for one in RESULTS.iterdir() if one.is_dir())


def plain(rows: Sequence[Granted]) -> str:
    """The table for a terminal."""
    lines = [HEADINGS["en"], *(_cells(one, "en") for one in totals(rows))]
    texts = [[cell.replace("*", "") for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return "\n".join(
        f"{line[0]:<{widths[0]}}  "
        + "  ".join(f"{cell:>{width}}" for cell, width in zip(line[1:], widths[1:], strict=True))
        for line in texts
    )


def table(rows: Sequence[Granted], language: str) -> str:
    """The table in Markdown."""
    heading = HEADINGS[language]
    lines = [heading, ("---", *["--:"] * (len(heading) - 1))]
    return "\n".join(
        f"| {' | '.join(cells)} |"
        for cells in (*lines, *(_cells(one, language) for one in totals(rows)))
    )


def _cells(one: Total, language: str) -> tuple[str, ...]:
    title = next(client.title[language] for client in CLIENTS if client.name == one.client)
    counts = (one.wanted, one.paid, one.on_disk, one.not_had, one.told, one.twice)
    return title, *(f"**{n}**" if title.startswith("**") else str(n) for n in counts)


def block(rows: Sequence[Granted], language: str) -> str:
    """What stands between the two marks of a README."""
    reading = READING[language].format(wishes=len({row.wish for row in rows}), page="docs/proof.md")
    return f"{BEGIN}\n{table(rows, language)}\n\n{_wrap(reading)}\n{END}"


def _wrap(text: str) -> str:
    """Lines of at most a hundred; text without spaces stays as it is."""
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > 100:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    return "\n".join(lines)


def refreshed(text: str, rows: Sequence[Granted], language: str) -> str:
    """A README with its block as the figures have it."""
    marked = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    return marked.sub(lambda _: block(rows, language), text)


def page(rows: Sequence[Granted], results: Path) -> str:
    """`docs/proof.md`."""
    ours = next(one for one in totals(rows) if one.client == "pisang")
    return TEXT.format(
        table=table(rows, "en"),
        date=results.name,
        machine=(results / "machine.txt").read_text(encoding="utf-8").strip(),
        faults="\n".join(_fault_lines()),
        matrix="\n".join(_matrix(rows)),
        limit=LIMIT_S,
        slow=f"{SLOW_S:.0f}",
        told=ours.told,
        false_alarms=ours.false_alarms,
        listed=ours.told + ours.false_alarms,
        on_disk=ours.on_disk,
    )


def _fault_lines() -> list[str]:
    good = min(PLAN) - 1
    lines = [f"| 1–{good} | The picture comes at once. | yes |"]
    for wish, faults in PLAN.items():
        again = " The second send too." if len(faults) > 1 else ""
        lines.append(f"| {wish} | {faults[0].said}{again} | {_yes(faults[0].billed)} |")
    return lines


def _yes(true: bool) -> str:
    return "yes" if true else "no"


def _matrix(rows: Sequence[Granted]) -> list[str]:
    """A row for each wish, a cell for each client: how often paid, and what it has."""
    cell: dict[tuple[int, str], str] = {(row.wish, row.client): _fate(row) for row in rows}
    clients = list(dict.fromkeys(row.client for row in rows))
    lines = [f"| wish | first send | {' | '.join(clients)} |", f"|--:|---{'|---' * len(clients)}|"]
    for wish in dict.fromkeys(row.wish for row in rows):
        fates = " | ".join(cell[wish, client] for client in clients)
        lines.append(f"| {wish} | {fault_of(wish, 1).name} | {fates} |")
    return lines


def _fate(row: Granted) -> str:
    if row.on_disk:
        had = "had"
    elif row.listed:
        had = f"listed, {row.listed}"
    else:
        had = "**lost**" if row.paid else "none"
    return f"{row.paid} · {had}" if row.paid < 2 else f"**{row.paid}** · {had}"


TEXT = """\
<!-- Generated by `python -m prove --keep`; change prove/pages.py, not this page. -->

# Who pays for what: five clients, one faulty upstream

{table}

*Paid* counts the generations that the upstream billed. *On disk* counts wishes whose picture the
client has, byte for byte as the upstream made it. *Paid and not had* counts wishes that were billed
and left no picture; *…and told so*, those among them that the client afterwards lists by name with
the amount: the four others keep no list, and their errors name no money. *Paid twice* counts wishes
billed more than once.

`make prove` runs all of it, and fails unless Pisang's row has nothing lost untold and nothing paid
twice. The raw figures of the run of {date} are in
[prove/results/{date}](../prove/results/{date}/): `sends.csv` is the upstream's book, `wishes.csv`
what came of each wish of each client. It was had on and with:

```text
{machine}
```

## The upstream

A process on loopback that speaks Google's native wire and, for `openai`, the OpenAI Images wire,
with the same faults. When it starts a generation it writes it into its book, whatever then becomes
of the connection: so do real ones, and they bill it. Every send gets a picture of its own, so a
file on disk says which payment it came from.

What a send meets depends on the wish and on how often this client has sent it, on nothing else:
no dice, and the raw figures of two runs are the same. The second send is good unless said
otherwise, which is just when people pay twice.

| wish | what its first send meets | billed |
|--:|---|---|
{faults}

Such a day is harder than most: the share of faults says nothing about how often they happen, only
what each leads to. Time is scaled: every client waits {limit} s for an answer, and a slow one takes
{slow} s. Real ones take minutes on both sides.

## The clients

Each as a newcomer writes it; the programs are in [prove/programs](../prove/programs/), a process
for each wish. (So that it all ends within 90 s on two cores, what a program imports is imported
before it is forked off; `pisang` starts as it always does.)

- **relay-guide**: `requests.post` once, and the file written, as a relay's guide prints it; only
  host, key, prompt and time limit are changed.
- **resend**: the same inside the loop that everybody adds: up to 3 sends when it times out or
  fails.
- **google-genai**, **openai**: the vendors' SDKs with their defaults, a base URL and a time limit.
  Google's sends once; OpenAI's sends up to 3 times.
- **pisang**: `pisang generate "…" --via faulty --timeout {limit}`, with a
  price set for the upstream.

## The rule for their users

One for all five. Whoever heard nothing, because the process was killed, runs the same command
again, once. Whoever was told something does the free thing that it names, if it names one (Pisang
may say `pisang wait ID`), and nothing more: nobody runs again what ended in an error, and nobody
buys again what Pisang lists. That is kind to the other four: a user who tries again after an error
pays again with each of them.

At `kill -9` the process dies as under a shell's time limit: once alone, once with its whole process
group. A Ctrl-C is pressed until the program is gone.

## Wish by wish

How often it was paid, and what its user has then.

{matrix}

## What it does not show

- A client that sends again has more of the pictures, because it bought them again. Pisang has
  {on_disk}, and leaves the {listed} that it lists as `unknown` to you: `pisang unknown rebuy ID`
  (or `--retry-unknown`) buys one again, on the record.
- Nobody can see from outside whether a silent upstream began to work: of the {listed} that Pisang
  lists, {false_alarms} had not been billed. It says that it can't know; it doesn't guess.
- Pisang gives whoever was killed (15 and 16) the picture that he paid for, because he was not told
  how it ended. The same command after an outcome that was told is a new purchase, as with all of
  them; under one `--idempotency-key` it never is.
"""


def write(rows: Sequence[Granted], results: Path, tell: Callable[[str], None]) -> None:
    """The page, and the block of every README that has the marks."""
    texts = {PAGE: page(rows, results)}
    for name, language in (("README.md", "en"), ("README.zh-CN.md", "zh")):
        path = ROOT / name
        if path.exists():
            texts[path] = refreshed(path.read_text(encoding="utf-8"), rows, language)
    for path, text in texts.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            tell(f"wrote {path.relative_to(ROOT)}")


def rewrite() -> None:
    """Every page again from the committed figures."""
    results = newest()
    write(read_granted(results / "wishes.csv"), results, print)
