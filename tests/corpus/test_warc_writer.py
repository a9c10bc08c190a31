import base64
import hashlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.warc import Record, read_records
from corpus.warc_pages import pages, verify_origin
from corpus.warc_writer import Writer
from manifests.errors import BadRow
from manifests.rows import Page

DATE = "2026-01-31T00:00:00Z"


def write(*bodies: bytes) -> bytes:
    stream = io.BytesIO()
    writer = Writer(stream, file="a.warc.gz", date=DATE)
    for number, body in enumerate(bodies):
        writer.write(f"https://example.org/{number}", body, date=DATE)
    return stream.getvalue()


def records(data: bytes) -> list[Record]:
    return [one for one in read_records(io.BytesIO(data)) if isinstance(one, Record)]


def test_a_file_begins_with_its_warcinfo() -> None:
    (info,) = records(write())
    assert (info.type, info.date, info.headers["warc-filename"]) == ("warcinfo", DATE, "a.warc.gz")
    assert bytes(info.content) == b"software: koba\r\nformat: WARC File Format 1.1\r\n"


def test_a_page_stands_in_a_response_with_the_digests_of_the_field() -> None:
    response = records(write(b"<p>Hello</p>"))[1]
    assert bytes(response.content) == (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 12\r\n\r\n<p>Hello</p>"
    )
    digest = base64.b32encode(hashlib.sha1(b"<p>Hello</p>").digest()).decode()  # noqa: S324
    assert response.headers["warc-payload-digest"] == f"sha1:{digest}"


def test_the_same_pages_give_the_same_bytes_and_other_pages_other_ids() -> None:
    assert write(b"one", b"two") == write(b"one", b"two")
    ids = [one.id for one in records(write(b"one", b"one", b"two"))]
    assert len(set(ids)) == 4
    assert all(name.startswith("urn:uuid:") for name in ids)


@pytest.mark.parametrize(
    "field", [{"url": "https://a b/"}, {"url": "x\r\nEvil: 1"}, {"content_type": "a\r\nb"}, {"date": "\n"}]
)
def test_what_cannot_stand_in_a_header_is_refused(field: dict[str, str]) -> None:
    writer = Writer(io.BytesIO(), file="a.warc.gz", date=DATE)
    with pytest.raises(BadRow):
        writer.write(**{"url": "https://example.org/", "body": b"", "date": DATE, **field})  # type: ignore[arg-type]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.from_regex(r"https://[a-z]{1,9}/[\w%?=&-]{0,9}", fullmatch=True), st.binary(max_size=300)))
)
def test_what_is_written_is_read_with_the_origin_that_was_told(written: list[tuple[str, bytes]]) -> None:
    stream = io.BytesIO()
    writer = Writer(stream, file="a.warc.gz", date=DATE)
    origins = [writer.write(url, body, date=DATE) for url, body in written]
    stream.seek(0)
    found = [page for page in pages(stream, file="a.warc.gz", file_digest="f00d") if isinstance(page, Page)]
    assert [(page.url, page.content) for page in found] == written
    assert [page.origin for page in found] == origins
    for origin, (_, body) in zip(origins, written, strict=True):
        assert verify_origin(stream, origin) == body
