"""CommonCrawl's indexes: which record of which WARC file holds a page.

Two forms are read: CDXJ (lines of a cdx-*.gz file, or of an answer of index.commoncrawl.org with output=json), and the
columnar index (Parquet, or a query's result of these columns: url, warc_filename, warc_record_offset,
warc_record_length, content_digest, fetch_status, content_mime_detected, content_languages).

Entries that are refused:

cc_index/bad_line      a line that names no record of a file below crawl-data/
cc_index/too_long      a line longer than MAX_LINE_BYTES
cc_index/too_large     a record longer than MAX_RECORD_BYTES, compressed
cc_index/status        the crawler got another status than 200: such a record is not fetched
cc_index/not_html      the content was found to be no HTML: such a record is not fetched
"""

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.tape import GZIP_MAGIC
from corpus.warc_pages import HTML
from manifests.errors import BadSource
from manifests.remote import open_location
from manifests.rows import Origin, Page, row_id
from manifests.stage import Rejected

SOURCE = "web"
SUFFIXES = (".cdxj", ".cdxj.gz", ".cdx", ".cdx.gz", ".parquet")
MAX_LINE_BYTES = 1 << 16
MAX_RECORD_BYTES = 1 << 25  # compressed; a page may have 10 MiB uncompressed
MAX_INT = 2**53
COLUMNS = {  # of the columnar index, and what CDXJ calls them
    "url": "url",
    "warc_filename": "filename",
    "warc_record_offset": "offset",
    "warc_record_length": "length",
    "content_digest": "digest",
    "fetch_status": "status",
    "content_mime_detected": "mime-detected",
    "content_languages": "languages",
}
_NEEDED = ("warc_filename", "warc_record_offset", "warc_record_length")
_FILE = re.compile(r"crawl-data/(?:[\w=-][\w.=-]*/)*[\w=-][\w.=-]*", re.ASCII)
_BATCH_ROWS = 4096


class Entry(msgspec.Struct, frozen=True, order=True):
    """One record, as an index tells of it."""

    file: str
    offset: int
    length: int  # bytes of the gzip member
    url: str = ""
    digest: str = ""  # SHA-1 of the payload, in base 32; empty: not known
    languages: str = ""  # ISO 639-3, most of it first, by commas

    def page(self) -> Page:
        """Return a page without content, for a record that was not fetched."""
        origin = Origin(self.file, self.offset, self.length, "")
        return _nothing(f"{self.file}@{self.offset}", origin).replace(url=self.url or None)


def read_index(location: str, *, name: str, etag: str = "") -> Iterator[Entry | Rejected]:
    """Yield the entries of an index; `name` is what rejects call it. Raises BadSource where it is none."""
    with open_location(location, etag=etag) as stream:
        given = _columns(stream, location) if location.endswith(".parquet") else _lines(stream, location)
        for place, fields in given:
            found = _entry(fields) if isinstance(fields, Mapping) else fields
            if isinstance(found, str):
                yield Rejected(_nothing(f"{name}@{place}", Origin(name, place, 0, "")), found)
            else:
                yield found


def _entry(fields: Mapping[str, Any]) -> Entry | Rejected | str:
    file, offset, length = (fields.get(name) for name in ("filename", "offset", "length"))
    if not (isinstance(file, str) and _FILE.fullmatch(file)):
        return "cc_index/bad_line"
    begin, size = _whole(offset), _whole(length)
    if begin is None or not size:
        return "cc_index/bad_line"
    url, digest, languages = (_text(fields.get(name)) for name in ("url", "digest", "languages"))
    entry = Entry(file, begin, size, url, digest.rpartition(":")[2], languages)
    status, mime = _whole(fields.get("status")), _text(fields.get("mime-detected"))
    if size > MAX_RECORD_BYTES:
        return Rejected(entry.page(), "cc_index/too_large", size, MAX_RECORD_BYTES)
    if status not in {None, 200}:
        return Rejected(entry.page(), "cc_index/status", status, 200)
    if mime and mime != "unk" and not mime.startswith(HTML):
        return Rejected(entry.page(), "cc_index/not_html")
    return entry


def _nothing(place: str, origin: Origin) -> Page:
    return Page(id=row_id("document", SOURCE, place), source=SOURCE, origin=origin, status=0)


def _lines(stream: BinaryIO, location: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    head = stream.read(len(GZIP_MAGIC))
    stream.seek(0)
    lines = gzip.GzipFile(fileobj=stream) if head == GZIP_MAGIC else stream
    number = 0
    try:
        while line := lines.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                yield number, "cc_index/too_long"
                while line and not line.endswith(b"\n"):
                    line = lines.readline(MAX_LINE_BYTES)
            elif line.strip():
                yield number, _object(line)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadSource(f"{location}: line {number:,}: {error}; expected a whole gzipped index") from error


def _object(line: bytes) -> Mapping[str, Any] | str:
    """Return the JSON object of a line: all of it, or what follows its key and its time."""
    try:
        found = json.loads(line[line.index(b"{") :])
    except (ValueError, RecursionError):
        return "cc_index/bad_line"
    return found if isinstance(found, dict) else "cc_index/bad_line"


def _columns(stream: BinaryIO, location: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    number = 0
    try:
        file = pq.ParquetFile(stream)
        names = [name for name in COLUMNS if name in file.schema_arrow.names]
        missing = [name for name in _NEEDED if name not in names]
        if missing:
            raise BadSource(f"{location}: has no column {', '.join(missing)}; expected {', '.join(COLUMNS)}")
        for batch in file.iter_batches(_BATCH_ROWS, columns=names):
            for row in batch.to_pylist():
                number += 1
                yield number, {COLUMNS[name]: value for name, value in row.items()}
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise BadSource(f"{location}: row {number:,}: {error}; expected a Parquet file") from error


def _whole(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 17:
        value = int(value)
    return value if type(value) is int and 0 <= value < MAX_INT else None


def _text(value: object) -> str:
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "replace").decode()
