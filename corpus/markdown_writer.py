"""The main content of a code page as Markdown (CommonMark with GitHub's tables, and formulas between dollars).

Code is the DOM's text of a `<pre>`, character for character, in a fence that is longer than any in it.
"""

import re
from collections.abc import Callable, Iterable
from itertools import zip_longest

from lxml.etree import _Element as Node

from corpus.blocks import BORDERS, HEADINGS, PREFORMATTED, SKIPPED
from corpus.code_block import code_of, is_gutter, language_of
from corpus.formulas import HOLDERS, formula
from corpus.markdown_inline import MAX_DEPTH, inline, paragraph, prose, span
from corpus.markdown_table import data_table, is_data, rows_of

_ADMONITION = re.compile(r"(?:^|\s)(?:admonition\S*|callout|alert|alert-\w+|custom-block)(?:\s|$)")
_FENCES = re.compile("^ *(`{3,})", re.MULTILINE)


def markdown(root: Node, dropped: Iterable[Node] = (), *, formulas: bool = False) -> str:
    """Return what is in `root` as Markdown, without the elements in `dropped` and what is in them."""
    return _Writer(frozenset(dropped), formulas=formulas).text(root)


def fenced(code: str, language: str = "") -> str:
    """Return code in a fence; a line end after its last line is the fence's own."""
    longest = max([len(run) for run in _FENCES.findall(code)], default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{code.removesuffix(chr(10))}\n{fence}"


class _Writer:
    """Writes block elements; each method returns Markdown blocks, which a blank line parts."""

    def __init__(self, dropped: frozenset[Node], *, formulas: bool) -> None:
        self.dropped = dropped
        self.formulas = formulas

    def text(self, root: Node) -> str:
        return "\n\n".join(self.block(root, 0) if root.tag in BORDERS else self.inside(root, 0))

    def inside(self, node: Node, depth: int) -> list[str]:
        """Write the children of an element: runs of inline content are paragraphs."""
        blocks: list[str] = []
        run: list[str] = [prose(node.text, formulas=self.formulas)] if node.text else []
        for child in node:
            if (child not in self.dropped and child.tag not in SKIPPED) or self._is_formula(child):
                if self._is_block(child):
                    _close(run, blocks)
                    blocks += self.block(child, depth + 1)
                else:
                    run.append(span(child, formulas=self.formulas, depth=depth + 1))
            if child.tail:
                run.append(prose(child.tail, formulas=self.formulas))
        _close(run, blocks)
        return _unlabelled(blocks)

    def block(self, node: Node, depth: int) -> list[str]:
        """Write one block element."""
        tag = node.tag
        if depth > MAX_DEPTH:
            return [block] if (block := paragraph(prose("".join(node.itertext()), formulas=self.formulas))) else []
        write = _WRITERS.get(tag)
        if write is not None:
            return write(self, node, depth)
        inside = self.inside(node, depth)
        if tag == "summary":
            return [f"**{' '.join(inside)}**"] if inside and "**" not in inside[0] else inside
        if tag == "blockquote" or (tag in {"div", "aside"} and _ADMONITION.search(node.get("class") or "")):
            return [_prefixed("\n\n".join(inside), "> ", "> ")] if inside else []
        return inside

    def heading(self, node: Node, depth: int) -> list[str]:
        text = " ".join(inline(node, formulas=self.formulas, depth=depth).split())
        return [f"{'#' * int(node.tag[1])} {text}"] if text else []

    def code(self, pre: Node, _: int) -> list[str]:
        if is_gutter(pre):
            return []
        code = code_of(pre)
        return [fenced(code, language_of(pre))] if code.strip() else []

    def itemized(self, node: Node, depth: int) -> list[str]:
        items = [child for child in node if child not in self.dropped]
        start = node.get("start") or "1"
        number = int(start) if start.isdecimal() and len(start) < 9 else 1
        written: list[str] = []
        loose = False
        for item in items:
            blocks = self.inside(item, depth + 1) if item.tag == "li" else self.block(item, depth + 1)
            if not blocks:
                continue
            mark = f"{number}. " if node.tag == "ol" else "- "
            number += 1
            tight = len(blocks) == 1 or all(_is_list(block) for block in blocks[1:])
            loose = loose or not tight
            written.append(_prefixed(("\n" if tight else "\n\n").join(blocks), mark, " " * len(mark)))
        return [("\n\n" if loose else "\n").join(written)] if written else []

    def table(self, node: Node, depth: int) -> list[str]:
        rows = [[cell for cell in row if cell not in self.dropped] for row in rows_of(node)]
        rows = [row for row in rows if row]
        if not rows:
            return self.inside(node, depth)
        caption = [text for part in node.iterchildren("caption") for text in self.inside(part, depth + 1)]
        if is_data(node, rows):
            return [*caption, data_table(rows, formulas=self.formulas)]
        return caption + [block for row in rows for cell in row for block in self.inside(cell, depth + 2)]

    def definitions(self, node: Node, depth: int) -> list[str]:
        written: list[str] = []
        for child in node.iter("dt", "dd") if depth < MAX_DEPTH else ():
            above = child.getparent()
            if child in self.dropped or not (above is node or (above.tag == "div" and above.getparent() is node)):
                continue
            blocks = self.inside(child, depth + 1)
            if child.tag == "dt":
                written.append(" ".join(blocks))
            elif len(blocks) == 1 and written and _is_short(blocks[0]):
                written[-1] += f"\n: {blocks[0]}"
            else:  # a manual's entry: indented, its code would be no fence any more
                written += blocks
        return [block for block in written if block]

    def _is_formula(self, node: Node) -> bool:
        return self.formulas and node.tag in HOLDERS and bool(formula(node))

    def _is_block(self, node: Node) -> bool:
        """Tell whether an element is a block, or an inline one around blocks: `<a><div>`, `<span><pre>`."""
        if node.tag in BORDERS:
            return not (self.formulas and node.tag in HOLDERS and formula(node) is not None)
        return len(node) > 0 and node.tag not in {"code", "math"} and any(True for _ in node.iterdescendants(*BORDERS))


_WRITERS: dict[str, Callable[[_Writer, Node, int], list[str]]] = {
    **dict.fromkeys(PREFORMATTED, _Writer.code),
    **dict.fromkeys(HEADINGS, _Writer.heading),
    **dict.fromkeys(("ul", "ol", "menu", "dir"), _Writer.itemized),
    "table": _Writer.table,
    "dl": _Writer.definitions,
    "hr": lambda *_: ["---"],
}


def _close(run: list[str], blocks: list[str]) -> None:
    if run:
        text = paragraph("".join(run))
        run.clear()
        if text:
            blocks.append(text)


def _unlabelled(blocks: list[str]) -> list[str]:
    """Leave out what only repeats the language of the fence below it, as the head of a highlighter's box does."""
    return [block for block, below in zip_longest(blocks, blocks[1:], fillvalue="") if not _is_label(block, below)]


def _is_label(block: str, fence: str) -> bool:
    return fence.startswith("```") and block.lower() == fence.partition("\n")[0].strip("`").lower()


def _is_short(block: str) -> bool:
    return "\n" not in block and not block.startswith(("#", "|", "- ", ">"))


def _is_list(block: str) -> bool:
    return block.startswith(("- ", "1. "))


def _prefixed(text: str, first: str, rest: str) -> str:
    lines = text.split("\n")
    return "\n".join([first + lines[0], *[(rest + line).rstrip() if not line else rest + line for line in lines[1:]]])
