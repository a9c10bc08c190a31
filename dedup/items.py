"""Items of benchmarks as an index from grams of words to items: what documents are searched for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup import shared, spelling
from dedup.columns import COMPARED, texts
from dedup.questions import Search
from manifests import shard
from manifests.errors import BadSource
from manifests.view import View

if TYPE_CHECKING:
    from manifests.store import Store

_SPACELESS_FACTOR = 2  # letters of a script without spaces, for one word: 13 words are 26 letters of Japanese


class Postings(NamedTuple):
    """Grams of one width, and which items have them where."""

    table: shared.Table
    ends: NDArray[np.int64]  # of the postings of each key
    items: NDArray[np.int32]
    places: NDArray[np.int32]  # the word of the item that the gram begins with


@dataclass(frozen=True)
class Items:
    """All items of some benchmarks: their words, their grams, and those that cannot be searched for."""

    ids: list[bytes]
    texts: list[str]
    words: list[NDArray[np.uint64]]
    lengths: list[NDArray[np.int64]]  # of the words, in bytes
    whole: list[bool]  # whether an item is shorter than a gram: it counts where it is there as a whole
    masked: list[NDArray[np.uint64]]
    plain: tuple[Postings, ...]
    templates: tuple[Postings, ...]
    short: list[int]  # items of too few words to be told from chance
    generic: list[int]  # items all of whose grams too many other items have


@dataclass(frozen=True)
class _Key:
    search: Search
    url: str
    store: "Store" = field(compare=False, repr=False)


def items_of(store: "Store", search: Search) -> Items:
    """Return the index of some benchmarks; made once in each process. Raises BadSource where they hold no texts."""
    return _items(_Key(search, store.url, store))


@lru_cache(maxsize=2)
def _items(key: _Key) -> Items:
    ids, found = list[bytes](), list[str]()
    for name in key.search.against:
        for part in View(key.store, key.store.manifest(name)).slices:
            table = part.table(_columns(part.kind))
            ids += table["id"].to_pylist()
            found += texts(table, "decontaminate").to_pylist()
    wanted = [place for place, row_id in enumerate(ids) if row_id.hex() not in key.search.ignore]
    if not any(found[place].strip() for place in wanted):
        raise BadSource(
            f"decontaminate: {', '.join(one[:16] for one in key.search.against)} hold no texts to search for; "
            "name the column that holds them: FILE#COLUMN"
        )
    return indexed([ids[place] for place in wanted], [found[place] for place in wanted], key.search)


def indexed(ids: list[bytes], found: list[str], search: Search) -> Items:
    """Return the index of items with these ids and texts."""
    read = spelling.read(pa.array(found, pa.large_string()))
    words = [read.hashes[begin:end] for begin, end in pairwise(read.ends.tolist())]
    masked = [read.masked[begin:end] for begin, end in pairwise(read.masked_ends.tolist())]
    factors = [_SPACELESS_FACTOR if spelling.is_spaceless(text) else 1 for text in found]
    lengths = [(read.stops - read.starts)[begin:end] for begin, end in pairwise(read.ends.tolist())]
    factors = [_SPACELESS_FACTOR if spelling.is_spaceless(text) else 1 for text in found]
    sizes = zip(words, factors, strict=True)
    widths = [_width(len(its), search.ngram * factor, search.min_words * factor) for its, factor in sizes]
    whole = [width < search.ngram * factor for width, factor in zip(widths, factors, strict=True)]
    plain = _postings(words, widths, search.max_items)
    templates: tuple[Postings, ...] = ()
    if search.template_ngram:
        least = [search.template_ngram * factor for factor in factors]
        of_templates = [_width(len(its), width, width) for its, width in zip(masked, least, strict=True)]
        templates = _postings(masked, of_templates, search.max_items)
    reached = {int(item) for postings in (*plain, *templates) for item in np.unique(postings.items)}
    short = [item for item, width in enumerate(widths) if not width]
    generic = [item for item, width in enumerate(widths) if width and item not in reached]
    return Items(ids, found, words, lengths, whole, masked, plain, templates, short, generic)


def _width(words: int, ngram: int, least: int) -> int:
    """Return the width of an item's grams; that of the shortest items where it is shorter, 0 where it is too short."""
    return ngram if words >= ngram else least if words >= least else 0


def _postings(words: Sequence[NDArray[np.uint64]], widths: Sequence[int], max_items: int) -> tuple[Postings, ...]:
    return tuple(_of_width(words, widths, width, max_items) for width in sorted({width for width in widths if width}))


def _of_width(words: Sequence[NDArray[np.uint64]], widths: Sequence[int], width: int, max_items: int) -> Postings:
    its = [item for item, one in enumerate(widths) if one == width]
    ends = np.cumsum([0, *[len(words[item]) for item in its]])
    keys, firsts = shared.grams(np.concatenate([words[item] for item in its]), ends, width)
    at = np.searchsorted(ends, firsts, side="right") - 1
    items, places = np.array(its, np.int32)[at], (firsts - ends[at]).astype(np.int32)
    order = np.lexsort((places, items, keys))
    keys, items, places = keys[order], items[order], places[order]
    begins = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    new_item = np.concatenate([[True], (keys[1:] != keys[:-1]) | (items[1:] != items[:-1])])
    holders = np.add.reduceat(new_item.astype(np.int64), begins)
    stays = np.repeat(holders <= max_items, np.diff(np.append(begins, len(keys))))
    keys, items, places = keys[stays], items[stays], places[stays]
    unique, starts = np.unique(keys, return_index=True)
    return Postings(shared.made_table(width, unique), np.append(starts, len(keys)), items, places)


def _columns(kind: str) -> list[str]:
    return [name for name in COMPARED if name in shard.schema(kind).names]
