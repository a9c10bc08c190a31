"""What the ledgers of a chain of manifests hold of one row, part by part."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from manifests import shard
from manifests.commit import in_threads
from manifests.descent import made_from, maker
from manifests.errors import NotFound
from manifests.ledger import ALTERED, DROPPED, PLACE, value_column
from manifests.lookup import Place, keys, place, row_at
from manifests.manifest import Manifest
from manifests.rows import Row
from manifests.store import Store
from manifests.view import Slice
from manifests.wording import position

_AT_ONCE = 8  # tables that are read together


@dataclass(frozen=True, slots=True)
class Decision:
    """One line of the table of decisions, without the payload."""

    step: int
    action: str
    reason: str
    value: float | None
    threshold: float | None
    twin: bytes | None
    file: str | None = None  # where a row was read that was dropped before it was stored, as in `Origin`
    offset: int | None = None

    @property
    def place(self) -> str | None:
        """Where the row was read, in words."""
        return None if self.file is None or self.offset is None else position(self.file, self.offset)


@dataclass(frozen=True)
class Stay:
    """What one part of a recipe did to a row."""

    store: Store
    row_id: bytes
    part: Manifest
    ordinal: int  # of the part in the chain
    before: Place | None  # in the part before; None: the row was read or made here
    after: Place | None  # None: it was dropped here, or other rows were made from it
    line: dict[str, Any] = field(default_factory=dict)  # of the table of values
    decisions: tuple[Decision, ...] = ()
    table: str | None = None  # of values, that the line is from
    tables: tuple[str, ...] = ()  # of decisions, that can speak of this row

    @property
    def dropped(self) -> Decision | None:
        """The decision that ended the row's way. Another row with its id that was refused does not count."""
        for decision in self.decisions if self.line.get("dropped_at") is not None else ():
            if decision.action == DROPPED and decision.step == self.line["dropped_at"]:
                return decision
        return None

    @property
    def repeated(self) -> int:
        """How many other records with the same id were refused here."""
        return sum(one.reason == "input/repeated_id" for one in self.decisions if one is not self.dropped)

    @cached_property
    def row(self) -> Row | None:
        """The row as this part left it."""
        return row_at(self.store, self.part, self.after) if self.after else None

    @cached_property
    def url(self) -> str | None:
        """The URL of the row as this part left it."""
        if not self.after:
            return None
        part = Slice(self.store, self.part.kind, self.after.shard, self.part.entries[self.after.shard])
        url: str | None = part.table(["url"])["url"][self.after.row].as_py()
        return url

    @property
    def parents(self) -> tuple[bytes, ...]:
        """The rows that this one was made from in this part."""
        return tuple(self.line.get("parents") or ())

    @cached_property
    def made_at(self) -> int:
        """The step that made this row from others; 0: it came in from before."""
        return maker(self.part, self.parents, self.row_id) if self.parents else 0

    @cached_property
    def left_at(self) -> int | None:
        """The step that made other rows of this one, where it ended so."""
        if self.after or self.dropped or not self._offspring:
            return None
        child, parents = self._offspring[0]
        return maker(self.part, parents, child)

    @property
    def children(self) -> tuple[bytes, ...]:
        """The rows that were made from this one in this part."""
        return tuple(child for child, _ in self._offspring)

    @cached_property
    def _offspring(self) -> list[tuple[bytes, tuple[bytes, ...]]]:
        """The rows that were made from this one in this part, and all the parents of each."""
        if not self.table:
            return []
        lines = shard.read_parquet(self.store.get(self.table), ["id", "parents"])
        rows, parents = made_from(lines)
        mine = np.unique(rows[parents == np.bytes_(self.row_id)])
        return [(line["id"], tuple(line["parents"])) for line in lines.take(pa.array(mine)).to_pylist()]

    def values(self, step: int) -> dict[str, float]:
        """Return what a step measured on the row."""
        start = value_column(step, "")
        return {
            name.removeprefix(start): value
            for name, value in self.line.items()
            if name.startswith(start) and value is not None
        }

    @cached_property
    def payloads(self) -> dict[int, bytes]:
        """What the row became, by the step that altered it."""
        found: dict[int, bytes] = {}
        for lines in _matching(self.store, self.tables, self.row_id, ["step", "action", "payload"]):
            found |= {line["step"]: line["payload"] for line in lines if line["action"] == ALTERED}
        return found


def known_stays(store: Store, chain: Sequence[Manifest], row_id: bytes) -> list[Stay]:
    """Return the stays of a row as `follow` does. Raises NotFound where there is none."""
    stays = follow(store, chain, row_id)
    if not stays:
        raise NotFound(
            f"{store.url}: {chain[-1].id[:12]} and the {len(chain) - 1} manifests before it never came across row "
            f"{row_id.hex()}; without a dataset, `koba why`, `koba show` and `koba trace` look in all of them"
        )
    return stays


def follow(store: Store, chain: Sequence[Manifest], row_id: bytes) -> list[Stay]:
    """Return the stays of a row in the parts of a chain that it came to, in order; none where they do not know it."""
    places = in_threads(lambda part: place(store, part, row_id), chain)
    born = next((ordinal for ordinal, where in enumerate(places) if where), 0)
    stays: list[Stay] = []
    for ordinal, part in enumerate(chain[born:], start=born):
        before, after = places[ordinal - 1] if ordinal else None, places[ordinal]
        if stays and before is None:
            break
        number, line = _line(store, part, row_id, before, after)
        if number is None and after is None:
            continue
        tables = _decision_tables(part, number)
        decisions = _decisions(store, tables, row_id)
        table = None if number is None else part.ledger.values[number]
        stays.append(Stay(store, row_id, part, ordinal, before, after, line, decisions, table, tables))
    return stays


def refusal(store: Store, part: Manifest, unit: int, row_id: bytes) -> Decision | None:
    """Return why a row was dropped that a unit of a part looked at."""
    found = _decisions(store, _decision_tables(part, unit), row_id)
    return next((decision for decision in found if decision.action == DROPPED), None)


def _decision_tables(part: Manifest, unit: int | None) -> tuple[str, ...]:
    """Return the tables that can speak of a row: that of its unit, and what was written down at the commit."""
    units = len(part.ledger.values)
    own = () if unit is None else part.ledger.decisions[unit : unit + 1]
    return (*own, *part.ledger.decisions[units:])


def _decisions(store: Store, tables: Sequence[str], row_id: bytes) -> tuple[Decision, ...]:
    columns = ["step", "action", "reason", "value", "threshold", "twin", *PLACE.names]
    lines = [line for found in _matching(store, tables, row_id, columns) for line in found]
    return tuple(Decision(**one) for one in sorted(lines, key=lambda one: int(one["step"])))


def _line(
    store: Store, part: Manifest, row_id: bytes, before: Place | None, after: Place | None
) -> tuple[int | None, dict[str, Any]]:
    """Return the row's line among the tables of values, and the number of its table.

    A unit of work is a shard of the part before, so where the row stood there tells its table. Where it was first
    read is guessed from where it stands afterwards. Of several rows with one id, the one that was kept is meant.
    """
    tables = part.ledger.values
    guess = before.shard if before else after.shard * len(tables) // len(part.entries) if after else 0
    order = sorted(range(len(tables)), key=lambda number: abs(number - guess))
    for start, stop in [(0, 1), *((at, at + _AT_ONCE) for at in range(1, len(order), _AT_ONCE))]:
        numbers = order[start:stop]
        for number, lines in zip(numbers, _matching(store, [tables[n] for n in numbers], row_id), strict=True):
            if lines and not (after and lines[0]["dropped_at"] is not None):
                return number, lines[0]
    return None, {}


def _matching(
    store: Store, tables: Sequence[str], row_id: bytes, columns: Sequence[str] | None = None
) -> list[list[dict[str, Any]]]:
    """Return for each table the lines of one row. The other columns are read only where there is one."""

    def look(digest: str) -> list[dict[str, Any]]:
        data = store.get(digest)
        hits = np.flatnonzero(keys(shard.read_parquet(data, ["id"])["id"]) == np.bytes_(row_id))
        found: list[dict[str, Any]] = []
        if len(hits):
            found = shard.read_parquet(data, columns).take(pa.array(hits)).to_pylist()
        return found

    return in_threads(look, tables)
