"""How scores moved between two versions. They are in no hash: a new classifier does not change a document."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from manifests import shard
from manifests.commit import in_threads
from manifests.decoding import SCORE_DIGITS
from manifests.manifest import Manifest
from manifests.merge import Array, Finder
from manifests.rows import ID_BYTES
from manifests.store import Store
from manifests.view import Slice, View


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """One score on the documents that both versions hold, in shards that they do not share."""

    name: str
    rows: int  # that have this score in both
    changed: int
    old_mean: float
    new_mean: float


def score_changes(store: Store, old: Manifest, new: Manifest) -> list[ScoreChange]:
    """Compare the scores of documents in both versions, by name. A shard in both is not read: nothing moved in it."""
    olds, news = ({entry.shard for entry in manifest.entries} for manifest in (old, new))
    before = _Scores.read([part for part in View(store, old).slices if part.entry.shard not in news])
    after = _Scores.read([part for part in View(store, new).slices if part.entry.shard not in olds])
    at = Finder(after.ids).find(before.ids)
    here, there = np.flatnonzero(at >= 0), at[at >= 0]
    changes = []
    for name in sorted(before.values.keys() & after.values.keys()):
        was, now = before.values[name][here], after.values[name][there]
        both = ~np.isnan(was) & ~np.isnan(now)
        if both.any():
            moved = np.count_nonzero(np.round(was[both], SCORE_DIGITS) != np.round(now[both], SCORE_DIGITS))
            means = float(was[both].mean()), float(now[both].mean())
            changes.append(ScoreChange(name, int(both.sum()), int(moved), *means))
    return changes


@dataclass(frozen=True, slots=True)
class _Scores:
    ids: Array  # [rows, 16] bytes, sorted
    values: dict[str, Array]  # by name [rows], NaN where a row does not have it

    @classmethod
    def read(cls, parts: Sequence[Slice]) -> "_Scores":
        read = in_threads(_scores, parts)
        ids = np.concatenate([np.empty((0, ID_BYTES), np.uint8), *[part.ids for part in read]])
        order = np.argsort(np.ascontiguousarray(ids).view(f"S{ID_BYTES}").ravel(), kind="stable")
        names = {name for part in read for name in part.values}
        missing = {len(part.ids): np.full(len(part.ids), np.nan) for part in read}
        columns = {name: [part.values.get(name, missing[len(part.ids)]) for part in read] for name in names}
        return cls(ids[order], {name: np.concatenate(column)[order] for name, column in columns.items()})


def _scores(part: Slice) -> _Scores:
    table = part.table(["id", "scores"]).combine_chunks()
    ids = shard.fixed_bytes(table["id"])
    values: dict[str, Array] = {}
    for chunk in table["scores"].chunks:
        rows = np.repeat(np.arange(len(chunk)), np.diff(chunk.offsets.to_numpy()))
        keys = chunk.keys.dictionary_encode()
        for code, name in enumerate(keys.dictionary.to_pylist()):
            which = keys.indices.to_numpy() == code
            column = values.setdefault(name, np.full(len(ids), np.nan))
            column[rows[which]] = chunk.items.to_numpy(zero_copy_only=False)[which]
    return _Scores(ids, values)
