"""How much of a page's code comes back byte for byte: fences as CommonMark reads them, `<pre>` as the DOM has it.

The DOM's text is innerText: `<br>` ends a line, and so do blocks inside a `<pre>`, which some highlighters put around
each line. Nothing of corpus.code_block is used, so that the one can be held against the other.
"""

import re
from collections import Counter
from typing import NamedTuple

from lxml.etree import _Element as Node
from markdown_it import MarkdownIt

from corpus.charset import decode
from corpus.html_tree import parse
from manifests.rows import Page

PREFORMATTED = ("pre", "listing", "xmp")
NUMBERS = re.compile(r"[\d\s]+")


class Found(NamedTuple):
    """How many `<pre>` of a page are in its Markdown, of how many."""

    equal: int
    blocks: int
    numbers: int  # of the blocks: columns of line numbers beside the code, which are left out on purpose


def blocks_found(page: Page, markdown: str) -> Found:
    """Look for each `<pre>` of a page among the fences of its Markdown; line ends around the code do not count."""
    fences = Counter(fenced(markdown))
    tree = parse(decode(page.content, page.content_type).text)
    equal = blocks = numbers = 0
    for pre in tree.iter(*PREFORMATTED) if tree is not None else ():
        code = dom_text(pre).strip("\n")
        if not code.strip() or next(pre.iterdescendants(*PREFORMATTED), None) is not None:
            continue
        blocks += 1
        if fences[code]:
            fences[code] -= 1
            equal += 1
        elif NUMBERS.fullmatch(code) and next(pre.iterancestors("td"), None) is not None:
            numbers += 1
    return Found(equal, blocks, numbers)


def fenced(markdown: str) -> list[str]:
    """Return what stands in the fences of Markdown, as CommonMark reads it, without line ends around it."""
    reader = MarkdownIt("commonmark")
    reader.core.ruler.disable("inline")
    return [token.content.strip("\n") for token in reader.parse(markdown) if token.type == "fence"]


def dom_text(pre: Node) -> str:
    """Return the text of a `<pre>` as the DOM has it."""
    text = pre.text or ""
    for child in pre:
        inner, after = "\n" if child.tag == "br" else dom_text(child), child.tail or ""
        own_lines = child.tag in {"div", "p", "li"} or child.get("class") == "gatsby-highlight-code-line"
        before = "\n" if own_lines and inner and _open(text) and not _ended(inner) else ""
        between = "\n" if own_lines and after and _open(text + before + inner) and not _ended(after) else ""
        text += before + inner + between + after
    return re.sub("\r\n?", "\n", text)


def _open(text: str) -> bool:
    return bool(text) and not text.rstrip(" \t").endswith("\n")


def _ended(text: str) -> bool:
    return text.lstrip(" \t").startswith("\n")
