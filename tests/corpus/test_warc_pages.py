import gzip
import io

import pytest

from corpus.warc_pages import pages, payload, read_at, verify_origin
from manifests.errors import Damaged
from manifests.rows import Origin, Page, row_id
from manifests.stage import Rejected

HTML = b"<p>Hello</p>"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: Text/HTML; charset=UTF-8\r\n"


def record(kind: str, block: bytes, url: str = "https://example.org/", fields: str = "", name: str = "r") -> bytes:
    type_line = "" if "Content-Type" in fields else "Content-Type: application/http; msgtype=response\r\n"
    id_line = f"WARC-Record-ID: <urn:{name}>\r\n" if name else ""
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2026-01-31T00:00:00Z\r\n"
        f"{id_line}{type_line}{fields}Content-Length: {len(block)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + block + b"\r\n\r\n")


def read(data: bytes, max_page_bytes: int = 1_000_000) -> list[Page | Rejected]:
    return list(pages(io.BytesIO(data), file="a.warc.gz", file_digest="f00d", max_page_bytes=max_page_bytes))


def only(data: bytes) -> Page:
    (page,) = read(data)
    assert isinstance(page, Page)
    return page


def refused(data: bytes, max_page_bytes: int = 1_000_000) -> Rejected:
    (rejected,) = read(data, max_page_bytes)
    assert isinstance(rejected, Rejected)
    return rejected


def test_a_response_becomes_a_page_with_its_origin() -> None:
    data = record("response", HEAD + b"X-A: b\r\n\r\n" + HTML)
    page = only(data)
    assert page.id == row_id("document", "web", "urn:r")
    assert (page.url, page.date, page.status, page.source) == (
        "https://example.org/",
        "2026-01-31T00:00:00Z",
        200,
        "web",
    )
    assert (page.content, page.content_type, page.headers["x-a"]) == (HTML, "text/html; charset=utf-8", "b")
    assert page.origin is not None
    assert (page.origin.file, page.origin.offset, page.origin.length) == ("a.warc.gz", 0, len(data))


def test_a_record_without_an_id_is_named_by_file_and_offset() -> None:
    data = record("warcinfo", b"") + record("response", HEAD + b"\r\n" + HTML, name="")
    page = only(data)
    assert page.origin is not None
    assert page.id == row_id("document", "web", f"f00d/{page.origin.offset}")


def test_encodings_are_undone_in_the_content_but_not_in_the_digest() -> None:
    stored = gzip.compress(HTML)
    page = only(record("response", HEAD + b"Content-Encoding: gzip\r\n\r\n" + stored))
    plain = only(record("response", HEAD + b"\r\n" + stored))
    assert page.content == HTML
    assert page.origin is not None
    assert plain.origin is not None
    assert page.origin.digest == plain.origin.digest


def test_records_that_hold_no_page_are_passed_over() -> None:
    kinds = [
        record("warcinfo", b"", fields="Content-Type: application/warc-fields\r\n"),
        record("request", b"GET / HTTP/1.1\r\n\r\n"),
        record("metadata", b"fetchTimeMs: 1"),
        record("conversion", b"text", fields="Content-Type: text/plain\r\n"),
        record("response", b"20260131000000\n", "dns:example.org", "Content-Type: text/dns\r\n"),
        record("resource", b"\x89PNG", fields="Content-Type: image/png\r\n"),
    ]
    assert read(b"".join(kinds)) == []


def test_an_html_resource_is_a_page() -> None:
    page = only(record("resource", HTML, fields="Content-Type: text/HTML\r\n"))
    assert (page.content, page.content_type, page.status) == (HTML, "text/html", 200)


def test_a_revisit_is_refused() -> None:
    assert refused(record("revisit", HEAD + b"\r\n")).reason == "warc/revisit"


def test_a_broken_record_is_refused_with_its_place() -> None:
    data = record("response", HEAD + b"\r\n" + HTML)
    rejected = refused(data[:-5])
    assert rejected.reason == "warc/truncated"
    assert rejected.row.origin == Origin("a.warc.gz", 0, len(data) - 5, "")
    assert rejected.row.id == row_id("document", "web", "f00d/0/warc/truncated")


def test_a_file_not_gzipped_by_record_is_told_once_and_its_pages_can_be_read_again() -> None:
    records = [record("response", HEAD + b"\r\n" + HTML * number, name=str(number)) for number in (1, 2, 3)]
    data = gzip.compress(b"".join(gzip.decompress(one) for one in records))
    notice, *rest = read(data)
    assert isinstance(notice, Rejected)
    assert notice.reason == "warc/not_record_compressed"
    for number, page in enumerate(rest, 1):
        assert isinstance(page, Page)
        assert page.origin is not None
        assert verify_origin(io.BytesIO(data), page.origin) == HTML * number


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (b"gibberish", "http/bad_status"),
        (HEAD + b"Content-Encoding: sdch\r\n\r\n\0\1\2", "http/unknown_encoding"),
        (HEAD + b"Content-Encoding: gzip\r\n\r\n\0\1\2", "http/bad_encoding"),
    ],
)
def test_a_response_that_cannot_be_used_is_refused_under_its_own_id(block: bytes, reason: str) -> None:
    rejected = refused(record("response", block))
    assert (rejected.reason, rejected.row.id) == (reason, row_id("document", "web", "urn:r"))


def test_a_page_beyond_the_limit_is_refused_with_its_size() -> None:
    rejected = refused(record("response", HEAD + b"\r\n" + bytes(5_001)), max_page_bytes=5_000)
    assert (rejected.reason, rejected.value, rejected.threshold) == ("page/too_large", 5_001, 5_000)
    assert only(record("response", HEAD + b"\r\n" + bytes(5_000))).content == bytes(5_000)


def test_a_page_far_beyond_the_limit_is_refused_under_its_own_id_without_being_read() -> None:
    rejected = refused(record("response", HEAD + b"\r\n" + bytes(2_000_000)), max_page_bytes=5_000)
    assert (rejected.reason, rejected.threshold) == ("page/too_large", 5_000)
    assert rejected.value is not None
    assert rejected.value > 2_000_000
    assert rejected.row.id == row_id("document", "web", "urn:r")
    assert read(record("metadata", bytes(2_000_000)), max_page_bytes=5_000) == []


def test_a_bomb_is_refused() -> None:
    rejected = refused(
        record("response", HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(5_001))), 5_000
    )
    assert (rejected.reason, rejected.value, rejected.threshold) == ("http/too_large", 5_001, 5_000)


def test_a_page_that_was_cut_short_says_so() -> None:
    body = gzip.compress(b"".join(b"%d " % number for number in range(5_000)))[:-2_000]
    assert only(record("response", HEAD + b"\r\n" + HTML, fields="WARC-Truncated: length\r\n")).labels == {
        "truncated": "length"
    }
    assert only(record("response", HEAD + b"Content-Encoding: gzip\r\n\r\n" + body)).labels == {"truncated": "body"}


def test_an_origin_leads_back_to_the_stored_body() -> None:
    stored = gzip.compress(HTML)
    data = record("warcinfo", b"") + record("response", HEAD + b"Content-Encoding: gzip\r\n\r\n" + stored)
    origin = only(data).origin
    assert origin is not None
    assert verify_origin(io.BytesIO(data), origin) == stored
    assert payload(read_at(io.BytesIO(data), origin.offset, origin.length)) == stored


def test_an_origin_in_a_changed_file_is_damaged() -> None:
    data = record("response", HEAD + b"\r\n" + HTML)
    origin = only(data).origin
    assert origin is not None
    changed = record("response", HEAD + b"\r\n" + b"<p>Hallo</p>")
    with pytest.raises(Damaged, match="expected"):
        verify_origin(io.BytesIO(changed), origin)
    with pytest.raises(Damaged, match=r"a\.warc\.gz: offset 0: .*found nothing"):
        verify_origin(io.BytesIO(b""), origin)
    with pytest.raises(Damaged, match="ends inside a gzip member"):
        verify_origin(io.BytesIO(data[:-5]), origin)
