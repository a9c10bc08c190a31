"""Clusters as people look at them: the row that stays, some that were dropped for it, and the words they differ in.

found = Twins.of(store, manifest)
for cluster in read_clusters(store, manifest, found, found.by_chance(5, seed=0)):
    print(cluster.survivor.hex(), cluster.rows, cluster.members[0].difference)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from manifests.lineage import recipe_chain
from manifests.lookup import places, rows_anywhere
from manifests.manifest import Manifest
from manifests.plain import plain
from manifests.reasons import Version, absences
from manifests.rows import ID_BYTES, Row
from manifests.store import Store
from manifests.texts import readable
from manifests.twins import Twins
from manifests.word_diff import Piece, word_diff

MEMBERS = 3
EXCERPT_CHARS = 400
ELSEWHERE = "it is no row of this recipe"


@dataclass(frozen=True, slots=True)
class Member:
    """A row that was dropped for another one."""

    id: bytes
    title: str  # of the step that dropped it
    reason: str
    value: float | None  # likeness to its twin, as the step measures it
    threshold: float | None
    twin: bytes  # the row that it was dropped for
    depth: int  # 1: the twin is the survivor; 2: the twin was dropped for it; ...
    chars: int | None
    url: str | None
    source: str | None
    difference: tuple[Piece, ...] | None  # from the survivor's text to its own; None: one of them was never stored


@dataclass(frozen=True, slots=True)
class Cluster:
    """A row and those that were dropped for it."""

    survivor: bytes
    kept: bool  # whether the dataset still shows it
    fate: str | None  # why it does not
    url: str | None
    source: str | None
    excerpt: str | None  # the beginning of its text; None: it was never stored
    rows: int  # that were dropped for it
    chars: int  # of these
    members: tuple[Member, ...]  # some of them, the least alike first

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON; a difference as pairs of mark and text."""
        told: dict[str, Any] = plain(self)
        for member in told["members"]:
            pieces = member["difference"]
            member["difference"] = None if pieces is None else [[piece["mark"], piece["text"]] for piece in pieces]
        return told


def read_clusters(
    store: Store, manifest: Manifest, twins: Twins, survivors: Sequence[bytes], members: int = MEMBERS
) -> list[Cluster]:
    """Return the clusters of some survivors, in their order, each with at most so many members. Raises Damaged."""
    lines = twins.lines.filter(pl.col("survivor").is_in(pl.Series(survivors, dtype=pl.Binary).implode()))
    lines = lines.with_columns(pl.col("reason").cast(pl.String))
    lines = lines.sort("value", "number", "id", descending=[False, True, False], nulls_last=True)
    few = lines.group_by("survivor", maintain_order=True).head(members)
    rows = rows_anywhere(store, manifest, [*survivors, *few["id"]])
    texts = {row_id: readable(row.payload(), row.kind) for row_id, row in rows.items()}
    sums = {row_id: told for row_id, *told in lines.group_by("survivor").agg(pl.len(), pl.col("chars").sum()).rows()}
    titles = {step.number: step.title for step in twins.steps if step.step}
    fates = _fates(store, manifest, survivors)

    def member(line: dict[str, Any]) -> Member:
        before, after = texts.get(line["survivor"]), texts.get(line["id"])
        url, source = _address(rows.get(line["id"]))
        return Member(
            id=line["id"],
            title=titles.get(line["number"], "Input"),
            reason=line["reason"],
            value=line["value"],
            threshold=line["threshold"],
            twin=line["twin"],
            depth=line["depth"],
            chars=line["chars"],
            url=url,
            source=source,
            difference=None if before is None or after is None else word_diff(before, after),
        )

    shown: dict[bytes, list[Member]] = {}
    for line in few.iter_rows(named=True):
        shown.setdefault(line["survivor"], []).append(member(line))

    def cluster(survivor: bytes) -> Cluster:
        url, source = _address(rows.get(survivor))
        return Cluster(
            survivor=survivor,
            kept=survivor not in fates,
            fate=fates.get(survivor),
            url=url,
            source=source,
            excerpt=texts[survivor][:EXCERPT_CHARS] if survivor in texts else None,
            rows=sums[survivor][0],
            chars=sums[survivor][1],
            members=tuple(shown[survivor]),
        )

    return [cluster(survivor) for survivor in survivors]


def _fates(store: Store, manifest: Manifest, survivors: Sequence[bytes]) -> dict[bytes, str]:
    """Return why the dataset does not show some of the rows that once stayed; those it shows are left out."""
    gone = sorted(set(survivors) - set(places(store, manifest, survivors)))
    if not gone:
        return {}
    version = Version(store, tuple(recipe_chain(store, manifest)), frozenset())
    ids = np.frombuffer(b"".join(gone), np.uint8).reshape(-1, ID_BYTES)
    told = absences(version, version, ids, ELSEWHERE).select(pl.col("reason", "stage").cast(pl.String))
    return {
        row_id: f"{stage} dropped it: {reason}" if stage else reason
        for row_id, (reason, stage) in zip(gone, told.iter_rows(), strict=True)
    }


def _address(row: Row | None) -> tuple[str | None, str | None]:
    return (row.url, row.source) if row else (None, None)
