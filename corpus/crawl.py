"""WARC files as a source of pages: one file, one unit of work.

WarcFiles.find(["crawl/*.warc.gz", "https://example.org/a.warc.gz", "CC-MAIN-2024-10/warc[0:10]"])
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Self

import fsspec

from corpus.cc_index import SUFFIXES
from corpus.cc_records import Records, Refusals, record_units
from corpus.cc_snapshot import Snapshot, location_of
from corpus.warc_pages import MAX_PAGE_BYTES, pages
from manifests import canonical
from manifests.commit import in_threads
from manifests.errors import BadSource
from manifests.manifest import SourceRecord
from manifests.remote import is_http, open_location, stamp_of
from manifests.rows import Row
from manifests.stage import Rejected
from manifests.store import Store

READER_VERSION = 1  # raised by hand when the same file gives other pages
_CRAWL = "crawl-data"  # a CommonCrawl path means the same everywhere from here on
_BLOCK = 1 << 20


@dataclass(frozen=True)
class WarcFile:
    """One WARC file: where it is, what its bytes hash to, and how rows name it."""

    location: str
    name: str  # relative to the crawl; goes into `Origin.file`
    digest: str  # of its bytes; of a file of a published snapshot, which is too much to read twice, see `published`
    size: int
    etag: str = ""  # of the http file that was hashed: another one is not read in its place
    published: bool = False  # the digest is over name, size and ETag

    @property
    def key(self) -> dict[str, str | int]:
        """Its bytes, its name in the crawl and the reader decide what it yields; where it lies does not."""
        return {"warc": self.digest, "name": self.name, "reader": READER_VERSION, "max_page_bytes": MAX_PAGE_BYTES}

    @property
    def file(self) -> str:
        """A name for messages."""
        return self.location

    def rows(self) -> Iterator[Row | Rejected]:
        """Yield its pages, and a reject for each record that is none or is broken."""
        with open_location(self.location, etag=self.etag) as stream:
            yield from pages(stream, file=self.name, file_digest=self.digest)


@dataclass
class WarcFiles:
    """A crawl: WARC files from paths, globs, URLs and names of CommonCrawl's snapshots."""

    part: ClassVar[str] = "warc"  # of a snapshot
    unit: ClassVar[type[WarcFile]] = WarcFile

    locations_given: tuple[str, ...]
    _found: list[WarcFile] = field(default_factory=list)
    _lists: dict[SourceRecord, str] = field(default_factory=dict)  # lists and indexes, and where they are
    _indexed: set[str] = field(default_factory=set)  # names of files that records are fetched from

    @classmethod
    def find(cls, locations: Sequence[str]) -> Self:
        """Take what a user typed."""
        return cls(tuple(locations))

    def units(self, store: Store) -> list[WarcFile | Records | Refusals]:
        """Return the files, sorted by their names in the crawl, and then the records that indexes name.

        Raises BadSource where one cannot be opened.
        """
        found: set[str] = set()
        published: set[str] = set()
        for given in self.locations_given:
            snapshot = Snapshot.parse(given)
            if snapshot:
                published.update(self._listed(snapshot))
            else:
                found.update(_expand(given))
        indexes = sorted(location for location in found if location.endswith(SUFFIXES))
        files = in_threads(lambda location: self._file(location, store), sorted(found.difference(indexes)))
        files += in_threads(lambda name: self._published(name, store), sorted(published))
        doubled = sorted(name for name, count in Counter(file.name for file in files).items() if count > 1)
        if doubled:
            raise BadSource(f"two files are both named {doubled[0]}; rename one: rows name the file they come from")
        self._found = sorted(files, key=lambda file: file.name)
        return [*self._found, *(unit for location in indexes for unit in self._records(location, store))]

    def records(self) -> tuple[SourceRecord, ...]:
        """Return name, digest and size of each file; for a snapshot, of its list; for records, of their index."""
        files = [SourceRecord(file.name, file.digest, file.size) for file in self._found if not file.published]
        return (*self._lists, *files)

    def locations(self) -> dict[str, str]:
        """Return where each file was read from, so that it is found from any folder."""
        lists = {record.file: location for record, location in self._lists.items()}
        indexed = {name: location_of(name) for name in self._indexed}
        return indexed | lists | {file.name: _absolute(file.location) for file in self._found}

    def _records(self, location: str, store: Store) -> Iterator[Records | Refusals]:
        """Yield the records that an index names, and what it names that cannot be fetched."""
        if self.part != WarcFiles.part:
            raise BadSource(f"{location}: an index names WARC records; this dataset is made of {self.part} files")
        index = self._file(location, store)
        self._lists[SourceRecord(index.name, index.digest, index.size)] = _absolute(location)
        for unit in record_units(location, name=index.name, etag=index.etag):
            self._indexed.update(entry.file for entry in unit.entries)
            yield unit
        yield Refusals(location, index.name, index.digest, index.etag)

    def _listed(self, snapshot: Snapshot) -> tuple[str, ...]:
        if snapshot.part != self.part:
            raise BadSource(f"{snapshot.name}/{snapshot.part}: this dataset is made of {self.part} files")
        listing = snapshot.listing()
        self._lists[listing.record] = listing.location
        return listing.names

    def _published(self, name: str, store: Store) -> WarcFile:
        """Take a file of a snapshot as its name, size and ETag: to hash all files of one is to download it."""
        location = location_of(name)
        size, etag, _ = stamp_of(location)
        if size is None or not etag:
            return self._file(location, store)
        digest = canonical.digest({"crawl_file": name, "size": size, "etag": etag.strip('"')})
        return self.unit(location, name, digest, size, etag if is_http(location) else "", published=True)

    def _file(self, location: str, store: Store) -> WarcFile:
        """Hash a file, or remember its hash: a terabyte is not read again to learn that nothing changed."""
        stamp = stamp_of(location)
        key = canonical.digest({"file": _unaliased(location), "stamp": [str(part) for part in stamp]})
        record: dict[str, Any] | None = store.action(key) if stamp.etag or stamp.modified else None
        etag = stamp.etag if is_http(location) else ""
        if record is None:
            size, digest = _hash(location, etag)
            record = store.put_action(key, {"digest": digest, "size": size}, makes=[])
        return self.unit(location, _crawl_name(location), record["result"]["digest"], record["result"]["size"], etag)


def _expand(given: str) -> list[str]:
    if "://" in given:
        return [given]
    path = Path(given)
    if path.is_file():
        return [given]
    found = sorted(str(one) for one in Path(path.anchor).glob(str(path.relative_to(path.anchor))) if one.is_file())
    if not found:
        raise BadSource(f"no file matches {given}; give WARC files, globs or URLs, or fetch a sample: koba quickstart")
    return found


def _unaliased(location: str) -> str:
    if is_http(location):
        return location
    fs, path = fsspec.core.url_to_fs(location)
    return str(fs.unstrip_protocol(path))


def _hash(location: str, etag: str) -> tuple[int, str]:
    hasher, size = hashlib.sha256(), 0
    with open_location(location, etag=etag) as stream:
        while block := stream.read(_BLOCK):
            hasher.update(block)
            size += len(block)
    return size, hasher.hexdigest()


def _crawl_name(location: str) -> str:
    parts = PurePosixPath(location.partition("://")[2].partition("?")[0] or location).parts
    return "/".join(parts[parts.index(_CRAWL) :]) if _CRAWL in parts else parts[-1]


def _absolute(location: str) -> str:
    return location if "://" in location else str(Path(location).absolute())
