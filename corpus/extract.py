"""Web pages to documents: a cheap gate, then the main text.

    HtmlPages()       only answers that are HTML, of a sensible size
    ExtractText()     the main text of a page, without navigation, advertisements and footers

Extraction is decoding (corpus.charset), parsing and trafilatura, all in a helper process with a limit of time and
memory for each page (corpus.bounded). Nothing is kept between pages: the same page gives the same text whatever came
before it.

Pages that are refused: page/status, page/empty, page/too_many_bytes, page/not_html; charset/undecodable, extract/empty,
extract/timeout, extract/out_of_memory, extract/crashed.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from lxml.etree import ParserError
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from corpus.bounded import Bounded, Crashed, OutOfMemory, Timeout
from corpus.charset import decode
from manifests.rows import Document, Page, Row
from manifests.stage import Kept, Rejected, Rule, Rules, Stage, Values, at_least, at_most, judge

_HTML = ("text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml")
_VAGUE = ("", "text/plain", "text/xml", "application/xml", "application/octet-stream", "unknown/unknown")
# What HTML starts with, after WHATWG MIME Sniffing, section 7.1.
_LOOKS_LIKE_HTML = re.compile(
    rb"(?:\s++|<\?xml[^>]*+>|(?><!--.*?-->))*+"  # possessive: 1 KiB of comments must not take for ever
    rb"<(?:!doctype\s+html|html|head|body|script|iframe|h1|div|font|table|a|style|title|b|br|p)[\s/>]",
    re.IGNORECASE | re.DOTALL,
)
_LOOKS_LIKE_A_FILE = (b"%PDF-", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"PK\x03\x04", b"\x1f\x8b", b"BZh")
_MARKS_AND_NULS = b"\xef\xbb\xbf\xff\xfe\x00"  # what UTF-8 and UTF-16 put before and between ASCII
_SNIFFED_BYTES = 1024

_SELF_CLOSED = re.compile(r"(<html\b[^<>]*?)/\s*>", re.IGNORECASE)
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_BLANK_LINES = re.compile("\n{3,}")
_BLANK_LINE = re.compile(r"\n[ \t]*(?=\n)")
_MARK = "\u2424"


@dataclass(frozen=True, slots=True)
class HtmlPages(Rules):
    """Answers that hold an HTML page. Looks at the header and the first bytes only."""

    status: int = 200
    min_bytes: int = 1
    max_bytes: int = 5 << 20  # CommonCrawl kept 1 MiB of a page for years; what is larger is data, not prose

    def rules(self) -> tuple[Rule, ...]:
        return (
            *at_least("page/status", "page/status", self.status),
            *at_most("page/status", "page/status", self.status),
            *at_least("page/empty", "page/bytes", self.min_bytes),
            *at_most("page/too_many_bytes", "page/bytes", self.max_bytes),
            *at_least("page/not_html", "page/html", 1),
        )

    def measure(self, row: Page) -> Values:
        return {"page/status": row.status, "page/bytes": len(row.content), "page/html": float(is_html(row))}


def is_html(page: Page) -> bool:
    """Tell whether a page is HTML: by its Content-Type, and by its first bytes where that is missing or says little."""
    kind = re.split(r"[;,\s]", page.content_type.strip(), maxsplit=1)[0].lower()
    start = page.content[:_SNIFFED_BYTES]
    if kind in _VAGUE:
        return bool(_LOOKS_LIKE_HTML.match(start.translate(None, _MARKS_AND_NULS)))
    return kind in _HTML and not start.startswith(_LOOKS_LIKE_A_FILE)


class Extracted(NamedTuple):
    """What a page gave. `text` is empty where `damage` is too much, or where there is none."""

    text: str = ""
    title: str = ""
    charset: str = ""
    damage: float = 0.0  # share of characters that could not be decoded


@dataclass(frozen=True, slots=True)
class ExtractText(Stage):
    """The main text of a page as a Document with the same id, and with the labels `title` and `charset`.

    Paragraphs, list items, table rows and lines of code are lines of the text.
    Token F1 on 832 English pages (WCXB) is .833 with the defaults, .796 without `min_share`, and .839 with `fast=False`
    (1.6 times the work); on 31 Japanese pages .868, .870 and .881.
    """

    version: ClassVar[int] = 1
    libraries: ClassVar[tuple[str, ...]] = ("trafilatura", "lxml", "charset-normalizer", "jusText")
    dear: ClassVar[bool] = True

    favour: Literal["balanced", "precision", "recall"] = "balanced"  # trafilatura's focus
    fast: bool = True  # without trafilatura's comparison with readability and justext
    tables: bool = True
    min_share: float | None = 0.15  # a short text with less of all text on the page gives way to all its paragraphs
    short_chars: int = 3_000
    max_damage: float = 0.05  # share of characters that could not be decoded
    timeout_s: float = 10.0  # CPU seconds a page; 0.03 is usual
    memory_bytes: int = 1 << 30  # address space a page; a page of 5 MB takes 0.1 GB

    def rules(self) -> tuple[Rule, ...]:
        return (
            *at_most("charset/undecodable", "charset/damage", self.max_damage),
            *at_least("extract/empty", "extract/chars", 1),
        )

    def __call__(self, rows: Iterable[Page]) -> Iterator[Row | Kept | Rejected]:
        extract = Bounded(main_text, self.timeout_s, self.memory_bytes, prepare=_import_libraries)
        rules = self.rules()
        for page in rows:
            size: Values = {"page/bytes": len(page.content)}
            try:
                found = extract(page.content, page.content_type, self)
            except Timeout:
                yield Rejected(page, "extract/timeout", self.timeout_s, self.timeout_s, values=size)
            except OutOfMemory:
                yield Rejected(page, "extract/out_of_memory", None, self.memory_bytes, values=size)
            except Crashed:
                yield Rejected(page, "extract/crashed", values=size)
            else:
                values = {**size, "charset/damage": found.damage, "extract/chars": len(found.text)}
                outcome = judge(page, values, rules)
                yield Kept(_document(page, found), values) if isinstance(outcome, Kept) else outcome


def main_text(content: bytes, content_type: str, how: ExtractText) -> Extracted:
    """Return the main text of an HTML page, in this process and without limits. See `ExtractText` for both."""
    import trafilatura  # noqa: PLC0415 (0.4 s, which only the helper process has to pay)

    decoded = decode(content, content_type)
    damage = decoded.damage
    tree = _parse(decoded.text) if damage <= how.max_damage else None
    if tree is None:
        return Extracted(charset=decoded.charset, damage=damage)
    _mark_blank_lines(tree)
    text = trafilatura.extract(
        tree,
        fast=how.fast,
        favor_precision=how.favour == "precision",
        favor_recall=how.favour == "recall",
        include_comments=False,
        include_tables=how.tables,
    )
    text = text or ""
    if how.min_share is not None and len(text) < how.short_chars:
        whole = trafilatura.html2txt(tree)
        if len(text) < how.min_share * len(whole):
            _, paragraphs, chars = trafilatura.baseline(tree)
            text = paragraphs.replace(f" {_MARK}", "") if chars > len(text) else text
    title = " ".join(clean(tree.findtext(".//title") or "").split())
    return Extracted(clean(text.replace(_MARK, "")), title, decoded.charset, damage)


def _parse(html: str) -> HtmlElement | None:
    """Return the tree of a page, None where there is nothing in it."""
    parser = HTMLParser(
        encoding="utf-8",
        collect_ids=False,
        default_doctype=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,  # else what is nested deeper than 256 elements is lost, and with it the rest of the page
    )
    html = _NO_TEXT.sub("", html)  # libxml2 makes a U+FFFD of each
    head = _SELF_CLOSED.sub(r"\1>", html[:_SNIFFED_BYTES], count=1)  # libxml2 ends the page at <html/>
    try:
        return document_fromstring((head + html[_SNIFFED_BYTES:]).encode("utf-8", "replace"), parser=parser)
    except ParserError:
        return None


def _mark_blank_lines(tree: HtmlElement) -> None:
    """Put a mark on the blank lines of code: trafilatura drops blank lines, and takes this mark out by itself."""
    for block in tree.iter("pre"):
        for node in block.iter():
            if node.text:
                node.text = _marked(node.text)
            if node.tail and node is not block:
                node.tail = _marked(node.tail)


def _marked(text: str) -> str:
    return _BLANK_LINE.sub(f"\n{_MARK}", _plain(text))


def _plain(text: str) -> str:
    return _NO_TEXT.sub("", _LINE_ENDS.sub("\n", text))


def _import_libraries() -> None:
    import trafilatura  # noqa: F401, PLC0415


def _document(page: Page, found: Extracted) -> Document:
    labels = {**page.labels, "charset": found.charset}
    if found.title:
        labels["title"] = found.title
    return Document(
        id=page.id,
        source=page.source,
        url=page.url,
        date=page.date,
        licence=page.licence,
        origin=page.origin,
        parents=page.parents,
        labels=labels,
        text=found.text,
    )


def clean(text: str) -> str:
    """Return the text in NFC, its lines ended by \\n and without trailing blanks, and at most one line left blank.

    Lone surrogates, noncharacters, byte order marks and all control characters but \\n and \\t are dropped.
    """
    text = unicodedata.normalize("NFC", _plain(text))
    text = "\n".join([line.rstrip() for line in text.split("\n")])
    return _BLANK_LINES.sub("\n\n", text).strip("\n")
