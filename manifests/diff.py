"""How two versions of a dataset differ: by shards, by documents with reasons, by recipe, by sources.

    made = diff(store, "web@1", "web@2")
    made.rows.removed, made.reasons["removed"]
    for change in made.changes(limit=20):
        print(change.what, change.row.hex, change.reason, change.value, change.threshold)

Documents are compared through the sidecar indexes and explained by the ledgers; shards are read only for what is asked
of single documents and for scores.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import repeat
from typing import Any

import msgspec
import numpy as np
import polars as pl

from manifests.changes import recipe_changes, rule_changes
from manifests.differences import WHATS, Change, What, read_places
from manifests.errors import BadRecipe
from manifests.funnel import GroupColumn, kept_by
from manifests.manifest import Entry, Manifest, SourceRecord
from manifests.merge import Array, Differing, Rows, merge
from manifests.reasons import Version, absences, alterations, versions
from manifests.scores import ScoreChange, score_changes
from manifests.store import Store
from manifests.twins import Twins

NOT_IN_NEW, NOT_IN_OLD = "not in the new source", "not in the old source"


@dataclass(frozen=True, slots=True)
class Shards:
    """Which shards two versions have in common, and their bytes."""

    shared: int
    shared_bytes: int
    remasked: int  # of the shared ones: seen through another mask
    removed: int
    removed_bytes: int
    added: int
    added_bytes: int


@dataclass(frozen=True, slots=True)
class RowCounts:
    """How many documents only the old version has, only the new one, both but differently, and both alike."""

    removed: int
    added: int
    changed: int
    unchanged: int


@dataclass(frozen=True)
class Diff:
    """How two versions differ. Cheap to have: what needs rows or groups is read when it is asked for."""

    store: Store
    old: Manifest
    new: Manifest
    shards: Shards
    recipe: tuple[str, ...]  # what changed in the recipe, in words
    thresholds: tuple[str, ...]  # which rules changed, in words
    sources_removed: tuple[SourceRecord, ...]
    sources_added: tuple[SourceRecord, ...]
    documents: Differing
    explained: dict[What, pl.DataFrame]  # reason, stage, value, threshold, twin, in the order of `documents`

    @property
    def rows(self) -> RowCounts:
        """How many documents differ."""
        found = self.documents
        return RowCounts(len(found.removed), len(found.added), len(found.changed), found.unchanged)

    @cached_property
    def reasons(self) -> dict[What, dict[str, int]]:
        """How many documents differ for each reason, the commonest first."""
        counted = {
            what: lines.group_by("reason").len().sort("len", "reason", descending=[True, False])
            for what, lines in self.explained.items()
        }
        return {what: dict(counts.iter_rows()) for what, counts in counted.items()}

    @property
    def totals(self) -> dict[str, tuple[int, int]]:
        """Rows, characters, tokens and bytes of shards: of the old and the new version."""
        names = {"rows": "rows", "chars": "chars", "tokens": "tokens", "bytes": "size"}
        return {name: (getattr(self.old, field), getattr(self.new, field)) for name, field in names.items()}

    @property
    def licences(self) -> dict[str, tuple[int, int]]:
        """Rows under each licence: of the old and the new version."""
        names = sorted(self.old.licences | self.new.licences)
        return {name: (self.old.licences.get(name, 0), self.new.licences.get(name, 0)) for name in names}

    def groups(self, column: GroupColumn) -> pl.DataFrame:
        """Return the rows and characters of each domain or language, the greatest difference first.

        Columns: group (null: unknown), old_rows, new_rows, rows (the difference), old_chars, new_chars, chars.
        """
        old, new = kept_by(self.store, [self.old, self.new], column)
        sides = [
            old.select("group", old_rows="rows", old_chars="chars"),
            new.select("group", new_rows="rows", new_chars="chars"),
        ]
        both = pl.concat(sides, how="diagonal").group_by("group").agg(pl.exclude("group").sum())
        rows, chars = (pl.col(f"new_{name}") - pl.col(f"old_{name}") for name in ("rows", "chars"))
        table = both.select(
            "group", "old_rows", "new_rows", rows.alias("rows"), "old_chars", "new_chars", chars.alias("chars")
        )
        return table.sort(pl.col("rows").abs(), "new_rows", "group", descending=[True, True, False], nulls_last=True)

    def scores(self) -> list[ScoreChange]:
        """Compare scores, which are in no hash. This reads every shard that the versions do not share."""
        return score_changes(self.store, self.old, self.new)

    def changes(
        self, what: What | None = None, reason: str | None = None, limit: int | None = None
    ) -> Iterator[Change]:
        """Yield the differing documents, shard by shard: removed, added, changed ones; at most `limit` of each."""
        for one in WHATS if what is None else (what,):
            yield from self._changes(one, reason, limit)

    def to_json(self, limit: int | None = 20, preview_chars: int = 200, *, scores: bool = False) -> dict[str, Any]:
        """Return everything as plain JSON, with at most `limit` documents and groups of each sort."""
        return {
            "old": self.old.id,
            "new": self.new.id,
            "kind": self.new.kind,
            "totals": {name: _difference(*sides) for name, sides in self.totals.items()},
            "shards": asdict(self.shards),
            "rows": asdict(self.rows),
            "reasons": self.reasons,
            "recipe": list(self.recipe),
            "thresholds": list(self.thresholds),
            "sources_removed": [msgspec.to_builtins(record) for record in self.sources_removed],
            "sources_added": [msgspec.to_builtins(record) for record in self.sources_added],
            "licences": {name: _difference(*sides) for name, sides in self.licences.items()},
            "languages": self.groups("language")[:limit].to_dicts(),
            "domains": self.groups("domain")[:limit].to_dicts(),
            "scores": [asdict(score) for score in self.scores()] if scores else None,
            "documents": [change.to_json(preview_chars) for change in self.changes(limit=limit)],
        }

    def _changes(self, what: What, reason: str | None, limit: int | None) -> Iterator[Change]:
        lines = self.explained[what].with_row_index("row")
        lines = lines if reason is None else lines.filter(pl.col("reason") == reason)
        rows: Rows = getattr(self.documents, what)
        places, which = rows.places, lines["row"].to_numpy()
        before = self.documents.changed_from.places if what == "changed" else np.zeros_like(places)
        order = np.lexsort((places[which, 1], before[which, 0], places[which, 0]))[:limit]
        which = which[order]
        manifest = self.old if what == "removed" else self.new
        afters = read_places(self.store, manifest, places[which])
        befores = read_places(self.store, self.old, before[which]) if what == "changed" else repeat(None)
        survivors = self._survivors(what, rows.ids[which]) if lines["twin"].count() else {}
        for row, was, line in zip(afters, befores, lines[order].drop("row").iter_rows(named=True), strict=False):
            yield Change(what, row, was, **line, survivor=survivors.get(row.id))

    def _survivors(self, what: What, ids: Array) -> dict[bytes, bytes]:
        """Return, for those of some rows that went for a row which went for another one, the row that stays."""
        twins = Twins.of(self.store, self.old if what == "added" else self.new)
        asked = pl.Series([row_id.tobytes() for row_id in ids], dtype=pl.Binary)
        lines = twins.lines.filter((pl.col("depth") > 1) & pl.col("id").is_in(asked.implode()))
        return dict(lines.select("id", "survivor").iter_rows())


def diff(store: Store, old: str | Manifest, new: str | Manifest) -> Diff:
    """Compare two versions, given as manifests, names, `name@n` or ids.

    Raises BadRecipe where they hold rows of different kinds; NotFound, Damaged.
    """
    old, new = (store.manifest(one) if isinstance(one, str) else one for one in (old, new))
    if old.kind != new.kind and old.rows and new.rows:
        raise BadRecipe(
            f"{old.id[:16]} holds rows of the kind {old.kind}, {new.id[:16]} of the kind {new.kind}: they have no "
            "documents in common; compare two versions of one dataset"
        )
    documents = merge(store, old, new)
    before, after = versions(store, old, new)
    sources = [{record for one in version.line for record in one.sources} for version in (before, after)]
    return Diff(
        store=store,
        old=old,
        new=new,
        shards=_shards(old.entries, new.entries),
        recipe=tuple(recipe_changes(_steps(before), _steps(after))),
        thresholds=tuple(rule_changes(_rules(before), _rules(after))),
        sources_removed=tuple(sorted(sources[0] - sources[1], key=_by_file)),
        sources_added=tuple(sorted(sources[1] - sources[0], key=_by_file)),
        documents=documents,
        explained={
            "removed": absences(before, after, documents.removed.ids, NOT_IN_NEW),
            "added": absences(after, before, documents.added.ids, NOT_IN_OLD),
            "changed": alterations(before, after, documents.changed.ids),
        },
    )


def _shards(old: tuple[Entry, ...], new: tuple[Entry, ...]) -> Shards:
    olds, news = {entry.shard: entry for entry in old}, {entry.shard: entry for entry in new}
    shared = [entry for digest, entry in news.items() if digest in olds]
    removed = [entry for digest, entry in olds.items() if digest not in news]
    added = [entry for digest, entry in news.items() if digest not in olds]
    return Shards(
        shared=len(shared),
        shared_bytes=sum(entry.size for entry in shared),
        remasked=sum(entry.mask != olds[entry.shard].mask for entry in shared),
        removed=len(removed),
        removed_bytes=sum(entry.size for entry in removed),
        added=len(added),
        added_bytes=sum(entry.size for entry in added),
    )


def _steps(version: Version) -> list[dict[str, Any]]:
    return [step.describe for manifest in version.line for step in manifest.steps[1:]]


def _rules(version: Version) -> list[dict[str, Any]]:
    return [rule for manifest in version.line for step in manifest.steps for rule in step.rules]


def _by_file(record: SourceRecord) -> tuple[str, str]:
    return record.file, record.digest


def _difference(old: int, new: int) -> dict[str, int]:
    return {"old": old, "new": new, "difference": new - old}
