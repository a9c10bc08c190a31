"""Web pages out of WARC files, each with its origin, and the way back from an origin to the bytes.

The digest of an origin is the SHA-256 of the HTTP body exactly as the record holds it: after the head of the response,
with neither transfer nor content encoding undone. So it is checked again without decoding anything. Where a record
holds no readable response (a resource, an invalid status line), it is taken over the whole block.

Pages that are refused: warc/* (see corpus.warc), warc/revisit, http/* (see corpus.http_body), page/too_large.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from corpus.http_body import MAX_HEAD_BYTES, Response, Unreadable, decode_body, parse_response
from corpus.tape import GZIP_MAGIC
from corpus.warc import MAX_RECORD_BYTES, Broken, Record, read_records
from corpus.warc_head import record_id, target_url
from manifests.errors import Damaged
from manifests.rows import Origin, Page, row_id
from manifests.stage import Rejected

MAX_PAGE_BYTES = 10 << 20
HTML = ("text/html", "application/xhtml+xml")


def pages(
    stream: BinaryIO, *, file: str, file_digest: str, source: str = "web", max_page_bytes: int = MAX_PAGE_BYTES
) -> Iterator[Page | Rejected]:
    """Yield the pages of a WARC file: its HTTP responses of whatever type, and its HTML resources.

    `file` is the name that origins carry, relative to the crawl; `file_digest` names the records that have no id.
    A page is refused when its body, decoded, has more than `max_page_bytes`; a record that can only hold such a page
    is not read into memory. A page that the crawler or the connection cut short has the label `truncated`.
    Records that hold no page (requests, metadata, DNS answers, extracted text) are passed over.
    """
    crawl = _Crawl(file, file_digest, source, max_page_bytes)
    for record in read_records(stream, max_record_bytes=max_page_bytes + 2 * MAX_HEAD_BYTES):
        if isinstance(record, Broken):
            refused = crawl.broken(record)
            if refused:
                yield refused
        elif record.type == "revisit":
            yield Rejected(crawl.page(record, payload(record)), "warc/revisit")
        elif _may_be_page(record.headers):
            yield crawl.read(record)


def payload(record: Record) -> bytes:
    """Return the bytes of a record that an origin's digest is taken over."""
    response = _response(record)
    return record.data[response.body_at if isinstance(response, Response) else record.start : record.end]


def read_at(stream: BinaryIO, offset: int, length: int, *, max_record_bytes: int = MAX_RECORD_BYTES) -> Record:
    """Return the record that `read_records` gave with this offset and length; `stream` must be seekable.

    Raises Damaged where no whole record of this length stands there.
    """
    stream.seek(offset)
    first = next(read_records(stream, start=offset, max_record_bytes=max_record_bytes), None)
    if isinstance(first, Record) and (first.offset, first.length) == (offset, length):
        return first
    stream.seek(0)
    if stream.read(len(GZIP_MAGIC)) == GZIP_MAGIC:  # perhaps not by record: then offsets are not those of the file
        stream.seek(0)
        for record in read_records(stream, max_record_bytes=max_record_bytes):
            if isinstance(record, Record) and (record.offset, record.length) == (offset, length):
                return record
            if record.offset > offset:
                break
    found = f"one of {first.length} bytes" if isinstance(first, Record) else first.message if first else "nothing"
    raise Damaged(
        f"offset {offset}: expected a WARC record of {length} bytes, found {found}; is this the file it was read from?"
    )


def verify_origin(stream: BinaryIO, origin: Origin, *, max_record_bytes: int = MAX_RECORD_BYTES) -> bytes:
    """Return the stored body of the page that was read at `origin`, in the file that it names.

    Raises Damaged where the record is not there any more, or where its body has another digest.
    """
    try:
        found = payload(read_at(stream, origin.offset, origin.length, max_record_bytes=max_record_bytes))
    except Damaged as error:
        raise Damaged(f"{origin.file}: {error}") from error
    digest = _digest(found)
    if digest != origin.digest:
        raise Damaged(
            f"{origin.file}: offset {origin.offset}: expected a body with {origin.digest or 'no digest'}, "
            f"found {digest}; the file has changed since it was read"
        )
    return found


@dataclass(frozen=True, slots=True)
class _Crawl:
    file: str
    file_digest: str
    source: str
    max_page_bytes: int

    def read(self, record: Record) -> Page | Rejected:
        response = _response(record)
        if isinstance(response, Unreadable):
            page = self.page(record, record.data[record.start : record.end])
            return Rejected(page, response.reason, response.value, response.threshold)
        stored = record.data[response.body_at : record.end]
        page = self.page(record, stored, response)
        body = decode_body(stored, response.headers, self.max_page_bytes)
        if isinstance(body, Unreadable):
            return Rejected(page, body.reason, body.value, body.threshold)
        if len(body.content) > self.max_page_bytes:
            return Rejected(page, "page/too_large", len(body.content), self.max_page_bytes)
        truncated = record.headers.get("warc-truncated") or ("" if body.complete else "body")
        if truncated:
            return page.replace(content=body.content, labels={"truncated": truncated})
        return page.replace(content=body.content)

    def page(self, record: Record, stored: bytes, response: Response | None = None) -> Page:
        """Return the page of a record, its content left out."""
        headers = response.headers if response else {}
        return Page(
            id=self.id(record.id, record.offset),
            source=self.source,
            url=record.url,
            date=record.date,
            origin=Origin(self.file, record.offset, record.length, _digest(stored)),
            content_type=headers.get("content-type", "").lower(),
            status=response.status if response else 0,
            headers=headers,
        )

    def broken(self, broken: Broken) -> Rejected | None:
        """Return the reject of a broken record; None where it is known to hold no page."""
        headers, reason, value, threshold = broken.headers, broken.reason, None, None
        page_id = row_id("document", self.source, f"{self.file_digest}/{broken.offset}/{reason}")
        if reason == "warc/too_large":
            if not _may_be_page(headers):
                return None
            page_id = self.id(record_id(headers), broken.offset)
            reason, value, threshold = "page/too_large", broken.size_bytes, self.max_page_bytes
        page = Page(
            id=page_id,
            source=self.source,
            url=target_url(headers),
            date=headers.get("warc-date"),
            origin=Origin(self.file, broken.offset, broken.length or 0, ""),
            status=0,
        )
        return Rejected(page, reason, value, threshold, damage=broken.damage)

    def id(self, record_id: str, offset: int) -> bytes:
        return row_id("document", self.source, record_id or f"{self.file_digest}/{offset}")


def _response(record: Record) -> Response | Unreadable:
    if record.type == "resource":
        return Response(200, {"content-type": record.headers.get("content-type", "")}, record.start)
    return parse_response(record.data, record.start, record.end)


def _may_be_page(headers: Mapping[str, str]) -> bool:
    kind = headers.get("warc-type", "").lower()
    content_type = headers.get("content-type", "").lower()
    if kind == "response":
        url = target_url(headers) or ""
        return content_type.startswith("application/http") or url.startswith(("http:", "https:"))
    return kind == "resource" and content_type.startswith(HTML)


def _digest(stored: bytes) -> str:
    return f"sha256:{hashlib.sha256(stored).hexdigest()}"
