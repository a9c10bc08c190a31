"""Why two versions differ in a document, as their ledgers tell it.

A unit of work that two versions share decided alike in both and explains no difference, so only those tables are read
that one of them has for itself.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
import pyarrow as pa

from manifests import canonical, shard
from manifests.commit import in_threads
from manifests.ledger import ALTERED, DROPPED
from manifests.lineage import ancestry
from manifests.manifest import Manifest, StepRecord
from manifests.merge import Array, Finder, locate
from manifests.rows import ID_BYTES
from manifests.store import Store

REPLACED = "replaced by rows derived from it"
NOT_MADE = "not made of its parent"
PARENT = "parent: "  # stands before the reason for which a row's parent was dropped

_GENERATIONS = 32  # of derived rows that are followed up
_MOST_STEPS = 64  # that can be told apart in a word of bits
_LINE = {
    "position": pl.Int64,
    "reason": pl.Categorical,  # few different ones on many rows, as are stages
    "stage": pl.Categorical,
    "value": pl.Float64,
    "threshold": pl.Float64,
    "twin": pl.Binary,
}


@dataclass(frozen=True)
class Version:
    """A manifest and its ancestors, beside another version. Ids are [rows, 16] bytes, sorted."""

    store: Store
    line: tuple[Manifest, ...]  # oldest first; the last one is the version itself
    shared: frozenset[str]  # digests of the ledger tables of the other version

    @property
    def derives(self) -> bool:
        """Whether any step made new rows of others."""
        return any(step.derived for manifest in self.line for step in manifest.steps)

    def drops(self, ids: Array) -> pl.DataFrame:
        """Return for each of `ids` that was dropped its position and the line that says why."""
        frames = [pl.DataFrame(schema=_LINE)]
        for manifest, frame in self._scan("decisions", ids, ["action", "step", "reason", "value", "threshold", "twin"]):
            stages = pl.Series([step.stage for step in manifest.steps], dtype=pl.String)
            named = frame.with_columns(stage=stages.gather(frame["step"]))
            frames.append(_cast(named.filter(pl.col("action") == DROPPED)))
        # Beside a repeated id that was dropped another row of that id stayed: what befell that one later is the reason.
        repeated = pl.col("reason") == "input/repeated_id"
        ordered = pl.concat(frames).sort(repeated, descending=True, maintain_order=True)
        return ordered.unique("position", keep="last")

    def altered(self, ids: Array, numbers: dict[str, int]) -> Array:
        """Return for each of `ids` the steps that altered it: a bit at the number of each step's literals."""
        bits = np.zeros(len(ids), np.uint64)
        for manifest, frame in self._scan("decisions", ids, ["action", "step"]):
            own = np.array([1 << numbers.get(_literals(step), 0) for step in manifest.steps], np.uint64)
            hits = frame.filter(pl.col("action") == ALTERED)
            np.bitwise_or.at(bits, hits["position"].to_numpy(), own[hits["step"].to_numpy()])
        return bits

    def knows(self, ids: Array) -> Array:
        """Return for each of `ids` whether it was looked at on the way here, or is here."""
        known: Array = locate(self.store, self.line[-1], ids)[:, 0] >= 0
        for _, frame in self._scan("values", ids, []):
            known[frame["position"].to_numpy()] = True
        return known

    def facts(self, ids: Array) -> pl.DataFrame:
        """Return the position, domain, language and chars of each of `ids`, as it looked last."""
        columns = ["domain", "language", "chars"]
        schema = {"position": pl.Int64, "domain": pl.String, "language": pl.String, "chars": pl.Int32}
        frames = [frame.select(list(schema)) for _, frame in self._scan("values", ids, columns)]
        return pl.concat([pl.DataFrame(schema=schema), *frames]).unique("position", keep="last")

    def parents(self, ids: Array) -> tuple[Array, Array]:
        """Return, for each of `ids` that was made here, its position [pairs] and the id of a parent [pairs, 16]."""
        pairs = [
            frame.explode("parents", keep_nulls=False, empty_as_null=False)
            for _, frame in self._scan("values", ids, ["parents"])
        ]
        every = pl.concat([pl.DataFrame(schema={"position": pl.Int64, "parents": pl.Binary}), *pairs])
        parents = np.frombuffer(b"".join(every["parents"]), np.uint8).reshape(-1, ID_BYTES)
        return every["position"].to_numpy(), parents

    def _scan(
        self, table: Literal["values", "decisions"], ids: Array, columns: list[str]
    ) -> list[tuple[Manifest, pl.DataFrame]]:
        """Return what the tables of this version alone hold of `ids`, oldest first, with `position` in `ids`."""
        finder = Finder(ids)
        own = [
            (manifest, digest)
            for manifest in self.line
            for digest in getattr(manifest.ledger, table)
            if digest not in self.shared
        ]

        def read(item: tuple[Manifest, str]) -> tuple[Manifest, pl.DataFrame]:
            manifest, digest = item
            lines = shard.read_parquet(self.store.get(digest), ["id", *columns])
            at = finder.find(shard.fixed_bytes(lines["id"]))
            hits = np.flatnonzero(at >= 0)
            found = pl.DataFrame(lines.select(columns).take(pa.array(hits)))
            return manifest, pl.DataFrame({"position": at[hits]}).with_columns(found.get_columns())

        return in_threads(read, own)


def versions(store: Store, old: Manifest, new: Manifest) -> tuple[Version, Version]:
    """Return two manifests as each other's other version."""
    lines = [tuple(ancestry(store, manifest)[::-1]) for manifest in (old, new)]
    tables = [
        frozenset(digest for one in line for digest in (*one.ledger.values, *one.ledger.decisions)) for line in lines
    ]
    return Version(store, lines[0], tables[1]), Version(store, lines[1], tables[0])


def absences(having: Version, lacking: Version, ids: Array, absent: str, generation: int = 0) -> pl.DataFrame:
    """Return, for each of `ids` of `having` in order, why `lacking` has no such row.

    Columns: reason, stage, value, threshold, twin; the reason is `absent` where no ledger knows the row or a parent.
    """
    found = [lacking.drops(ids)]
    left = np.setdiff1d(np.arange(len(ids)), found[0]["position"].to_numpy())
    if len(left) and (lacking.derives or generation):
        known = lacking.knows(ids[left])
        found.append(_lines(left[known], REPLACED))
        left = left[~known]
    if len(left) and having.derives and generation < _GENERATIONS:
        inherited = _inherited(having, lacking, ids[left], absent, generation)
        found.append(inherited.with_columns(position=pl.lit(left).gather(pl.col("position"))))
        left = np.setdiff1d(left, found[-1]["position"].to_numpy())
    found.append(_lines(left, absent))
    return _in_order(found)


def alterations(old: Version, new: Version, ids: Array) -> pl.DataFrame:
    """Return, for each of `ids` in order, what made its content another one; columns as of `absences`.

    That is the first step whose literals only one of the versions has and that altered the row there. Where there is
    none, the row came differently out of the source or of a step that reads it.
    """
    steps = [step for version in (new, old) for one in version.line for step in one.steps if step.altered]
    numbers = {digest: min(n, _MOST_STEPS - 1) for n, digest in enumerate(dict.fromkeys(map(_literals, steps)))}
    stages = {numbers[_literals(step)]: step.stage for step in steps}
    was, now = old.altered(ids, numbers), new.altered(ids, numbers)
    found = [_differing_facts(old, new, ids, np.flatnonzero(was == now))]
    for bits, words in ((now & ~was, "altered by"), (np.where(now & ~was, 0, was & ~now), "no longer altered by")):
        lowest = np.bitwise_count((bits & (~bits + np.uint64(1))) - np.uint64(1))
        for number in np.unique(lowest[bits != 0]).tolist():
            at = np.flatnonzero((bits != 0) & (lowest == number))
            found.append(_lines(at, f"{words} {stages[number]}", stages[number]))
    return _in_order(found)


def _inherited(having: Version, lacking: Version, ids: Array, absent: str, generation: int) -> pl.DataFrame:
    """Return the lines of those of `ids` that have parents: what befell the parents in `lacking`."""
    children, parents = having.parents(ids)
    if not len(children):
        return pl.DataFrame(schema=_LINE)
    names, which = np.unique(np.ascontiguousarray(parents).view(f"S{ID_BYTES}").ravel(), return_inverse=True)
    fates = absences(having, lacking, names.view(np.uint8).reshape(-1, ID_BYTES), absent, generation + 1)
    reason = pl.col("reason").cast(pl.String)
    known = reason.is_in([REPLACED, NOT_MADE])
    words = (
        pl.when(known)
        .then(pl.lit(NOT_MADE))
        .when((reason == absent) | reason.str.starts_with(PARENT))
        .then(reason)
        .otherwise(pl.lit(PARENT) + reason)
    )
    rank = pl.when(reason == absent).then(2).when(known).then(1).otherwise(0)
    lines = fates[which].with_columns(pl.Series("position", children, pl.Int64), reason=words, rank=rank)
    return _cast(lines.sort("rank", maintain_order=True).unique("position", keep="first"))


def _differing_facts(old: Version, new: Version, ids: Array, left: Array) -> pl.DataFrame:
    """Return the lines of those of `ids` that no step altered otherwise: what the ledgers' facts show to differ."""
    if not len(left):
        return pl.DataFrame(schema=_LINE)
    base = pl.DataFrame({"position": np.arange(len(left))})
    before = base.join(old.facts(ids[left]), on="position", how="left", maintain_order="left")
    after = base.join(new.facts(ids[left]), on="position", how="left", maintain_order="left")
    words = pl.lit("content changed")
    for column, differs in (("domain", "url changed"), ("language", "language changed"), ("chars", "text changed")):
        words = pl.when(before[column].ne_missing(after[column])).then(pl.lit(differs)).otherwise(words)
    return _lines(left, base.select(words).to_series())


def _in_order(found: list[pl.DataFrame]) -> pl.DataFrame:
    some = [lines for lines in found if len(lines)] or found[:1]
    ordered = some[0] if len(some) == 1 else pl.concat(some)  # millions of rows are not copied needlessly
    return (ordered if ordered["position"].is_sorted() else ordered.sort("position")).drop("position")


def _lines(positions: Array, reason: str | pl.Series, stage: str | None = None) -> pl.DataFrame:
    lines = pl.DataFrame({"position": positions}, schema={"position": pl.Int64})
    told = {"reason": reason, "stage": stage, "value": None, "threshold": None, "twin": None}
    return _cast(lines.with_columns([pl.lit(value).alias(name) for name, value in told.items()]))


def _cast(lines: pl.DataFrame) -> pl.DataFrame:
    return lines.select([pl.col(name).cast(kind) for name, kind in _LINE.items()])


def _literals(step: StepRecord) -> str:
    return canonical.digest(step.describe)
