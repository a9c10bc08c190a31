"""Buckets of equal size by score, and of each bucket its share: the upper ones whole, the lower ones thinned out.

Nemotron-CC (Su et al. 2024) sorts documents into 20 buckets by each of several classifiers, and takes the highest
bucket of each document.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from filters.marks import Marks, Of
from filters.percentile import by_score
from filters.pool import Pool, share_of
from filters.quantile import Keyed, Place, before, cuts, row_ids
from manifests.chance import hashes
from manifests.errors import BadRecipe
from manifests.stage import Drop, Map, Selected, Selection
from manifests.told import Told

if TYPE_CHECKING:
    from manifests.view import Beside, View

MEASURE = "bucket/number"


@dataclass(frozen=True, slots=True)
class ScoreBuckets(Selection):
    """Cut a pool into as many buckets of equal size as there are shares, and keep its share of each, by chance.

    The first share is of the lowest bucket. With several scores a row's bucket is the highest that one of them gives.

    bucket/left_out    its bucket has as many rows as it is to have
    bucket/no_score    the row has none of the scores, or none that is a number

    Raises BadRecipe for shares that are none, for an empty pool and for a score that no row has or that is always the
    same.
    """

    version: ClassVar[int] = 1

    scores: tuple[str, ...]
    shares: tuple[float, ...]  # of each bucket, the lowest first
    of: Of = "rows"  # what the buckets have the same number of
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.scores or len(set(self.scores)) < len(self.scores):
            raise BadRecipe(f"bucket: scores are {', '.join(self.scores) or 'none'}; expected different ones")
        if len(self.shares) < 2 or not all(0 <= share <= 1 for share in self.shares):
            raise BadRecipe(f"bucket: shares are {self.shares}; expected two or more, each from 0 to 1")

    def select(self, view: "View", map: Map) -> Selected:
        pool = Pool.of(view, Marks(self.scores, (), self.of), map, "bucket")
        [group] = pool.groups.values()
        bounds = {}
        for score in self.scores:
            if group.low[score] == group.high[score]:
                raise BadRecipe(f"bucket: all rows have the same {score}, {group.low[score]:.6g}: it orders nothing")
            parts = len(self.shares)
            amounts = [share_of(group.scored_size[score], part / parts) for part in range(1, parts)]
            bounds[score] = tuple(cuts(pool.beside, partial(by_score, score, ("",)), {0: amounts}, map)[0])
        lens = _InBuckets(bounds, len(self.shares), self.seed)
        sizes = np.sum(list(map(lens.sizes, pool.beside)), axis=0).tolist()
        wanted = {bucket: [share_of(size, self.shares[bucket])] for bucket, size in enumerate(sizes)}
        found = {bucket: its[0] for bucket, its in cuts(pool.beside, lens, wanted, map).items()}
        kept = ", ".join(f"{its[0]:,} of {size:,}" for its, size in zip(wanted.values(), sizes, strict=True))
        without = pool.size - sum(sizes)
        return Selected(
            warnings=(f"bucket: {without:,} of {pool.size:,} {self.of} have no score; they are dropped",)
            if without
            else (),
            notes=(f"bucket: {self.of} kept of each bucket, the lowest first: {kept}",),
            each=pool.each(_Decide(lens, found)),
        )


@dataclass(frozen=True)
class _InBuckets:
    """Rows in the order of chance, each in its bucket."""

    bounds: Mapping[str, tuple[Place, ...]]  # by score, the highest first
    buckets: int
    seed: int

    def __call__(self, marks: pa.Table) -> Keyed:
        return Keyed(self._numbers(marks), hashes(marks["id"], self.seed, "bucket"), marks["size"].to_numpy())

    def sizes(self, beside: "Beside") -> NDArray[np.int64]:
        """Return the size of each bucket in a slice."""
        keyed = self(beside.table())
        sums = np.zeros(self.buckets, np.int64)
        np.add.at(sums, keyed.groups[keyed.groups >= 0], keyed.sizes[keyed.groups >= 0])
        return sums

    def _numbers(self, marks: pa.Table) -> NDArray[np.int64]:
        ids, numbers = row_ids(marks["id"]), np.full(len(marks), -1, np.int64)
        for score, bounds in self.bounds.items():
            keyed = by_score(score, ("",), marks)
            above = np.sum([before(keyed, ids, {0: place}) for place in bounds], axis=0)
            numbers = np.where(keyed.groups == 0, np.maximum(numbers, above), numbers)
        return numbers


@dataclass(frozen=True)
class _Decide:
    lens: _InBuckets
    cut: Mapping[int, Place]

    def __call__(self, marks: pa.Table) -> Told:
        keyed, shards = self.lens(marks), marks["shard"].to_pylist()
        gone = np.flatnonzero(~before(keyed, row_ids(marks["id"]), self.cut)).tolist()
        numbers = [None if number < 0 else float(number) for number in keyed.groups.tolist()]
        drops = [
            Drop(shards[row], row, "bucket/no_score")
            if numbers[row] is None
            else Drop(shards[row], row, "bucket/left_out", numbers[row])
            for row in gone
        ]
        return Told(drops, {MEASURE: numbers})
