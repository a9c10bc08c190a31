"""Main text of pages, bounded in a helper process, beside trafilatura's own defaults in this process.

Works on real pages with hand-checked text where ../shared has them, else on made pages without an F1.
"""

import gzip
import json
import logging
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import trafilatura

from corpus.bounded import Bounded
from corpus.extract import ExtractText
from corpus.warc_pages import pages
from manifests.rows import Page
from manifests.stage import Kept
from tests.benchmarks.harness import Result

GOLD = Path(__file__).parents[2].parent / "shared" / "data" / "wcxb-dev"
PAGES = 150
TURNS = 3
CALLS = 2_000
TOKENS = re.compile(r"[぀-ヿ一-鿿]|[^\W_぀-ヿ一-鿿]+")


def run() -> list[Result]:
    """Return pages a CPU second, the helper's included, token F1, and the cost of a call into the helper."""
    logging.disable(logging.CRITICAL)
    sample = _sample()
    rows = [row for row, _ in sample]
    stage = ExtractText()
    texts: dict[str, list[str]] = {}

    def ours() -> None:
        texts["ours"] = [result.row.text if isinstance(result, Kept) else "" for result in stage(rows)]

    def theirs() -> None:
        texts["theirs"] = [trafilatura.extract(row.content, include_comments=False) or "" for row in rows]

    seconds = _seconds(ours, theirs)
    speed = [len(rows) / taken for taken in seconds]
    results = [Result("Main text, within limits", "pages/s", speed[0], speed[1], "trafilatura default", ">= 1x")]
    if GOLD.exists():
        f1 = [
            statistics.mean(_f1(*pair) for pair in zip(texts[way], [g for _, g in sample], strict=True))
            for way in texts
        ]
        results.append(Result(f"Main text, {len(rows)} gold pages", "token F1", *f1, "trafilatura default", ">= 1x"))
    return [*results, _call()]


def _call() -> Result:
    argument = b"x" * 100_000
    length = Bounded(len, 10.0, 1 << 30)

    def call() -> None:
        for _ in range(CALLS):
            length(argument)

    microseconds = _seconds(call)[0] / CALLS * 1e6
    return Result("A bounded call, 100 kB argument", "CPU us", microseconds, target="< 150")


def _seconds(*ways: Callable[[], object]) -> list[float]:
    """Return the median CPU seconds of each way, in turns, with those of child processes that still run."""
    taken: list[list[float]] = [[] for _ in ways]
    for turn in range(TURNS + 1):
        for way, times in zip(ways, taken, strict=True):
            before = _cpu_s()
            way()
            if turn:
                times.append(_cpu_s() - before)
    return [statistics.median(times) for times in taken]


def _cpu_s() -> float:
    children = "".join([path.read_text() for path in Path("/proc/self/task").glob("*/children")]).split()
    clocks = [(~int(pid) << 3) | 2 for pid in children]  # clock_getcpuclockid(3)
    return time.process_time() + sum(time.clock_gettime(clock) for clock in clocks)


def _sample() -> list[tuple[Page, str]]:
    if not GOLD.exists():
        paragraph = "<p>A paragraph of some length, with a <a href='/x'>link</a> and a few more words in it.</p>"
        menu = "<nav>" + "<a href='/y'>entry</a>" * 50 + "</nav>"
        body = f"<html><body>{menu}<main>{paragraph * 40}</main></body></html>".encode()
        return [(Page(id=i.to_bytes(16), content=body, content_type="text/html"), "") for i in range(PAGES)]
    with gzip.open(GOLD / "wcxb-dev.gold.jsonl.gz", "rt") as lines:
        gold = [json.loads(line)["main_content"] or "" for line in lines]
    with (GOLD / "wcxb-dev.warc.gz").open("rb") as stream:
        read = pages(stream, file="wcxb-dev.warc.gz", file_digest="x")
        both = [(row, truth) for row, truth in zip(read, gold, strict=True) if truth and isinstance(row, Page)]
    return both[:: len(both) // PAGES][:PAGES]


def _f1(found: str, truth: str) -> float:
    ours, true = (Counter(TOKENS.findall(text.lower())) for text in (found, truth))
    return 2 * (ours & true).total() / (ours.total() + true.total())
