"""What selections by score and by category read of a row: its scores, its group and its size."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from manifests import shard as shards
from manifests.errors import BadRecipe
from manifests.stage import Side

Of: TypeAlias = Literal["rows", "chars", "tokens"]
NO_LABEL = "(none)"  # the group of a row without the label
_BETWEEN = " / "  # names of a group by several labels
_PAYLOAD = ("text", "messages")


@dataclass(frozen=True, slots=True)
class Marks(Side):
    """For each row its id, `group`, `size` in characters, tokens or rows, and a column for each score.

    A score that is missing, or no finite number, is NaN. `by` are names of labels, or "language"; a row's group is what
    it has under these names. The size of a row whose tokens were not counted is null.
    """

    scores: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    of: Of = "rows"

    def __post_init__(self) -> None:
        if self.of not in {"rows", "chars", "tokens"}:
            raise BadRecipe(f"of is {self.of!r}; expected rows, chars or tokens")

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override] # a constant of other sides; texts are long
        """What it reads of a shard."""
        of = {"rows": (), "chars": _PAYLOAD, "tokens": ("token_count",)}[self.of]
        return ("id", "scores", *(("language", "labels") if self.by else ()), *of)

    def __call__(self, shard: pa.Table) -> pa.Table:
        made = {"id": shard["id"], "group": self._groups(shard), "size": self._sizes(shard)}
        return pa.table(made | {name: _score(shard["scores"], name) for name in self.scores})

    def _groups(self, shard: pa.Table) -> pa.Array:
        if not self.by:
            return pa.array(np.full(len(shard), "", object), pa.string())
        parts = [
            shard["language"] if name == "language" else pc.map_lookup(shard["labels"], name, "first")
            for name in self.by
        ]
        named = [pc.fill_null(part.cast(pa.string()), NO_LABEL) for part in parts]
        groups = pc.binary_join_element_wise(*named, _BETWEEN)
        return groups.combine_chunks() if isinstance(groups, pa.ChunkedArray) else groups

    def _sizes(self, shard: pa.Table) -> pa.Array:
        if self.of == "rows":
            return pa.array(np.ones(len(shard), np.int64))
        return (shards.lengths(shard) if self.of == "chars" else shard["token_count"]).cast(pa.int64())


def _score(scores: pa.ChunkedArray, name: str) -> NDArray[np.float32]:
    found = pc.map_lookup(scores, name, "first").cast(pa.float32()).fill_null(np.nan)
    values: NDArray[Any] = found.to_numpy()
    return np.where(np.isfinite(values), values, np.float32(np.nan)).astype(np.float32)
