"""Targets by category: a dataset in which topics, formats or languages have the shares that somebody asked for.

PLaMo 2, section 2.2.1: pages are sorted into categories, and categories that the web has too much of are thinned out.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, ClassVar

from filters.chosen import ByChance, chosen
from filters.marks import Marks, Of
from filters.pool import SHOWN, Pool, share_of
from manifests.errors import BadRecipe
from manifests.stage import Drop, Map, Selected, Selection

if TYPE_CHECKING:
    from manifests.view import View

_TOLERANCE = 1e-6  # of shares that are to add up to 1


@dataclass(frozen=True, slots=True)
class CategoryTargets(Selection):
    """Thin categories out, by chance that depends on ids and the seed alone.

    With `shares` the outcome has these shares, and is as large as all of them allow, or `size`. With `weights` that
    share of each category stays, and all of a category that is not named. Rows are never repeated: a target that the
    pool cannot meet is told.

    category/over_target    the category has as much as it is to have
    category/unwanted       the category has no share

    Raises BadRecipe for shares that do not add up to 1, for a category that no row is in, and for an empty pool.
    """

    version: ClassVar[int] = 1

    by: tuple[str, ...] = ("topic",)  # labels, or "language"; of several, "science / en" is a category
    shares: tuple[tuple[str, float], ...] = ()
    weights: tuple[tuple[str, float], ...] = ()
    size: int | None = None  # of the outcome, with shares
    of: Of = "rows"
    seed: int = 0

    def __post_init__(self) -> None:
        given = self.shares or self.weights
        if bool(self.shares) == bool(self.weights) or not self.by:
            raise BadRecipe("category: give either shares or weights, and the labels that name the categories")
        names = [name for name, _ in given]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise BadRecipe(f"category: {', '.join(doubled)} is named twice")
        if wrong := [f"{name}={value:g}" for name, value in given if not 0 <= value <= 1]:
            raise BadRecipe(f"category: {', '.join(wrong)}; expected shares from 0 to 1: no row is repeated here")
        total = sum(value for _, value in self.shares)
        if self.shares and abs(total - 1) > _TOLERANCE:
            raise BadRecipe(f"category: the shares of {', '.join(names)} add up to {total:.6g}; expected 1")
        if self.size is not None and (self.size < 1 or not self.shares):
            raise BadRecipe(f"category: size is {self.size}; expected 1 or more, beside shares")

    def select(self, view: "View", map: Map) -> Selected:
        pool = Pool.of(view, Marks((), self.by, self.of), map, "category")
        wanted = self._wanted(pool)
        amounts = {name: min(amount, pool.groups[name].size) for name, amount in wanted.items()}
        names = tuple(amounts)
        missed = [f"{name} {amounts[name]:,} of {wanted[name]:,}" for name in names if amounts[name] < wanted[name]]
        kept = sum(amounts.values())
        told = ", ".join(f"{name} {amount:,} of {pool.groups[name].size:,}" for name, amount in amounts.items())
        return Selected(
            warnings=(f"category: the pool has too little for the targets in {self.of}: {', '.join(missed)}",)
            if missed
            else (),
            notes=(f"category: at most {kept:,} of {pool.size:,} {self.of} kept: {told}",),
            each=pool.each(chosen(pool, amounts, ByChance(names, "category", self.seed), _refused, map)),
        )

    def _wanted(self, pool: Pool) -> dict[str, int]:
        named = dict(self.shares or self.weights)
        if unknown := pool.unknown(list(named)):
            shown = [close for name in unknown for close in get_close_matches(name, list(pool.groups), n=3)]
            raise BadRecipe(
                f"category: no row has {' / '.join(self.by)} {', '.join(map(repr, unknown))}; there are "
                f"{', '.join(shown or list(pool.groups)[:SHOWN])}"
            )
        if self.weights:
            return {name: share_of(group.size, named.get(name, 1.0)) for name, group in pool.groups.items()}
        size = self.size or int(min(pool.groups[name].size / share for name, share in named.items() if share))
        return {name: share_of(size, share) for name, share in named.items()}


def _refused(shard: int, row: int, group: int) -> Drop:
    return Drop(shard, row, "category/unwanted") if group < 0 else Drop(shard, row, "category/over_target")
