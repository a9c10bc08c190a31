"""Snapshots of CommonCrawl by name: the list of their files, and where these are.

    CC-MAIN-2024-10               all WARC files
    CC-MAIN-2024-10/warc[0:10]    the first ten of them, in the order of the published list
    CC-MAIN-2024-10/wet[5:6]      one file of extracted text

Lists and files are read below https://data.commoncrawl.org, or below the address in KOBA_COMMON_CRAWL: a mirror, or
s3://commoncrawl, which needs s3fs and an account.
"""

import os
import re
import zlib
from dataclasses import dataclass
from typing import Self

from manifests.canonical import sha256
from manifests.errors import BadSource
from manifests.http_file import Gone
from manifests.manifest import SourceRecord
from manifests.remote import read_at_most

BASE_VARIABLE = "KOBA_COMMON_CRAWL"
BASE = "https://data.commoncrawl.org"
MAX_LIST_BYTES = 1 << 26  # unpacked; that of 90,000 files has 12 MB
_LOOKS = re.compile(r"CC-MAIN-[\d-]+(?:[/\[].*)?")  # a file's name goes on behind the digits
_NAME = re.compile(r"(CC-MAIN-\d{4}(?:-\d{2,4})?)(?:/(warc|wet))?(?:\[(\d{0,6}):(\d{0,6})\])?")
_PATH = re.compile(r"(?:[A-Za-z0-9_=-][\w.=-]*/)+[A-Za-z0-9_=-][\w.=-]*\.warc(?:\.wet)?\.gz", re.ASCII)


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a snapshot that were asked for."""

    record: SourceRecord  # of the published list
    location: str  # of that list
    names: tuple[str, ...]  # relative to the base


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot, one kind of its files, and which of them."""

    name: str
    part: str = "warc"
    start: int | None = None
    stop: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the snapshot that a text names; None where it names something else. Raises BadSource."""
        if not _LOOKS.fullmatch(text):
            return None
        found = _NAME.fullmatch(text)
        if not found:
            raise BadSource(f"{text}: expected a snapshot like CC-MAIN-2024-10, CC-MAIN-2024-10/wet or .../warc[0:10]")
        start, stop = (int(bound) if bound else None for bound in found.group(3, 4))
        return cls(found[1], found[2] or "warc", start, stop)

    def listing(self) -> Listing:
        """Fetch the list of files. Raises BadSource where there is none, or where it lists no files."""
        name = f"crawl-data/{self.name}/{self.part}.paths.gz"
        location = location_of(name)
        try:
            packed = read_at_most(location, MAX_LIST_BYTES)
        except Gone as error:
            raise BadSource(
                f"{self.name}: no such snapshot with {self.part} files ({error}); "
                "https://index.commoncrawl.org/collinfo.json lists all names"
            ) from error
        paths = _unpacked(packed, location).split()
        if strange := next((path for path in paths if not _PATH.fullmatch(path)), None):
            raise BadSource(f"{location}: expected one path of a {self.part} file on each line, found {strange!r:.120}")
        if not (wanted := paths[self.start : self.stop]):
            raise BadSource(
                f"{self.name}: has {len(paths):,} {self.part} files; none of them is in the range asked for"
            )
        return Listing(SourceRecord(name, sha256(packed), len(packed)), location, tuple(wanted))


def location_of(name: str) -> str:
    """Return where a file of CommonCrawl is, whose name is relative to the base."""
    return f"{os.environ.get(BASE_VARIABLE, BASE).rstrip('/')}/{name}"


def _unpacked(packed: bytes, location: str) -> str:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        data = unpacker.decompress(packed, MAX_LIST_BYTES)
    except zlib.error:
        data = b""
    if not unpacker.eof:
        raise BadSource(f"{location}: expected a gzipped list, found {packed[:24]!r}; does {BASE_VARIABLE} say where?")
    return data.decode("ascii", "replace")
