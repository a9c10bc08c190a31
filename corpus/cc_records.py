"""Single records of a crawl by an index, each fetched by its range: a language or a site without the terabytes around.

    WarcFiles.find(["japanese.parquet", "example.cdxj"])

Records are grouped by WARC file, and those that lie close together are fetched at once. A page has the id and the
origin that it has when its whole file is read, but for a record without an id of its own. Refused, besides what
corpus.cc_index and corpus.warc_pages refuse:

cc_index/unreachable    the server says that it has no such file or range; when it does not answer at all, the run ends
cc_index/no_record      no whole WARC record of this length stands there
cc_index/no_page        a record that holds no page
cc_index/wrong_digest   the record's payload is not the one that the index tells of

In the label `identified_languages` is what the index says, where it says something.
"""

import base64
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec

from corpus.cc_index import SOURCE, Entry, read_index
from corpus.cc_snapshot import location_of
from corpus.warc import Record, read_records
from corpus.warc_pages import MAX_PAGE_BYTES, pages, payload
from manifests import canonical
from manifests.http_file import Gone
from manifests.remote import open_location
from manifests.rows import Origin, Page, Row
from manifests.stage import Rejected

_Row = TypeVar("_Row", bound=Row)

READER_VERSION = 1  # raised by hand when the same entries give other pages
UNIT_RECORDS = 2_000  # of one unit of work
MAX_GAP_BYTES = 1 << 16  # read rather than asked for apart: a request costs as much time as 100 kB
MAX_RANGE_BYTES = 1 << 24  # of records that are fetched at once; one that is longer is fetched alone


@dataclass(frozen=True)
class Records:
    """Records that one worker fetches, sorted by file and offset."""

    entries: tuple[Entry, ...]

    @property
    def key(self) -> dict[str, str | int]:
        """What the index says of the records decides what they yield."""
        told = canonical.digest([msgspec.structs.astuple(entry) for entry in self.entries])
        return {"records": told, "reader": READER_VERSION, "max_page_bytes": MAX_PAGE_BYTES}

    @property
    def file(self) -> str:
        """A name for messages."""
        return f"{len(self.entries):,} records from {self.entries[0].file} on"

    def rows(self) -> Iterator[Row | Rejected]:
        """Yield a page or a reject for each record."""
        for together in ranges(self.entries):
            yield from _fetched(together)


@dataclass(frozen=True)
class Refusals:
    """The entries of an index that name no record to fetch."""

    location: str
    name: str
    digest: str
    etag: str = ""

    @property
    def key(self) -> dict[str, str | int]:
        """The index decides."""
        return {"cc_index": self.digest, "name": self.name, "reader": READER_VERSION}

    @property
    def file(self) -> str:
        """A name for messages."""
        return self.location

    def rows(self) -> Iterator[Row | Rejected]:
        """Yield a reject for each of them."""
        for entry in read_index(self.location, name=self.name, etag=self.etag):
            if isinstance(entry, Rejected):
                yield entry


def record_units(location: str, *, name: str, etag: str = "") -> list[Records]:
    """Return the records that an index names, in units of work. It is held in memory: 300 bytes a record."""
    entries = sorted(entry for entry in read_index(location, name=name, etag=etag) if isinstance(entry, Entry))
    return [Records(tuple(entries[first : first + UNIT_RECORDS])) for first in range(0, len(entries), UNIT_RECORDS)]


def ranges(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Yield sorted entries in the groups that are fetched at once."""
    group: list[Entry] = []
    stop = 0
    for entry in entries:
        end = entry.offset + entry.length
        if group and (
            entry.file != group[0].file
            or entry.offset - stop > MAX_GAP_BYTES
            or max(stop, end) - group[0].offset > MAX_RANGE_BYTES
        ):
            yield group
            group = []
        stop = max(stop, end) if group else end
        group.append(entry)
    if group:
        yield group


def _fetched(entries: Sequence[Entry]) -> Iterator[Page | Rejected]:
    """Fetch entries that lie close together. Raises BadSource where the server does not answer."""
    start, stop = entries[0].offset, max(entry.offset + entry.length for entry in entries)
    try:
        with open_location(location_of(entries[0].file), start=start, stop=stop) as stream:
            data = stream.read(stop - start)
    except Gone:
        yield from (Rejected(entry.page(), "cc_index/unreachable") for entry in entries)
        return
    for entry in entries:
        yield _page(entry, data[entry.offset - start : entry.offset - start + entry.length])


def _page(entry: Entry, data: bytes) -> Page | Rejected:
    record = next(read_records(io.BytesIO(data)), None)
    if not isinstance(record, Record) or record.length != entry.length or len(data) < entry.length:
        damage = f"expected a WARC record of {entry.length} bytes"
        return Rejected(entry.page(), "cc_index/no_record", len(data), entry.length, damage=damage)
    if entry.digest and entry.digest != _sha1(payload(record)):
        damage = f"expected a payload with the SHA-1 {entry.digest}"
        return Rejected(entry.page(), "cc_index/wrong_digest", damage=damage)
    place = f"{entry.file}@{entry.offset}"
    found = next(pages(io.BytesIO(data), file=entry.file, file_digest=place, source=SOURCE), None)
    if found is None:
        return Rejected(entry.page(), "cc_index/no_page")
    if isinstance(found, Rejected):
        return replace(found, row=_placed(found.row, entry))
    return _placed(found, entry)


def _placed(page: _Row, entry: Entry) -> _Row:
    """Return a page that was read from its record alone, as one of the whole file."""
    labels = {**page.labels, "identified_languages": entry.languages} if entry.languages else page.labels
    digest = page.origin.digest if page.origin else ""
    return page.replace(origin=Origin(entry.file, entry.offset, entry.length, digest), labels=labels)


def _sha1(data: bytes) -> str:
    return base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()
