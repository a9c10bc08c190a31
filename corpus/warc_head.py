"""The head of a WARC record: what it says of itself, and how long it is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from corpus.header_fields import fields, head_end
from corpus.tape import Tape

MAX_HEAD_BYTES = 1 << 18  # real ones have 300 to 3,000
_VERSION = re.compile(rb"WARC/\d+\.\d+[ \t]*\r?\n")


class Head(msgspec.Struct, frozen=True):
    """A head that can be used."""

    headers: Mapping[str, str]  # names in lower case; of a field that repeats, the first
    head_bytes: int  # up to the block
    size_bytes: int  # up to the end of the block


@dataclass(frozen=True, slots=True)
class NoHead:
    """What stands where a head should be, as the reason and the message of a broken record."""

    reason: str
    message: str


def read_head(tape: Tape) -> Head | NoHead:
    """Read the head that begins where the tape stands, and consume nothing."""
    wanted = 1 << 12
    while True:
        whole = tape.need(wanted)
        if not _VERSION.match(tape.data, tape.at):
            found = tape.data[tape.at : tape.at + 24]
            return NoHead("warc/bad_header", f"expected a line like WARC/1.0, found {found!r}")
        limits = head_end(tape.data, tape.at, tape.at + MAX_HEAD_BYTES)
        if limits:
            return _parse(tape.data[tape.at : limits[0]], limits[1] - tape.at)
        if not whole:
            return NoHead("warc/truncated", "the file or its gzip member ends inside a WARC header")
        if wanted > MAX_HEAD_BYTES:
            return NoHead("warc/bad_header", f"a WARC header of more than {MAX_HEAD_BYTES} bytes")
        wanted *= 4


def record_id(headers: Mapping[str, str]) -> str:
    """Return the WARC-Record-ID without its angle brackets; empty where there is none."""
    return headers.get("warc-record-id", "").strip("<> ")


def target_url(headers: Mapping[str, str]) -> str | None:
    """Return the WARC-Target-URI without the angle brackets that Wget writes."""
    url = headers.get("warc-target-uri")
    return None if url is None else url.strip("<> ")


def _parse(head: bytes, head_bytes: int) -> Head | NoHead:
    found = fields(head)
    headers = dict(reversed(found))
    if len(headers) < len(found):
        lengths = {value for name, value in found if name == "content-length"}
        if len(lengths) > 1:
            return NoHead("warc/bad_header", f"expected one Content-Length, found {sorted(lengths)}")
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdecimal() and len(length) < 16):
        return NoHead("warc/bad_header", f"expected a Content-Length in bytes, found {length[:24]!r}")
    return Head(headers, head_bytes, head_bytes + int(length))
