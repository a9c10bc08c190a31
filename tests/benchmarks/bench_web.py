"""From a WARC file to documents that all English rules let through, beside the same rules in datatrove.

Both read, extract, tell the language and filter the same pages of several languages; each in a process of its own, in
turns, by the CPU time of that process and its helpers. Starting up is left out. Peak memory is that of the process.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from corpus.extract import is_html
from corpus.warc_pages import pages
from manifests.rows import Page
from tests.benchmarks.harness import Result
from tests.corpus import crawl_of_ours

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
SOURCES = (DATA / "wcxb-dev", DATA / "html-ja-gold", ROOT / "downloads")
PAGES, WARM_UP = 300, 10  # datatrove takes 80 ms a page
TURNS = 2
SIDES = ("koba", "datatrove")


class Outcome(NamedTuple):
    """What one process did."""

    kept: int
    cpu_s: float
    peak_bytes: int


def run() -> list[Result]:
    with TemporaryDirectory(prefix="koba-bench-web-") as folder:
        warm_up, warc = Path(folder) / "warm-up.warc.gz", Path(folder) / "mixed.warc.gz"
        records = _records(Path(folder))
        warm_up.write_bytes(b"".join(records[:: max(1, len(records) // WARM_UP)]))
        chosen = records[:: max(1, len(records) // PAGES)]
        warc.write_bytes(b"".join(chosen))
        found: dict[str, list[Outcome]] = {side: [] for side in SIDES}
        for _ in range(TURNS):
            for side in SIDES:
                found[side].append(_run(side, warc, warm_up))
    rates = [len(chosen) / statistics.median([one.cpu_s for one in found[side]]) for side in SIDES]
    kept = [found[side][0].kept / len(chosen) for side in SIDES]
    peaks = [max(one.peak_bytes for one in found[side]) / 2**30 for side in SIDES]
    what = f"web pages to English documents, {len(chosen)} pages"
    return [
        Result(what, "pages/CPU s", *rates, "datatrove", ">= 3x datatrove"),
        Result("  share that is kept", "of 1", *kept, "datatrove"),
        Result("  peak memory", "GiB", *peaks, "datatrove", "< 1.5 GiB"),
    ]


def _run(side: str, warc: Path, warm_up: Path) -> Outcome:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.web_side", side, str(warc), str(warm_up)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        text=True,
    )
    output = process.stdout.read() if process.stdout else ""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{side} ended with status {process.returncode}; run tests.benchmarks.web_side by hand")
    told = json.loads(output.splitlines()[-1])
    return Outcome(told["kept"], told["cpu_s"], used.ru_maxrss * 1024)


def _records(folder: Path) -> list[bytes]:
    """Return the compressed records of HTML pages, those of each file spread evenly; our own pages where none are."""
    files = [file for source in SOURCES for file in sorted(source.glob("*.warc.gz"))]
    files = files or crawl_of_ours.write(folder / "crawl")
    placed: list[tuple[float, bytes]] = []
    for file in files:
        with file.open("rb") as stream:
            found = [page for page in pages(stream, file=file.name, file_digest="x") if isinstance(page, Page)]
        data = file.read_bytes()
        origins = [page.origin for page in found if page.origin and is_html(page)]
        placed += [
            (place / len(origins), data[origin.offset : origin.offset + origin.length])
            for place, origin in enumerate(origins)
        ]
    return [record for _, record in sorted(placed, key=lambda one: one[0])]
