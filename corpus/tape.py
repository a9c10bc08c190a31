"""The uncompressed bytes of a crawl file, span by span and in bounded memory.

A span is one gzip member, or all the rest of a file that is not gzipped. Crawls are gzipped record by record, so that
a span is a record; where they are not, `join` makes one span of all members that follow.
"""

import re
from typing import BinaryIO

from isal import isal_zlib

READ_BYTES = 1 << 18  # asked of the stream at a time: a tenth faster than with 1 << 20
FEED_BYTES = 1 << 16  # given to the inflater at a time: what a member leaves unused is copied, so not too much
PIECE_BYTES = 1 << 22  # taken from the inflater at a time: a bomb inflates one piece, not all of itself
PROBE_BYTES = 1 << 10  # enough for the first line of what a gzip member holds
InflateError: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stub takes the class for an instance
GZIP_MAGIC = b"\x1f\x8b\x08"
MARKER = re.compile(rb"\nWARC/[01]\.\d+\r?\n[A-Za-z]")  # a record begins after the first of these bytes
MARKER_BYTES = 64  # no marker is longer
_MEMBER_OR_MARKER = re.compile(rb"\x1f\x8b\x08[\x00-\x1f]|" + MARKER.pattern)


class Tape:
    """Reads one file forward. The bytes not yet consumed are `data[at:]`; `need` asks for more of them."""

    def __init__(self, stream: BinaryIO, start: int = 0, history_bytes: int = 1 << 26) -> None:
        self.data = b""
        self.at = 0
        self.fault = ""  # why the gzip member cannot be read on
        self.clipped = False  # the fault is that the file ends inside the member
        self.gzipped = False
        self.joined = False  # members are read as one span; positions are those in the uncompressed stream
        self.gap: tuple[int, int | None] | None = None  # offset and length of what `open` had to pass over
        self.span_start = start  # offset in the file
        self._stream = stream
        self._history_bytes = history_bytes  # of a gzip member, kept to look for the next one if this one is damaged
        self._base = start  # position of data[0] in the uncompressed stream
        self._raw = bytearray()
        self._raw_base = start  # offset of _raw[0] in the file
        self._raw_at = 0
        self._ended = True
        self._inflater = isal_zlib.decompressobj(31)

    @property
    def position(self) -> int:
        """Where `data[at]` is in the uncompressed stream (equal to the file where that is not gzipped)."""
        return self._base + self.at

    @property
    def file_position(self) -> int:
        """Offset in the file of the first byte that no span has used yet."""
        return self._raw_base + self._raw_at

    @property
    def by_record(self) -> bool:
        """Whether this span is one gzip member that should hold one record."""
        return self.gzipped and not self.joined

    def join(self) -> None:
        """Read the rest of this file as one span, whatever its members."""
        self.joined = True
        if self._ended and not self.fault:
            self._next_member()

    def open(self) -> bool:
        """Begin the next span; False at the end of the file.

        Bytes that begin neither a gzip member nor a record are passed over, and so is the rest of a damaged member;
        `gap` then says where they were.
        """
        lost_at = self._pass_over()
        self.gap = None
        if lost_at is not None:
            self.gap = lost_at, None if self.joined else self.file_position - lost_at
        self.fault, self.clipped = "", False
        self.span_start = self.file_position
        self._ended = not self._fill(1)
        self.gzipped = self._raw.startswith(GZIP_MAGIC, self._raw_at)
        if not self.gzipped:
            self._base = self.span_start
        self._inflater = isal_zlib.decompressobj(31)
        return not self._ended

    def need(self, count: int) -> bool:
        """Hold `count` bytes from `at` on; False where the span ends sooner (all that it has is then held)."""
        held = len(self.data) - self.at
        if held >= count:
            return True
        pieces = [self.data[self.at :]] if held else []
        self._base += self.at
        self.at = 0
        while held < count and (piece := self._piece()):
            pieces.append(piece)
            held += len(piece)
        self.data = b"".join(pieces)
        return held >= count

    def skip(self, count: int) -> bool:
        """Consume `count` bytes without holding them; False where the span ends sooner."""
        while count > len(self.data) - self.at:
            count -= len(self.data) - self.at
            if not self._turn():
                return False
        self.at += count
        return True

    def seek_marker(self) -> bool:
        """Consume up to the next line that begins a record, from `at + 1` on; False where the span has none."""
        self.need(2)
        self.at += 1
        while True:
            found = MARKER.search(self.data, self.at)
            if found:
                self.at = found.start() + 1
                return True
            self.at = max(self.at, len(self.data) - MARKER_BYTES)
            if not self.need(len(self.data) - self.at + 1):
                self.at = len(self.data)
                return False

    def drain(self) -> None:
        """Consume the rest of the span."""
        while self._turn():
            pass

    def rewind(self, position: int) -> bool:
        """Go back to a position of a file that is not gzipped; False where the stream cannot."""
        if self.gzipped or self.joined or not self._stream.seekable():
            return False
        self._stream.seek(position)
        self._raw.clear()
        self._raw_base = self._base = position
        self._raw_at = self.at = 0
        self.data = b""
        self._ended = False
        return True

    def _pass_over(self) -> int | None:
        """Move to where the next span begins; return where what had to be passed over began, if there was any."""
        lost_at = self.position
        self._base += len(self.data)
        self.data, self.at = b"", 0
        if not self.fault and self._at_span():
            return None
        if self.fault and self.joined:
            self._raw_at = min(self._raw_at + 1, len(self._raw))  # the damaged member may begin right here
        elif self.fault:
            lost_at = self.span_start
            self._raw_at = max(lost_at + 1 - self._raw_base, 0)
        elif not self.joined:
            lost_at = self.file_position
        self._scan()
        return lost_at

    def _turn(self) -> bool:
        self._base += len(self.data)
        self.data, self.at = self._piece(), 0
        return bool(self.data)

    def _piece(self) -> bytes:
        """Return the next bytes of the span; none at its end."""
        while not self._ended:
            if not self.gzipped:
                self._ended = not self._fill(1)
                piece = bytes(memoryview(self._raw)[self._raw_at :])
                self._raw_at = len(self._raw)
            else:
                piece = self._inflate()
            if piece:
                return piece
        return b""

    def _inflate(self) -> bytes:
        self._fill(FEED_BYTES)
        end = min(self._raw_at + FEED_BYTES, len(self._raw))
        try:
            with memoryview(self._raw)[self._raw_at : end] as fed:
                piece: bytes = self._inflater.decompress(fed, PIECE_BYTES)
        except InflateError as error:
            self._fail(f"damaged gzip member: {error}")
            return b""
        if self._inflater.eof:
            self._raw_at = end - len(self._inflater.unused_data)
            self._next_member()
            return piece
        consumed = end - self._raw_at - len(self._inflater.unconsumed_tail)
        self._raw_at += consumed
        if not piece and not consumed:
            self.clipped = self._raw_at == len(self._raw)
            self._fail("the file ends inside a gzip member" if self.clipped else "gzip member without progress")
        return piece

    def _next_member(self) -> None:
        self._ended = True
        if self.joined and self._fill(len(GZIP_MAGIC)) and self._raw.startswith(GZIP_MAGIC, self._raw_at):
            self._ended = False
            self._inflater = isal_zlib.decompressobj(31)

    def _fail(self, fault: str) -> None:
        self.fault = fault
        self._ended = True

    def _fill(self, count: int) -> bool:
        """Hold `count` raw bytes from `_raw_at` on; False where the file ends sooner."""
        while len(self._raw) - self._raw_at < count:
            self._forget()
            chunk = self._stream.read(READ_BYTES)
            if not chunk:
                return False
            self._raw += chunk
        return True

    def _forget(self) -> None:
        kept_from = self.span_start - self._raw_base if self.by_record else self._raw_at
        if self._raw_at - kept_from > self._history_bytes or kept_from < 0:
            kept_from = self._raw_at
        del self._raw[:kept_from]
        self._raw_base += kept_from
        self._raw_at -= kept_from

    def _at_span(self) -> bool:
        """Whether a span begins here, blank lines aside; True at the end of the file."""
        self._fill(MARKER_BYTES)
        if self._raw.startswith(GZIP_MAGIC, self._raw_at):
            return True
        while self._fill(1) and self._raw[self._raw_at] in b"\r\n":
            self._raw_at += 1
        self._fill(MARKER_BYTES)
        return self._raw.startswith((GZIP_MAGIC, b"WARC/"), self._raw_at) or self._raw_at == len(self._raw)

    def _scan(self) -> None:
        """Move to the next gzip member that holds WARC, or the next line that begins a record, or the end."""
        self.gzipped = False  # what has been scanned is not kept
        while True:
            found = _MEMBER_OR_MARKER.search(self._raw, self._raw_at)
            if found:
                self._raw_at = found.start()
                if self._raw[self._raw_at] == ord("\n"):
                    self._raw_at += 1
                    return
                if self._holds_warc():
                    return
                self._raw_at += 1
                continue
            scanned = max(self._raw_at, len(self._raw) - MARKER_BYTES)
            self._raw_at = scanned
            if not self._fill(len(self._raw) - scanned + 1):
                self._raw_at = len(self._raw)
                return

    def _holds_warc(self) -> bool:
        self._fill(PROBE_BYTES)
        try:
            with memoryview(self._raw)[self._raw_at : self._raw_at + PROBE_BYTES] as fed:
                begin: bytes = isal_zlib.decompressobj(31).decompress(fed, MARKER_BYTES)
        except InflateError:
            return False
        return begin.startswith(b"WARC/")
