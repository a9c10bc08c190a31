"""Main text and Markdown of pages, bounded in a helper process, beside trafilatura in this process.

Of the code on pages with code, the share that comes back byte for byte is given twice: of all `<pre>`, and of those
that are no column of line numbers, which is left out on purpose: numbers teach nothing, and no copied code has them.

Works on real pages with hand-checked text where ../shared has them, else on made pages without an F1. KOBA_ALL_PAGES
takes all pages, once, with F1 by page type and by half: the thresholds were set on the even half of the domains.
"""

import gzip
import hashlib
import json
import logging
import os
import re
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import trafilatura

from corpus.code_pages import ExtractMarkdown, HasCode, has_code_tag
from corpus.extract import ExtractText
from corpus.warc_pages import pages
from manifests.bounded import Bounded
from manifests.rows import Page
from manifests.stage import Kept
from tests.benchmarks.harness import Result
from tests.corpus.fences import blocks_found

DATA = Path(__file__).parents[2].parent / "shared" / "data"
ALL = bool(os.environ.get("KOBA_ALL_PAGES"))
PAGES = 150
TURNS = 1 if ALL else 3
CALLS = 2_000
TOKENS = re.compile(r"[぀-ヿ一-鿿]|[^\W_぀-ヿ一-鿿]+")
PEERS = {
    "default": {},
    "fast": {"fast": True},
    "recall": {"favor_recall": True},
    "precision": {"favor_precision": True},
}


class Sample(NamedTuple):
    """A page with what a person took for its main text ("" where there is none), and of what kind it is."""

    page: Page
    truth: str
    kind: str


def run() -> list[Result]:
    """Return pages a CPU second, the helper's included, token F1, and the cost of a call into the helper."""
    logging.disable(logging.CRITICAL)
    results = []
    for language, sample in (("English", _english()), ("Japanese", _japanese())):
        results += _compare(language, sample) if sample else []
    return [*results, *_code_pages(_english()), *_code_found("rust-book-ja"), *_code_found("wcxb-dev"), _call()]


def _compare(language: str, sample: list[Sample]) -> list[Result]:
    texts: dict[str, list[str]] = {}
    pages = [one.page for one in sample]

    def ours() -> None:
        stage = ExtractText()
        texts["koba"] = [result.row.text if isinstance(result, Kept) else "" for result in stage(pages)]

    def peer(mode: str) -> Callable[[], object]:
        def theirs() -> None:
            texts[mode] = [
                trafilatura.extract(page.content, include_comments=False, **PEERS[mode]) or "" for page in pages
            ]

        return theirs

    rate, *rates = [len(pages) / taken for taken in _seconds(ours, *[peer(mode) for mode in PEERS])]
    truth = [one.truth for one in sample]
    scores = {way: [_f1(*pair) for pair in zip(found, truth, strict=True)] for way, found in texts.items()}
    means = {way: statistics.mean(found) for way, found in scores.items()}
    best = max(PEERS, key=lambda mode: means[mode])
    speed = dict(zip(PEERS, rates, strict=True))
    name = f"trafilatura {best}"
    what = f"{language} main text, {len(pages)} pages"
    results = [Result(f"{what}, within limits", "pages/s", rate, speed[best], name, ">= 3x")]
    if any(truth):
        results.append(Result(what, "token F1", means["koba"], means[best], name, ">= 1x"))
    if ALL:
        groups = defaultdict(list)
        for place, one in enumerate(sample):
            groups[one.kind].append(place)
            groups[f"half {_half(one.page.url or '')}"].append(place)
        for kind, places in sorted(groups.items()):
            pair = [statistics.mean([scores[way][place] for place in places]) for way in ("koba", best)]
            results.append(Result(f"  {language}: {kind}, {len(places)}", "token F1", *pair, name))
    return results


def _code_pages(sample: list[Sample]) -> list[Result]:
    """Return what the gate and the Markdown cost."""
    pages = [one.page for one in sample]
    code = [page for page in pages if has_code_tag(page.content)]
    gate = HasCode()
    markdown = ExtractMarkdown()
    gated, written = _seconds(lambda: list(gate(pages)), lambda: list(markdown(code)))
    megabytes = sum([len(page.content) for page in pages]) / 1e6
    results = [Result("Gate for pages with code", "MB/s", megabytes / gated)]
    return [*results, Result(f"Markdown of {len(code)} pages", "pages/s", len(code) / written)] if code else results


def _code_found(name: str) -> list[Result]:
    """Return which share of the `<pre>` of pages that become Markdown is in it, byte for byte."""
    file = DATA / name / f"{name}.warc.gz"
    if not file.exists():
        return []
    with file.open("rb") as stream:
        read = [page for page in pages(stream, file=file.name, file_digest="x") if isinstance(page, Page)]
    kept = ExtractMarkdown()([page for page in read if has_code_tag(page.content)])
    texts = {outcome.row.id: outcome.row.text for outcome in kept if isinstance(outcome, Kept)}
    found = [blocks_found(page, texts[page.id]) for page in read if page.id in texts]
    equal, blocks, numbers = (sum(column) for column in zip(*found, strict=True))
    what = f"<pre> byte-equal in the Markdown, {name}, {len(texts)} pages, {blocks} blocks"
    code = Result(f"  without {numbers} columns of line numbers", "of 1", equal / (blocks - numbers), target=">= 0.99")
    return [Result(what, "of 1", equal / blocks), code]


def _half(url: str) -> int:
    """Return 0 or 1 for a domain: no site is in both halves."""
    domain = ".".join((urlsplit(url).hostname or "").split(".")[-2:])
    return hashlib.md5(domain.encode(), usedforsecurity=False).digest()[0] & 1


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


def _english() -> list[Sample]:
    if not DATA.exists():
        paragraph = "<p>A paragraph of some length, with a <a href='/x'>link</a> and a few more words in it.</p>"
        menu = "<nav>" + "<a href='/y'>entry</a>" * 50 + "</nav>"
        body = f"<html><body>{menu}<main>{paragraph * 40}</main></body></html>".encode()
        return [Sample(Page(id=i.to_bytes(16), content=body, content_type="text/html"), "", "") for i in range(PAGES)]
    with gzip.open(DATA / "wcxb-dev" / "wcxb-dev.gold.jsonl.gz", "rt") as lines:
        gold = [json.loads(line) for line in lines]
    found = [one for one in _read("wcxb-dev", gold) if one.truth]
    return found if ALL else found[:: len(found) // PAGES][:PAGES]


def _japanese() -> list[Sample]:
    if not DATA.exists():
        return []
    gold = [json.loads(line) for line in (DATA / "html-ja-gold" / "html-ja-gold.gold.jsonl").read_text().splitlines()]
    return [one for one in _read("html-ja-gold", gold) if len(one.truth) >= 200]  # SOURCE.md: shorter gold is no gold


def _read(name: str, gold: list[dict[str, str]]) -> list[Sample]:
    with (DATA / name / f"{name}.warc.gz").open("rb") as stream:
        read = list(pages(stream, file=f"{name}.warc.gz", file_digest="x"))
    return [
        Sample(page, truth["main_content"] or "", truth.get("page_type", "page"))
        for page, truth in zip(read, gold, strict=True)
        if isinstance(page, Page)
    ]


def _f1(found: str, truth: str) -> float:
    ours, true = (Counter(TOKENS.findall(text.lower())) for text in (found, truth))
    return 2 * (ours & true).total() / max(1, ours.total() + true.total())
