"""One file of JSON Lines or Parquet, or a part of it, or one JSON array, as a unit of work.

What cannot be read costs a reject, not the run:

import/bad_json     a line, or an element of an array, that is no JSON object
import/too_long     a line or an element longer than MAX_LINE_BYTES
import/cut_off      the rest of an array, or of a compressed file, that breaks off or is damaged
import/bad_file     a Parquet file, or the rest of a row group of it, that cannot be read
"""

import hashlib
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any, BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from manifests.canonical import MAX_SAFE_INTEGER
from manifests.decoding import plain
from manifests.errors import BadSource
from manifests.foreign import Reading
from manifests.json_array import elements
from manifests.remote import open_location
from manifests.rows import Origin, Row
from manifests.stage import Rejected

MAX_LINE_BYTES = 2**28
CODECS = {".gz": "gzip", ".zst": "zstd"}
UNREADABLE = (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, UnicodeDecodeError)  # what a damaged file raises
END = MAX_SAFE_INTEGER  # of what is packed: its offsets count in what is unpacked
_BATCH_ROWS = 1024
_READ_BYTES = 2**16


@dataclass(frozen=True)
class DataFile:
    """The lines of a file that begin in [start, stop), the row groups [start, stop) of a Parquet file, or an array."""

    location: str
    name: str  # goes into `Origin.file`
    digest: str
    size: int
    start: int
    stop: int
    reading: Reading
    is_array: bool = False  # a JSON array, which is always read whole

    @property
    def key(self) -> dict[str, Any]:
        """The file's bytes, its name and the reading decide what it yields; where it lies does not."""
        return {
            "import": self.digest,
            "name": self.name,
            "part": [self.start, self.stop],
            "reading": self.reading,
            "max_line_bytes": MAX_LINE_BYTES,
        }

    @property
    def file(self) -> str:
        """A name for messages."""
        return self.location

    def rows(self) -> Iterator[Row | Rejected]:
        """Yield its rows. A JSON row's origin is its line as unpacked; a Parquet row's is its number, with length 0."""
        with open_location(self.location) as stream:
            if stream.seek(0, os.SEEK_END) != self.size:
                raise BadSource(f"{self.location} changed while it was read; run the same command again")
            stream.seek(0)
            yield from self._parquet(stream) if self.location.endswith(".parquet") else self._json(stream)

    def _json(self, stream: BinaryIO) -> Iterator[Row | Rejected]:
        offset = end = self.start
        text = unpacked(stream, self.location)
        found = elements(text, MAX_LINE_BYTES) if self.is_array else lines(text, self.start, self.stop)
        try:
            for offset, line in found:
                end = offset + len(line or b"")
                if line is None:
                    yield self._refused(offset, offset, "import/too_long", MAX_LINE_BYTES)
                elif line.strip():
                    yield self._line(offset, line)
        except (OSError, EOFError) as error:
            yield self._refused(f"after {offset}", end, "import/cut_off", damage=str(error))

    def _line(self, offset: int, line: bytes) -> Row | Rejected:
        record = json_object(line)
        if record is None:
            return self._refused(offset, offset, "import/bad_json")
        origin = Origin(self.name, offset, len(line), f"sha256:{hashlib.sha256(line).hexdigest()}")
        return self.reading.row(record, origin, f"{self.digest}/{offset}")

    def _parquet(self, stream: BinaryIO) -> Iterator[Row | Rejected]:
        try:
            file = pq.ParquetFile(stream, page_checksum_verification=True)
        except UNREADABLE as error:
            yield self._refused("file", 0, "import/bad_file", damage=str(error))
            return
        columns = [path for path in _leaves(file) if self.reading.reads(path)]
        place = self.digest + "/"
        digest = f"sha256:{self.digest}"
        number = sum(file.metadata.row_group(group).num_rows for group in range(self.start))
        for group in range(self.start, self.stop):
            end = number + file.metadata.row_group(group).num_rows
            try:
                for batch in file.iter_batches(_BATCH_ROWS, row_groups=[group], columns=columns, use_threads=False):
                    for record in _records(batch):
                        origin = Origin(self.name, number, 0, digest)
                        yield self.reading.row(record, origin, f"{place}{number}")
                        number += 1
            except UNREADABLE as error:
                yield self._refused(f"after {number}", number, "import/bad_file", end - number, str(error))
            number = end

    def _refused(
        self, place: object, offset: int, reason: str, value: float | None = None, damage: str | None = None
    ) -> Rejected:
        row = self.reading.nameless(f"{self.digest}/{place}", Origin(self.name, offset, 0, ""))
        return Rejected(row, reason, value, damage=damage)


def unpacked(stream: BinaryIO, location: str) -> io.BufferedReader:
    """Return what a stream holds, decompressed where the name says so. Reading raises OSError where it breaks off."""
    codec = next((codec for suffix, codec in CODECS.items() if location.endswith(suffix)), None)
    raw: Any = pa.CompressedInputStream(stream, codec) if codec else stream
    return io.BufferedReader(raw, _READ_BYTES)


def lines(stream: io.BufferedReader, start: int, stop: int) -> Iterator[tuple[int, bytes | None]]:
    """Yield each line that begins in [start, stop), with its offset; None for one that is too long to be held."""
    offset = start
    if start:  # the line that reaches over the start belongs to the part before
        stream.seek(start - 1)
        offset += _skip(stream) - 1
    while offset < stop:
        line = stream.readline(MAX_LINE_BYTES)
        if not line:
            return
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            yield offset, None
            offset += len(line) + _skip(stream)
        else:
            yield offset, line
            offset += len(line)


def json_object(line: bytes) -> dict[str, Any] | None:
    """Return the JSON object on a line, or None where there is none."""
    try:
        record = msgspec.json.decode(line)
    except (
        msgspec.DecodeError,
        RecursionError,
        ValueError,
    ):  # it is strict, where `json` takes NaN or a lone surrogate
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            return None
    return record if isinstance(record, dict) else None


def _skip(stream: io.BufferedReader) -> int:
    """Read to the end of the line; return how many bytes that were."""
    skipped = 0
    while part := stream.readline(_READ_BYTES):
        skipped += len(part)
        if part.endswith(b"\n"):
            break
    return skipped


def _leaves(file: pq.ParquetFile) -> list[str]:
    return [file.schema.column(number).path for number in range(len(file.schema))]


def _records(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Yield the rows of a batch; times and decimals are texts in them: Python has no nanoseconds."""
    names, columns = batch.schema.names, []
    for column in batch.columns:
        as_text = pa.types.is_temporal(column.type) or pa.types.is_decimal(column.type)
        columns.append(plain(pc.cast(column, pa.string()) if as_text else column))
    for row in zip(*columns, strict=True) if columns else repeat((), batch.num_rows):
        yield dict(zip(names, row, strict=True))
