"""Small pools of rows with scores and labels, cut into shards as a test wants them, in a store in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import pyarrow as pa

from manifests.manifest import Manifest
from manifests.rows import Document, Row, row_id
from manifests.run import Run, run
from manifests.shard import read_parquet
from manifests.stage import Recipe, Selection
from manifests.store import Store
from manifests.view import View
from manifests.watcher import Silent
from tests.manifests.stages import Source

_NUMBERS = count()


@dataclass(frozen=True)
class Unit:
    made: tuple[Row, ...]

    @property
    def key(self) -> list[str]:
        return [row.hex for row in self.made]

    @property
    def file(self) -> str:
        return "a test"

    def rows(self) -> Iterator[Row]:
        yield from self.made


class Heard(Silent):
    """Keeps what a run says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def doc(name: str, score: float | None = None, **fields: Any) -> Document:
    scores = {} if score is None else {"edu": score}
    return Document(
        **{"id": row_id("document", "test", name), "source": "test", "text": name, "scores": scores} | fields
    )


def stored(*shards: Sequence[Row]) -> Store:
    """Return a store whose dataset "pool" has these shards."""
    store = Store(f"memory://pool-{next(_NUMBERS)}")
    run(Recipe("pool", ()), Source(tuple(Unit(tuple(rows)) for rows in shards)), store=store, tag="pool")
    return store


def selected(store: Store, *selections: Selection, map: Any = map, heard: Heard | None = None) -> Run:
    return run(Recipe("chosen", selections), "pool", store=store, map=map, tag="chosen", watcher=heard)


def kept(store: Store, manifest: Manifest) -> set[str]:
    """Return the texts of the rows that stayed."""
    return {row.text for row in View(store, manifest)}


def decisions(store: Store, manifest: Manifest) -> list[dict[str, Any]]:
    tables = [read_parquet(store.get(digest)) for digest in manifest.ledger.decisions]
    return pa.concat_tables(tables).to_pylist()


def cut(rows: Sequence[Row], shards: int) -> list[list[Row]]:
    return [list(rows[number::shards]) for number in range(shards)]
