"""WARC files as a source of pages: one file, one unit of work."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Self

import fsspec

from corpus.warc_pages import MAX_PAGE_BYTES, pages
from manifests import canonical
from manifests.errors import BadSource
from manifests.manifest import SourceRecord
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
    digest: str
    size: int

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
        with open_location(self.location) as stream:
            yield from pages(stream, file=self.name, file_digest=self.digest)


@dataclass
class WarcFiles:
    """A crawl: WARC files from paths, globs and URLs."""

    locations_given: tuple[str, ...]
    _found: list[WarcFile] = field(default_factory=list)

    @classmethod
    def find(cls, locations: Sequence[str]) -> Self:
        """Take what a user typed."""
        return cls(tuple(locations))

    def units(self, store: Store) -> list[WarcFile]:
        """Return the files, sorted by their names in the crawl. Raises BadSource where one cannot be opened."""
        found = {location for given in self.locations_given for location in _expand(given)}
        files = [_warc_file(location, store) for location in found]
        names = [file.name for file in files]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise BadSource(f"two files are both named {doubled[0]}; rename one: rows name the file they come from")
        self._found = sorted(files, key=lambda file: file.name)
        return self._found

    def records(self) -> tuple[SourceRecord, ...]:
        """Return name, digest and size of each file."""
        return tuple(SourceRecord(file=file.name, digest=file.digest, size=file.size) for file in self._found)

    def locations(self) -> dict[str, str]:
        """Return where each file was read from, so that it is found from any folder."""
        return {file.name: _absolute(file.location) for file in self._found}


def open_location(location: str) -> BinaryIO:
    """Open a path or URL for reading. Raises BadSource."""
    try:
        stream: BinaryIO = fsspec.open(location, "rb").open()
    except (OSError, ValueError) as error:
        raise BadSource(f"cannot open {location}: {error}") from error
    return stream


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


def _warc_file(location: str, store: Store) -> WarcFile:
    """Hash a file, or remember its hash: a terabyte is not read again to learn that nothing changed."""
    fs, path = fsspec.core.url_to_fs(location)
    try:
        info = fs.info(path)
    except OSError as error:
        raise BadSource(f"cannot open {location}: {error}") from error
    stamp = [str(info.get(name)) for name in ("size", "mtime", "ETag", "LastModified", "ino") if name in info]
    key = canonical.digest({"file": fs.unstrip_protocol(path), "stamp": stamp})
    record: dict[str, Any] | None = store.action(key)
    if record is None:
        size, digest = _hash(location)
        record = store.put_action(key, {"digest": digest, "size": size}, makes=[])
    return WarcFile(location, _crawl_name(location), record["result"]["digest"], record["result"]["size"])


def _hash(location: str) -> tuple[int, str]:
    hasher, size = hashlib.sha256(), 0
    with open_location(location) as stream:
        while block := stream.read(_BLOCK):
            hasher.update(block)
            size += len(block)
    return size, hasher.hexdigest()


def _crawl_name(location: str) -> str:
    parts = PurePosixPath(location.partition("://")[2] or location).parts
    return "/".join(parts[parts.index(_CRAWL) :]) if _CRAWL in parts else parts[-1]


def _absolute(location: str) -> str:
    return location if "://" in location else str(Path(location).absolute())
