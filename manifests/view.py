"""Reading a manifest's rows: masks are applied here, so nobody else has to think of them."""

from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa

from manifests.stage import Map, Side


class Slice(Protocol):
    """The visible rows of one shard; small enough to be sent to another process."""

    ordinal: int

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the rows that the mask lets through, in the shard's order."""
        ...


class View(Protocol):
    """The visible rows of a manifest, shard by shard."""

    rows: int
    slices: Sequence[Slice]

    def side(self, side: Side, map: Map) -> list[pa.Table]:
        """Return `side` for the visible rows of each slice; what was computed before is read from the store."""
        ...
