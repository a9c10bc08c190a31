"""Web pages to documents: a cheap gate, then the main text.

    HtmlPages()       only answers that are HTML, of a sensible size
    ExtractText()     the main text of a page, without navigation, advertisements and footers

Extraction is decoding (corpus.charset), parsing (corpus.html_tree), a list of blocks (corpus.blocks) and a choice among
them (corpus.main_text), all in a helper process with a limit of time and memory for each page (manifests.bounded).
Nothing is kept between pages: the same page gives the same text whatever came before it.

Pages that are refused: page/status, page/empty, page/too_many_bytes, page/not_html; charset/undecodable, extract/empty,
extract/timeout, extract/out_of_memory, extract/crashed.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from lxml.etree import _Element as Node

from corpus.blocks import PREFORMATTED, Block, blocks_of
from corpus.charset import decode
from corpus.formulas import has_formulas
from corpus.html_tree import parse
from corpus.main_text import main_blocks
from corpus.plain_text import plain_text
from filters.cc_licence import cc_licence, mentions_cc
from manifests.bounded import Bounded, Crashed, OutOfMemory, Timeout
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

_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_BLANK_LINES = re.compile("\n{3,}")


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
    share: float = 0.0  # of the characters of all text on the page
    code: int = 0  # characters of the text that stood in <pre>
    licence: str | None = None  # Creative Commons, as the page declares it


@dataclass(frozen=True, slots=True)
class ExtractText(Stage):
    """The main text of a page as a Document with the same id, its declared licence, and the labels `title`, `charset`.

    Paragraphs, list items, table rows and lines of code are lines of the text; formulas are LaTeX between dollars.
    Token F1 on 832 English pages (WCXB) is .877, where trafilatura's best mode has .833 at a fifth of the speed; on
    31 Japanese pages it is .917, where trafilatura's best mode for them has .901.
    """

    version: ClassVar[int] = 3
    libraries: ClassVar[tuple[str, ...]] = ("lxml", "charset-normalizer")
    dear: ClassVar[bool] = True

    max_damage: float = 0.05  # share of characters that could not be decoded
    timeout_s: float = 10.0  # CPU seconds a page; 0.01 is usual
    memory_bytes: int = 1 << 30  # address space a page; a page of 5 MB takes 0.1 GB

    def rules(self) -> tuple[Rule, ...]:
        return readable(self.max_damage)

    def __call__(self, rows: Iterable[Page]) -> Iterator[Row | Kept | Rejected]:
        return extracted(rows, main_text, self)


def main_text(content: bytes, content_type: str, url: str, max_damage: float) -> Extracted:
    """Return the main text of an HTML page, in this process and without limits. See `ExtractText` for both."""
    found = opened(content, content_type, max_damage)
    if isinstance(found, Extracted):
        return found
    blocks, elements = blocks_of(found.tree, formulas=found.formulas)
    keep = main_blocks(blocks, elements, url)
    return found.extracted(clean(plain_text(blocks, keep)), blocks, keep)


class Opened(NamedTuple):
    """A page that was decoded and parsed, before anything is taken out of it."""

    tree: Node
    charset: str
    damage: float
    formulas: bool
    licence: str | None

    def extracted(self, text: str, blocks: list[Block], keep: list[bool]) -> Extracted:
        """Return what the page gave: a text that was made of the blocks that are kept."""
        return Extracted(text, title_of(self.tree), self.charset, self.damage, *shares(blocks, keep), self.licence)


def opened(content: bytes, content_type: str, max_damage: float) -> Opened | Extracted:
    """Return a page decoded and parsed, or what is known of one that is damaged too much or holds nothing."""
    decoded = decode(content, content_type)
    tree = parse(decoded.text) if decoded.damage <= max_damage else None
    if tree is None:
        return Extracted(charset=decoded.charset, damage=decoded.damage)
    small = decoded.text.encode("utf-8", "ignore").lower()  # text takes four times as long, in lowering and in searches
    licence = cc_licence(tree) if mentions_cc(small) else None
    return Opened(tree, decoded.charset, decoded.damage, has_formulas(small), licence)


def title_of(tree: Node) -> str:
    """Return the title of a page, on one line."""
    return " ".join(clean(tree.findtext(".//title") or "").split())


def shares(blocks: list[Block], keep: list[bool]) -> tuple[float, int]:
    """Return the share of the page's characters that is kept, and how many of those are code."""
    kept = [block for block, chosen in zip(blocks, keep, strict=True) if chosen]
    chars = sum([len(block.text) for block in kept])
    code = sum([len(block.text) for block in kept if block.element.tag in PREFORMATTED])
    return chars / max(1, sum([len(block.text) for block in blocks])), code


def readable(max_damage: float) -> tuple[Rule, ...]:
    """Return the rules for what any extraction gives: a text, of which nearly all could be decoded."""
    return (
        *at_most("charset/undecodable", "charset/damage", max_damage),
        *at_least("extract/empty", "extract/chars", 1),
    )


def extracted(
    rows: Iterable[Page], function: Callable[[bytes, str, str, float], Extracted], how: Any
) -> Iterator[Row | Kept | Rejected]:
    """Yield a document for each page, or a reject: what `function` gives within the limits of the stage `how`."""
    extract = Bounded(function, how.timeout_s, how.memory_bytes)
    rules = how.rules()
    for page in rows:
        size: Values = {"page/bytes": len(page.content)}
        try:
            found = extract(page.content, page.content_type, page.url or "", how.max_damage)
        except Timeout:
            yield Rejected(page, "extract/timeout", how.timeout_s, how.timeout_s, values=size)
        except OutOfMemory:
            yield Rejected(page, "extract/out_of_memory", None, how.memory_bytes, values=size)
        except Crashed:
            yield Rejected(page, "extract/crashed", values=size)
        else:
            values = {
                **size,
                "charset/damage": found.damage,
                "extract/chars": len(found.text),
                "extract/share": found.share,
                "extract/code_chars": found.code,
            }
            outcome = judge(page, values, rules)
            yield Kept(_document(page, found), values) if isinstance(outcome, Kept) else outcome


def _plain(text: str) -> str:
    return _NO_TEXT.sub("", _LINE_ENDS.sub("\n", text))


def _document(page: Page, found: Extracted) -> Document:
    labels = {**page.labels, "charset": found.charset}
    if found.title:
        labels["title"] = found.title
    return Document(
        id=page.id,
        source=page.source,
        url=page.url,
        date=page.date,
        licence=page.licence or found.licence,
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
