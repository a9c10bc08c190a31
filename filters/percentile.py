"""The best of a pool by a score: "the top 10 %", with the threshold that this pool gives.

A threshold of another pool means nothing here (DCLM's 0.018 is the top 10 % of theirs): it is never carried over.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from filters.marks import Marks, Of
from filters.pool import Pool, codes, share_of
from filters.quantile import Keyed, Place, before, cuts, descending, row_ids
from manifests.decoding import SCORE_DIGITS
from manifests.errors import BadRecipe
from manifests.stage import Drop, Map, Selected, Selection
from manifests.told import Told

if TYPE_CHECKING:
    from manifests.view import Beside, View

Missing: TypeAlias = Literal["drop", "keep"]
_TIED = 0.5  # share of what is kept that ties may decide before that is worth a warning


@dataclass(frozen=True, slots=True)
class TopShare(Selection):
    """Keep those rows of a pool that have the highest scores: `share` of them, behind the first `skip`.

    Of rows with the same score the smaller id comes first. Swallow Corpus v2 takes the top 10 %, and its 10 to 30 % are
    `TopShare(score, 0.2, skip=0.1)`. With `by`, each group (a language, a topic) gives its own share.

    top/below       the score is below what the pool gave as threshold
    top/above       it is above the threshold of those that are skipped
    top/tied        it is the threshold, and the id is behind those that are kept
    top/no_score    the row has no such score, or one that is no number

    Raises BadRecipe where a share is no share, the pool is empty, or all of its scores are equal.
    """

    version: ClassVar[int] = 1

    score: str
    share: float = 0.1  # of the pool's rows with a score
    skip: float = 0.0  # share of the highest that go too
    by: tuple[str, ...] = ()  # labels, or "language"
    of: Of = "rows"  # what the share is of: rows, chars or tokens
    missing: Missing = "drop"  # or "keep" rows without the score

    def __post_init__(self) -> None:
        if not (0 < self.share <= 1 and 0 <= self.skip < 1 and self.share + self.skip <= 1 + 1e-9):
            raise BadRecipe(f"top: share {self.share} behind {self.skip}; expected shares, together not more than 1")
        if self.missing not in {"drop", "keep"}:
            raise BadRecipe(f"top: missing is {self.missing!r}; expected drop or keep")

    def select(self, view: "View", map: Map) -> Selected:
        pool = Pool.of(view, Marks((self.score,), self.by, self.of), map, "top")
        names = tuple(pool.groups)
        self._check_spread(pool)
        amounts = {
            number: [share_of(group.scored_size[self.score], min(1.0, end)) for end in (self.skip, self._end)]
            for number, group in enumerate(pool.groups.values())
        }
        found = cuts(pool.beside, partial(by_score, self.score, names), amounts, map)
        band = _Band(self.score, names, {number: (its[0], its[1]) for number, its in found.items()})
        looked = zip(*map(band.look, pool.beside), strict=True)
        kept = {name: sum(its, _Kept()) for name, its in zip(names, looked, strict=True)}
        return Selected(
            warnings=self._warnings(pool, kept),
            notes=self._notes(pool, kept),
            each=pool.each(_Decide(self, band, kept)),
        )

    @property
    def _end(self) -> float:
        return round(self.skip + self.share, 12)

    def _check_spread(self, pool: Pool) -> None:
        lows = [group.low[self.score] for group in pool.groups.values() if group.scored[self.score]]
        highs = [group.high[self.score] for group in pool.groups.values() if group.scored[self.score]]
        if pool.rows > 1 and min(lows) == max(highs) and not (self.skip == 0 and self._end >= 1):
            raise BadRecipe(
                f"top: all rows of the pool have the same {self.score}, {lows[0]:.6g}: no share of them is "
                "the highest; look at what wrote the score, or take rows by chance"
            )

    def _notes(self, pool: Pool, kept: dict[str, "_Kept"]) -> tuple[str, ...]:
        lows = [f"{name + ': ' if name else ''}{its.low:.4f}" for name, its in kept.items() if its.rows]
        size = sum(its.size for its in kept.values())
        return (f"top: {size:,} of {pool.size:,} {self.of} kept by {self.score}; threshold {', '.join(lows)}",)

    def _warnings(self, pool: Pool, kept: dict[str, "_Kept"]) -> tuple[str, ...]:
        told = []
        without = pool.rows - sum(group.scored[self.score] for group in pool.groups.values())
        if without:
            done = "kept" if self.missing == "keep" else "dropped"
            told.append(f"top: {without:,} of {pool.rows:,} rows have no {self.score}; they are {done}")
        if none := [name or "the pool" for name, its in kept.items() if not its.rows]:
            told.append(f"top: a share of {self.share:.6g} of {', '.join(none)} is less than one row: none is kept")
        rows, tied = (sum(values) for values in zip(*[(its.rows, its.tied) for its in kept.values()], strict=True))
        if tied > _TIED * rows:
            told.append(
                f"top: besides the {rows:,} rows that are kept, {tied:,} have just the score at the threshold: their "
                "ids decided; the score is too coarse for this share"
            )
        return tuple(told)


@dataclass(frozen=True)
class _Kept:
    """What is kept of a group."""

    rows: int = 0
    size: int = 0
    low: float = math.inf  # the lowest score that is kept: the threshold
    high: float = -math.inf
    behind: float = -math.inf  # the highest score behind those that are kept
    rows_behind: int = 0  # that have it

    @property
    def tied(self) -> int:
        """Rows that go with a score that others stay with."""
        return self.rows_behind if self.rows and self.behind == self.low else 0

    def __add__(self, more: "_Kept") -> "_Kept":
        behind = max(self.behind, more.behind)
        return _Kept(
            rows=self.rows + more.rows,
            size=self.size + more.size,
            low=min(self.low, more.low),
            high=max(self.high, more.high),
            behind=behind,
            rows_behind=sum(one.rows_behind for one in (self, more) if one.behind == behind),
        )


def by_score(score: str, names: tuple[str, ...], table: pa.Table) -> Keyed:
    """Return rows by a score, the highest first; one without it is in no group."""
    values = table[score].to_numpy()
    has = ~np.isnan(values)
    keys = descending(np.where(has, values, np.float32(0)), row_ids(table["id"]))
    return Keyed(np.where(has, codes(names, table), -1), keys, table["size"].to_numpy())


@dataclass(frozen=True)
class _Band:
    """Tells of the rows of a slice which are before, in and behind the band that is kept."""

    score: str
    names: tuple[str, ...]
    bounds: Mapping[int, tuple[Place, Place]]  # by group: the first row that is kept, and the first behind these

    def parted(self, marks: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Return each row's group, or -1 where it has no score, whether it is kept and whether it is behind these."""
        keyed, ids = by_score(self.score, self.names, marks), row_ids(marks["id"])
        first, stop = (
            before(keyed, ids, {number: its[side] for number, its in self.bounds.items()}) for side in (0, 1)
        )
        return keyed.groups, stop & ~first, ~stop

    def look(self, beside: "Beside") -> list[_Kept]:
        """Return what is kept of each group."""
        marks = beside.table()
        groups, stays, behind = self.parted(marks)
        values, sizes = _exact(marks[self.score]), marks["size"].to_numpy()
        return [
            _seen(values[here & stays], sizes[here & stays], values[here & behind])
            for here in (groups == number for number in range(len(self.names)))
        ]


def _seen(kept: NDArray[np.float64], sizes: NDArray[np.int64], behind: NDArray[np.float64]) -> _Kept:
    top = behind.max(initial=-math.inf)
    low, high = kept.min(initial=math.inf), kept.max(initial=-math.inf)
    return _Kept(len(kept), int(sizes.sum()), float(low), float(high), float(top), int((behind == top).sum()))


@dataclass(frozen=True)
class _Decide:
    asked: TopShare
    band: _Band
    kept: Mapping[str, _Kept]

    def __call__(self, marks: pa.Table) -> Told:
        groups, stays, _ = self.band.parted(marks)
        values = [None if math.isnan(value) else value for value in _exact(marks[self.asked.score]).tolist()]
        shards = marks["shard"].to_pylist()
        drops = [self._drop(shards[row], row, values[row], groups[row]) for row in np.flatnonzero(~stays).tolist()]
        return Told([drop for drop in drops if drop], {self.asked.score: values})

    def _drop(self, shard: int, row: int, value: float | None, group: int) -> Drop | None:
        if value is None:
            return Drop(shard, row, "top/no_score") if self.asked.missing == "drop" else None
        its = self.kept[self.band.names[group]]
        if not its.rows:
            return Drop(shard, row, "top/below", value)
        if its.low <= value <= its.high:
            return Drop(shard, row, "top/tied", value, value)
        if value < its.low:
            return Drop(shard, row, "top/below", value, its.low)
        return Drop(shard, row, "top/above", value, its.high)


def _exact(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return scores as they were rounded when they were stored: .1234 and not .12340000271."""
    rounded: NDArray[np.float64] = np.round(column.to_numpy().astype(np.float64), SCORE_DIGITS)
    return rounded
