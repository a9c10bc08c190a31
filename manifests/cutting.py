"""Taking text out of rows: what a selection's cuts make of one slice."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pyarrow as pa

from manifests import shard
from manifests.cuts import Cuts
from manifests.rows import Document
from manifests.stage import Drop
from manifests.view import Slice


@dataclass(frozen=True, slots=True)
class Edit:
    """One row that goes on with less text."""

    reason: str
    share: float  # of the row's characters that were taken out
    twin: bytes | None  # id of the row that keeps the longest span
    text: str


@dataclass(frozen=True, slots=True)
class Edits:
    """What cuts make of a slice."""

    table: pa.Table | None = None  # all visible rows, edited ones in their places; None where none was edited
    rows: dict[int, Edit] = field(default_factory=dict)  # by the row's number in the slice
    drops: tuple[Drop, ...] = ()  # rows of which nothing is left


def edit(part: Slice, cuts: Cuts) -> Edits:
    """Return the documents of a slice without the spans."""
    if not len(cuts.rows):
        return Edits()
    table = part.table()
    rows, drops, edited = dict[int, Edit](), list[Drop](), list[Document]()
    numbers, begins = np.unique(cuts.rows, return_index=True)
    bounds = pairwise([*begins.tolist(), len(cuts.rows)])
    documents = shard.decode(table.take(pa.array(numbers)), part.kind)
    for row, document, (begin, end) in zip(numbers.tolist(), documents, bounds, strict=True):
        if not isinstance(document, Document):
            continue
        text = without(document.text, cuts, begin, end)
        done = Edit(cuts.reason, 1 - len(text) / max(1, len(document.text)), _twin(cuts, begin, end), text)
        if not text.strip():
            drops.append(Drop(part.ordinal, row, cuts.emptied, done.share, None, done.twin))
        elif text != document.text:
            rows[row] = done
            edited.append(document.replace(text=text))
    if not edited:
        return Edits(drops=tuple(drops))
    order = np.arange(len(table))
    order[list(rows)] = len(table) + np.arange(len(edited))
    return Edits(pa.concat_tables([table, shard.encode(edited)]).take(pa.array(order)), rows, tuple(drops))


def without(text: str, cuts: Cuts, begin: int, end: int) -> str:
    """Return a text without the spans of some places in `cuts`."""
    starts, stops = cuts.starts[begin:end].tolist(), cuts.stops[begin:end].tolist()
    return "".join([text[stop:start] for stop, start in zip([0, *stops], [*starts, len(text)], strict=True)])


def _twin(cuts: Cuts, begin: int, end: int) -> bytes | None:
    if cuts.twins is None:
        return None
    longest = begin + int(np.argmax(cuts.stops[begin:end] - cuts.starts[begin:end]))
    twin: bytes = cuts.twins[longest].tobytes()
    return twin
