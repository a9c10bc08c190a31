"""The search for near-duplicates by meaning: faiss proposes, the stored vectors decide."""

import math
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dedup.columns import matrix
from dedup.compiled import compiled
from dedup.neighbours import Pairs, equal_rows, near_vectors
from dedup.outcome import Fates, drop
from dedup.rank import ranks
from manifests.stage import Map, Selected

if TYPE_CHECKING:
    from dedup.embeddings import SemanticDedup
    from manifests.view import View

AT_ONCE = 1 << 14  # pairs of vectors
DIGITS = 6  # of a cosine: 16-bit vectors have no more


def semantic_duplicates(asked: "SemanticDedup", view: "View", map: Map) -> Selected:
    """Return the rows that go, each with the row that stays in its place and the cosine of their vectors.

    Takes 10 bytes a row and dimension, twice that where vectors are compared within cells.
    """
    tables = view.side(asked.side, map)
    ids = pa.chunked_array([chunk for table in tables for chunk in table.column("id").chunks], pa.binary(16))
    parts = [matrix(table.column("vector"), "<f2") for table in tables]
    stored = np.concatenate(parts) if parts else np.zeros((0, 1), np.dtype("<f2"))
    cut = sum(pc.sum(table.column("cut")).as_py() or 0 for table in tables)
    del tables, parts
    chosen = np.argsort(ranks(ids, asked.seed))  # from here on, rows are numbered in the order of chance
    chosen = chosen[stored[chosen].any(axis=1)]
    firsts, star = equal_rows(stored[chosen])
    units = unit_vectors(stored[chosen[firsts]])
    cells = 0 if len(units) <= asked.exact_rows else round(4 * math.sqrt(len(units)))
    pairs = near_vectors(units, asked.threshold, cells, asked.visited, asked.seed)
    cosines = cosines_of(stored[chosen[firsts]], pairs)
    near = cosines >= asked.threshold
    twins, values = np.full(len(chosen), -1, np.int64), np.ones(len(chosen))
    keep(firsts[pairs[near]], cosines[near], twins, values)
    first, other = star.T
    twins[other] = np.where(twins[first] >= 0, twins[first], first)
    values[other] = values[first]
    gone = np.flatnonzero(twins >= 0)
    fates = Fates(chosen[gone], values[gone], ids.take(pa.array(chosen[twins[gone]])))
    selected = drop(view, [fates], asked.rules()[0])
    told = (_how_exact(asked, len(units), cells), *_unread(asked, len(ids), len(chosen), cut))
    return Selected(selected.drops, (*_language(asked, view), *selected.warnings), told)


def unit_vectors(stored: NDArray[np.float16]) -> NDArray[np.float32]:
    """Return vectors brought to length one."""
    vectors = stored.astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def cosines_of(stored: NDArray[np.float16], pairs: Pairs) -> NDArray[np.float64]:
    """Return the cosine of each pair of vectors, computed in 64 bits and rounded to `DIGITS`."""
    found = np.empty(len(pairs))
    for start in range(0, len(pairs), AT_ONCE):
        one, other = (stored[side].astype(np.float64) for side in pairs[start : start + AT_ONCE].T)
        lengths = np.sqrt((one * one).sum(1) * (other * other).sum(1))
        found[start : start + AT_ONCE] = (one * other).sum(1) / lengths
    return np.round(np.minimum(found, 1.0), DIGITS)


@compiled
def keep(pairs: Pairs, cosines: NDArray[np.float64], twins: NDArray[np.int64], values: NDArray[np.float64]) -> None:
    """Go through sorted pairs: a row that stays drops those after it that are near it. `dedup.clusters` is the book."""
    for place in range(len(pairs)):
        one = pairs[place, 0]
        other = pairs[place, 1]
        if twins[one] < 0 and twins[other] < 0:
            twins[other] = one
            values[other] = cosines[place]


def _how_exact(asked: "SemanticDedup", vectors: int, cells: int) -> str:
    if not cells:
        return f"semantic: {vectors:,} different vectors, each compared with each"
    return (
        f"semantic: approximate, {vectors:,} different vectors in {cells:,} cells of k-means, each compared within "
        f"{min(asked.visited, cells)} of them; pairs in cells further apart are missed"
    )


def _language(asked: "SemanticDedup", view: "View") -> tuple[str, ...]:
    known = other = 0
    for part in view.slices:
        for found in pc.value_counts(part.table(["language"]).column("language")).to_pylist():
            if found["values"] in asked.languages:
                known += found["counts"]
            elif found["values"] is not None:
                other += found["counts"]
    if other <= known:
        return ()
    return (
        f"semantic: {other:,} of {known + other:,} rows are not in {', '.join(asked.languages)}, which {asked.name} "
        "was made for, and their nearness says little; take a multilingual model and name its `languages`",
    )


def _unread(asked: "SemanticDedup", rows: int, judged: int, cut: int) -> tuple[str, ...]:
    unknown = f"semantic: {rows - judged:,} of {rows:,} rows stay unjudged: {asked.name} does not know their words"
    long = f"semantic: {cut:,} of {rows:,} texts go on after {asked.max_tokens} tokens; their beginnings were compared"
    return (unknown,) * (judged < rows) + (long,) * (cut > 0)
