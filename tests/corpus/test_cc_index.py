import base64
import gzip
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.cc_index import COLUMNS, Entry, read_index
from corpus.cc_records import MAX_GAP_BYTES, MAX_RANGE_BYTES, ranges
from corpus.crawl import WarcFiles
from corpus.warc_pages import pages
from corpus.warc_writer import Writer
from manifests.errors import BadSource
from manifests.rows import Page
from manifests.run import run
from manifests.stage import Recipe, Rejected
from manifests.store import Store
from tests.corpus.web_server import Shelf, serving

FILE = "crawl-data/CC-MAIN-2024-10/segments/1/warc/a.warc.gz"


def fields(page: Page, **changes: Any) -> dict[str, Any]:
    """What CDXJ says of a page."""
    assert page.origin is not None
    told = {
        "url": page.url,
        "mime-detected": "text/html",
        "status": "200",
        "digest": base64.b32encode(hashlib.sha1(page.content, usedforsecurity=False).digest()).decode(),
        "length": str(page.origin.length),
        "offset": str(page.origin.offset),
        "languages": "jpn,eng",
        "filename": FILE,
    }
    return told | changes


@dataclass
class Crawl:
    shelf: Shelf
    pages: list[Page]  # as the whole file gives them
    folder: Path

    def cdxj(self, *lines: dict[str, Any] | str) -> str:
        """Write an index."""
        path = self.folder / "index.cdxj"
        told = [line if isinstance(line, str) else f"org,example)/ 2024 {json.dumps(line)}" for line in lines]
        path.write_text("\n".join(told))
        return str(path)

    def fetched(self, index: str) -> list[Page | Rejected]:
        units = WarcFiles.find([index]).units(Store(str(self.folder / "store")))
        return [row for unit in units for row in unit.rows()]


@pytest.fixture
def crawl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crawl]:
    """Six pages; the fourth one begins far behind the third."""
    data = io.BytesIO()
    writer = Writer(data, file=FILE, date="2024-03-01T00:00:00Z")
    for number in range(6):
        writer.write(f"https://example.org/{number}", b"<p>Hello %d</p>" % number, date="2024-02-29T00:00:00Z")
        if number == 2:
            noise = b"".join(hashlib.sha256(b"%d" % one).digest() for one in range(4_000))
            writer.write("https://example.org/noise", noise, date="2024-02-29T00:00:00Z")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as shelf:
        shelf.files[FILE] = data.getvalue()
        monkeypatch.setenv("KOBA_COMMON_CRAWL", shelf.url)
        found = [
            page for page in pages(io.BytesIO(data.getvalue()), file=FILE, file_digest="") if isinstance(page, Page)
        ]
        yield Crawl(shelf, [page for page in found if page.url != "https://example.org/noise"], tmp_path)


def plain(page: Page | Rejected) -> Page:
    assert isinstance(page, Page)
    return page.replace(labels={})


def test_records_by_an_index_are_the_pages_of_the_whole_file(crawl: Crawl) -> None:
    found = crawl.fetched(crawl.cdxj(*(fields(page) for page in reversed(crawl.pages))))
    assert [plain(page) for page in found] == crawl.pages
    assert all(page.labels == {"identified_languages": "jpn,eng"} for page in found if isinstance(page, Page))


def test_records_that_lie_close_together_are_fetched_at_once(crawl: Crawl) -> None:
    crawl.fetched(crawl.cdxj(*(fields(page) for page in crawl.pages)))
    origins = [page.origin for page in crawl.pages if page.origin]
    expected = [(first.offset, last.offset + last.length - 1) for first, last in (origins[0:3:2], origins[3:6:2])]
    assert crawl.shelf.asked == [(FILE, f"bytes={start}-{stop}") for start, stop in expected]


def test_entries_are_grouped_by_file_gap_and_size() -> None:
    near = [Entry("a", 0, 10), Entry("a", 0, 500), Entry("a", 20, 10), Entry("a", 500 + MAX_GAP_BYTES, 10)]
    far = [Entry("a", 511 + 2 * MAX_GAP_BYTES, MAX_RANGE_BYTES)]
    other = [Entry("b", far[0].offset + far[0].length, 5)]
    assert list(ranges([*near, *far, *other])) == [near, far, other]


def test_the_columnar_index_says_the_same(crawl: Crawl) -> None:
    rows = [fields(page) for page in crawl.pages]
    whole = {"status", "length", "offset"}
    table = pa.table(
        {name: [int(row[key]) if key in whole else row[key] for row in rows] for name, key in COLUMNS.items()}
    )
    path = crawl.folder / "index.parquet"
    pq.write_table(table.append_column("url_host_tld", pa.array(["org"] * len(rows))), path)
    assert [plain(page) for page in crawl.fetched(str(path))] == crawl.pages


def test_a_gzipped_answer_of_the_index_server_is_read_too(crawl: Crawl) -> None:
    lines = [json.dumps({"urlkey": "org,example)/", "timestamp": "2024"} | fields(page)) for page in crawl.pages]
    crawl.shelf.files["i/index.cdx.gz"] = b"".join(gzip.compress(f"{line}\n".encode()) for line in lines)
    found = crawl.fetched(f"{crawl.shelf.url}/i/index.cdx.gz")
    assert [plain(page) for page in found] == crawl.pages


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"filename": "crawl-data/../../etc/passwd"}, "cc_index/bad_line"),
        ({"filename": "https://elsewhere.example/a"}, "cc_index/bad_line"),
        ({"filename": None}, "cc_index/bad_line"),
        ({"offset": "-1"}, "cc_index/bad_line"),
        ({"length": "0"}, "cc_index/bad_line"),
        ({"length": str(1 << 26)}, "cc_index/too_large"),
        ({"status": "301"}, "cc_index/status"),
        ({"mime-detected": "application/pdf"}, "cc_index/not_html"),
        ({"filename": FILE.replace("a.warc", "b.warc")}, "cc_index/unreachable"),
        ({"offset": str(1 << 40)}, "cc_index/unreachable"),
        ({"offset": "3"}, "cc_index/no_record"),
        ({"length": "20"}, "cc_index/no_record"),
        ({"length": "9999"}, "cc_index/no_record"),
        ({"offset": "0"}, "cc_index/no_record"),
        ({"digest": "sha1:" + "A" * 32}, "cc_index/wrong_digest"),
    ],
)
def test_a_record_that_fails_costs_a_row(crawl: Crawl, changes: dict[str, Any], reason: str) -> None:
    good, bad = crawl.pages[0], crawl.pages[3]
    found = crawl.fetched(crawl.cdxj(fields(good), fields(bad, **changes)))
    assert [row.reason for row in found if isinstance(row, Rejected)] == [reason]
    assert [plain(row) for row in found if isinstance(row, Page)] == [good]


def test_a_record_that_holds_no_page_is_refused(crawl: Crawl) -> None:
    first = crawl.pages[0].origin
    assert first is not None
    line = fields(crawl.pages[0], offset="0", length=str(first.offset), digest="")
    assert [row.reason for row in crawl.fetched(crawl.cdxj(line)) if isinstance(row, Rejected)] == ["cc_index/no_page"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("no json", "cc_index/bad_line"),
        ("{" * 60_000, "cc_index/bad_line"),
        ('{"url": []}', "cc_index/bad_line"),
        ("{" + " " * 70_000 + "}", "cc_index/too_long"),
        ('{"a":' + "[" * 50_000, "cc_index/bad_line"),
    ],
)
def test_a_bad_line_costs_a_row_and_the_next_one_is_read(crawl: Crawl, line: str, reason: str) -> None:
    found = list(read_index(crawl.cdxj(line, fields(crawl.pages[0])), name="index"))
    assert [row.reason if isinstance(row, Rejected) else row.file for row in found] == [reason, FILE]


def test_a_server_that_does_not_answer_ends_the_run_and_nothing_counts_as_done(crawl: Crawl) -> None:
    crawl.shelf.faults = ["403"]
    index = crawl.cdxj(fields(crawl.pages[0]))
    with pytest.raises(BadSource, match="HTTP 403"):
        crawl.fetched(index)
    assert [plain(page) for page in crawl.fetched(index)] == crawl.pages[:1]


def test_what_is_no_index_is_told(crawl: Crawl) -> None:
    path = crawl.folder / "x.parquet"
    pq.write_table(pa.table({"url": ["a"]}), path)
    with pytest.raises(BadSource, match="has no column warc_filename"):
        crawl.fetched(str(path))
    path.write_bytes(b"PAR1")
    with pytest.raises(BadSource, match="expected a Parquet file"):
        crawl.fetched(str(path))
    cut = crawl.folder / "x.cdx.gz"
    cut.write_bytes(gzip.compress(b"{}\n" * 9)[:-9])
    with pytest.raises(BadSource, match="expected a whole gzipped index"):
        crawl.fetched(str(cut))


def test_the_source_of_a_dataset_by_an_index_is_the_index(crawl: Crawl) -> None:
    source = WarcFiles.find([crawl.cdxj(fields(crawl.pages[0]))])
    source.units(Store(str(crawl.folder / "store")))
    assert [record.file for record in source.records()] == ["index.cdxj"]
    assert source.locations()[FILE] == f"{crawl.shelf.url}/{FILE}"


def test_every_entry_is_counted(crawl: Crawl) -> None:
    index = crawl.cdxj(
        "no json", fields(crawl.pages[0], status="404"), *(fields(page, digest="x") for page in crawl.pages)
    )
    made = run(Recipe("none", ()), WarcFiles.find([index]), store=Store(str(crawl.folder / "store")))
    assert made.manifest.steps[0].reasons == {"cc_index/bad_line": 1, "cc_index/status": 1, "cc_index/wrong_digest": 6}
