"""One document in which two versions differ, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from manifests import shard
from manifests.manifest import Manifest
from manifests.merge import Array
from manifests.rows import Row, Tokens
from manifests.store import Store
from manifests.view import Slice

What = Literal["removed", "added", "changed"]
WHATS: tuple[What, ...] = ("removed", "added", "changed")

_HASHED = ("text", "messages", "prompt", "chosen", "rejected", "input_ids", "language", "url", "licence", "parents")


@dataclass(frozen=True, slots=True)
class Change:
    """One document in which two versions differ, and why."""

    what: What
    row: Row  # as the new version has it; a removed one as the old version had it
    before: Row | None  # a changed one as the old version had it
    reason: str
    stage: str | None  # the step behind the reason
    value: float | None
    threshold: float | None
    twin: bytes | None  # id of the row that stayed in this one's place
    survivor: bytes | None = None  # that which stays in the end, where the twin went for another one itself

    @property
    def fields(self) -> tuple[str, ...]:
        """What differs in a changed document, of all that goes into its hash."""
        if self.before is None:
            return ()
        return tuple([name for name in _HASHED if _field(self.before, name) != _field(self.row, name)])

    def to_json(self, preview_chars: int = 200) -> dict[str, Any]:
        """Return everything as plain JSON, with the beginning of the payload and of what it was before."""
        return {
            "what": self.what,
            "id": self.row.hex,
            "reason": self.reason,
            "stage": self.stage,
            "value": self.value,
            "threshold": self.threshold,
            "twin": self.twin.hex() if self.twin else None,
            "survivor": survivor.hex() if (survivor := self.survivor or self.twin) else None,
            "url": self.row.url,
            "language": self.row.language,
            "fields": list(self.fields),
            "preview": preview(self.row, preview_chars),
            "before": preview(self.before, preview_chars) if self.before else None,
        }


def preview(row: Row, chars: int) -> str | None:
    """Return the beginning of a row's payload as text; None for tokens."""
    return None if isinstance(row, Tokens) else row.payload().decode(errors="replace")[:chars]


def read_places(store: Store, manifest: Manifest, places: Array) -> Iterator[Row]:
    """Yield the rows at these places, each run of places in one shard with one reading."""
    for run in np.split(places, np.flatnonzero(np.diff(places[:, 0])) + 1) if len(places) else ():
        ordinal = int(run[0, 0])
        table = Slice(store, manifest.kind, ordinal, manifest.entries[ordinal]).table()
        yield from shard.decode(table.take(pa.array(run[:, 1])), manifest.kind)


def _field(row: Row, name: str) -> Any:
    return getattr(row, name, None)
