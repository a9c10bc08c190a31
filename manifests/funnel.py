"""What a recipe did to its rows, in numbers: by step, by domain and language, by measured value.

    for step in funnel(store, manifest):
        print(step.stage, step.rows_in, step.kept, step.reasons)

A recipe's ledger is spread over its parts; everything here adds up the whole chain of manifests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from manifests import shard
from manifests.commit import in_threads
from manifests.ledger import value_column
from manifests.lineage import recipe_chain
from manifests.manifest import Manifest
from manifests.merge import Finder, all_ids
from manifests.stage import Rule
from manifests.store import Store

GroupColumn = Literal["domain", "language"]

_SAMPLED = 8  # tables of a part whose columns are looked at for measures without a rule
_KEPT = {"group": pl.String, "rows": pl.Int64, "chars": pl.Int64}
_LOOKED = {"group": pl.String, "reason": pl.String, "made": pl.Boolean, "rows": pl.Int64}
_SERIES = {"id": pl.Binary, "value": pl.Float64, "kept": pl.Boolean}


@dataclass(frozen=True, slots=True)
class StepStat:
    """What one step did to the rows."""

    part: str  # id of the manifest in whose ledger the step is
    step: int  # its number there
    stage: str
    describe: dict[str, Any]
    rows_in: int
    kept: int
    dropped: int
    altered: int
    derived: int
    reasons: dict[str, int]


@dataclass(frozen=True, slots=True)
class Measure:
    """A value that a step measured on its rows, with the rules that look at it."""

    part: str
    step: int
    stage: str
    name: str
    rules: tuple[Rule, ...]


def funnel(store: Store, manifest: Manifest) -> list[StepStat]:
    """Return every step from the source to `manifest`, in order.

    The input of a later part, which only hands on what the part before kept, is left out unless it dropped something.
    """
    stats = []
    for place, part in enumerate(recipe_chain(store, manifest)):
        part_id = part.id
        for number, step in enumerate(part.steps):
            if number or not place or step.dropped:
                counts = (step.rows_in, step.kept, step.dropped, step.altered, step.derived, step.reasons)
                stats.append(StepStat(part_id, number, step.stage, step.describe, *counts))
    return stats


def by_group(store: Store, manifest: Manifest, column: GroupColumn) -> pl.DataFrame:
    """Return how each domain or language fared, the largest first.

    Columns: group (null where it was unknown, as is the language of a page dropped before extraction), looked (rows
    that the recipe was given), kept (derived ones too), dropped (by all parts), chars (of the kept) and top_reason.
    """
    parts = [_looked(store, part, column) for part in recipe_chain(store, manifest)]
    looked = next((part for part in parts if len(part)), parts[0])
    dropped = pl.concat(parts).drop_nulls("reason").group_by("group", "reason").agg(pl.col("rows").sum())
    top = dropped.sort("rows", "reason", descending=[True, False]).unique("group", keep="first", maintain_order=True)
    columns = [
        looked.filter(~pl.col("made")).select("group", looked="rows"),
        dropped.select("group", dropped="rows"),
        kept_by(store, [manifest], column)[0].select("group", "chars", kept="rows"),
    ]
    counts = pl.concat(columns, how="diagonal").group_by("group").agg(pl.exclude("group").sum())
    named = counts.join(top.select("group", top_reason="reason"), on="group", how="left", nulls_equal=True)
    ordered = named.select("group", "looked", "kept", "dropped", "chars", "top_reason")
    return ordered.sort("looked", "kept", "group", descending=[True, True, False], nulls_last=True)


def kept_by(store: Store, manifests: Sequence[Manifest], column: GroupColumn) -> list[pl.DataFrame]:
    """Return for each manifest its visible rows and their characters by domain or language: group, rows, chars.

    Tables that several of the manifests have in common are read once. A row without a ledger is in the group null.
    """
    ledgers = [
        next((part for part in reversed(recipe_chain(store, one)) if part.ledger.values), one) for one in manifests
    ]
    digests = list(dict.fromkeys(digest for one in ledgers for digest in one.ledger.values))

    def count(digest: str) -> pl.DataFrame:
        lines = _values(store, digest, [column, "chars", "dropped_at"])
        return _kept_lines(lines.filter(pl.col("dropped_at").is_null()), column)

    counted = dict(zip(digests, in_threads(count, digests), strict=True))
    groups = []
    for manifest, holder in zip(manifests, ledgers, strict=True):
        sums = _summed([counted[digest] for digest in holder.ledger.values])
        groups.append(sums if sums["rows"].sum() == manifest.rows else _exactly_kept(store, manifest, holder, column))
    return groups


def measures(store: Store, manifest: Manifest) -> list[Measure]:
    """Return what was measured on the way to `manifest`, in the order of the steps."""
    found = []
    for part in recipe_chain(store, manifest):
        part_id, names = part.id, _measured(store, part)
        for number, step in enumerate(part.steps):
            rules = [Rule(**rule) for rule in step.rules]
            own = dict.fromkeys([rule.measure for rule in rules]) | dict.fromkeys(names.get(number, ()))
            for name in own:
                its = tuple(rule for rule in rules if rule.measure == name)
                found.append(Measure(part_id, number, step.stage, name, its))
    return found


def series(store: Store, manifest: Manifest, step: int, measure: str) -> pl.DataFrame:
    """Return every value of a measure and what became of its row: id, value, kept (False: this step dropped it).

    `manifest` and `step` are the part and the number that `measures` names.
    """
    name = value_column(step, measure)

    def read(digest: str) -> pl.DataFrame:
        table = _values(store, digest, ["id", "dropped_at", name])
        if name not in table.columns:
            return pl.DataFrame(schema=_SERIES)
        kept = pl.col("dropped_at").ne_missing(step)
        return table.drop_nulls(name).select("id", pl.col(name).alias("value"), kept.alias("kept"))

    return pl.concat([pl.DataFrame(schema=_SERIES), *in_threads(read, manifest.ledger.values)])


def _looked(store: Store, part: Manifest, column: GroupColumn) -> pl.DataFrame:
    """Return how many rows of each group a part was given or made, and why it dropped them (null: it did not)."""

    def read(digest: str) -> pl.DataFrame:
        lines = _values(store, digest, [column, "reason", "parents"])
        keys = pl.col(column).alias("group"), "reason", pl.col("parents").is_not_null().alias("made")
        return lines.group_by(keys).agg(pl.len().cast(pl.Int64).alias("rows"))

    every = pl.concat([pl.DataFrame(schema=_LOOKED), *in_threads(read, part.ledger.values)])
    return every.group_by("group", "reason", "made").agg(pl.col("rows").sum())


def _exactly_kept(store: Store, manifest: Manifest, holder: Manifest, column: GroupColumn) -> pl.DataFrame:
    """Count only rows of the index: a part also looks at rows that became others, or that repeat an id."""
    finder = Finder(all_ids(store, manifest))
    counted = np.zeros(len(finder) + 1, bool)  # the last one stands for all that is not in the index
    groups = []
    for digest in holder.ledger.values:
        table = shard.read_parquet(store.get(digest), ["id", column, "chars", "dropped_at"])
        at = finder.find(shard.fixed_bytes(table["id"]))
        here = (at >= 0) & ~counted[at] & table["dropped_at"].is_null().to_numpy()
        counted[at[here]] = True
        groups.append(_kept_lines(pl.DataFrame(table.select([column, "chars"])).filter(pl.Series(here)), column))
    unknown = pl.DataFrame({"group": [None], "rows": [int((~counted[:-1]).sum())], "chars": [0]}, schema=_KEPT)
    return _summed([*groups, unknown.filter(pl.col("rows") > 0)])


def _kept_lines(lines: pl.DataFrame, column: str) -> pl.DataFrame:
    chars = pl.col("chars").cast(pl.Int64).sum()
    return lines.group_by(pl.col(column).alias("group")).agg(pl.len().cast(pl.Int64).alias("rows"), chars)


def _summed(groups: Sequence[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([pl.DataFrame(schema=_KEPT), *groups]).group_by("group").agg(pl.col("rows", "chars").sum())


def _measured(store: Store, part: Manifest) -> dict[int, list[str]]:
    """Return the measures by step, as some tables of the part name them."""
    tables = part.ledger.values[:: max(1, len(part.ledger.values) // _SAMPLED)]
    columns = in_threads(lambda digest: shard.read_parquet(store.get(digest)).column_names, tables)
    found: dict[int, list[str]] = {}
    for name in dict.fromkeys(name for names in columns for name in names if ":" in name):
        step, _, measure = name.partition(":")
        found.setdefault(int(step), []).append(measure)
    return found


def _values(store: Store, digest: str, columns: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame(shard.read_parquet(store.get(digest), columns))
