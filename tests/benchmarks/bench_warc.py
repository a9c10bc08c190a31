"""Read a crawl to HTTP bodies: koba against FastWARC, both decompressing, parsing both heads and holding each body."""

import io
import random
from pathlib import Path

from fastwarc.warc import ArchiveIterator, WarcRecordType

from corpus.http_body import Response, parse_response
from corpus.warc import Record, read_records
from corpus.warc_pages import pages
from corpus.warc_writer import Writer
from manifests.rows import Page
from tests.benchmarks.harness import Result, rates

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "wcxb-dev" / "wcxb-dev.warc.gz"


def run() -> list[Result]:
    crawl, what = (REAL.read_bytes(), "real pages") if REAL.exists() else (synthetic_crawl(), "synthetic pages")
    count = koba_bodies(crawl)
    assert count == peer_bodies(crawl)
    ours, peer, whole = rates(
        count, lambda: koba_bodies(crawl), lambda: peer_bodies(crawl), lambda: koba_pages(crawl), repeat=7
    )
    name = "FastWARC"
    return [
        Result(f"WARC to HTTP bodies, {what}", "pages/s", ours, peer, name, ">= 0.9x"),
        Result(
            f"WARC to rows with SHA-256 and encodings undone, {what}", "pages/s", whole, peer, f"{name}, bodies only"
        ),
    ]


def koba_bodies(crawl: bytes) -> int:
    count = 0
    for record in read_records(io.BytesIO(crawl)):
        if isinstance(record, Record) and record.type == "response":
            response = parse_response(record.data, record.start, record.end)
            if isinstance(response, Response) and record.data[response.body_at : record.end]:
                count += 1
    return count


def peer_bodies(crawl: bytes) -> int:
    count = 0
    for record in ArchiveIterator(io.BytesIO(crawl), record_types=WarcRecordType.response, parse_http=True):
        if record.http_headers is not None and record.reader.read():
            count += 1
    return count


def koba_pages(crawl: bytes) -> int:
    return sum(isinstance(page, Page) for page in pages(io.BytesIO(crawl), file="crawl", file_digest=""))


def synthetic_crawl(count: int = 500, seed: int = 0) -> bytes:
    """Pages of 5 to 200 kB that compress about as web pages do (4 to 5 times)."""
    chance = random.Random(seed)
    words = ["".join(chance.choices("etaoinshrdlu", k=chance.randint(2, 11))) for _ in range(4_000)]
    stream = io.BytesIO()
    writer = Writer(stream, file="synthetic.warc.gz", date="2026-01-01T00:00:00Z")
    for number in range(count):
        lines = (" ".join(chance.choices(words, k=12)) for _ in range(chance.randint(60, 1_500)))
        body = "".join(f'<p class="text">{line}</p>\n' for line in lines)
        writer.write(f"https://example.org/{number}", body.encode(), date="2026-01-01T00:00:00Z")
    return stream.getvalue()
