"""Rows to show first, of two versions of a dataset."""

from manifests.diff import diff
from manifests.store import Store
from manifests.twins import Twins
from manifests.view import View


def worth_a_look(store: Store, first: str, second: str) -> list[tuple[str, str]]:
    """Return up to three ids of rows, each with the version that tells of it.

    They are a row that the second version keeps, one that the change dropped, and one that is a near-copy of another.
    """
    kept = next(iter(View(store, store.manifest(second))), None)
    removed = next(diff(store, first, second).changes("removed", limit=1), None)
    twins = Twins.of(store, store.manifest(first)).least_alike(1)
    rows = [(kept and kept.hex, second), (removed and removed.row.hex, second)]
    rows += [(pair["id"].hex(), first) for pair in twins]
    return [(row_id, version) for row_id, version in rows if row_id]
