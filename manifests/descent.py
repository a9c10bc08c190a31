"""Which rows were made from which, as the ledger's tables of values tell it."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from manifests import canonical, shard
from manifests.commit import in_threads
from manifests.lookup import Keys, keys
from manifests.manifest import Manifest
from manifests.rows import ID_BYTES, derived_id
from manifests.store import Store

_TRIED = 64  # parts, and candidates, of one parent


def maker(part: Manifest, parents: tuple[bytes, ...], child: bytes) -> int:
    """Return the step of a part that made `child`: the one whose fingerprint is in its id."""
    steps = list(enumerate(part.steps))[1:]
    prints = [(step, canonical.digest(record.describe).encode()) for step, record in steps]
    for number in range(_TRIED**2 if len(steps) > 1 else 0):
        inner = derived_id(parents, "", *divmod(number, _TRIED))
        for step, fingerprint in prints:
            if canonical.digest_parts(b"step", fingerprint, inner)[:ID_BYTES] == child:
                return step
    return next((step for step, record in steps if record.derived), len(steps))


def made_from(lines: pa.Table) -> tuple[np.ndarray[Any, Any], Keys]:
    """Return as pairs the row, in a table with a column `parents`, and the key of each of its parents."""
    parents = lines["parents"]
    counts = pc.fill_null(pc.list_value_length(parents), 0).to_numpy()
    return np.repeat(np.arange(len(lines)), counts), keys(pc.list_flatten(parents))


def descendants(store: Store, part: Manifest, ids: Keys, after: int = 0) -> Keys:
    """Return `ids` with all rows that the steps behind `after` made from them, or from rows made from them; sorted."""
    deriving = [step for step, record in enumerate(part.steps) if record.derived]
    if not len(ids) or max(deriving, default=0) <= after:
        return ids
    doubtful = min(deriving) <= after

    def look(digest: str) -> Keys:
        lines = shard.read_parquet(store.get(digest), ["id", "parents"])
        rows, parents = made_from(lines)
        children = keys(lines["id"])
        found = ids
        while True:
            more = np.unique(rows[np.isin(parents, found) & ~np.isin(children[rows], found)])
            if doubtful:
                more = np.array([row for row in more if _step(lines.slice(row, 1)) > after], np.int64)
            if not len(more):
                return found
            found = np.union1d(found, children[more])

    def _step(line: pa.Table) -> int:
        one = line.to_pylist()[0]
        return maker(part, tuple(one["parents"]), one["id"])

    return np.unique(np.concatenate([ids, *in_threads(look, part.ledger.values)]))
