"""WET files: the text of pages as a crawl's publisher extracted it.

    WetFiles.find(["CC-MAIN-2024-10/wet[0:2]"])

The text is taken as it is. What the publisher found its languages to be (`jpn,eng`, most of it first) goes into the
label `identified_languages`; `language` is left to a classifier of ours. Refused:

wet/not_conversion   a record that holds no extracted text: each file begins with one that describes it
wet/not_utf8         a text that is not UTF-8; the value is the offset of the first bad byte
wet/empty            nothing but white space

and warc/* (see corpus.warc).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar

from corpus.crawl import WarcFile, WarcFiles
from corpus.warc import Broken, Record, read_records
from corpus.warc_head import record_id, target_url
from corpus.warc_pages import MAX_PAGE_BYTES, payload
from manifests.remote import open_location
from manifests.rows import Document, Origin, Row, row_id
from manifests.stage import Rejected

READER_VERSION = 1  # raised by hand when the same file gives other documents


@dataclass(frozen=True)
class WetFile(WarcFile):
    """One WET file."""

    @property
    def key(self) -> dict[str, str | int]:
        """Its bytes, its name in the crawl and the reader decide what it yields; where it lies does not."""
        return {"wet": self.digest, "name": self.name, "reader": READER_VERSION, "max_page_bytes": MAX_PAGE_BYTES}

    def rows(self) -> Iterator[Row | Rejected]:
        """Yield its texts, and a reject for each record that is none or is broken."""
        with open_location(self.location, etag=self.etag) as stream:
            yield from texts(stream, file=self.name, file_digest=self.digest)


@dataclass
class WetFiles(WarcFiles):
    """Extracted texts of a crawl: WET files from paths, globs, URLs and names of CommonCrawl's snapshots."""

    part: ClassVar[str] = "wet"
    unit: ClassVar[type[WarcFile]] = WetFile


def texts(stream: BinaryIO, *, file: str, file_digest: str, source: str = "web") -> Iterator[Document | Rejected]:
    """Yield the texts of a WET file.

    `file` is the name that origins carry, relative to the crawl; `file_digest` names the records that have no id.
    """
    for record in read_records(stream, max_record_bytes=MAX_PAGE_BYTES):
        if isinstance(record, Broken):
            place = f"{file_digest}/{record.offset}/{record.reason}"
            broken = Document(
                id=row_id("document", source, record_id(record.headers) or place),
                source=source,
                url=target_url(record.headers),
                date=record.headers.get("warc-date"),
                origin=Origin(file, record.offset, record.length or 0, ""),
            )
            limit = MAX_PAGE_BYTES if record.size_bytes else None
            yield Rejected(broken, record.reason, record.size_bytes, limit, damage=record.damage)
        else:
            yield _text(record, Origin(file, record.offset, record.length, _digest(record)), file_digest, source)


def _text(record: Record, origin: Origin, file_digest: str, source: str) -> Document | Rejected:
    languages = record.headers.get("warc-identified-content-language", "")
    document = Document(
        id=row_id("document", source, record.id or f"{file_digest}/{record.offset}"),
        source=source,
        url=record.url,
        date=record.date,
        origin=origin,
        labels={"identified_languages": languages} if languages else {},
    )
    if record.type != "conversion":
        return Rejected(document, "wet/not_conversion")
    try:
        text = str(record.content, "utf-8")
    except UnicodeDecodeError as error:
        return Rejected(document, "wet/not_utf8", error.start)
    return document.replace(text=text) if text.strip() else Rejected(document, "wet/empty")


def _digest(record: Record) -> str:
    return f"sha256:{hashlib.sha256(payload(record)).hexdigest()}"
