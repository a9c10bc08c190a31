"""Rows by chance: so many of each group, the same ones for the same ids and seed, whatever the shards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa

from filters.marks import Marks, Of
from filters.pool import Pool, codes, share_of
from filters.quantile import Keyed, Lens, Place, before, cuts, row_ids
from manifests.chance import hashes
from manifests.errors import BadRecipe
from manifests.stage import Drop, Map, Selected, Selection
from manifests.told import Told

if TYPE_CHECKING:
    from manifests.view import View


@dataclass(frozen=True, slots=True)
class RandomShare(Selection):
    """Keep a share of the rows, or so many, by chance: what a selection by score is compared with.

    With another seed other rows stay; a larger share keeps those of a smaller one too.

    chance/left_out    the row is not among those that are kept

    Raises BadRecipe where not just one of `share` and `size` is given, or the pool is empty.
    """

    version: ClassVar[int] = 1

    share: float | None = None  # of the pool
    size: int | None = None  # rows, characters or tokens that are kept
    of: Of = "rows"  # what both are of
    by: tuple[str, ...] = ()  # labels, or "language", each value of which gives its share
    seed: int = 0

    def __post_init__(self) -> None:
        if (self.share is None) == (self.size is None):
            raise BadRecipe("chance: give either a share or a size")
        if self.share is not None and not 0 < self.share <= 1:
            raise BadRecipe(f"chance: share is {self.share}; expected more than 0 and at most 1")
        if self.size is not None and (self.size < 1 or self.by):
            raise BadRecipe(f"chance: size is {self.size} with by={self.by}; expected 1 or more, and no groups")

    def select(self, view: "View", map: Map) -> Selected:
        pool = Pool.of(view, Marks((), self.by, self.of), map, "chance")
        amounts = {
            name: group.size if self.share == 1 else share_of(group.size, self.share) if self.share else self.size or 0
            for name, group in pool.groups.items()
        }
        lens = ByChance(tuple(amounts), "chance", self.seed)
        warnings: tuple[str, ...] = ()
        if self.size and self.size > pool.size:
            warnings = (f"chance: {self.size:,} {self.of} were asked for, the pool has {pool.size:,}",)
        return Selected(
            warnings=warnings,
            each=pool.each(chosen(pool, amounts, lens, _left_out, map)),
        )


@dataclass(frozen=True)
class ByChance:
    """Puts the rows of some groups into an order of chance, of its own for each purpose and seed."""

    names: tuple[str, ...]
    purpose: str
    seed: int

    def __call__(self, marks: pa.Table) -> Keyed:
        return Keyed(codes(self.names, marks), hashes(marks["id"], self.seed, self.purpose), marks["size"].to_numpy())


def chosen(
    pool: Pool, amounts: Mapping[str, int], lens: ByChance, refused: Callable[[int, int, int], Drop], map: Map
) -> "Chosen":
    """Return what keeps so much of each group; `refused` makes a drop of shard, row and group, -1 for none of them."""
    found = cuts(pool.beside, lens, {number: [amount] for number, amount in enumerate(amounts.values())}, map)
    return Chosen(lens, {number: its[0] for number, its in found.items()}, refused)


@dataclass(frozen=True)
class Chosen:
    """Drops the rows of a slice that are in no group or behind the place where it is cut."""

    lens: Lens
    cut: Mapping[int, Place]
    refused: Callable[[int, int, int], Drop]  # shard, row, group or -1

    def __call__(self, marks: pa.Table) -> Told:
        keyed = self.lens(marks)
        gone = np.flatnonzero(~before(keyed, row_ids(marks["id"]), self.cut))
        shards = marks["shard"].to_pylist()
        return Told([self.refused(shards[row], row, int(keyed.groups[row])) for row in gone.tolist()])


def _left_out(shard: int, row: int, _group: int) -> Drop:
    return Drop(shard, row, "chance/left_out")
