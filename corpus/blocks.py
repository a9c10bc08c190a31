"""A parsed page as a flat list of blocks of text, and the elements that hold them.

A block is what stands between two borders of block elements: a paragraph, a heading, a cell, the loose text of a
`<div>`. An element covers a run of blocks, so what a subtree holds is a difference of two running sums.
"""

import re
from typing import NamedTuple

from lxml.etree import _Element as Node
from lxml.etree import iterwalk

from corpus.boilerplate import BODY, signals
from corpus.code_block import code_of, is_gutter
from corpus.formulas import HOLDERS, delimited, formula
from corpus.white_space import join_wide

# `<head>` is none of these: where `<body>` is left out, libxml2 puts <main> and <article> into it.
# What never holds text of the page. `button` does: accordions put their headings into it. Of `footer`, `dialog`
# and `search` on the pages of WCXB next to nothing is text that a person kept, so they are not even walked.
_SKIPPED_WORDS = (
    "script style template svg iframe object embed applet select option optgroup textarea input canvas audio "
    "video map title meta link base datalist progress meter frameset rt rp noembed picture footer dialog "
    "search"
)
SKIPPED = frozenset(_SKIPPED_WORDS.split())
_BORDERS_WORDS = (
    "html head body p div section article main header aside ul ol li dl dt dd table caption thead tbody tfoot tr td th "
    "h1 h2 h3 h4 h5 h6 blockquote pre listing xmp plaintext figure figcaption form fieldset legend details "
    "summary address center hr hgroup menu nav dir noframes noscript"
)
BORDERS = frozenset(_BORDERS_WORDS.split())
PREFORMATTED = frozenset(("pre", "listing", "xmp", "plaintext"))
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_SLUGGED = HEADINGS | {"section", "p", "dt"}  # their ids are made of what they say: "what-is-a-cookie"
_NOSCRIPT_CHARS = 500  # some forums put all they have to say into <noscript>; others a tracking pixel
_NO_DISPLAY = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


class Element:
    """A block element: its place in the tree and in the list of blocks, and what its names say."""

    __slots__ = ("end", "hidden", "names", "node", "parent", "start", "tag")

    def __init__(self, node: Node | None, tag: str, parent: "Element | None", names: int, start: int) -> None:
        self.node = node
        self.tag = tag
        self.parent = parent
        self.names = names
        self.hidden = False
        self.start = self.end = start


class Block(NamedTuple):
    """A run of text."""

    text: str
    links: int  # characters inside <a> and <button>
    element: Element  # the block element around it


# One loop over every node of every page: split into calls it takes half as long again.
def blocks_of(  # noqa: C901, PLR0912, PLR0915
    tree: Node, *, formulas: bool = False
) -> tuple[list[Block], list[Element]]:
    """Return the blocks of a page and its block elements, both in the order of the document.

    With `formulas`, what stands for a formula becomes LaTeX between dollars, see corpus.formulas.
    """
    blocks: list[Block] = []
    elements: list[Element] = []
    element = Element(None, "", None, 0, 0)
    run: list[str] = []
    links = inside_links = 0
    skipped = None
    walker = iterwalk(tree, events=("start", "end"))
    for event, node in walker:
        tag = node.tag
        if event == "start":
            if formulas and tag in HOLDERS and (tex := formula(node)) is not None:
                run.append(tex)
                walker.skip_subtree()
                skipped = node
                continue
            if tag in SKIPPED or (tag == "noscript" and _is_short(node)):
                walker.skip_subtree()
                skipped = node
                continue
            if tag in BORDERS:
                if run:
                    _close(blocks, run, links, element, formulas=formulas)
                    links = 0
                element = _open(node, tag, element, len(blocks))
                elements.append(element)
                if tag in PREFORMATTED:
                    _add_code(blocks, element)
                    walker.skip_subtree()
                    continue
            elif tag in {"a", "button"}:
                inside_links += 1
            elif tag == "br":
                run.append("\v")
            elif tag == "sup" and run and run[-1][-1:].isdigit() and (node.text or "").strip("-−").isdigit():
                run.append("^")  # 10^6 is not 106
            text = node.text
        else:
            if node is skipped:
                pass
            elif tag in BORDERS:
                if run:
                    _close(blocks, run, links, element, formulas=formulas)
                    links = 0
                element.end = len(blocks)
                element = element.parent  # type: ignore[assignment]  # every end has its start
            elif tag in {"a", "button"}:
                inside_links -= 1
            text = node.tail
        if text and (run or not text.isspace()):
            run.append(text)
            if inside_links:
                links += len(text)
    if run:
        _close(blocks, run, links, element, formulas=formulas)
    return blocks, elements


def _open(node: Node, tag: str, parent: Element, start: int) -> Element:
    names = 0
    hidden = False
    for name, value in node.items():
        if name in {"class", "role"} or (name == "id" and tag not in _SLUGGED and value.count("-") < 3):
            names |= signals(value)
        elif name == "itemprop" and value == "articleBody":
            names |= BODY
        elif (
            name == "hidden"
            or (name == "aria-hidden" and value == "true")
            or (name == "style" and _NO_DISPLAY.search(value))
        ):
            hidden = True
    element = Element(node, tag, parent, names, start)
    element.hidden = hidden and node.get("role") != "tabpanel"  # of tabs that show one variant each, all but one
    return element


def _close(blocks: list[Block], run: list[str], links: int, element: Element, *, formulas: bool) -> None:
    """Make a block of a run; its line breaks are \\v, all other white space is as good as a blank."""
    text = join_wide("".join(run))
    run.clear()
    if formulas:
        text = delimited(text)
    if "\v" in text:
        text = "\n".join([line for part in text.split("\v") if (line := " ".join(part.split()))])
    else:
        text = " ".join(text.split())
    if text:
        blocks.append(Block(text, min(links, len(text)), element))


def _add_code(blocks: list[Block], element: Element) -> None:
    code = code_of(element.node).strip("\n")
    if code and not code.isspace() and not is_gutter(element.node):
        blocks.append(Block(code, 0, element))


def _is_short(node: Node) -> bool:
    chars = 0
    for text in node.itertext():
        chars += len(text)
        if chars >= _NOSCRIPT_CHARS:
            return False
    return True
