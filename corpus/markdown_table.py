"""Tables to Markdown: data as a GitHub table, layout as what stands in its cells."""

from collections.abc import Iterator

from lxml.etree import _Element as Node

from corpus.markdown_inline import inline

_MAX_COLUMNS, _MAX_CELLS = 40, 20_000
_MAX_CELL_CHARS = 600  # on average; longer cells are columns of a page
_NOT_IN_DATA = ("table", "pre", "h1", "h2", "h3", "blockquote", "form")


def rows_of(table: Node) -> list[list[Node]]:
    """Return the cells of a table by row, without those of tables inside it."""
    rows = []
    for part in table:
        if part.tag == "tr":
            rows.append(_cells(part))
        elif part.tag in {"thead", "tbody", "tfoot"}:
            rows.extend([_cells(row) for row in part if row.tag == "tr"])
    return [row for row in rows if row]


def is_data(table: Node, rows: list[list[Node]]) -> bool:
    """Tell whether a table holds data: by its headings, else by its form."""
    cells = sum(map(len, rows))
    if not 2 <= cells <= _MAX_CELLS or (table.get("role") or "") in {"presentation", "none"}:
        return False
    if next(table.iterdescendants(*_NOT_IN_DATA), None) is not None or max(map(len, rows)) > _MAX_COLUMNS:
        return False
    if max(map(len, rows)) < 2:
        return False
    chars = sum([len(text) for text in table.itertext()])
    return chars <= _MAX_CELL_CHARS * cells and (len(rows) > 1 or next(table.iter("th"), None) is not None)


def data_table(rows: list[list[Node]], *, formulas: bool) -> str:
    """Return a GitHub table; the first row is its head, a cell that spans columns is followed by empty ones."""
    lines = [list(_texts(row, formulas=formulas)) for row in rows]
    lines = [line for line in lines if any(line)]
    if not lines:
        return ""
    width = max(map(len, lines))
    lines = [line + [""] * (width - len(line)) for line in lines]
    head, *body = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([head, f"|{'---|' * width}", *body])


def _cells(row: Node) -> list[Node]:
    return [cell for cell in row if cell.tag in {"td", "th"}]


def _texts(row: list[Node], *, formulas: bool) -> Iterator[str]:
    for cell in row:
        yield " ".join(inline(cell, formulas=formulas).split()).replace("|", "\\|")
        span = cell.get("colspan") or "1"
        if span.isdecimal():
            yield from [""] * (min(int(span[:3]), _MAX_COLUMNS) - 1)
