import gzip
import html
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.warc_pages import verify_origin
from corpus.web_text import recipe
from corpus.wet import WetFiles, texts
from manifests.errors import BadSource
from manifests.rows import Document, row_id
from manifests.run import run
from manifests.stage import Recipe, Rejected
from manifests.store import Store
from manifests.view import View
from tests.corpus.crawl_of_ours import english
from tests.corpus.web_server import Shelf, serving

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "warc-real" / "whirlwind.CC-MAIN-2024-22.warc.wet.gz"
FILE = "crawl-data/CC-MAIN-2024-10/segments/1/wet/a.warc.wet.gz"


def record(block: bytes, kind: str = "conversion", name: str = "urn:1", fields: str = "") -> bytes:
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: https://example.org/{name}\r\n"
        f"WARC-Date: 2024-02-29T00:00:00Z\r\nWARC-Record-ID: <{name}>\r\n{fields}"
        f"Content-Type: text/plain\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + block + b"\r\n\r\n")


def read(data: bytes) -> list[Document | Rejected]:
    return list(texts(io.BytesIO(data), file=FILE, file_digest="f00d"))


def only(data: bytes) -> Document:
    (found,) = read(data)
    assert isinstance(found, Document)
    return found


def refused(data: bytes) -> Rejected:
    (found,) = read(data)
    assert isinstance(found, Rejected)
    return found


def test_a_conversion_is_a_document_as_it_is() -> None:
    text = "川の歴史\r\n  two  spaces \n"
    document = only(record(text.encode(), fields="WARC-Identified-Content-Language: jpn,eng\r\n"))
    assert document.text == text
    assert document.id == row_id("document", "web", "urn:1")
    assert (document.url, document.date) == ("https://example.org/urn:1", "2024-02-29T00:00:00Z")
    assert document.labels == {"identified_languages": "jpn,eng"}
    assert document.language is None


@pytest.mark.parametrize("text", [b"plain", b"<p> begins like a page", b"HTTP/1.1 200 OK\r\n\r\nand more"])
def test_the_origin_leads_back_to_the_record(text: bytes) -> None:
    data = record(b"x", kind="warcinfo") + record(text)
    document = read(data)[1]
    assert isinstance(document, Document)
    assert document.origin is not None
    assert text.endswith(verify_origin(io.BytesIO(data), document.origin))
    assert document.text.encode() == text


@pytest.mark.parametrize(
    ("data", "reason", "value"),
    [
        (record(b"format: WARC", kind="warcinfo"), "wet/not_conversion", None),
        (record(b"HTTP/1.1 200 OK\r\n\r\n<p>", kind="response"), "wet/not_conversion", None),
        (record("川".encode("shift_jis")), "wet/not_utf8", 0),
        (record(b" \n"), "wet/empty", None),
        (record(b"text")[:-5], "warc/truncated", None),
    ],
)
def test_what_holds_no_text_is_counted(data: bytes, reason: str, value: float | None) -> None:
    rejected = refused(data)
    assert (rejected.reason, rejected.value) == (reason, value)


def test_a_text_beyond_the_limit_is_refused_under_its_own_id() -> None:
    rejected = refused(record(bytes(11 << 20)))
    assert (rejected.reason, rejected.row.id) == ("warc/too_large", row_id("document", "web", "urn:1"))


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as made:
        made.files[FILE] = record(b"w", kind="warcinfo", name="urn:0") + record(b"One.") + record(b"Two.", name="urn:2")
        made.files["crawl-data/CC-MAIN-2024-10/wet.paths.gz"] = gzip.compress(FILE.encode() + b"\n")
        monkeypatch.setenv("KOBA_COMMON_CRAWL", made.url)
        yield made


def test_texts_of_a_snapshot_become_a_dataset_and_the_rest_is_counted(shelf: Shelf, tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    made = run(Recipe("wet", ()), WetFiles.find(["CC-MAIN-2024-10/wet[0:1]"]), store=store)
    rows = [row for row in View(store, made.manifest) if isinstance(row, Document)]
    assert sorted(row.text for row in rows) == ["One.", "Two."]
    assert {row.origin.file for row in rows if row.origin} == {FILE}
    assert made.manifest.steps[0].reasons == {"wet/not_conversion": 1}
    again = run(Recipe("wet", ()), WetFiles.find(["CC-MAIN-2024-10/wet"]), store=store)
    assert (again.manifest.id, again.reused) == (made.manifest.id, 1)


def test_whole_pages_are_no_texts(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="made of wet files"):
        WetFiles.find(["CC-MAIN-2024-10"]).units(Store(str(tmp_path / "store")))


@pytest.mark.skipif(not REAL.exists(), reason="the real WET file is not beside the repository")
def test_a_real_file_gives_its_texts() -> None:
    found = read(REAL.read_bytes())
    assert [row.reason for row in found if isinstance(row, Rejected)] == ["wet/not_conversion"]
    texts_found = [row for row in found if isinstance(row, Document)]
    assert [row.labels for row in texts_found] == [{"identified_languages": "spa"}]


def test_the_program_keeps_texts_by_language_and_rules(tmp_path: Path) -> None:
    body = html.unescape(re.sub("<[^>]+>", "", english("rivers"))).encode()
    path = tmp_path / "a.warc.wet.gz"
    path.write_bytes(record(body) + record("川。".encode() * 9, name="urn:2") + record(body, name="urn:3"))
    store = Store(str(tmp_path / "store"))
    kept = run(recipe(), WetFiles.find([str(path)]), store=store).manifest
    (row,) = [row for row in View(store, kept) if isinstance(row, Document)]
    assert (row.text.encode(), row.language) == (body, "en")
