"""One unit's way through the stages of a recipe: what a worker does.

The stages are fused: a row is pulled through all of them before the next one is read, so memory holds the rows of one
shard at the most. Every row that goes in must come out as kept, refused, or as a parent of new rows.

Refused here, whatever the recipe:

input/repeated_id   the source gave a row with this id before
forget/takedown     the row was taken down, see `manifests.forget`
row/not_unicode     a text that cannot be written as UTF-8: it holds a lone surrogate
"""

import resource
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import msgspec

from manifests import canonical, shard
from manifests.damage import Damage
from manifests.errors import BadRecipe, BadRow
from manifests.ledger import Book
from manifests.manifest import FORMAT, Entry, SourceRecord
from manifests.rows import ID_BYTES, STORED_KINDS, Conversation, Row
from manifests.sink import Sink
from manifests.stage import Kept, Rejected, Stage
from manifests.store import Store
from manifests.view import Slice


class Unit(Protocol):
    """A part of a source that one worker reads: a shard, or a file of a crawl."""

    @property
    def key(self) -> Any:
        """All that its rows depend on, as literals."""

    @property
    def file(self) -> str:
        """A name for messages."""

    def rows(self) -> Iterator[Row | Rejected]:
        """Yield the rows; a record that cannot be read is a reject."""


class Source(Protocol):
    """Anything that can be read in units."""

    def units(self, store: Store, /) -> Iterable[Unit]:
        """Return the units in their order."""

    def records(self) -> tuple[SourceRecord, ...]:
        """Return the files behind the units, once they were listed."""

    def locations(self) -> dict[str, str]:
        """Return where each file was found on this machine; it goes to the record of the run."""


class Result(msgspec.Struct):
    """What became of one unit. All of it but the times and the memory is deterministic."""

    kind: str | None  # None where no row was kept
    entries: list[Entry]
    values: str
    decisions: str
    counts: list[dict[str, Any]]
    seconds: list[float] = []  # CPU and waiting, by step; empty when the result was found in the cache
    peak_bytes: int = 0  # memory of the worker so far, without that of its helpers; likewise
    damage: Damage = msgspec.field(default_factory=Damage)  # of the source
    cached: bool = False


@dataclass(frozen=True)
class Transform:
    """Stages applied to one unit, remembered in the action cache."""

    store: Store
    stages: tuple[Stage, ...]
    forgotten: frozenset[bytes] = frozenset()
    limit: int | None = None

    def key(self, unit: Unit) -> str:
        """Return the action key: what exists under it need not be made again."""
        return canonical.digest({"stages": self.stages, "input": unit.key, "limit": self.limit, "format": FORMAT})

    def find(self, unit: Unit) -> Result | None:
        """Return what was made of this unit before, or None."""
        record = self.store.action(self.key(unit))
        return msgspec.convert(record["result"], Result) if record else None

    def __call__(self, unit: Unit) -> Result:
        passage = _Passage(self, unit)
        result = passage.run()
        remembered = msgspec.to_builtins(msgspec.structs.replace(result, seconds=[], peak_bytes=0, cached=True))
        makes = [result.values, result.decisions, *(entry.shard for entry in result.entries)]
        self.store.put_action(self.key(unit), remembered, makes=makes)
        return result


class _Passage:
    def __init__(self, work: Transform, unit: Unit) -> None:
        self.store, self.stages, self.unit = work.store, work.stages, unit
        self.forgotten, self.limit = work.forgotten, work.limit
        stored = unit if isinstance(unit, Slice) else None
        self.book = Book(len(work.stages) + 1, of_source=stored is None)
        self.damage = Damage()
        self.seconds = [0.0] * (len(work.stages) + 1)
        self.sink = Sink(self.store, self.book, stored)

    def run(self) -> Result:
        rows = self._timed(0, self._input())
        for step, stage in enumerate(self.stages, start=1):
            rows = self._timed(step, self._through(step, stage, rows))
        for row in rows:
            self.sink.add(row)
        self.sink.flush()
        self.seconds = [
            max(0.0, own - earlier) for own, earlier in zip(self.seconds, [0.0, *self.seconds], strict=False)
        ]
        return Result(
            kind=self.sink.kind,
            entries=self.sink.entries,
            values=self.store.put(shard.write_parquet(self.book.values_table())),
            decisions=self.store.put(shard.write_parquet(self.book.decisions_table())),
            counts=[asdict(count) for count in self.book.counts],
            seconds=self.seconds,
            peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            damage=self.damage,
        )

    def _timed(self, step: int, rows: Iterator[Row]) -> Iterator[Row]:
        """Add up the time until each row arrives: that of this step and of all before it."""
        clock = time.perf_counter
        while True:
            start = clock()
            row = next(rows, None)
            self.seconds[step] += clock() - start
            if row is None:
                return
            yield row

    def _input(self) -> Iterator[Row]:
        book, counts = self.book, self.book.counts[0]
        stored = self.sink.originals
        for item in self.unit.rows() if stored is None else stored:
            if self.limit is not None and counts.rows_in >= self.limit:
                return
            counts.rows_in += 1
            row, refusal = (item.row, item) if isinstance(item, Rejected) else (item, None)
            if row.id in book:
                refusal = Rejected(row, "input/repeated_id")
            else:
                book.look(row)
                if row.id in self.forgotten:
                    refusal = _taken_down(row)
                elif stored is None and row.kind in STORED_KINDS and not _writable(row):
                    refusal = _not_unicode(row)
            if refusal:
                self.damage.add(refusal)
                book.dropped(0, refusal)
            else:
                counts.kept += 1
                yield row

    def _through(self, step: int, stage: Stage, rows: Iterator[Row]) -> Iterator[Row]:
        counts = self.book.counts[step]
        waiting: dict[bytes, Row] = {}
        fingerprint = canonical.digest(stage).encode()

        def pulled() -> Iterator[Row]:
            for row in rows:
                counts.rows_in += 1
                waiting[row.id] = row
                yield row

        parents: set[bytes] = set()
        for outcome in stage.within(self.store)(pulled()):
            row = outcome.row if isinstance(outcome, Kept | Rejected) else outcome
            given = waiting.pop(row.id, None)
            if given is None:
                row = self._derived(step, row, fingerprint)
                parents.update(row.parents)
            settled = self._settle(step, given, row, outcome)
            if settled is not None:
                yield settled
        lost = [row.hex for row in waiting.values() if row.id not in parents]
        if lost:
            raise BadRow(
                f"{self.unit.file}: {stage.title} took {len(lost)} rows and yielded neither them nor "
                f"a refusal (the first: {lost[0]}); a stage must yield each row, a Rejected, or rows derived from it"
            )

    def _settle(self, step: int, given: Row | None, row: Row, outcome: Row | Kept | Rejected) -> Row | None:
        """Write down what a step did with a row, and return the row if it goes on."""
        book, counts = self.book, self.book.counts[step]
        if given is None and row.id in self.forgotten:
            book.dropped(step, _taken_down(row))
            return None
        if isinstance(outcome, Rejected):
            book.dropped(step, replace(outcome, row=row))
            return None
        if row is not given and row.kind in STORED_KINDS and not _writable(row):
            book.dropped(step, _not_unicode(row))
            return None
        if given is None:
            counts.derived += 1
        else:
            counts.kept += 1
            if row is not given and row.kind == given.kind and row.payload() != given.payload():
                book.altered(step, self.stages[step - 1].title, row)
        if isinstance(outcome, Kept) and outcome.values:
            book.measured(step, row.id, outcome.values)
        return row

    def _derived(self, step: int, row: Row, fingerprint: bytes) -> Row:
        """Give a new row its final id, made of its parents, part and candidate and of the step that made it."""
        name = self.stages[step - 1].title
        if not row.parents or any(parent not in self.book for parent in row.parents):
            raise BadRow(
                f"{self.unit.file}: {name} yielded row {row.hex}, which it was not given and whose parents it was not "
                "given either; make new rows with row.derive(...), and yield each row once"
            )
        final = row.replace(id=canonical.digest_parts(b"step", fingerprint, row.id)[:ID_BYTES])
        if final.id in self.book:
            raise BadRow(
                f"{self.unit.file}: {name} yielded two rows with the same parents, part and candidate ({row.hex}); "
                "number them: row.derive(part=..., candidate=...)"
            )
        self.book.look(final, made_by=step)
        return final


def _taken_down(row: Row) -> Rejected:
    """Return the refusal of a row of which nothing but its id may be written down."""
    return Rejected(Row(id=row.id), "forget/takedown")


def _not_unicode(row: Row) -> Rejected:
    return Rejected(row.replace(url=None, language=None), "row/not_unicode")


def _writable(row: Row) -> bool:
    """Tell whether all text of a row can be written as UTF-8: a lone surrogate cannot."""
    texts = [row.source, row.date, row.language, row.url, row.licence, *row.labels, *row.labels.values()]
    if isinstance(row, Conversation):
        texts += [text for turn in row.messages for text in (turn.role, turn.content)]
    try:
        if not isinstance(row, Conversation):  # whose payload costs more than its texts
            row.payload()
        "".join([text for text in texts if text]).encode()
    except (UnicodeEncodeError, BadRecipe):  # the latter from preferences, whose payload is canonical JSON
        return False
    return True
