"""Clusters as people look at them: the row that stays, some that were dropped for it, and the words they differ in.

found = Twins.of(store, manifest)
for cluster in read_clusters(store, manifest, found, found.by_chance(5, seed=0)):
    print(cluster.survivor.hex(), cluster.rows, cluster.members[0].difference)
"""

from collections.abc import Iterator, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from manifests.errors import NotFound
from manifests.lineage import recipe_chain
from manifests.lookup import places, rows_anywhere, rows_at
from manifests.manifest import Manifest
from manifests.plain import plain
from manifests.reasons import Version, absences
from manifests.rows import ID_BYTES, Row
from manifests.store import Store
from manifests.texts import readable
from manifests.twins import Twins, literals
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
    kept: bool  # whether it is there: in the dataset, or in one that this was compared with
    elsewhere: str | None  # id of that one
    fate: str | None  # of one that is not there: why
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
    shown_here, elsewhere = set(places(store, manifest, survivors)), dict[bytes, str]()
    for other in _compared_with(store, twins):
        found = places(store, other, set(survivors) - shown_here - set(elsewhere))
        elsewhere |= dict.fromkeys(found, other.id)
        rows |= {row.id: row for row in rows_at(store, other, list(found.values()))}
    texts = {row_id: readable(row.payload(), row.kind) for row_id, row in rows.items()}
    sums = {row_id: told for row_id, *told in lines.group_by("survivor").agg(pl.len(), pl.col("chars").sum()).rows()}
    titles = {step.number: step.title for step in twins.steps if step.step}
    fates = _fates(store, manifest, set(survivors) - shown_here - set(elsewhere))

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

    chosen: dict[bytes, list[Member]] = {}
    for line in few.iter_rows(named=True):
        chosen.setdefault(line["survivor"], []).append(member(line))

    def cluster(survivor: bytes) -> Cluster:
        url, source = _address(rows.get(survivor))
        return Cluster(
            survivor=survivor,
            kept=survivor not in fates,
            elsewhere=elsewhere.get(survivor),
            fate=fates.get(survivor),
            url=url,
            source=source,
            excerpt=texts[survivor][:EXCERPT_CHARS] if survivor in texts else None,
            rows=sums[survivor][0],
            chars=sums[survivor][1],
            members=tuple(chosen[survivor]),
        )

    return [cluster(survivor) for survivor in survivors]


def _compared_with(store: Store, twins: Twins) -> Iterator[Manifest]:
    """Yield the other datasets whose rows the steps took for twins as well, as far as they are still there."""
    named = dict.fromkeys(name for step in twins.steps for name in literals(step).get("against") or ())
    for name in named:
        with suppress(NotFound):
            yield store.manifest(name)


def _fates(store: Store, manifest: Manifest, survivors: Set[bytes]) -> dict[bytes, str]:
    """Return why the dataset does not show some rows that once stayed."""
    gone = sorted(survivors)
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
