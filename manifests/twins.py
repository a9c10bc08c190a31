"""Which rows were dropped because another one is the same or nearly so: the clusters of a dataset, from its ledger.

    found = Twins.of(store, manifest)
    found.clusters     # survivor, rows, chars, depth: the largest first
    found.lines        # a line for each dropped row: its survivor, the step, the similarity, ...

A cluster is a row with all that were dropped for it, by whatever step looks for copies. Where the row that stayed in
one step went for another one in a later step, all of its cluster is of that one's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np
import polars as pl
import pyarrow as pa

from manifests import shard
from manifests.commit import in_threads
from manifests.errors import NotFound
from manifests.ledger import DROPPED
from manifests.lineage import ChainStep, chain_steps, recipe_chain
from manifests.lookup import keys
from manifests.manifest import Manifest
from manifests.merge import Finder
from manifests.rows import ID_BYTES
from manifests.sampling import chosen
from manifests.store import Store

_DECISIONS = {
    "id": pa.binary(16),
    "step": pa.int16(),
    "reason": pa.string(),
    "value": pa.float64(),
    "threshold": pa.float64(),
    "twin": pa.binary(16),
}
_BOUNDS = (2, 3, 5, *(10**digits for digits in range(1, 16)))  # where a class of sizes begins


@dataclass(frozen=True)
class Twins:
    """The dropped rows of a dataset that have a survivor, and the steps of its recipe.

    `lines`, sorted by id: id, number (of the step, over the whole recipe), reason, value (null where the step compares
    no values), threshold, twin (the row that stayed then), survivor (the one that stays now), depth (1: twin and
    survivor are the same row; 2: the twin went for it; ...), chars.
    """

    lines: pl.DataFrame
    steps: tuple[ChainStep, ...]

    @classmethod
    def of(cls, store: Store, manifest: Manifest) -> Self:
        """Read the ledger: some 450 bytes of memory for each dropped row that has a survivor."""
        chain = recipe_chain(store, manifest)
        steps = tuple(chain_steps(chain))
        parts = [_part(store, part, ordinal, steps) for ordinal, part in enumerate(chain)]
        table = pa.concat_tables(parts).combine_chunks()
        table = table.take(pa.array(np.argsort(keys(table["id"]), kind="stable")))
        survivors, depths = _followed(table)
        frame = pl.DataFrame(table).with_columns(pl.col("id", "twin").cast(pl.Binary), pl.col("reason").cast(_REASON))
        ends = frame["twin"].gather(survivors).alias("survivor")
        return cls(frame.with_columns(ends, pl.Series("depth", depths, pl.Int16)), steps)

    def only(self, reason: str) -> Self:
        """Return the lines of one reason only. Raises NotFound for a reason that none has."""
        known = sorted(self.lines["reason"].unique().cast(pl.String))
        if reason not in known:
            raise NotFound(
                f"no row was dropped for another one as {reason!r}; reasons are {', '.join(known) or 'none'}"
            )
        return type(self)(self.lines.filter(pl.col("reason") == reason), self.steps)

    @cached_property
    def clusters(self) -> pl.DataFrame:
        """The clusters, the largest first: survivor, rows (dropped ones), chars (of these), depth (the greatest)."""
        grouped = self.lines.group_by("survivor").agg(
            pl.len().cast(pl.Int64).alias("rows"), pl.col("chars").sum(), pl.col("depth").max()
        )
        return grouped.sort("rows", "chars", "survivor", descending=[True, True, False])

    def sizes(self) -> list[dict[str, Any]]:
        """Return how many clusters there are of each size, the survivor counted: size, clusters, rows, chars."""
        bins = [(low, high - 1, self._sized(low, high)) for low, high in pairwise(_BOUNDS)]
        return [
            {
                "size": f"{low:,}" if low == high else f"{low:,} to {high:,}",
                "clusters": len(found),
                "rows": int(found["rows"].sum()),
                "chars": int(found["chars"].sum()),
            }
            for low, high, found in bins
            if len(found)
        ]

    def by_reason(self) -> list[dict[str, Any]]:
        """Return what each step took out for each reason: number, title, reason, threshold, rows, chars, lowest."""
        titles = {step.number: step.title for step in self.steps if step.step}
        grouped = self.lines.group_by("number", "reason", "threshold").agg(
            pl.len().alias("rows"), pl.col("chars").sum(), pl.col("value").min().alias("lowest")
        )
        lines = grouped.with_columns(pl.col("reason").cast(pl.String)).sort("number", "reason", "threshold")
        return [{"title": titles.get(line["number"], "Input"), **line} for line in lines.to_dicts()]

    def least_alike(self, most: int) -> list[dict[str, Any]]:
        """Return the lines of the rows that are least like their twin."""
        lines = self.lines.sort("value", "id", nulls_last=True).head(most)
        return lines.with_columns(pl.col("reason").cast(pl.String)).to_dicts()

    def by_chance(self, n: int, seed: int) -> list[bytes]:
        """Return the survivors of `n` clusters, or of all there are: the same ones for the same rows and seed."""
        survivors = self.lines["survivor"].unique().sort()
        return survivors.gather(chosen(n, seed, keys(survivors.to_arrow().cast(pa.binary(ID_BYTES))))).to_list()

    def _sized(self, low: int, high: int) -> pl.DataFrame:
        return self.clusters.filter((pl.col("rows") + 1 >= low) & (pl.col("rows") + 1 < high))


def literals(step: ChainStep) -> Mapping[str, Any]:
    """Return the literals of a step by name, as its manifest has them; none of an input."""
    fields = step.record.describe.get("fields")
    return fields if isinstance(fields, Mapping) else {}


_REASON = pl.Categorical()


def _part(store: Store, part: Manifest, ordinal: int, steps: Sequence[ChainStep]) -> pa.Table:
    """Return the lines of one part of a recipe, with the characters of the rows."""

    def decided(digest: str) -> pa.Table:
        lines = shard.read_parquet(store.get(digest), [*_DECISIONS, "action"])
        other = pa.compute.and_(
            pa.compute.equal(lines["action"], DROPPED), pa.compute.not_equal(lines["id"], lines["twin"])
        )
        return lines.filter(other).select(list(_DECISIONS))  # a twin of null is equal to nothing, and not unequal

    def sized(digest: str) -> pa.Table:
        lines = shard.read_parquet(store.get(digest), ["id", "chars", "reason"])
        gone = pa.compute.is_in(lines["reason"], value_set=reasons)
        return lines.filter(gone).select(["id", "chars"])

    some = in_threads(decided, dict.fromkeys(part.ledger.decisions)) if any(s.dropped for s in part.steps) else []
    lines = pa.concat_tables([pa.schema(_DECISIONS).empty_table(), *some])
    if not len(lines):
        return _EMPTY
    reasons = lines["reason"].unique()
    sizes = pa.concat_tables(in_threads(sized, dict.fromkeys(part.ledger.values))).combine_chunks()
    sizes = sizes.take(pa.array(np.argsort(keys(sizes["id"]), kind="stable")))
    at = Finder(shard.fixed_bytes(sizes["id"])).find(shard.fixed_bytes(lines["id"]))
    chars = sizes["chars"].take(pa.array(at, mask=at < 0))
    numbers = np.array([step.number for step in steps if step.part == ordinal], np.int32)
    lines = lines.append_column("number", pa.array(numbers[lines["step"].to_numpy()]))
    return lines.append_column("chars", chars.cast(pa.int64())).select(_EMPTY.column_names)


def _followed(table: pa.Table) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return for each line, sorted by id, the line whose twin stays to the end, and how many lines lead there.

    Each line leads to one of a later step, if to any, so that there are no circles, whatever the ledger says.
    """
    numbers = table["number"].to_numpy()
    following = Finder(shard.fixed_bytes(table["id"])).find(shard.fixed_bytes(table["twin"]))
    following[numbers[following] <= numbers] = -1
    at, depths = np.arange(len(table)), np.ones(len(table), np.int16)
    while len(moving := np.flatnonzero(following[at] >= 0)):
        at[moving] = following[at[moving]]
        depths[moving] += 1
    return at, depths


_LINES = [(name, kind) for name, kind in _DECISIONS.items() if name != "step"]
_EMPTY = pa.schema([*_LINES, ("number", pa.int32()), ("chars", pa.int64())]).empty_table()
