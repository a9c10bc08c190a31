"""A view of documents that live in memory, cut into slices."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from manifests.rows import row_id
from manifests.stage import Selected, Selection, Side


@dataclass(frozen=True)
class MemoryEntry:
    rows: int


@dataclass(frozen=True)
class MemorySlice:
    ordinal: int
    rows: pa.Table

    @property
    def entry(self) -> MemoryEntry:
        return MemoryEntry(len(self.rows))

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        return self.rows.select([name for name in columns or self.rows.column_names if name in self.rows.column_names])


@dataclass(frozen=True)
class MemoryBeside:
    part: MemorySlice
    made: pa.Table

    def table(self) -> pa.Table:
        return self.made


@dataclass(frozen=True)
class MemoryView:
    slices: tuple[MemorySlice, ...]

    def side(self, side: Side, map: Callable[..., Iterable[Any]]) -> list[pa.Table]:
        return list(map(side, [part.table(side.columns) for part in self.slices]))

    def beside(self, side: Side, map: Callable[..., Iterable[Any]]) -> list[MemoryBeside]:
        return [MemoryBeside(*each) for each in zip(self.slices, self.side(side, map), strict=True)]


def named(name: str) -> bytes:
    return row_id("document", "test", name)


def view(*slices: dict[str, str]) -> MemoryView:
    """Each slice is a dictionary from a row's name to its text."""
    parts = [
        MemorySlice(
            ordinal,
            pa.table(
                {
                    "id": pa.array([named(name) for name in rows], pa.binary(16)),
                    "text": pa.array(rows.values(), pa.string()),
                }
            ),
        )
        for ordinal, rows in enumerate(slices)
    ]
    return MemoryView(tuple(parts))


def drops(selection: Selection, *slices: dict[str, str]) -> dict[str, tuple[str, float]]:
    """Return for each dropped row, by name, the name of its twin and the value."""
    names = {named(name): name for rows in slices for name in rows}
    places = [list(rows) for rows in slices]
    return {places[drop.shard][drop.row]: (names[drop.twin], drop.value) for drop in run(selection, *slices).drops}


def run(selection: Selection, *slices: dict[str, str]) -> Selected:
    return selection.select(view(*slices), map)
