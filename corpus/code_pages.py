"""Pages with code to Markdown, after PLaMo 2, section 2.2.2: a gate on the bytes, then parsing, then a second look.

    HasCode()            pages whose bytes have a <pre> or <code>: most have none and are not worth parsing
    ExtractMarkdown()    the main content with its code in fences, of pages where a <pre> is part of it
    CodeShare()          Markdown that is neither a page of prose with a word in a fence nor a listing

Pages that are refused: code_gate/no_tag, code_gate/no_block; and what corpus.extract refuses, for its reasons.
Markdown that is refused: code_share/little_code, code_share/mostly_code.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

from lxml.etree import _Element as Node

from corpus.addresses import make_absolute
from corpus.blocks import Element, blocks_of
from corpus.extract import Extracted, extracted, opened, readable
from corpus.main_text import main_blocks
from corpus.markdown_writer import markdown
from filters.markdown_code import lines
from manifests.rows import Document, Page, Row
from manifests.stage import Kept, Rejected, Rule, Rules, Stage, Values, at_least, at_most

_TAG = re.compile(rb"<(?:pre|code)[\s/>]")
_STARTS = (b"<pre", b"<code")  # looked for first: ten times as fast as the expression
_SAMPLE_BYTES = 1024
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class HasCode(Rules):
    """Pages whose bytes have the tag of code. One in a comment or script passes, and is seen through later."""

    min_tags: int = 1

    def rules(self) -> tuple[Rule, ...]:
        return at_least("code_gate/no_tag", "code_gate/tag", self.min_tags)

    def measure(self, row: Page) -> Values:
        return {"code_gate/tag": float(has_code_tag(row.content))}


def has_code_tag(content: bytes) -> bool:
    """Tell whether undecoded HTML has a `<pre>` or `<code>` in any writing, in UTF-16 as well."""
    start = content[:_SAMPLE_BYTES]
    if start.count(0) > len(start) // 4:
        content = content.replace(b"\0", b"")
    small = content.lower()
    return any(tag in small for tag in _STARTS) and _TAG.search(small) is not None


@dataclass(frozen=True, slots=True)
class ExtractMarkdown(Stage):
    """The main content of a page with code as Markdown, with the same id, and with the labels `title` and `charset`."""

    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = ("lxml", "charset-normalizer")
    dear: ClassVar[bool] = True

    min_code_chars: int = 1  # in <pre>, in the main content
    max_damage: float = 0.05  # share of characters that could not be decoded
    timeout_s: float = 10.0  # CPU seconds a page; 0.015 is usual
    memory_bytes: int = 1 << 30  # address space a page; a page of 5 MB takes 0.1 GB

    def rules(self) -> tuple[Rule, ...]:
        return (
            *readable(self.max_damage),
            *at_least("code_gate/no_block", "extract/code_chars", self.min_code_chars),
        )

    def __call__(self, rows: Iterable[Page]) -> Iterator[Row | Kept | Rejected]:
        return extracted(rows, main_markdown, self)


@dataclass(frozen=True, slots=True)
class CodeShare(Rules):
    """Markdown with a sensible share of code: of its characters, those inside fences. Our own choice of thresholds."""

    min_share: float | None = 0.01
    max_share: float | None = 0.95

    def rules(self) -> tuple[Rule, ...]:
        return at_least("code_share/little_code", "code_share/share", self.min_share) + at_most(
            "code_share/mostly_code", "code_share/share", self.max_share
        )

    def measure(self, row: Document) -> Values:
        return {"code_share/share": fenced_chars(row.text) / max(1, len(row.text))}


def fenced_chars(text: str) -> int:
    """Return how many characters of Markdown stand in fences, their line ends included."""
    return sum([len(line) + 1 for line, is_code in lines(text) if is_code])


def main_markdown(content: bytes, content_type: str, url: str, max_damage: float) -> Extracted:
    """Return the main content of an HTML page as Markdown, in this process and without limits."""
    found = opened(content, content_type, max_damage)
    if isinstance(found, Extracted):
        return found
    blocks, elements = blocks_of(found.tree, formulas=found.formulas)
    keep = main_blocks(blocks, elements, url)
    root, dropped = _content(elements, keep)
    make_absolute(found.tree, url)
    text = clean_markdown(markdown(root, dropped, formulas=found.formulas)) if root is not None else ""
    return found.extracted(text, blocks, keep)


def clean_markdown(text: str) -> str:
    """Return Markdown without characters that are no text. Code in it stays as it is: blanks, blank lines and all."""
    return _NO_TEXT.sub("", text).strip("\n")


def _content(elements: list[Element], keep: list[bool]) -> tuple[Node | None, list[Node]]:
    """Return the innermost element around all kept blocks, and the elements in it of which nothing is kept."""
    if not any(keep):
        return None, []
    kept = [0, *accumulate(keep)]
    around = [element for element in elements if kept[element.end] - kept[element.start] == kept[-1]]
    dropped = [
        element.node
        for element in elements
        if element.start < element.end and kept[element.end] == kept[element.start] and element.node is not None
    ]
    return around[-1].node, dropped
