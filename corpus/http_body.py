"""HTTP responses as crawls store them: status, headers, and the body with its encodings undone.

Servers say what is not so. The rules here, in order:

- A body that is said to be encoded and is not is used as it is: gzip and zstd are known by their magic, chunks by
  their sizes, the others by failing on bytes that look like text.
- A body that ends too early, or goes wrong half-way, is used as far as it goes and is marked as not `complete`.
- What cannot be used is `Unreadable`, with one of these reasons: http/bad_status (no status line), http/bad_header
  (a header without an end), http/unknown_encoding, http/bad_encoding, http/too_large (decodes to too many bytes).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import msgspec
import pyarrow as pa
from isal import isal_zlib

from corpus.header_fields import fields, head_end
from corpus.tape import GZIP_MAGIC, InflateError

MAX_HEAD_BYTES = 1 << 18
MAX_CODINGS = 8  # applied to one body; real ones have one or two
MAX_MEMBERS = 64  # of one gzipped body: each costs a copy of the rest, and a hostile body can hold a million
SALVAGE_BYTES = 16  # fed at a time to find out how far a damaged stream goes; what the last feed gives is lost
SALVAGE_FEEDS = 10_000  # at most, so that long streams are fed in longer steps
PIECE_BYTES = 1 << 16
_STATUS = re.compile(rb"HTTP/?[0-9.]*[ \t]+([0-9]{3})(?![0-9])")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
_NO_TEXT = (
    bytes(range(9)) + bytes(range(16, 27)) + bytes(range(28, 32))
)  # controls but tabs, line ends, ISO 2022 shifts

_Decoded: TypeAlias = tuple[bytes, bool]  # as far as it goes, whether that is all


class Response(msgspec.Struct, frozen=True):
    """The head of an HTTP response, and where its body begins in the data that was parsed."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body_at: int


@dataclass(frozen=True, slots=True)
class Body:
    """What a server meant to send."""

    content: bytes
    complete: bool


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A response that cannot be used, and why."""

    reason: str
    value: float | None = None
    threshold: float | None = None


def parse_response(data: bytes, start: int, end: int) -> Response | Unreadable:
    """Parse the response in data[start:end].

    Interim responses (1xx) are passed over. Fields that repeat are joined by commas (RFC 9110 section 5.3), but for
    the content type, of which the last one counts. A page without any head (HTTP/0.9) has status 200 and no headers.
    """
    while True:
        status = _STATUS.match(data, start, end)
        if not status:
            bare = data[start : min(start + 64, end)].lstrip().startswith(b"<")
            return Response(200, {}, start) if bare else Unreadable("http/bad_status")
        limits = head_end(data, start, min(start + MAX_HEAD_BYTES, end))
        if not limits:
            if end - start > MAX_HEAD_BYTES:
                return Unreadable("http/bad_header", end - start, MAX_HEAD_BYTES)
            limits = end, end
        if not (status[1].startswith(b"1") and _STATUS.match(data, limits[1], end)):
            return Response(int(status[1]), _headers(data[status.end() : limits[0]]), limits[1])
        start = limits[1]


def decode_body(stored: bytes, headers: Mapping[str, str], max_bytes: int) -> Body | Unreadable:
    """Undo the transfer and content encodings of a body as it is stored.

    No step of it makes more than `max_bytes` + 1 bytes; a body that is not encoded is not measured.
    """
    codings = [*_codings(headers.get("content-encoding")), *_codings(headers.get("transfer-encoding"))]
    if len(codings) > MAX_CODINGS:
        return Unreadable("http/unknown_encoding", len(codings), MAX_CODINGS)
    content, complete = stored, True
    for coding in reversed(codings):
        undo = _UNDO.get(coding, _unknown)
        decoded, finished = undo(content, max_bytes)
        if len(decoded) > max_bytes and coding != "chunked":
            return Unreadable("http/too_large", len(decoded), max_bytes)
        if not finished and coding != "chunked" and _is_text(content):
            continue
        if not finished and not decoded:
            return Unreadable("http/bad_encoding" if coding in _UNDO else "http/unknown_encoding")
        content, complete = decoded, complete and finished
    return Body(content, complete)


def _headers(head: bytes) -> dict[str, str]:
    found = fields(head)
    headers = dict(found)
    if len(headers) == len(found):
        return headers
    values: dict[str, list[str]] = {}
    for name, value in found:
        values.setdefault(name, []).append(value)
    return {name: all_[-1] if name == "content-type" else ", ".join(all_) for name, all_ in values.items()}


def _codings(value: str | None) -> list[str]:
    """Return what a header says was done to the body, in order."""
    if not value:
        return []
    named = [coding.strip().lower() for coding in value.split(",")]
    return [coding for coding in named if coding not in ("", "identity", "none")]


def _is_text(stored: bytes) -> bool:
    begin = stored[:512]
    return len(begin.translate(None, _NO_TEXT)) == len(begin)


def _gunzip(stored: bytes, limit: int) -> _Decoded:
    if not stored.startswith(GZIP_MAGIC):
        return b"", False
    content, rest = _inflate(stored, 31, limit)
    for _ in range(MAX_MEMBERS):
        if not rest or not rest.startswith(GZIP_MAGIC) or len(content) > limit:
            break
        more, rest = _inflate(rest, 31, limit - len(content))
        content += more
    return content, rest is not None


def _deflate(stored: bytes, limit: int) -> _Decoded:
    content, rest = _inflate(stored, 15, limit)
    if rest is None:
        raw, raw_rest = _inflate(stored, -15, limit)  # what Internet Explorer and so some servers took deflate to be
        if raw_rest is not None or len(raw) > len(content):
            return raw, raw_rest is not None
    return content, rest is not None


def _inflate(stored: bytes, window_bits: int, limit: int) -> tuple[bytes, bytes | None]:
    """Return what one stream holds and the bytes after it; None for those where it does not come to its end."""
    inflater = isal_zlib.decompressobj(window_bits)
    try:
        content: bytes = inflater.decompress(stored, limit + 1)
    except InflateError:
        return _salvage(stored, window_bits, limit), None
    return content, inflater.unused_data if inflater.eof else None


def _salvage(stored: bytes, window_bits: int, limit: int) -> bytes:
    inflater = isal_zlib.decompressobj(window_bits)
    step = max(SALVAGE_BYTES, len(stored) // SALVAGE_FEEDS)
    pieces: list[bytes] = []
    held = 0
    try:
        for at in range(0, len(stored), step):
            pieces.append(inflater.decompress(stored[at : at + step], limit + 1 - held))
            held += len(pieces[-1])
            if held > limit or inflater.eof:
                break
    except InflateError:
        pass
    return b"".join(pieces)


def _from_arrow(codec: str) -> "Callable[[bytes, int], _Decoded]":
    def decode(stored: bytes, limit: int) -> _Decoded:
        stream = pa.CompressedInputStream(pa.BufferReader(stored), codec)
        pieces: list[bytes] = []
        held = 0
        try:
            while held <= limit and (piece := stream.read(min(PIECE_BYTES, limit + 1 - held))):
                pieces.append(piece)
                held += len(piece)
        except OSError:
            return b"".join(pieces), False
        return b"".join(pieces), True

    return decode


def _dechunk(stored: bytes, _limit: int) -> _Decoded:
    """Join the chunks (RFC 9112 section 7.1). A body that does not begin with a whole chunk was never chunked."""
    pieces: list[bytes] = []
    at = 0
    while size_line := _CHUNK.match(stored, at):
        begin = size_line.end()
        size = int(size_line[1], 16)
        if not size:
            return b"".join(pieces), True
        at = begin + size
        pieces.append(stored[begin:at])
        if stored[at : at + 2] != b"\r\n":
            if at < len(stored) and len(pieces) == 1:
                return stored, True
            return b"".join(pieces), False
        at += 2
    return (b"".join(pieces), False) if pieces else (stored, True)


def _unknown(_stored: bytes, _limit: int) -> _Decoded:
    return b"", False


_UNDO: Mapping[str, Callable[[bytes, int], _Decoded]] = {
    "chunked": _dechunk,
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _deflate,
    "br": _from_arrow("brotli"),
    "zstd": _from_arrow("zstd"),
}
