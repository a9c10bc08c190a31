"""Wikipedia's dumps as documents: pages-articles XML, packed by bzip2 or not, streamed.

    WikipediaDumps.find(["jawiki-20240301-pages-articles.xml.bz2"])

A page is named by its number and that of its revision; its licence is CC-BY-SA-4.0, its language that of the wiki.
An origin's offset and length are those of the <page> element in the unpacked file, its digest is that of the wikitext.
Refused:

wikipedia/redirect        a page that leads to another one
wikipedia/namespace       no article: a talk, a template, a category; the value is the namespace's number
wikipedia/not_wikitext    a page in another form than wikitext
wikipedia/too_long        more characters of wikitext than MAX_PAGE_CHARS
wikipedia/empty           nothing is left of it as text
wikipedia/timeout         the parser took too long, see manifests.bounded
wikipedia/out_of_memory   the parser took too much memory
wikipedia/crashed         the parser crashed
wikipedia/cut_off         the rest of a dump that breaks off or is damaged
"""

import bz2
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import BinaryIO, ClassVar
from urllib.parse import quote, urlsplit
from xml.parsers import expat

from corpus.crawl import WarcFile, WarcFiles
from corpus.wikitext import text_of
from manifests.bounded import Bounded, Crashed, OutOfMemory, Timeout
from manifests.errors import BadSource, Damaged
from manifests.remote import open_location
from manifests.rows import Document, Origin, Row, row_id
from manifests.stage import Rejected

READER_VERSION = 1  # raised by hand when the same dump gives other documents
LICENCE = "CC-BY-SA-4.0"
MAX_PAGE_CHARS = 4 << 20  # MediaWiki's own limit is 2 MiB
TIMEOUT_S = 20.0  # CPU seconds a page; 0.01 is usual
MEMORY_BYTES = 1 << 30
_READ_BYTES = 1 << 18
_HIDDEN = frozenset({"file", "image", "media", "category"})  # in every language, besides a wiki's own names of these
_HIDDEN_KEYS = frozenset({"-2", "6", "14"})
_FIELDS = {
    "mediawiki/siteinfo/dbname": "dbname",
    "mediawiki/siteinfo/base": "base",
    "mediawiki/siteinfo/namespaces/namespace": "namespace",
    "mediawiki/page/title": "title",
    "mediawiki/page/ns": "ns",
    "mediawiki/page/id": "id",
    "mediawiki/page/revision/id": "revision",
    "mediawiki/page/revision/timestamp": "timestamp",
    "mediawiki/page/revision/model": "model",
    "mediawiki/page/revision/text": "text",
}


@dataclass(frozen=True)
class Dump(WarcFile):
    """One file of a dump."""

    @property
    def key(self) -> dict[str, str | int]:
        """Its bytes, its name, the reader and the parser decide what it yields."""
        parser = version("mwparserfromhell")
        return {"wikipedia": self.digest, "name": self.name, "reader": READER_VERSION, "mwparserfromhell": parser}

    def rows(self) -> Iterator[Row | Rejected]:
        """Yield its articles, and a reject for each page that is none."""
        with open_location(self.location, etag=self.etag) as stream:
            yield from articles(stream, file=self.name)


@dataclass
class WikipediaDumps(WarcFiles):
    """Dumps from paths, globs and URLs."""

    part: ClassVar[str] = "dump"
    unit: ClassVar[type[WarcFile]] = Dump


def articles(stream: BinaryIO, *, file: str) -> Iterator[Document | Rejected]:
    """Yield the articles of a dump; `file` is the name that origins carry. Raises BadSource where it is none."""
    reader = _Reader(file)
    convert = Bounded(text_of, TIMEOUT_S, MEMORY_BYTES)
    packed = stream.read(3) == b"BZh"
    stream.seek(0)
    read = bz2.BZ2File(stream).read1 if packed else stream.read  # `read` would lose what stands before a break
    try:
        while block := read(_READ_BYTES):
            reader.feed(block)
            for page in reader.taken():
                yield _article(page, reader, convert)
        reader.feed(b"", last=True)
        if not reader.is_dump:
            raise BadSource(f"{file}: expected XML of MediaWiki's export, found another kind of XML")
    except (expat.ExpatError, EOFError, OSError) as error:
        if not reader.is_dump:
            raise BadSource(f"{file}: expected XML of MediaWiki's export, found: {error}") from error
        for page in reader.taken():
            yield _article(page, reader, convert)
        rest = Origin(file, reader.stood_at, 0, "")
        lost = Document(id=row_id("document", file, "cut_off"), source=file, origin=rest)
        yield Rejected(lost, "wikipedia/cut_off", damage=str(error))


def wikitext_at(stream: BinaryIO, origin: Origin) -> bytes:
    """Return the wikitext of the page at an origin of a dump, in UTF-8. Raises Damaged where there is none."""
    packed = stream.read(3) == b"BZh"
    stream.seek(0)
    unpacked = bz2.BZ2File(stream) if packed else stream
    reader = _Reader(origin.file)
    try:
        unpacked.seek(origin.offset)
        reader.feed(b"<mediawiki>" + unpacked.read(origin.length))
        [page] = reader.taken()
    except (expat.ExpatError, EOFError, OSError, ValueError) as error:
        raise Damaged(
            f"{origin.file}: expected a page of {origin.length} bytes at {origin.offset}, found: {error}"
        ) from error
    return page.given.get("text", "").encode("utf-8", "replace")


@dataclass
class _Page:
    offset: int
    length: int = 0
    redirect: bool = False
    chars: int = 0  # of wikitext, also of that which is not kept
    given: dict[str, str] = field(default_factory=dict)


class _Reader:
    """Takes a dump apart as it comes."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.is_dump = False
        self.stood_at = 0  # behind the last whole page
        self.language: str | None = None
        self.site: dict[str, str] = {}
        self.hidden = set(_HIDDEN)
        self._path: list[str] = []
        self._pages: list[_Page] = []
        self._page: _Page | None = None
        self._value: list[str] = []
        self._field = ""
        self._key = ""
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._doctype

    def feed(self, data: bytes, *, last: bool = False) -> None:
        self._parser.Parse(data, last)

    def taken(self) -> list[_Page]:
        """Return the pages that are whole since the last call."""
        pages, self._pages = self._pages, []
        return pages

    def _doctype(self, *_: object) -> None:
        raise BadSource(f"{self.file}: expected a dump, found a document type, which no dump has")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        path = "/".join(self._path) if len(self._path) < 6 else ""
        if path == "mediawiki":
            self.is_dump = True
            language = attributes.get("xml:lang", "").partition("-")[0]
            self.language = language if len(language) == 2 else None
        elif path == "mediawiki/page":
            self._page = _Page(self._parser.CurrentByteIndex)
        elif path == "mediawiki/page/redirect" and self._page:
            self._page.redirect = True
        self._field, self._value = _FIELDS.get(path, ""), []
        self._key = attributes.get("key", "")

    def _text(self, text: str) -> None:
        if not self._field:
            return
        if self._field == "text" and self._page:
            self._page.chars += len(text)
            if self._page.chars > MAX_PAGE_CHARS:
                return
        self._value.append(text)

    def _end(self, name: str) -> None:
        value = "".join(self._value)
        if self._field == "namespace":
            self.hidden |= {value.lower()} if self._key in _HIDDEN_KEYS and value else set()
        elif self._field:
            (self._page.given if self._page else self.site)[self._field] = value
        self._field, self._value = "", []
        if name == "page" and len(self._path) == 2 and self._page:
            end = self._parser.CurrentByteIndex + len("</page>")
            self._page.length, self.stood_at = end - self._page.offset, end
            self._pages.append(self._page)
            self._page = None
        self._path.pop()


def _article(page: _Page, reader: _Reader, convert: Bounded[str]) -> Document | Rejected:
    document = _document(page, reader)
    refused = _refused(page, document)
    if refused:
        return refused
    try:
        text = convert(page.given.get("text", ""), frozenset(reader.hidden))
    except Timeout:
        return Rejected(document, "wikipedia/timeout", TIMEOUT_S, TIMEOUT_S)
    except OutOfMemory:
        return Rejected(document, "wikipedia/out_of_memory", None, MEMORY_BYTES)
    except Crashed:
        return Rejected(document, "wikipedia/crashed")
    return document.replace(text=text) if text else Rejected(document, "wikipedia/empty")


def _refused(page: _Page, document: Document) -> Rejected | None:
    """Refuse what needs no look at the wikitext."""
    space = page.given.get("ns", "")
    if space != "0":
        return Rejected(document, "wikipedia/namespace", float(space) if space.isdecimal() else None, 0)
    if page.redirect:
        return Rejected(document, "wikipedia/redirect")
    if page.given.get("model", "wikitext") != "wikitext":
        return Rejected(document, "wikipedia/not_wikitext")
    if page.chars > MAX_PAGE_CHARS:
        return Rejected(document, "wikipedia/too_long", page.chars, MAX_PAGE_CHARS)
    return None


def _document(page: _Page, reader: _Reader) -> Document:
    given, wiki = page.given, reader.site.get("dbname", "wiki")
    title, base = given.get("title", ""), urlsplit(reader.site.get("base", ""))
    place = f"{given.get('id', '')}/{given.get('revision', '')}"
    digest = hashlib.sha256(given.get("text", "").encode("utf-8", "replace")).hexdigest()
    return Document(
        id=row_id("document", wiki, place if place != "/" else f"{reader.file}@{page.offset}"),
        source=wiki,
        url=f"{base.scheme}://{base.netloc}/wiki/{quote(title.replace(' ', '_'), safe=':/()')}"
        if base.netloc
        else None,
        date=given.get("timestamp"),
        language=reader.language,
        licence=LICENCE,
        origin=Origin(reader.file, page.offset, page.length, f"sha256:{digest}"),
        labels={"title": title, "page": given.get("id", ""), "revision": given.get("revision", "")},
    )
