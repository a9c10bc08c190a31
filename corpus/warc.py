"""WARC files, record by record, whatever their state (ISO 28500; WARC/0.17 to 1.1).

    with open("crawl.warc.gz", "rb") as stream:
        for record in read_records(stream):
            ...

A record that cannot be read is a `Broken` with a reason; reading goes on with the next one. `Broken` reasons:

warc/truncated              the record, its gzip member or its file ends before its Content-Length
warc/bad_length             the record goes on after its Content-Length
warc/bad_header             bytes that are no WARC header where one should be, or one without a usable Content-Length
warc/bad_gzip               a gzip member that cannot be decompressed
warc/too_large              more bytes than `max_record_bytes`; passed over without being held
warc/not_record_compressed  a notice, not a loss: from here on gzip members do not hold one record each. It is given
                            once, before the first record that it bears on. That record and all later ones carry
                            offsets and lengths in the uncompressed stream: to read one again is to read from the start
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from corpus.tape import Tape
from corpus.warc_head import Head, NoHead, read_head, record_id, target_url

MAX_RECORD_BYTES = 1 << 26
MAX_BLANK_BYTES = 64  # between records; the standard says 4
_BLANK = re.compile(rb"[\r\n]{0,%d}" % MAX_BLANK_BYTES)
_SCARRED = re.compile(rb"(?:[^\r]\n\r\n|\r[^\n]\r\n|\r\n[^\r]\n|\r\n\r[^\n])WARC/")  # blank lines but for one byte
_SPARED = frozenset({"warc/too_large", "warc/not_record_compressed"})  # which say nothing against the file
_NOT_BLANK = re.compile(rb"[^\r\n]")


@dataclass(slots=True)
class Record:
    """One WARC record."""

    type: str  # in lower case: response, request, warcinfo, metadata, revisit, resource, conversion, ...
    id: str  # WARC-Record-ID without its angle brackets; empty where the record has none
    url: str | None  # WARC-Target-URI without the angle brackets that Wget writes
    date: str | None  # WARC-Date as written
    headers: Mapping[str, str]  # names in lower case
    offset: int  # bytes from the start of the file
    length: int  # bytes in the file, up to the next record; of the gzip member where records are compressed
    data: bytes = field(repr=False)  # holds the block at [start:end]
    start: int
    end: int

    @property
    def content(self) -> memoryview:
        """The record's block, without a copy."""
        return memoryview(self.data)[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Broken:
    """A stretch of a file that holds no whole record, and why."""

    offset: int  # as in Record
    length: int | None  # up to where reading went on; None where that is not known
    reason: str  # one of those above
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)  # of the WARC header, where it could be read
    size_bytes: int | None = None  # of the record by its own account, where it gives one

    @property
    def damage(self) -> str | None:
        """What is wrong with the file; None where nothing is lost, or only because of our limit."""
        return None if self.reason in _SPARED else self.message


def read_records(
    stream: BinaryIO, *, start: int = 0, max_record_bytes: int = MAX_RECORD_BYTES
) -> Iterator[Record | Broken]:
    """Yield all records of a file, plain or gzipped, in order; `stream` stands at `start`.

    It is read forward, but for one step back (where it can seek) when a record that is not gzipped claims a length
    beyond the limit and does not have it. Memory is bounded by a few times `max_record_bytes`, which counts the
    record's header and block, uncompressed.
    Nothing that a file contains raises; errors of the stream itself do.
    """
    tape = Tape(stream, start, max_record_bytes)
    reader = _Reader(tape, max_record_bytes)
    while True:
        why = _why_lost(tape.fault, tape.clipped)
        opened = tape.open()
        if tape.gap:
            yield Broken(*tape.gap, *why)
        if not opened:
            return
        yield from reader.span()


class _Reader:
    """Cuts a tape into records. Wherever a method returns, the tape stands behind what the method yielded."""

    def __init__(self, tape: Tape, limit: int) -> None:
        self.tape = tape
        self.limit = limit

    def span(self) -> Iterator[Record | Broken]:
        """Yield the records of the span that was opened."""
        while self._skip_blank():
            stood_at = self.tape.position
            yield from self._record()
            if self.tape.position == stood_at:
                return

    def _record(self) -> Iterator[Record | Broken]:
        """Yield what stands here; nothing where the gzip member is damaged, which `read_records` then tells."""
        tape = self.tape
        head = read_head(tape)
        if isinstance(head, NoHead):
            yield from self._lose(head.reason, head.message)
            return
        if head.size_bytes > self.limit:
            yield from self._too_large(head)
            return
        tape.need(head.size_bytes + MAX_BLANK_BYTES + len(b"WARC/"))
        end = tape.at + head.size_bytes
        if tape.fault and (tape.by_record or end > len(tape.data)):
            return
        after = self._boundary(end)
        if after is None:
            yield from self._bad_length(head)
            return
        if tape.by_record and after < len(tape.data):
            yield self._join()
        yield self._whole(head, after)

    def _boundary(self, end: int) -> int | None:
        """Return where the blank lines after a block end; None where neither a record nor the span's end follows."""
        data = self.tape.data
        if end > len(data):
            return None
        blank = _BLANK.match(data, end)
        after = blank.end() if blank else end
        if after == len(data) or data.startswith(b"WARC/", after):
            return after
        if self.tape.by_record:
            return None
        # Without gzip, a byte of the blank lines may be damaged, or the record that follows: this one is whole.
        if _SCARRED.match(data, end):
            return end + len(b"\r\n\r\n")
        return after if data.startswith((b"\r\n\r\n", b"\n\n"), end) else None

    def _whole(self, head: Head, after: int) -> Record:
        tape, headers = self.tape, head.headers
        offset, length = tape.position, after - tape.at
        if tape.by_record:
            offset, length = tape.span_start, tape.file_position - tape.span_start
        record = Record(
            type=headers.get("warc-type", "").lower(),
            id=record_id(headers),
            url=target_url(headers),
            date=headers.get("warc-date"),
            headers=headers,
            offset=offset,
            length=length,
            data=tape.data,
            start=tape.at + head.head_bytes,
            end=tape.at + head.size_bytes,
        )
        tape.at = after
        return record

    def _join(self) -> Broken:
        self.tape.join()
        message = "gzip members do not hold one record each; compress the file record by record to address its records"
        return Broken(self.tape.position, None, "warc/not_record_compressed", message)

    def _bad_length(self, head: Head) -> Iterator[Broken]:
        """Give up a record whose block does not end where its Content-Length says."""
        block_bytes = head.size_bytes - head.head_bytes
        held = len(self.tape.data) - self.tape.at - head.head_bytes
        if held < block_bytes:
            message = f"Content-Length {block_bytes}, but the file or its gzip member ends after {held} bytes"
            yield from self._lose("warc/truncated", message, head)
        else:
            yield from self._lose("warc/bad_length", f"no record ends at Content-Length {block_bytes}", head)

    def _lose(self, reason: str, message: str, head: Head | None = None) -> Iterator[Broken]:
        """Pass over the record here: to the end of its gzip member, else to the next line that begins a record."""
        tape = self.tape
        headers = head.headers if head else {}
        if tape.by_record:
            tape.drain()
            if not tape.fault:
                length = tape.file_position - tape.span_start
                yield Broken(tape.span_start, length, reason, message, headers)
            return
        offset = tape.position
        if head:
            tape.at += head.head_bytes - len("\n\n")  # the record may have no block: the next can begin right here
        tape.seek_marker()
        yield Broken(offset, tape.position - offset, reason, message, headers)

    def _too_large(self, head: Head) -> Iterator[Broken]:
        tape, offset = self.tape, self.tape.position
        message = f"a record of {head.size_bytes} bytes, more than the {self.limit} that may be held"
        whole = tape.skip(head.size_bytes)
        more = self._skip_blank()
        if tape.fault:
            return
        if whole and (not more or (tape.need(5) and tape.data.startswith(b"WARC/", tape.at))):
            if tape.by_record and more:
                yield self._join()
            length = tape.position - offset
            if tape.by_record:
                offset, length = tape.span_start, tape.file_position - tape.span_start
            yield Broken(offset, length, "warc/too_large", message, head.headers, head.size_bytes)
        elif tape.by_record or tape.rewind(offset):
            tape.need(head.head_bytes)
            yield from self._lose("warc/bad_length", f"no record ends at Content-Length; it claims {message}", head)
        else:
            length = tape.position - offset
            yield Broken(offset, length, "warc/bad_length", f"no record ends there: {message}", head.headers)

    def _skip_blank(self) -> bool:
        """Move to the next byte that is no line end; False where the span has none."""
        tape = self.tape
        while tape.need(1):
            found = _NOT_BLANK.search(tape.data, tape.at)
            if found:
                tape.at = found.start()
                return True
            tape.at = len(tape.data)
        return False


def _why_lost(fault: str, clipped: bool) -> tuple[str, str]:
    if clipped:
        return "warc/truncated", fault
    if fault:
        return "warc/bad_gzip", fault
    return "warc/bad_header", "bytes that begin neither a gzip member nor a WARC record"
