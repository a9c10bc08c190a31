"""Datasets that are there already, as what a new one is compared with."""

from collections.abc import Sequence

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.columns import matrix
from manifests import shard
from manifests.commit import in_threads, mask_entry
from manifests.manifest import Entry
from manifests.view import Slice, View


def others(view: View, names: Sequence[str]) -> list[View]:
    """Return the datasets with these ids, without the rows that an earlier selection took out of `view`.

    Such a row goes, and one that is like it must not go for its sake. Takes 16 bytes for each row of `view`.
    """
    if not names:
        return []
    gone = _joined(in_threads(_hidden, view.slices))
    gone = np.setdiff1d(gone, _joined([_ids(part.table(["id"])) for part in view.slices]))  # an id may be there twice
    found = []
    for name in names:
        other = View(view.store, view.store.manifest(name))
        entries = in_threads(lambda part: _without(part, gone), other.slices)
        found.append(View(view.store, msgspec.structs.replace(other.manifest, entries=tuple(entries))))
    return found


def _joined(parts: Sequence[NDArray[np.bytes_]]) -> NDArray[np.bytes_]:
    return np.concatenate([np.zeros(0, "S16"), *parts])


def _hidden(part: Slice) -> NDArray[np.bytes_]:
    if part.entry.mask is None:
        return np.zeros(0, "S16")
    whole = shard.read_parquet(part.store.get(part.entry.shard), ["id"])
    return np.setdiff1d(_ids(whole), _ids(part.visible(whole)))


def _without(part: Slice, gone: NDArray[np.bytes_]) -> Entry:
    rows = np.flatnonzero(np.isin(_ids(part.table(["id"])), gone))
    return mask_entry(part, rows.tolist()) if len(rows) else part.entry


def _ids(table: pa.Table) -> NDArray[np.bytes_]:
    ids: NDArray[np.bytes_] = matrix(table.column("id"), "S16").ravel()
    return ids
