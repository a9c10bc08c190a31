"""Pages written as a WARC/1.1 file, gzipped record by record.

    with open("local.warc.gz", "wb") as stream:
        writer = Writer(stream, file="local.warc.gz", date="2026-01-31T00:00:00Z")
        origin = writer.write("https://example.org/", b"<p>Hello</p>", date="2026-01-30T12:00:00Z")

The same pages give the same bytes: there is no clock and no chance in them.
"""

import base64
import hashlib
import re
import uuid
import zlib
from http import HTTPStatus
from typing import BinaryIO

from manifests.canonical import digest_parts
from manifests.errors import BadRow
from manifests.rows import Origin

LEVEL = 9  # of zlib: a file is written once and read often
STATUS_PHRASES: dict[int, str] = {status.value: status.phrase for status in HTTPStatus}
_URL = re.compile(r"[^\x00-\x20\x7f<>]+")
_VALUE = re.compile(r"[^\x00-\x1f\x7f]+")


class Writer:
    """Writes a warcinfo record when it is made, and then one response record for each page."""

    def __init__(self, stream: BinaryIO, *, file: str, date: str, software: str = "koba") -> None:
        """`file` is the name that origins carry; `date` (ISO 8601, UTC) is that of the warcinfo record."""
        self._stream = stream
        self._file = file
        self._offset = 0
        block = f"software: {software}\r\nformat: WARC File Format 1.1\r\n".encode()
        record_id = _record_id(b"warcinfo", file.encode(), block)
        fields = {"WARC-Filename": file, "Content-Type": "application/warc-fields"}
        self._record("warcinfo", record_id, date, fields, block)

    def write(
        self, url: str, body: bytes, *, date: str, content_type: str = "text/html; charset=utf-8", status: int = 200
    ) -> Origin:
        """Write a page as a server would have sent it, and return its origin.

        The record's id is made of the URL and the body: a page has the same id in whatever file it stands.
        Raises BadRow where a URL, date or content type cannot stand in a header.
        """
        if not _URL.fullmatch(url):
            raise BadRow(
                f"URL {url!r:.80}: expected one without spaces, control characters and angle brackets; quote them"
            )
        phrase = STATUS_PHRASES.get(status, "Unknown")
        head = {"Content-Type": content_type, "Content-Length": str(len(body))}
        block = _head(f"HTTP/1.1 {status} {phrase}", head) + body
        fields = {
            "WARC-Target-URI": url,
            "WARC-Payload-Digest": _sha1(body),
            "Content-Type": "application/http; msgtype=response",
        }
        offset = self._offset
        self._record("response", _record_id(b"response", url.encode(), body), date, fields, block)
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        return Origin(self._file, offset, self._offset - offset, digest)

    def _record(self, kind: str, record_id: str, date: str, fields: dict[str, str], block: bytes) -> None:
        head = {
            "WARC-Type": kind,
            "WARC-Record-ID": record_id,
            "WARC-Date": date,
            **fields,
            "WARC-Block-Digest": _sha1(block),
            "Content-Length": str(len(block)),
        }
        member = zlib.compress(_head("WARC/1.1", head) + block + b"\r\n\r\n", LEVEL, wbits=31)
        self._stream.write(member)
        self._offset += len(member)


def _head(first_line: str, fields: dict[str, str]) -> bytes:
    for name, value in fields.items():
        if not _VALUE.fullmatch(value):
            raise BadRow(f"{name} {value!r:.80}: expected one line of text without control characters")
    lines = [first_line, *(f"{name}: {value}" for name, value in fields.items())]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def _record_id(*parts: bytes) -> str:
    """Return a name-based UUID over the parts (the layout of version 5, over SHA-256)."""
    return f"<{uuid.UUID(bytes=digest_parts(*parts)[:16], version=5).urn}>"


def _sha1(data: bytes) -> str:
    """Return a digest as WARC tools write it: base32 of SHA-1."""
    return f"sha1:{base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()}"
