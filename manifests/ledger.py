"""The ledger: why every row that a run looked at was kept, changed or dropped.

Two tables for each unit of work, as Parquet objects that the manifest names:

values      one row for each row looked at: `id, domain, language, chars, dropped_at, reason, parents` (of a row that
            was made here, and perhaps dropped before it was stored), and one column of float64 for each value that a
            step measured, named "<step>:<measure>"
decisions   one row for each row dropped or altered: `id, step, action, reason, value, threshold, twin, payload`;
            `payload` is what an altered row became. Where a source was read also `file, offset`: the origin of a row
            that was dropped, for no shard holds it
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import polars as pl
import pyarrow as pa

from manifests import canonical
from manifests.manifest import StepRecord
from manifests.rows import Conversation, Row
from manifests.stage import Rejected, Selection, Stage, Values

INPUT = "Input"  # step 0 of every manifest: reading the rows
DROPPED, ALTERED = "dropped", "altered"

DECISIONS = pa.schema(
    [
        ("id", pa.binary(16)),
        ("step", pa.int16()),
        ("action", pa.string()),
        ("reason", pa.string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
        ("twin", pa.binary(16)),
        ("payload", pa.binary()),
    ]
)
PLACE = pa.schema([("file", pa.string()), ("offset", pa.int64())])
_LOOKED: list[tuple[str, pa.DataType]] = [
    ("id", pa.binary(16)),
    ("domain", pa.string()),
    ("language", pa.string()),
    ("chars", pa.int32()),
    ("dropped_at", pa.int16()),
    ("reason", pa.string()),
    ("parents", pa.list_(pa.binary(16))),
]


@dataclass(slots=True)
class Counts:
    """What one step did to the rows of one unit."""

    rows_in: int = 0
    kept: int = 0
    dropped: int = 0
    altered: int = 0
    derived: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def drop(self, reason: str) -> None:
        """Count one row that was refused."""
        self.dropped += 1
        self.reasons[reason] = self.reasons.get(reason, 0) + 1


class Book:
    """The ledger of one unit while it is being written.

    Its tables are in the order of the steps, then of the rows: how far a step reads ahead leaves no trace in them.
    """

    def __init__(self, steps: int, *, of_source: bool = False) -> None:
        self.of_source = of_source  # else the rows are those of a shard
        self.counts = [Counts() for _ in range(steps)]
        self._ordinals: dict[bytes, int] = {}
        self._facts: list[tuple[str | None, str | None, int | None]] = []
        self._made: dict[int, tuple[int, tuple[bytes, ...]]] = {}  # by which step, and of which parents
        self._dropped: dict[int, tuple[int, str]] = {}
        self._values: list[tuple[list[int], list[Values]]] = [([], []) for _ in range(steps)]
        self._decisions: list[tuple[Any, ...]] = []

    def __contains__(self, row_id: bytes) -> bool:
        return row_id in self._ordinals

    def look(self, row: Row, *, made_by: int | None = None) -> None:
        """Open the row's line in the ledger; `made_by`: the step that made it from its parents."""
        self._ordinals[row.id] = len(self._facts)
        if made_by is not None:
            self._made[len(self._facts)] = (made_by, row.parents)
        self._facts.append((row.url, row.language, None))

    def measured(self, step: int, row_id: bytes, values: Values) -> None:
        """Note what a step measured on a row."""
        ordinals, rows = self._values[step]
        ordinals.append(self._ordinals[row_id])
        rows.append(values)

    def kept(self, row: Row) -> None:
        """Note how a row looks that came through all steps."""
        self._facts[self._ordinals[row.id]] = _facts(row)

    def dropped(self, step: int, refusal: Rejected) -> None:
        """Note a refusal. A row that was refused because its id is taken has no line of its own."""
        row = refusal.row
        self.counts[step].drop(refusal.reason)
        if refusal.values:
            self.measured(step, row.id, refusal.values)
        if refusal.reason != "input/repeated_id":
            ordinal = self._ordinals[row.id]
            self._facts[ordinal] = _facts(row)
            self._dropped[ordinal] = (step, refusal.reason)
        decision = (row.id, step, DROPPED, refusal.reason, refusal.value, refusal.threshold, refusal.twin, None)
        place = (row.origin.file, row.origin.offset) if row.origin else (None, None)
        self._decisions.append((*decision, *place))

    def altered(self, step: int, stage: str, row: Row) -> None:
        """Note a row that goes on with another payload."""
        self.counts[step].altered += 1
        self._decisions.append((row.id, step, ALTERED, stage, None, None, None, row.payload(), None, None))

    def values_table(self) -> pa.Table:
        """Return the table of values."""
        urls, languages, chars = zip(*self._facts, strict=True) if self._facts else ((), (), ())
        rows = len(self._facts)
        at: list[int | None] = [None] * rows
        reasons: list[str | None] = [None] * rows
        for ordinal, (step, reason) in self._dropped.items():
            at[ordinal], reasons[ordinal] = step, reason
        parents = [self._made[ordinal][1] if ordinal in self._made else None for ordinal in range(rows)]
        columns = [list(self._ordinals), domains(urls), languages, chars, at, reasons, parents]
        table = pa.table(dict(zip([name for name, _ in _LOOKED], columns, strict=True)), schema=pa.schema(_LOOKED))
        for step, (ordinals, measured) in enumerate(self._values):
            for measure in sorted({name for values in measured for name in values}):
                column: list[float | None] = [None] * rows
                for ordinal, values in zip(ordinals, measured, strict=True):
                    column[ordinal] = values.get(measure)
                table = table.append_column(value_column(step, measure), pa.array(column, pa.float64()))
        if self._made:
            order = sorted(range(rows), key=lambda ordinal: self._made.get(ordinal, (0, ()))[0])
            return table.take(pa.array(order, pa.int64()))
        return table

    def decisions_table(self) -> pa.Table:
        """Return the table of decisions."""
        decisions = sorted(self._decisions, key=itemgetter(DECISIONS.names.index("step")))
        schema = pa.schema([*DECISIONS, *PLACE])
        columns = list(zip(*decisions, strict=True)) or [()] * len(schema)
        table = pa.table(dict(zip(schema.names, columns, strict=True)), schema=schema)
        return table if self.of_source else table.select(DECISIONS.names)


def value_column(step: int, measure: str) -> str:
    """Return the name of a measure's column in the table of values."""
    return f"{step}:{measure}"


def domains(urls: Sequence[str | None]) -> pa.Array:
    """Return the host of each URL, without port, user and a leading "www."."""
    host = pl.Series("url", urls, pl.String).str.extract(
        r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(?:www\.)?([^/?#:]+)"
    )
    return host.str.to_lowercase().to_arrow().cast(pa.string())


def step_records(steps: Sequence[Stage | Selection], counts: Sequence[Counts]) -> tuple[StepRecord, ...]:
    """Return what a manifest says of its steps; the first count is that of the input."""
    described: list[tuple[str, dict[str, Any], tuple[Any, ...]]] = [(INPUT, {}, ())]
    described += [(step.title, json.loads(canonical.encode(step)), step.rules()) for step in steps]
    return tuple(
        StepRecord(
            stage=name,
            describe=literals,
            rules=tuple(
                {"reason": rule.reason, "measure": rule.measure, "keep": rule.keep, "threshold": rule.threshold}
                for rule in rules
            ),
            rows_in=count.rows_in,
            kept=count.kept,
            dropped=count.dropped,
            altered=count.altered,
            derived=count.derived,
            reasons=dict(sorted(count.reasons.items())),
        )
        for (name, literals, rules), count in zip(described, counts, strict=True)
    )


def add_counts(totals: Sequence[Counts], more: Sequence[Mapping[str, Any]]) -> None:
    """Add the counts of one unit, as its action record holds them, to the totals."""
    for total, count in zip(totals, more, strict=True):
        for name in ("rows_in", "kept", "dropped", "altered", "derived"):
            setattr(total, name, getattr(total, name) + count[name])
        for reason, rows in count["reasons"].items():
            total.reasons[reason] = total.reasons.get(reason, 0) + rows


def top_reasons(counts: Sequence[Counts], most: int = 3) -> str:
    """Return the commonest reasons of all steps, for a message."""
    reasons = sorted([(rows, reason) for count in counts for reason, rows in count.reasons.items()], reverse=True)
    return ", ".join(f"{reason} {rows}" for rows, reason in reasons[:most]) or "no row was refused"


def _facts(row: Row) -> tuple[str | None, str | None, int | None]:
    text = getattr(row, "text", None)
    if isinstance(row, Conversation):
        return row.url, row.language, sum([len(message.content) for message in row.messages])
    return row.url, row.language, None if text is None else len(text)
