"""Real files of many crawlers. They are read from beside the repository, and never stand in it."""

import collections
import hashlib
import io
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from corpus.crawl import WarcFiles
from corpus.warc import Broken, Record, read_records
from corpus.warc_pages import pages, verify_origin
from manifests.rows import Page, Row, row_id
from manifests.run import run
from manifests.sampling import sample
from manifests.stage import Recipe, Rejected, Stage
from manifests.store import Store

DATA = Path(__file__).parents[2].parent / "shared" / "data"
FILES = sorted(path for path in DATA.glob("warc-real/*") if path.suffix != ".md")
WCXB = DATA / "wcxb-dev" / "wcxb-dev.warc.gz"
TYPES = ("warcinfo", "response", "resource", "request", "metadata", "revisit", "conversion")

# What is not whole in these files, by our account: FastWARC reads the same records with what there is of them.
BROKEN = {
    "ccnet.CC-MAIN-2019-13.wet.txt": ["warc/bad_length"] * 4,  # texts were shortened, lengths were not
    "ows.sample.warc.gz": ["warc/not_record_compressed", "warc/truncated"],
    "resiliparse.clipped.warc.gz": ["warc/truncated"],
    "warcio.bad-non-chunked.warc.gz": ["warc/not_record_compressed"],
    "warcio.trunc.warc": ["warc/bad_length"],
}
LOST = {
    "ccnet.CC-MAIN-2019-13.wet.txt, offset 0: warc/bad_length: no record ends at Content-Length 370",
    "ccnet.CC-MAIN-2019-13.wet.txt, offset 617: warc/bad_length: no record ends at Content-Length 353",
    "ccnet.CC-MAIN-2019-13.wet.txt, offset 1,310: warc/bad_length: no record ends at Content-Length 109",
    "ccnet.CC-MAIN-2019-13.wet.txt, offset 1,959: warc/bad_length: no record ends at Content-Length 355",
    "ows.sample.warc.gz, offset 405: warc/truncated: "
    "Content-Length 64917, but the file or its gzip member ends after 3678 bytes",
    "resiliparse.clipped.warc.gz, offset 0: warc/truncated: the file ends inside a gzip member",
    "warcio.trunc.warc, offset 1,197: warc/bad_length: no record ends at Content-Length 973",
}
WHOLE = [path for path in FILES if path.name not in BROKEN or BROKEN[path.name] == ["warc/not_record_compressed"]]


@dataclass(frozen=True, slots=True)
class NoPage(Stage):
    """Wants no page."""

    def __call__(self, rows: Iterable[Row]) -> Iterator[Rejected]:
        return (Rejected(row, "test/no_page") for row in rows)


pytestmark = pytest.mark.skipif(not FILES, reason="the real WARC files are not beside the repository")


def peer() -> Any:
    return pytest.importorskip("fastwarc.warc", reason="FastWARC, the peer, is not installed")


def peer_counts(path: Path) -> dict[str, int]:
    names = {int(getattr(peer().WarcRecordType, name)): name for name in TYPES}
    with path.open("rb") as stream:
        return collections.Counter(names[int(record.record_type)] for record in peer().ArchiveIterator(stream))


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.name)
def test_records_are_those_that_fastwarc_finds(path: Path) -> None:
    with path.open("rb") as stream:
        ours = collections.Counter(one.type for one in read_records(stream) if isinstance(one, Record))
    assert ours == peer_counts(path)


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.name)
def test_blocks_are_those_that_fastwarc_reads(path: Path) -> None:
    with path.open("rb") as stream, path.open("rb") as again:
        ours = [one for one in read_records(stream) if isinstance(one, Record)]
        for record, theirs in itertools.zip_longest(ours, peer().ArchiveIterator(again, parse_http=False)):
            assert bytes(record.content) == theirs.reader.read()
            assert record.id == theirs.record_id.strip("<>")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_is_read_to_its_end_and_what_is_not_whole_has_a_reason(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as stream:
        found = list(read_records(stream))
    assert [one.reason for one in found if isinstance(one, Broken)] == BROKEN.get(path.name, [])
    if not any(one.reason == "warc/not_record_compressed" for one in found if isinstance(one, Broken)):
        ends = itertools.accumulate((one.length or 0 for one in found), initial=0)
        assert [*(one.offset for one in found), size] == list(ends)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_page_is_found_again_by_its_origin(path: Path) -> None:
    data = path.read_bytes()
    stream = io.BytesIO(data)
    found = [page for page in pages(stream, file=path.name, file_digest="") if isinstance(page, Page)]
    for page in found[:40]:
        assert page.origin is not None
        verify_origin(stream, page.origin)
    assert len({page.id for page in found}) == len(found)


def test_a_run_on_all_files_says_in_which_and_where_a_record_is_lost(tmp_path: Path) -> None:
    source, store = WarcFiles.find([str(path) for path in FILES]), Store(str(tmp_path / "store"))
    run(Recipe("none", (NoPage(),)), source, store=store)
    [record] = store.runs()
    assert {text for text in record["warnings"] if "offset" in text} == LOST


@pytest.mark.parametrize("path", [path for path in FILES if path.name not in BROKEN], ids=lambda path: path.name)
def test_a_page_that_is_dropped_is_found_again_at_the_place_that_the_ledger_gives(path: Path, tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    made = run(Recipe("none", (NoPage(),)), WarcFiles.find([str(path)]), store=store).manifest
    with path.open("rb") as stream:
        for dropped in sample(store, made, 20, seed=0, reason="test/no_page") if made.steps[1].dropped else ():
            assert dropped.decision is not None
            assert dropped.decision.file == path.name
            offset = dropped.decision.offset
            stream.seek(offset)
            found = next(read_records(stream, start=offset))
            assert row_id("document", "web", found.id) == dropped.row_id


@pytest.mark.skipif(not WCXB.exists(), reason="wcxb-dev.warc.gz is not beside the repository")
def test_the_wcxb_pages_are_read_byte_for_byte() -> None:
    with WCXB.open("rb") as stream:
        found = [page for page in pages(stream, file=WCXB.name, file_digest="") if isinstance(page, Page)]
    with WCXB.open("rb") as stream:
        peers = [
            record.reader.read()
            for record in peer().ArchiveIterator(stream, record_types=peer().WarcRecordType.response)
        ]
    assert len(found) == 844
    assert [hashlib.sha256(page.content).digest() for page in found] == [hashlib.sha256(one).digest() for one in peers]
