"""The way back: from a row through the rows that it was made from to the bytes that were read.

way = trace(store, row_id, manifest)
for origin in way.origins():
    print(origin.file, origin.offset, origin.length)
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from manifests.errors import BadSource, Damaged, NotFound
from manifests.history import Stay, known_stays
from manifests.lineage import chain_steps, recipe_chain
from manifests.manifest import Manifest, SourceRecord
from manifests.plain import plain
from manifests.rows import Origin, Row
from manifests.store import Store

Locate: TypeAlias = Callable[[str], str | None]  # the name of a file of the crawl: where the user has it
Reread: TypeAlias = Callable[[str, Origin], bytes]  # a path or URL, and what to read there: the record's payload

Recall: TypeAlias = Callable[[bytes], "Receipt | None"]  # the key of a call: what the cache of calls has under it

CALLS_LABEL = "generate/calls"  # of a row that several calls wrote: their keys
_GENERATIONS = 32
_PARENTS = 16  # of one row that are followed


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading the record again."""

    outcome: Literal["equal", "differs", "missing"]
    location: str | None
    message: str  # what was found, and where that is not what was recorded, what to do


@dataclass(frozen=True, slots=True)
class Receipt:
    """A call of a model that wrote a row."""

    key: bytes
    tokens_in: int | None = None  # None, as the next two: the cache of calls does not have it
    tokens_out: int | None = None
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """One row, the rows that it was made from, and where it was read."""

    row_id: bytes
    kept: bool  # in the version that was asked about
    manifests: tuple[str, ...]  # that show it, oldest first; none where it was dropped before it was stored
    url: str | None = None
    made_by: str | None = None  # the step that made it from its parents
    calls: tuple[Receipt, ...] = ()  # of a model that wrote it
    parents: tuple["Trace", ...] = ()
    more_parents: int = 0  # that are not followed
    origin: Origin | None = None  # of a row that was dropped before it was stored: file and offset only
    source: SourceRecord | None = None  # the file as a whole
    location: str | None = None  # where the user, or else a run, found the file
    reading: Reading | None = None  # None where nothing was read again

    def origins(self) -> Iterator[Origin]:
        """Yield where the row, or the rows it was made from, were read."""
        if self.parents:
            for parent in self.parents:
                yield from parent.origins()
        elif self.origin:
            yield self.origin

    def readings(self) -> Iterator[Reading]:
        """Yield what came of reading the records of the row, and of its parents, again."""
        if self.reading:
            yield self.reading
        for parent in self.parents:
            yield from parent.readings()

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        told: dict[str, Any] = plain(self)
        told["parents"] = [parent.to_json() for parent in self.parents]
        return {"id": told.pop("row_id"), **told}


def trace(
    store: Store,
    row_id: bytes,
    manifest: Manifest,
    locate: Locate | None = None,
    reread: Reread | None = None,
    recall: Recall | None = None,
) -> Trace:
    """Return the way back of a row that `manifest` shows or that its recipe dropped.

    `locate` says where the user has a file; without an answer it is looked for where a run found it. `reread` reads
    the record there again, and the digest of its payload is compared with what was recorded. `recall` finds the calls
    of models. Raises NotFound.
    """
    return _Tracer(store, recipe_chain(store, manifest), locate, reread, recall).trace(row_id, _GENERATIONS)


class _Tracer:
    def __init__(
        self,
        store: Store,
        chain: Sequence[Manifest],
        locate: Locate | None,
        reread: Reread | None,
        recall: Recall | None,
    ) -> None:
        self.store, self.chain, self.locate, self.reread, self.recall = store, chain, locate, reread, recall
        self.ids = [part.id for part in chain]
        self.titles = {(step.part, step.step): step.title for step in chain_steps(chain)}
        self.sources = {record.file: record for record in chain[0].sources}

    def trace(self, row_id: bytes, generations: int) -> Trace:
        stays = known_stays(self.store, self.chain, row_id)
        first = stays[0]
        followed = first.parents[:_PARENTS] if generations else ()
        row = next((stay.row for stay in reversed(stays) if stay.row), None)
        origin = None if first.parents else row.origin if row else _place(stays[-1])
        location = self._location(origin.file) if origin else None
        return Trace(
            row_id=row_id,
            kept=stays[-1].ordinal == len(self.chain) - 1 and stays[-1].after is not None,
            manifests=tuple([self.ids[stay.ordinal] for stay in stays if stay.after]),
            url=row.url if row else None,
            made_by=self.titles[first.ordinal, first.made_at] if first.parents else None,
            calls=tuple(self._receipts(row)) if row and first.parents else (),
            parents=tuple([self.trace(parent, generations - 1) for parent in followed]),
            more_parents=len(first.parents) - len(followed),
            origin=origin,
            source=self.sources.get(origin.file) if origin else None,
            location=location,
            reading=self._read(origin, location) if origin and origin.digest and self.reread else None,
        )

    def _receipts(self, row: Row) -> Iterator[Receipt]:
        """Yield the calls that wrote a row: one, or those that its label lists."""
        listed = row.labels.get(CALLS_LABEL)
        keys = [bytes.fromhex(key) for key in listed.split()] if listed else [row.call] if row.call else []
        for key in keys:
            yield (self.recall and self.recall(key)) or Receipt(key)

    def _location(self, file: str) -> str | None:
        """Return where the user has a file, or else the last run that made a version on the way here, or any run."""
        if self.locate and (given := self.locate(file)):
            return given
        found: tuple[bool, str] | None = None
        for record in self.store.runs():
            where = record.get("locations", {}).get(file)
            if where and (found is None or not found[0] or record.get("manifest") in self.ids):
                found = (record.get("manifest") in self.ids, where)
        return found[1] if found else None

    def _read(self, origin: Origin, location: str | None) -> Reading:
        if location is None or self.reread is None:
            return Reading("missing", None, f"no run says where {origin.file} is; {self._fetch(origin)}")
        try:
            data = self.reread(location, origin)
        except (OSError, NotFound, BadSource) as error:
            return Reading("missing", location, f"{location} cannot be read ({error}); {self._fetch(origin)}")
        except Damaged as error:
            return Reading("differs", location, f"{error}; {self._fetch(origin)}")
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if digest != origin.digest:
            found = f"{location} holds {len(data)} bytes with {digest[:23]}... there, expected {origin.digest[:23]}..."
            return Reading("differs", location, f"{found}; {self._fetch(origin)}")
        return Reading("equal", location, f"{len(data)} bytes with the digest that was recorded")

    def _fetch(self, origin: Origin) -> str:
        source = self.sources.get(origin.file)
        whole = f", {source.size} bytes with the SHA-256 {source.digest}" if source else ""
        return f"fetch {origin.file}{whole}, and say where it is"


def _place(stay: Stay) -> Origin | None:
    """Return where a row was read that was never stored, as far as the ledger knows."""
    decision = stay.dropped
    if decision is None or decision.file is None or decision.offset is None:
        return None
    return Origin(decision.file, decision.offset, 0, "")
