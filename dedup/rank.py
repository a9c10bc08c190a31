"""Which of several rows that are the same stays: the first in an order of ids, dates, lengths or scores.

Neither the order of the rows nor their shards have a say in it.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dedup.columns import matrix
from manifests.chance import hashes
from manifests.errors import BadRecipe

Keep: TypeAlias = Literal["random", "oldest", "newest", "longest", "best"]
KEEPS = ("random", "oldest", "newest", "longest", "best")
_ASCENDING = ("oldest",)
_COLUMNS = {"oldest": "date", "newest": "date", "best": "scores"}


@dataclass(frozen=True, slots=True)
class Priority:
    """Which row stays: a policy; among rows that it does not tell apart, one at random, by the seed.

    "oldest" and "newest" go by `date`, "longest" by letters that are compared, "best" by the highest of a score. A row
    without a date or score comes after those that have one.
    """

    keep: Keep
    score: str = ""  # for "best"
    seed: int = 0

    def check(self, asked_by: str) -> None:
        """Raise BadRecipe where the policy is not known, or is not said in full."""
        if self.keep not in KEEPS:
            raise BadRecipe(f"{asked_by}: keep is {self.keep!r}; expected one of {', '.join(KEEPS)}")
        if (self.keep == "best") != bool(self.score):
            raise BadRecipe(
                f"{asked_by}: keep is {self.keep!r} and score is {self.score!r}; best needs one, no other does"
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """What it reads of a shard."""
        return (_COLUMNS[self.keep],) if self.keep in _COLUMNS else ()

    def values(self, rows: pa.Table, letters: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return what the policy compares, for rows of so many letters each."""
        if self.keep == "best":
            found: pa.ChunkedArray = pc.map_lookup(rows.column("scores"), self.score, "first")
            return found
        if self.keep == "longest":
            return letters
        return rows.column(_COLUMNS[self.keep]) if self.columns else pa.chunked_array([pa.nulls(len(rows), pa.int8())])

    def order(self, ids: pa.ChunkedArray, values: pa.ChunkedArray, *classes: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the numbers of the rows, the first to stay first.

        Rows of the first class come before all others; then the policy decides, then the further classes, then chance.
        """
        first, *further = classes or (np.zeros(len(ids), np.bool_),)
        direction = "ascending" if self.keep in _ASCENDING else "descending"
        by_policy = pc.rank(values, sort_keys=[("", direction, "at_end")], tiebreaker="dense").to_numpy()
        halves = matrix(ids, ">u8")
        keys = (halves[:, 1], halves[:, 0], hashes(ids, self.seed), *[~one for one in further[::-1]], by_policy, ~first)
        order: NDArray[np.int64] = np.lexsort(keys)
        return order

    def arrange(self, table: pa.Table) -> NDArray[np.int64]:
        """Return the rows of a table of `id`, `value` and `given`, the first to stay first.

        `given` rows, of another dataset, come before all others; one that is a row of this dataset as well is left out,
        and that row comes before those that a policy does not tell it apart from.
        """
        given = table.column("given").to_numpy()
        ids = matrix(table.column("id"), "S16").ravel()
        theirs = np.isin(ids, ids[given]) & ~given
        order = self.order(table.column("id"), table.column("value"), given, theirs)
        return np.asarray(order[~(given & np.isin(ids, ids[theirs]))[order]])


def ranks(ids: pa.ChunkedArray, seed: int) -> NDArray[np.int64]:
    """Return the rank of each row: how many rows come before it in the order of chance."""
    order = Priority("random", seed=seed).order(ids, pa.chunked_array([pa.nulls(len(ids), pa.int8())]))
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    return places
