"""JSON Lines, JSON arrays and Parquet files as a source of rows: files, globs, folders and URLs.

files = DataFiles.find(["downloads/wiki"], source="wiki")
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Self

import fsspec
import pyarrow.parquet as pq

from manifests.commit import in_threads
from manifests.datafile import CODECS, END, MAX_LINE_BYTES, UNREADABLE, DataFile, json_object, lines, unpacked
from manifests.errors import BadRecipe, BadSource
from manifests.foreign import Reading, kind_of, unknown
from manifests.json_array import begins_array, elements
from manifests.manifest import SourceRecord
from manifests.remote import UNREACHABLE, open_location
from manifests.rows import STORED_KINDS
from manifests.store import Store
from manifests.terminal import safe

PART_BYTES = 2**28  # of a file that one unit of work reads
SUFFIXES = (
    *(f"{name}{packed}" for name in (".jsonl", ".ndjson", ".json") for packed in ("", *CODECS)),
    ".parquet",
)
_SNIFFED_LINES = 100
_BLOCK = 2**20
_SPLIT = re.compile(r"train|test|validation|valid|dev")


@dataclass
class DataFiles:
    """Files of other people, as one source of rows of one kind."""

    given: tuple[str, ...]
    source: str  # of rows that name none; part of their ids
    kind: str | None = None  # None: found from the columns
    text: str = "text"  # the column that holds a document's text
    drop: tuple[str, ...] = ()  # columns that are left out
    notes: list[str] = field(default_factory=list)  # what the user should know once the files are listed
    _parts: list[DataFile] | None = None

    @classmethod
    def find(cls, paths: Sequence[str], *, source: str, **options: Any) -> Self:
        """Take what a user typed: files, globs, folders and URLs. The options are fields of this class."""
        return cls(tuple(paths), source, **options)

    def units(self, _store: Store) -> list[DataFile]:
        """Return the parts of all files, in the order of their names. Raises BadSource where one cannot be opened."""
        if self._parts is None:
            found = sorted({file for given in self.given for file in _expand(given)})
            names = [name for name, _ in found]
            if doubled := sorted({name for name in names if names.count(name) > 1}):
                raise BadSource(f"two files are both named {doubled[0]}; give the folder above both, or rename one")
            columns = dict(zip(names, in_threads(lambda file: _columns(file[1]), found), strict=True))
            reading = self.reading(self.kind_in(columns))
            self._note(reading, columns)
            parts = in_threads(lambda file: list(_parts(*file, reading)), found)
            self._parts = [part for file in parts for part in file]
        return self._parts

    def records(self) -> tuple[SourceRecord, ...]:
        """Return name, digest and size of each file."""
        parts = {part.name: part for part in self._parts or ()}
        return tuple(SourceRecord(part.name, part.digest, part.size) for part in parts.values())

    def locations(self) -> dict[str, str]:
        """Return where each file was read from."""
        return {part.name: part.location for part in self._parts or ()}

    def reading(self, kind: str) -> Reading:
        """Return how the records become rows."""
        return Reading(kind, self.source, self.text, self.drop)

    def kind_in(self, columns: dict[str, list[str]]) -> str:
        """Return the kind of the rows, from the columns of each file. Raises BadRecipe and BadSource."""
        if self.kind:
            if self.kind not in STORED_KINDS:
                raise BadRecipe(f"{self.kind!r} is no kind of row; expected {', '.join(STORED_KINDS)}")
            return self.kind
        kinds = {kind: name for name, known in columns.items() if (kind := kind_of(known, self.text))}
        if len(kinds) > 1:
            held = " and ".join(f"{name} holds {kind} rows" for kind, name in sorted(kinds.items()))
            raise BadSource(f"a dataset holds rows of one kind, but {held}; import them apart")
        known = sorted({column for each in columns.values() for column in each})
        if known and not kinds:
            raise BadSource(
                f"no column says what the rows are: found {safe(', '.join(known), 200)}; expected {self.text}, "
                "messages, chosen and rejected, or input_ids. Name the column that holds the text: --text COLUMN"
            )
        return next(iter(kinds), "document")

    def _note(self, reading: Reading, columns: dict[str, list[str]]) -> None:
        more = sorted({column for known in columns.values() for column in unknown(known, reading)})
        if more:
            self.notes.append(
                f"columns that become labels: {safe(', '.join(more), 300)} (--drop COLUMN leaves one out)"
            )
        splits = sorted({match[0] for name in columns if (match := _SPLIT.match(PurePosixPath(name).name))})
        if len(splits) > 1:
            self.notes.append(f"several splits become one dataset: {', '.join(splits)}; name files to take only some")


def _expand(given: str) -> list[tuple[str, str]]:
    """Return (name, location) of each file that is meant. Names never say where on this machine a file lies."""
    try:
        fs, path = fsspec.core.url_to_fs(given)
        found = _found(fs, path)
    except UNREACHABLE as error:
        raise BadSource(f"{given}: cannot be reached: {error}; check the address, or download it first") from error
    if not found:
        raise BadSource(f"{given}: no such file, nor any {', '.join(SUFFIXES)} in it; give files, globs or folders")
    strange = [name for name, _ in found if not name.endswith(SUFFIXES)]
    if strange:
        raise BadSource(f"{given}: {strange[0]} is neither JSON nor Parquet; expected {', '.join(SUFFIXES)}")
    return [(name, fs.unstrip_protocol(one) if "://" in given else one) for name, one in found]


def _found(fs: fsspec.AbstractFileSystem, path: str) -> list[tuple[str, str]]:
    if not fs.isfile(path) and fs.isdir(path):
        found = [(one[len(path.rstrip("/")) + 1 :], one) for one in fs.find(path)]
        return [(name, one) for name, one in found if one.endswith(SUFFIXES) and not _hidden(name)]
    return [(PurePosixPath(one).name, one) for one in ([path] if fs.isfile(path) else fs.glob(path))]


def _hidden(name: str) -> bool:
    return any(part.startswith(".") for part in PurePosixPath(name).parts)


def _columns(location: str) -> list[str]:
    """Return the columns of a file: of JSON, those of its first records. None where it cannot be read."""
    first: list[bytes] = []
    with open_location(location) as stream:
        try:
            if location.endswith(".parquet"):
                names: list[str] = pq.ParquetFile(stream).schema_arrow.names
                return names
            text = unpacked(stream, location)
            found = elements(text, MAX_LINE_BYTES) if begins_array(text.peek()) else lines(text, 0, END)
            for _, line in islice(found, _SNIFFED_LINES):
                first += [line] if line and line.strip() else []
        except (*UNREADABLE, EOFError):
            pass  # what is behind the break cannot be known; reading it gives a reject
    return list(dict.fromkeys(name for line in first for name in json_object(line) or ()))


def _parts(name: str, location: str, reading: Reading) -> Iterator[DataFile]:
    """Yield the parts of a file, each of PART_BYTES or a little more."""
    hasher, size, is_array = hashlib.sha256(), 0, False
    with open_location(location) as stream:
        while block := stream.read(_BLOCK):
            hasher.update(block)
            size += len(block)
        stream.seek(0)
        if location.endswith(".parquet"):
            bounds = _row_groups(stream)
        else:
            bounds, is_array = [*range(0, size or 1, PART_BYTES), size], _is_array(stream, location)
    if is_array or location.endswith(tuple(CODECS)):
        bounds = [0, END]  # what is packed, or an array, cannot be begun in its middle
    for start, stop in pairwise(bounds):
        yield DataFile(location, name, hasher.hexdigest(), size, start, stop, reading, is_array)


def _is_array(stream: BinaryIO, location: str) -> bool:
    try:
        return begins_array(unpacked(stream, location).peek())
    except OSError:
        return False  # a packed file that is damaged at once; reading it gives a reject


def _row_groups(stream: Any) -> list[int]:
    """Return bounds of parts in row groups; a file that cannot be read has one empty part, which says so."""
    try:
        metadata = pq.ParquetFile(stream).metadata
    except UNREADABLE:
        return [0, 0]
    bounds, taken = [0], 0
    for group in range(metadata.num_row_groups):
        taken += metadata.row_group(group).total_byte_size
        if taken >= PART_BYTES:
            bounds.append(group + 1)
            taken = 0
    return bounds if bounds[-1] == metadata.num_row_groups and len(bounds) > 1 else [*bounds, metadata.num_row_groups]
