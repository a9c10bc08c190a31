"""Texts that no model is trained on, so that it can be judged by them: the same ones in every dataset that has them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from manifests import shard
from manifests.chance import hashes
from manifests.errors import BadRecipe
from manifests.stage import Drop, Map, Selected, Selection
from manifests.told import Told
from manifests.view import Slice, View

if TYPE_CHECKING:
    from manifests.store import Store

Side: TypeAlias = Literal["train", "judge"]


@dataclass(frozen=True, slots=True)
class HeldOut(Selection):
    """Part a dataset in two: what is trained on, and about `share` of it to judge by.

    Id and seed alone decide, so that a row which two datasets have is on the same side in both.

    held_out/to_judge_by    the row is held out of the training
    held_out/trained_on     the row is no part of what is held out
    held_out/evaluated      the row is in a dataset that the model will be judged by

    Raises BadRecipe where the share is none.
    """

    version: ClassVar[int] = 1

    side: Side
    share: float = 0.05
    seed: int = 0
    judged_by: tuple[str, ...] = ()  # datasets whose rows are never trained on

    def __post_init__(self) -> None:
        if not 0 < self.share < 1 or self.side not in {"train", "judge"}:
            raise BadRecipe(f"held_out: {self.side!r}, {self.share}; expected train or judge, and a share from 0 to 1")

    def resolve(self, store: "Store") -> "HeldOut":
        return replace(self, judged_by=tuple([store.resolve(name) for name in self.judged_by]))

    def select(self, view: View, map: Map) -> Selected:  # noqa: ARG002 - nothing has to be counted first
        others = [View(view.store, view.store.manifest(name)) for name in self.judged_by]
        ids = [_ids(part) for other in others for part in other.slices]
        return Selected(each=_Parted(self, np.concatenate([np.zeros(0, "S16"), *ids])))


@dataclass(frozen=True)
class _Parted:
    asked: HeldOut
    judged_by: NDArray[np.bytes_]

    def __call__(self, part: Slice) -> Told:
        column = part.table(["id"])["id"]
        held = hashes(column, self.asked.seed, "held_out") < np.uint64(int(self.asked.share * 2**64))
        if self.asked.side == "judge":
            return Told([Drop(part.ordinal, row, "held_out/trained_on") for row in np.flatnonzero(~held).tolist()])
        given = np.isin(_ids(part), self.judged_by) & ~held
        drops = [Drop(part.ordinal, row, "held_out/to_judge_by") for row in np.flatnonzero(held).tolist()]
        return Told(
            [*drops, *(Drop(part.ordinal, row, "held_out/evaluated") for row in np.flatnonzero(given).tolist())]
        )


def _ids(part: Slice) -> NDArray[np.bytes_]:
    return np.ascontiguousarray(shard.fixed_bytes(part.table(["id"])["id"])).view("S16").ravel()


def smallest(ids: Sequence[bytes], most: int, seed: int) -> list[int]:
    """Return the places of so many rows by chance, in the order of chance."""
    order = np.argsort(hashes(pa.array(ids, pa.binary(16)), seed, "judged"), kind="stable")
    return [int(place) for place in order[:most]]
