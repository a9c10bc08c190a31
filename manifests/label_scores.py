"""Scores of a dataset's rows, by the values of a label: what each style kept, how each language was judged."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from manifests.commit import in_threads
from manifests.errors import NotFound
from manifests.manifest import Manifest
from manifests.merge import Array
from manifests.store import Store
from manifests.view import Slice, View

COLUMNS = frozenset({"language", "source", "licence"})  # that rows are grouped by like by a label
MOST_GROUPS = 100  # a label with more values is no kind


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One score of the rows that have one value of a label."""

    group: str | None  # None: the row does not have the label
    score: str
    rows: int  # that have the score
    mean: float
    low: float  # the tenth part of the rows has less
    middle: float  # the median
    high: float  # the tenth part of the rows has more


def score_lines(store: Store, manifests: Iterable[Manifest], by: str | None, scores: str = "*") -> list[ScoreLine]:
    """Return a line for each value of `by` (a label, or a column: language, source, licence) and each score of a name.

    `scores` is a pattern such as "retention/*". Raises NotFound where no row has such a score or such a label.
    """
    parts = [part for manifest in manifests for part in View(store, manifest).slices]
    found: dict[tuple[str | None, str], list[Array]] = {}
    for read in in_threads(lambda part: _read(part, by, scores), parts):
        for key, values in read.items():
            found.setdefault(key, []).append(values)
    groups = {group for group, _ in found}
    if not found:
        raise NotFound(f"no row has a score like {scores!r}: `koba sample` shows rows with what they have")
    if by is not None and groups == {None}:
        raise NotFound(f"no row with a score has the label {by!r}; expected a label, or {', '.join(sorted(COLUMNS))}")
    if len(groups) > MOST_GROUPS:
        raise NotFound(f"{by!r} has {len(groups)} values; expected a label with not more than {MOST_GROUPS}")
    return [_line(group, score, np.concatenate(found[group, score])) for group, score in sorted(found, key=_order)]


def _order(key: tuple[str | None, str]) -> tuple[str, bool, str]:
    return key[1], key[0] is None, key[0] or ""


def _line(group: str | None, score: str, values: Array) -> ScoreLine:
    low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
    return ScoreLine(group, score, len(values), float(values.mean()), float(low), float(middle), float(high))


def _read(part: Slice, by: str | None, scores: str) -> dict[tuple[str | None, str], Array]:
    column = by if by in COLUMNS else "labels"
    table = part.table([column, "scores"])
    groups = [None] * len(table) if by is None else _values(table[column], by).to_pylist()
    rows: dict[str | None, list[int]] = {}
    for place, group in enumerate(groups):
        rows.setdefault(group, []).append(place)
    names = {name for chunk in table["scores"].chunks for name in pc.unique(chunk.keys).to_pylist()}
    found = {}
    for name in sorted(name for name in names if fnmatchcase(name, scores)):
        values = pc.map_lookup(table["scores"], pa.scalar(name), "last").to_numpy().astype(np.float64)
        for group, places in rows.items():
            known = values[places]
            known = known[~np.isnan(known)]
            if len(known):
                found[group, name] = known
    return found


def _values(column: pa.ChunkedArray, by: str) -> pa.ChunkedArray:
    return column if by in COLUMNS else pc.map_lookup(column, pa.scalar(by), "last")
