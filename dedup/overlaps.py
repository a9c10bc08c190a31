"""For each row the items of benchmarks that it holds, as a table beside its shard."""

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup import shared, spelling
from dedup.columns import written
from dedup.items import Items, Postings, items_of
from dedup.questions import Search
from manifests.errors import BadRecipe
from manifests.stage import Side, describe

if TYPE_CHECKING:
    from manifests.store import Store

BATCH = 256  # rows: their words stay in the processor's cache between two kernels
MOST_GRAMS = 4_096  # of a row, that are looked at: one that has more is full of items anyway
MOST_ITEMS = 32  # of a row, that are told
_BLOCK_LETTERS = 5  # Cosmopedia counts blocks of more
_WINDOW = 2  # lengths of an item, on either side of what is shared, in which more of it is looked for
HIT = pa.struct(
    [
        ("item", pa.binary(16)),
        ("exact", pa.bool_()),  # all words of the item, one after the other
        ("overlap", pa.float32()),  # share of the item's words that are in shared grams
        ("ratio", pa.float32()),  # share of the item's letters that are in the document, in order; NaN: not asked for
        ("template", pa.float32()),  # as overlap, with numbers masked
        ("start", pa.int32()),  # bytes of the text: the longest run of what is shared
        ("stop", pa.int32()),
    ]
)


class Hit(NamedTuple):
    """An item that a row holds, or parts of it."""

    item: int
    exact: bool
    overlap: float
    ratio: float
    template: float
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Overlaps(Side):
    """For each row its id and `hits`: the items with which it shares grams of words, the most alike first."""

    version: ClassVar[int] = 1
    columns: ClassVar[tuple[str, ...]] = ("id", "text", "messages", "prompt", "chosen", "rejected")

    search: Search
    ratios: bool = False
    store: "Store | None" = field(default=None, compare=False, repr=False)  # of the items; no part of the identity

    def describe(self) -> dict[str, Any]:
        described = describe(self)
        fields = {name: value for name, value in described["fields"].items() if name != "store"}
        return described | {"fields": fields, "unicode": unicodedata.unidata_version}

    def __call__(self, shard: pa.Table) -> pa.Table:
        if self.store is None:
            raise BadRecipe("Overlaps is called outside a store; it needs the one that has the items")
        items = items_of(self.store, self.search)
        made = [found_in(items, texts, self.ratios) for texts in _batches(written(shard, "decontaminate"))]
        lists = [
            [{**hit._asdict(), "item": items.ids[hit.item]} for hit in hits] or None for batch in made for hits in batch
        ]
        return pa.table({"id": shard["id"], "hits": pa.array(lists, pa.list_(HIT))})


def found_in(items: Items, texts: pa.Array, ratios: bool = False) -> list[list[Hit]]:
    """Return what each of some texts has of the items."""
    words = spelling.read(texts)
    plain = _pairs(items.plain, words.hashes, words.ends)
    masked = _pairs(items.templates, words.masked, words.masked_ends)
    found: list[list[Hit]] = [[] for _ in range(len(texts))]
    for row, item in sorted(plain.keys() | masked.keys()):
        hit = _hit(items, words, row, item, plain.get((row, item)), masked.get((row, item)), ratios)
        if hit:
            found[row].append(hit)
    return [sorted(hits, key=_merit)[:MOST_ITEMS] for hits in found]


class _Shared(NamedTuple):
    """Grams that a row shares with an item: their first words here and there, and their width."""

    here: NDArray[np.int64]
    there: NDArray[np.int64]
    width: int


def _batches(texts: pa.Array) -> Iterator[pa.Array]:
    for start in range(0, len(texts), BATCH):
        yield texts.slice(start, BATCH)


def _pairs(
    all_postings: Sequence[Postings], words: NDArray[np.uint64], ends: NDArray[np.int64]
) -> dict[tuple[int, int], _Shared]:
    """Return what rows and items share, by row and item; every item is in the postings of one width."""
    found = {}
    for postings in all_postings:
        rows, places, numbers = shared.hits(words, ends, postings.table, MOST_GRAMS)
        if not len(rows):
            continue
        counts = postings.ends[numbers + 1] - postings.ends[numbers]
        firsts = np.repeat(np.cumsum(counts) - counts, counts)
        at = np.repeat(postings.ends[numbers], counts) + np.arange(len(firsts)) - firsts
        rows, here = np.repeat(rows, counts), np.repeat(places, counts)
        items, there = postings.items[at], postings.places[at]
        order = np.lexsort((here, items, rows))
        rows, items, here, there = rows[order], items[order], here[order], there[order]
        bounds = np.flatnonzero(np.concatenate([[True], (rows[1:] != rows[:-1]) | (items[1:] != items[:-1]), [True]]))
        for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            found[int(rows[begin]), int(items[begin])] = _Shared(
                here[begin:end], there[begin:end].astype(np.int64), postings.table.width
            )
    return found


def _hit(
    items: Items,
    words: spelling.Words,
    row: int,
    item: int,
    plain: _Shared | None,
    masked: _Shared | None,
    ratios: bool,
) -> Hit | None:
    its = items.words[item]
    exact = plain is not None and _is_whole(its, words.hashes, words.ends[row : row + 2], plain)
    if items.whole[item] and not exact:
        plain = None
    found = plain or masked
    if found is None:
        return None
    first, last = _longest(found)
    if plain is None:
        first, last = int(words.places[first]), int(words.places[last])
    return Hit(
        item=item,
        exact=exact,
        overlap=_covered(plain, len(its)) if plain else 0.0,
        ratio=_ratio(items, words, row, item, plain) if ratios and plain else math.nan,
        template=_covered(masked, len(items.masked[item])) if masked else 0.0,
        start=int(words.starts[first]),
        stop=int(words.stops[last]),
    )


def _merit(hit: Hit) -> tuple[bool, float, float, int]:
    return not hit.exact, -hit.overlap, -hit.template, hit.item


def _is_whole(its: NDArray[np.uint64], words: NDArray[np.uint64], bounds: NDArray[np.int64], found: _Shared) -> bool:
    begins = np.unique(found.here - found.there)
    begins = begins[(begins >= bounds[0]) & (begins + len(its) <= bounds[1])]
    return any(np.array_equal(words[begin : begin + len(its)], its) for begin in begins.tolist())


def _covered(found: _Shared, size: int) -> float:
    """Return the share of an item's words that are in grams of the row."""
    covered = np.zeros(size, np.bool_)
    for first in np.unique(found.there).tolist():
        covered[first : first + found.width] = True
    return float(covered.mean())


def _longest(found: _Shared) -> tuple[int, int]:
    """Return the first and the last word of the longest run of shared grams."""
    offsets = found.here - found.there
    order = np.lexsort((found.here, offsets))
    here, offsets = found.here[order], offsets[order]
    bounds = np.flatnonzero(np.concatenate([[True], (np.diff(here) != 1) | (np.diff(offsets) != 0), [True]]))
    longest = int(np.argmax(np.diff(bounds)))
    return int(here[bounds[longest]]), int(here[bounds[longest + 1] - 1]) + found.width - 1


def _ratio(items: Items, words: spelling.Words, row: int, item: int, found: _Shared) -> float:
    """Return the share of an item's letters in blocks that the document has in the same order, around what is shared.

    Cosmopedia compares letter by letter with the whole document; by words, and near what is shared, hostile texts cost
    no more than honest ones.
    """
    its, lengths = items.words[item], items.lengths[item]
    margin = _WINDOW * len(its)
    begin = max(int(words.ends[row]), int(found.here.min()) - margin)
    end = min(int(words.ends[row + 1]), int(found.here.min()) + found.width + margin)
    matcher = SequenceMatcher(None, words.hashes[begin:end].tolist(), its.tolist(), autojunk=False)
    blocks = [int(lengths[one.b : one.b + one.size].sum()) for one in matcher.get_matching_blocks()]
    return sum(size for size in blocks if size > _BLOCK_LETTERS) / max(1, int(lengths.sum()))
