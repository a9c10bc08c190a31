"""Chosen blocks as plain text: one line for a paragraph, a list item, a line of code or a row of a table."""

from collections.abc import Iterable, Iterator

from corpus.blocks import PREFORMATTED, Block, Element

_CELLS = ("td", "th")
_MAX_ROW_CHARS = 400  # a longer row is layout, not data
_ABOVE = 3  # how far above its text a cell may be: <td><div><p>


def plain_text(blocks: list[Block], keep: list[bool]) -> str:
    """Return the text of the blocks that are kept: "- " before list items, "| " between the cells of a row."""
    chosen = [(place, block) for place, (block, kept) in enumerate(zip(blocks, keep, strict=True)) if kept]
    return "\n".join(_lines(chosen))


def _lines(chosen: Iterable[tuple[int, Block]]) -> Iterator[str]:
    row: Element | None = None
    cells: list[str] = []
    for place, block in chosen:
        element = block.element
        row_here = _row_of(element)
        if cells and row_here is not row:
            yield from _row(cells)
            cells = []
        row = row_here
        if row is not None:
            cells.append(block.text)
        elif element.tag in PREFORMATTED:
            yield block.text
        else:
            yield f"- {block.text}" if _begins_item(element, place) else block.text
    if cells:
        yield from _row(cells)


def _row(cells: list[str]) -> Iterator[str]:
    if len(cells) == 1 or sum(map(len, cells)) > _MAX_ROW_CHARS:
        yield from cells
    else:
        yield f"| {' | '.join([cell.replace(chr(10), ' ') for cell in cells])} |"


def _row_of(element: Element) -> Element | None:
    """Return the `<tr>` of a block in a cell; of code in a cell there is none."""
    above: Element | None = element
    for _ in range(_ABOVE):
        if above is None or above.tag in PREFORMATTED:
            return None
        if above.tag in _CELLS:
            return above.parent if above.parent is not None and above.parent.tag == "tr" else None
        above = above.parent
    return None


def _begins_item(element: Element, place: int) -> bool:
    above: Element | None = element
    for _ in range(_ABOVE):
        if above is None:
            return False
        if above.tag == "li":
            return above.start == place
        above = above.parent
    return False
