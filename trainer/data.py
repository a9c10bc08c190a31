"""From manifests of tokens to packed batches: mixes, exact packing, and a state of a few integers.

    loader = Loader(open_mix(store, {"web-tokens": 3, "code-tokens": 1}), length=512, batch=8, seed=0)
    for batch in loader: ...

A sequence is filled to its last place; what is left of a document begins the next one. Every token but the first of
a document is a target just once, also where a document was cut. Tokens read = tokens packed + tokens carried.
"""

# B sequences, T tokens

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manifests.errors import BadRecipe, BadSource, StoreFailed
from manifests.manifest import Manifest
from manifests.store import Store
from manifests.view import Slice, View
from trainer.losses import IGNORE
from trainer.order import Array, Order


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a row of tokens, in one sequence of a batch."""

    source: int  # ordinal of the dataset in the mix
    epoch: int
    row: int  # of the manifest, counted from 0 over its visible rows
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Packed sequences, each [B, T]."""

    step: int  # counted from 1
    tokens: Tensor
    labels: Tensor  # the token that follows in the same document, or IGNORE
    documents: Tensor  # upwards along each sequence; padding is a document of its own


class TokenSource:
    """The rows of one manifest of tokens. Shards are verified when they are first read."""

    def __init__(self, store: Store, manifest: Manifest, weight: float) -> None:
        if manifest.kind != "tokens":
            raise BadSource(
                f"manifest {manifest.id[:16]} holds rows of kind {manifest.kind!r}; a model is trained on 'tokens': "
                "run a recipe with `Tokenize` on it first"
            )
        if not manifest.tokens:
            raise BadSource(f"manifest {manifest.id[:16]} holds no tokens at all; look at its recipe: what was kept?")
        if not weight > 0:
            raise BadRecipe(f"manifest {manifest.id[:16]} has weight {weight}; expected a number above 0")
        self.manifest, self.weight = manifest, weight
        self.name = manifest.id  # kept: it is a hash over the whole manifest, and asked for with every row
        self._slices = View(store, manifest).slices
        self._ends = np.cumsum([part.entry.rows for part in self._slices])
        self._tokens: dict[int, tuple[Array, Array]] = {}
        self._ids: dict[int, list[bytes]] = {}

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.manifest.rows

    def size(self, row: int) -> int:
        """Return the tokens of a row."""
        offsets, _, place = self._find(row)
        return int(offsets[place + 1] - offsets[place])

    def tokens(self, row: int, start: int, stop: int) -> Array:
        """Return tokens of a row; `stop` may lie beyond its end."""
        offsets, values, place = self._find(row)
        first, last = int(offsets[place]), int(offsets[place + 1])
        return values[first + start : min(first + stop, last)]

    def id(self, row: int) -> bytes:
        """Return the id of a row."""
        part, place = self._place(row)
        if part.ordinal not in self._ids:
            self._ids[part.ordinal] = part.table(["id"])["id"].to_pylist()
        return self._ids[part.ordinal][place]

    def _place(self, row: int) -> tuple[Slice, int]:
        ordinal = int(np.searchsorted(self._ends, row, side="right"))
        part = self._slices[ordinal]
        return part, row - int(self._ends[ordinal]) + part.entry.rows

    def _find(self, row: int) -> tuple[Array, Array, int]:
        part, place = self._place(row)
        if part.ordinal not in self._tokens:
            self._tokens[part.ordinal] = _mapped(part)
        return *self._tokens[part.ordinal], place


def _mapped(part: Slice) -> tuple[Array, Array]:
    """Return offsets and tokens of a slice. The tokens go to a file without a name: the system may drop their pages."""
    column = part.table(["input_ids"])["input_ids"].combine_chunks()
    offsets = column.offsets.to_numpy().astype(np.int64)
    values = column.values.to_numpy()
    if not len(values):
        return offsets, values
    try:
        with tempfile.TemporaryFile() as file:
            values.tofile(file)
            file.flush()
            return offsets, np.memmap(file, values.dtype, mode="r")
    except OSError as error:
        raise StoreFailed(
            f"cannot lay {values.nbytes:,} bytes of tokens in {tempfile.gettempdir()} ({error}); make room there, "
            "or set TMPDIR to a larger disk, and run the same command again"
        ) from error


def open_mix(store: Store, weights: Mapping[str, float]) -> tuple[TokenSource, ...]:
    """Open datasets by name or id, in the order of their ids. Raises BadSource, BadRecipe, NotFound, Damaged.

    A weight is a share of the tokens: with 3 and 1, three of four tokens come from the first.
    """
    if not weights:
        raise BadRecipe("there is nothing to train on: name at least one dataset of tokens")
    found = [TokenSource(store, store.manifest(name), weight) for name, weight in weights.items()]
    if len({source.manifest.id for source in found}) < len(found):
        raise BadRecipe(f"two of {', '.join(weights)} are the same dataset; give it one weight")
    return tuple(sorted(found, key=lambda source: source.manifest.id))


@dataclass
class State:
    """Where a loader stands: integers only. For each dataset its epoch, its position there and its tokens so far."""

    step: int = 0
    epochs: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)  # rows of the epoch that were begun
    tokens: list[int] = field(default_factory=list)  # of all rows that were begun
    carry: list[int] = field(default_factory=list)  # dataset and offset of what is left of its last row, or nothing
    packed: int = 0  # tokens that went into batches
    padding: int = 0  # places that stayed empty; only a last batch has any

    def copy(self) -> "State":
        """Return a state that shares nothing with this one."""
        return State(**self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """Return plain integers and lists."""
        return {
            name: list(value) if isinstance(value, list) else value
            for name, value in ((name, getattr(self, name)) for name in self.__dataclass_fields__)
        }


class Loader:
    """Batches of packed sequences, in an order that depends on (manifest ids, weights, seed) alone.

    With `ranks` processes each makes its own sequences of every batch; the batch is the same for any number of them.
    `epochs` ends the stream after so many passes; it is for a single dataset.
    """

    def __init__(
        self,
        sources: Sequence[TokenSource],
        *,
        length: int,
        batch: int,
        seed: int,
        epochs: int | None = None,
        state: State | None = None,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        if epochs is not None and len(sources) > 1:
            raise BadRecipe("a mix has no epochs, for its datasets end at different times; give steps instead")
        if batch % ranks:
            raise BadRecipe(f"a batch of {batch} sequences does not divide among {ranks} processes")
        self.sources, self.length, self.batch, self.seed, self.epochs = tuple(sources), length, batch, seed, epochs
        self.rank, self.ranks = rank, ranks
        zeros = [0] * len(sources)
        self.state = state.copy() if state else State(epochs=[*zeros], positions=[*zeros], tokens=[*zeros])

    def __iter__(self) -> Iterator[Batch]:
        while (batch := self.next()) is not None:
            yield batch

    def next(self) -> Batch | None:
        """Return the next batch, or None where the stream has ended."""
        spans = self.plan()
        if spans is None:
            return None
        return self._filled(self.state.step, spans[self.rank :: self.ranks])

    def plan(self) -> list[list[Span]] | None:
        """Step on by one batch, and return the spans of each of its sequences."""
        sequences = [list(self._sequence()) for _ in range(self.batch)]
        taken = sum(span.stop - span.start for spans in sequences for span in spans)
        if not taken:
            return None
        self.state.step += 1
        self.state.packed += taken
        self.state.padding += self.batch * self.length - taken
        return sequences

    @property
    def carried(self) -> int:
        """Tokens of a row that was begun and not yet packed to its end."""
        return sum(self.state.tokens) - self.state.packed

    def rows_of_step(self, step: int) -> list[list[Span]]:
        """Return the spans of each sequence of a step that was made or will be. Steps count from 1."""
        again = Loader(self.sources, length=self.length, batch=self.batch, seed=self.seed, epochs=self.epochs)
        for _ in range(step - 1):
            again.plan()
        spans = again.plan() if step > 0 else None
        if spans is None:
            raise BadRecipe(f"there is no step {step}: the data give steps 1 to {again.state.step}")
        return spans

    def _sequence(self) -> Iterator[Span]:
        """Take tokens until a sequence is full or the stream ends."""
        free, state = self.length, self.state
        while free and (state.carry or self._begin_row()):
            source, start = state.carry
            row = self._order(source).row(state.positions[source] - 1)
            size = self.sources[source].size(row)
            stop = min(start + free, size)
            if stop > start:
                yield Span(source, state.epochs[source], row, start, stop)
            free -= stop - start
            state.carry = [source, stop] if stop < size else []

    def _begin_row(self) -> bool:
        """Choose the dataset that is furthest behind its share, and begin its next row; False at the end."""
        state = self.state
        behind = [done / source.weight for done, source in zip(state.tokens, self.sources, strict=True)]
        chosen = behind.index(min(behind))
        if state.positions[chosen] == self.sources[chosen].rows:
            if self.epochs is not None and state.epochs[chosen] + 1 >= self.epochs:
                return False
            state.epochs[chosen] += 1
            state.positions[chosen] = 0
        state.positions[chosen] += 1
        row = self._order(chosen).row(state.positions[chosen] - 1)
        state.tokens[chosen] += self.sources[chosen].size(row)
        state.carry = [chosen, 0]
        return True

    def _order(self, source: int) -> Order:
        read = self.sources[source]
        return Order(read.name, read.rows, self.seed, self.state.epochs[source])

    def _filled(self, step: int, sequences: list[list[Span]]) -> Batch:
        shape = (len(sequences), self.length)
        tokens, labels = np.zeros(shape, np.int64), np.full(shape, IGNORE, np.int64)
        documents = np.zeros(shape, np.int32)
        for line, spans in enumerate(sequences):
            place = 0
            for number, span in enumerate(spans):
                following = self.sources[span.source].tokens(span.row, span.start, span.stop + 1)
                size = span.stop - span.start
                tokens[line, place : place + size] = following[:size]
                labels[line, place : place + len(following) - 1] = following[1:]
                documents[line, place : place + size] = number
                place += size
            documents[line, place:] = len(spans)
        return Batch(step, torch.from_numpy(tokens), torch.from_numpy(labels), torch.from_numpy(documents))
