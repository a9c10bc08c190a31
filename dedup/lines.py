"""Lines and paragraphs that come again: within a site, or across the whole corpus.

`dedup.units` says what a unit is and what is compared of it. Equal digests of 128 bits count as equal units.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dedup.columns import matrix, texts
from dedup.outcome import first_rows
from dedup.rank import ranks
from dedup.repeats import repeats
from manifests import canonical
from manifests.cuts import Cuts
from manifests.errors import BadRecipe
from manifests.ledger import domains
from manifests.stage import Map, Selected, Selection, Side, describe

if TYPE_CHECKING:
    from manifests.view import Beside, View

Unit: TypeAlias = Literal["line", "paragraph"]
Scope: TypeAlias = Literal["site", "corpus"]
Keep: TypeAlias = Literal["first", "none"]
_DIGEST_BYTES = 16
_CHOICES = {"unit": ("line", "paragraph"), "scope": ("site", "corpus"), "keep": ("first", "none")}


@dataclass(frozen=True, slots=True)
class UnitDigests(Side):
    """For each document its id, the digests of its units (16 bytes each) and their spans (two int32 each).

    In the scope of a site the host of the URL, without "www.", is in the digest; a document without one has no units.
    """

    columns: ClassVar[tuple[str, ...]] = ("id", "text", "url")

    unit: Unit
    scope: Scope
    min_chars: int
    code: bool

    def __call__(self, shard: pa.Table) -> pa.Table:
        from dedup import units  # noqa: PLC0415  (a recipe is read without numba's 0.7 s)

        found = units.read(
            texts(shard, self.unit),
            _sites(shard) if self.scope == "site" else np.ones(len(shard), np.uint64),
            paragraphs=self.unit == "paragraph",
            min_letters=self.min_chars,
            code=self.code,
        )
        spans = np.stack([found.starts, found.stops], axis=1)
        return pa.table(
            {
                "id": shard.column("id"),
                "hash": _grouped(found.digests, found.counts),
                "spans": _grouped(spans, found.counts),
            }
        )

    def describe(self) -> dict[str, Any]:
        return {**describe(self), "unicode": unicodedata.unidata_version}


@dataclass(frozen=True, slots=True)
class LineDedup(Selection):
    """Take lines, or paragraphs, that come again out of documents; the rest of a document stays.

    With `keep="first"` a unit stays where it stands first in the order of chance of `dedup.rank`, which depends on the
    seed and on ids only, and goes from everywhere else, from the same document too. With `keep="none"` it goes from
    everywhere: for what `min_count` pages of a site have in common. What is shorter than `min_chars` stays.

    line/repeated           a line was taken out: the share of the characters that went, the row that keeps the longest
    line/nothing_left       all lines of a document were taken out
    paragraph/repeated      the same of paragraphs, which are parted by lines that show nothing
    paragraph/nothing_left

    Raises BadRecipe where the choices are not known or do not fit each other, or rows are no documents.
    """

    version: ClassVar[int] = 2

    unit: Unit = "line"
    scope: Scope = "corpus"  # "site": repeated within the host of `url`; a row without one is left alone
    keep: Keep = "first"
    min_count: int = 1  # documents that have a unit before it goes; 1: repeats within one document go too
    min_chars: int = 10  # letters of a unit, without marks and white space; CCNet has no least number
    code: bool = False  # whether blocks of code, as Markdown fences them, are touched
    seed: int = 0  # for which one is the first

    def __post_init__(self) -> None:
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise BadRecipe(f"line: {name} is {getattr(self, name)!r}; expected one of {', '.join(known)}")
        if self.min_chars < 1:
            raise BadRecipe(f"line: min_chars is {self.min_chars}; expected at least 1")
        if self.min_count < (2 if self.keep == "none" else 1):
            raise BadRecipe(
                f"line: min_count is {self.min_count} with keep={self.keep!r}; expected at least 1, and with 'none' at "
                "least 2: all that is there once would go"
            )

    def describe(self) -> dict[str, Any]:
        return {**describe(self), "side": self._side}

    def select(self, view: "View", map: Map) -> Selected:
        beside = view.beside(self._side, map)
        ids, digests, counts = _read(beside)
        rows = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        found = repeats(digests, rows, ranks(ids, self.seed), self.min_count)
        gone, kept = found.after_the_first() if self.keep == "first" else (found.everywhere(), None)
        twins = matrix(ids, "u1")[rows[kept]] if kept is not None else None
        del digests, found, kept
        units, firsts = np.cumsum([0, *counts]), first_rows(view)
        bounds = np.searchsorted(gone, units[firsts])
        cuts = []
        for part, first, (begin, end) in zip(beside, firsts.tolist(), pairwise(bounds.tolist()), strict=False):
            if begin < end:
                spans = _values(part.table().column("spans"), "<i4")[gone[begin:end] - units[first]]
                here = rows[gone[begin:end]].astype(np.int64) - first
                reasons = f"{self.unit}/repeated", f"{self.unit}/nothing_left"
                cuts.append(_cuts(part.part.ordinal, reasons, here, spans, None if twins is None else twins[begin:end]))
        touched = len(np.unique(rows[gone]))
        told = f"{self.unit}: {len(gone):,} of {len(rows):,} {self.unit}s taken out of {touched:,} of {len(ids):,} rows"
        return Selected((), () if cuts else (told,), (told,) if cuts else (), cuts)

    @property
    def _side(self) -> UnitDigests:
        return UnitDigests(self.unit, self.scope, self.min_chars, self.code)


def _sites(shard: pa.Table) -> NDArray[np.uint64]:
    """Return a number for the site of each row; 0 where it has none."""
    hosts = domains(shard.column("url").to_pylist()).dictionary_encode()
    numbers = [
        int.from_bytes(canonical.digest_parts(name.encode())[:8], "little") | 1 for name in hosts.dictionary.to_pylist()
    ]
    sites: NDArray[np.uint64] = np.array([0, *numbers], np.uint64)[hosts.indices.fill_null(-1).to_numpy() + 1]
    return sites


def _grouped(values: NDArray[Any], counts: NDArray[np.int32]) -> pa.Array:
    """Return rows of a matrix as one binary for each group of so many."""
    data = np.ascontiguousarray(values)
    ends = np.cumsum([0, *counts], dtype=np.int64) * data.shape[1] * data.itemsize
    return pa.Array.from_buffers(pa.large_binary(), len(counts), [None, pa.py_buffer(ends), pa.py_buffer(data)])


def _values(column: pa.ChunkedArray, dtype: str) -> NDArray[Any]:
    """Return what `_grouped` wrote as a matrix of two columns."""
    parts = [np.zeros(0, np.uint8)]
    for chunk in column.cast(pa.large_binary()).chunks:
        _, offsets, data = chunk.buffers()
        bounds = np.frombuffer(offsets, np.int64, len(chunk) + 1, 8 * chunk.offset)
        parts.append(np.frombuffer(data or b"", np.uint8)[bounds[0] : bounds[-1]])
    return np.concatenate(parts).view(dtype).reshape(-1, 2)


def _read(beside: Sequence["Beside"]) -> tuple[pa.ChunkedArray, NDArray[np.uint64], NDArray[np.int64]]:
    """Return ids, digests and the number of units of all rows."""
    ids, digests, counts = list[pa.Array](), [np.zeros((0, 2), np.uint64)], [np.zeros(0, np.int64)]
    for part in beside:
        table = part.table()
        ids += table.column("id").chunks
        digests.append(_values(table.column("hash"), "<u8"))
        counts.append(pc.binary_length(table.column("hash")).to_numpy() // _DIGEST_BYTES)
    return pa.chunked_array(ids, pa.binary(16)), np.concatenate(digests), np.concatenate(counts)


def _cuts(
    shard: int,
    reasons: tuple[str, str],
    rows: NDArray[np.int64],
    spans: NDArray[np.int32],
    twins: NDArray[np.uint8] | None,
) -> Cuts:
    """Return spans as cuts: neighbours as one, with the line break before them, at the start of a text that behind."""
    starts, stops = spans.T.astype(np.int64)
    new = np.ones(len(rows), np.bool_)
    new[1:] = (rows[1:] != rows[:-1]) | (starts[1:] != stops[:-1] + 1)
    runs = np.flatnonzero(new)
    begins, ends = starts[runs], stops[np.append(runs[1:], len(rows)) - 1]
    if twins is not None:
        order = np.lexsort((-np.arange(len(rows)), stops - starts, np.cumsum(new)))
        twins = twins[order[np.append(runs[1:], len(rows)) - 1]]
    ends = np.where(begins == 0, ends + 1, ends)
    return Cuts(shard, *reasons, rows[runs], np.maximum(begins - 1, 0), ends, twins)
