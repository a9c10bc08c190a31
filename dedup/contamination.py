"""Which rows were dropped for which items of benchmarks, and the text that they have in common."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dedup.columns import written
from dedup.items import indexed
from dedup.overlaps import found_in
from dedup.questions import Search
from manifests import shard
from manifests.ledger import DROPPED
from manifests.lineage import recipe_chain
from manifests.lookup import rows_anywhere
from manifests.manifest import Manifest
from manifests.rows import Row
from manifests.store import Store

STAGE = "Decontaminate"
FAMILY = "decontaminate/"


@dataclass(frozen=True, slots=True)
class Contaminated:
    """A row that was dropped, the item that it holds, and what of it."""

    row_id: bytes
    item_id: bytes
    reason: str
    value: float
    url: str | None
    shared: str  # the longest run of text that the row shares with the item; "" where a text is gone
    item: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {name: getattr(self, name) for name in ("reason", "value", "url", "shared", "item")} | {
            "row": self.row_id.hex(),
            "item_id": self.item_id.hex(),
        }


@dataclass(frozen=True)
class Contamination:
    """What decontamination took out of a dataset."""

    rows: int
    reasons: dict[str, int]
    items: Counter[bytes]  # rows that went for each item
    shown: tuple[Contaminated, ...]  # the rows that hold most of an item first


def contamination(store: Store, manifest: Manifest, most: int) -> Contamination:
    """Return what the ledger says, with the texts of so many rows. Without such a step there are no rows."""
    lines, shown = [], list[Contaminated]()
    for part, before in _parts(store, manifest):
        its = [line for digest in part.ledger.decisions for line in _decided(store, digest)]
        its.sort(key=lambda line: (-line["value"], line["id"]))
        lines += its
        shown += _texts(store, part, before, its[: most - len(shown)])
    return Contamination(
        rows=len(lines),
        reasons=dict(Counter(line["reason"] for line in lines)),
        items=Counter(line["twin"] for line in lines),
        shown=tuple(shown),
    )


def _parts(store: Store, manifest: Manifest) -> list[tuple[Manifest, Manifest]]:
    """Return each part that is a decontamination, and the one before it."""
    chain = recipe_chain(store, manifest)
    pairs = list(zip(chain[1:], chain, strict=False))
    return [pair for pair in pairs if any(step.describe.get("stage") == STAGE for step in pair[0].steps)]


def _decided(store: Store, digest: str) -> list[dict[str, Any]]:
    table = shard.read_parquet(store.get(digest), ["id", "action", "reason", "value", "twin"])
    dropped = pc.and_(pc.equal(table["action"], DROPPED), pc.starts_with(table["reason"], FAMILY))
    lines: list[dict[str, Any]] = table.filter(dropped).to_pylist()
    return lines


def _texts(store: Store, part: Manifest, before: Manifest, lines: Sequence[dict[str, Any]]) -> list[Contaminated]:
    fields = next(step.describe["fields"] for step in part.steps if step.describe.get("stage") == STAGE)
    rows = rows_anywhere(store, before, [line["id"] for line in lines])
    items: dict[bytes, Row] = {}
    for name in fields["against"]:
        items |= rows_anywhere(store, store.manifest(name), [line["twin"] for line in lines])
    search = Search((), fields["ngram"], fields["template_ngram"], fields["min_words"], 1)
    found = []
    for line in lines:
        row, item = rows.get(line["id"]), items.get(line["twin"])
        asked = _written(item) if item else ""
        shared = _shared(_written(row), asked, line["twin"], search) if row and item else ""
        url = row.url if row else None
        found.append(Contaminated(line["id"], line["twin"], line["reason"], line["value"], url, shared, asked))
    return found


def _written(row: Row) -> str:
    text: str = written(shard.encode([row]), FAMILY)[0].as_py()
    return text


def _shared(text: str, item: str, item_id: bytes, search: Search) -> str:
    hits = found_in(indexed([item_id], [item], search), pa.array([text], pa.large_string()))[0]
    return text.encode()[hits[0].start : hits[0].stop].decode() if hits else ""
