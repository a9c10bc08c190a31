"""From manifests of tokens to packed batches: mixes, exact packing, and a state of a few integers.

    loader = Loader(open_mix(store, {"web-tokens": 3, "code-tokens": 1}), length=512, batch=8, seed=0)
    for batch in loader: ...

A sequence is filled to its last place. What is left of a document begins the sequence at the same place of the next
batch, so that a batch holds many documents, and not one long one. Every token but the first of a document is a target
just once, also where a document was cut. Tokens read = tokens packed + tokens carried.
"""

# B sequences, T tokens

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manifests.errors import BadRecipe, BadRow
from trainer.losses import IGNORE
from trainer.mix import TokenSource
from trainer.order import Order


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

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """What a loss takes, sequence by sequence."""
        return self.tokens, self.labels, self.documents

    @property
    def targets(self) -> float:
        """How many things the loss is summed over; a step takes the mean."""
        return float((self.labels != IGNORE).sum())


@dataclass
class State:
    """Where a loader stands: integers only. For each dataset its epoch, its position there and its tokens so far."""

    step: int = 0
    epochs: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)  # rows of the epoch that were begun
    tokens: list[int] = field(default_factory=list)  # of all rows that were begun
    lanes: list[list[int]] = field(
        default_factory=list
    )  # what each sequence of a batch goes on with, or nothing: dataset, epoch, row, offset
    packed: int = 0  # tokens that went into batches
    padding: int = 0  # places that stayed empty; only a last batch has any

    def copy(self) -> "State":
        """Return a state that shares nothing with this one."""
        return State(**self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """Return plain integers and lists."""
        return {
            name: deepcopy(value) for name, value in ((name, getattr(self, name)) for name in self.__dataclass_fields__)
        }


class Loader:
    """Batches of packed sequences, in an order that depends on (manifest ids, weights, seed) alone.

    With `ranks` processes each makes its own sequences of every batch; the batch is the same for any number of them.
    `epochs` ends the stream after so many passes; it is for a single dataset. A token beyond `vocabulary` is a BadRow.
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
        vocabulary: int | None = None,
    ) -> None:
        if epochs is not None and len(sources) > 1:
            raise BadRecipe("a mix has no epochs, for its datasets end at different times; give steps instead")
        if batch % ranks:
            raise BadRecipe(f"a batch of {batch} sequences does not divide among {ranks} processes")
        self.sources, self.length, self.batch, self.seed, self.epochs = tuple(sources), length, batch, seed, epochs
        self.rank, self.ranks, self.vocabulary = rank, ranks, vocabulary
        zeros = [0] * len(sources)
        lanes: list[list[int]] = [[] for _ in range(batch)]
        self.state = state.copy() if state else State(epochs=[*zeros], positions=[*zeros], tokens=[*zeros], lanes=lanes)

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
        sequences = [list(self._sequence(lane)) for lane in range(self.batch)]
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

    def _sequence(self, lane: int) -> Iterator[Span]:
        """Take tokens until a sequence is full or the stream ends."""
        free, lanes = self.length, self.state.lanes
        while free and (held := self._held(lane)) is not None:
            source, epoch, row, start = lanes[held]
            size = self.sources[source].size(row)
            stop = min(start + free, size)
            if stop > start:
                yield Span(source, epoch, row, start, stop)
            free -= stop - start
            lanes[held] = [source, epoch, row, stop] if stop < size else []

    def _held(self, lane: int) -> int | None:
        """Return the lane to take tokens from: this one, or at the end of the data the one with most left, or None."""
        lanes = self.state.lanes
        if lanes[lane] or self._begin_row(lane):
            return lane
        left = [self.sources[held[0]].size(held[2]) - held[3] if held else 0 for held in lanes]
        return left.index(max(left)) if any(left) else None

    def _begin_row(self, lane: int) -> bool:
        """Choose the dataset that is furthest behind its share, and begin its next row; False at the end."""
        state = self.state
        behind = [done / source.weight for done, source in zip(state.tokens, self.sources, strict=True)]
        chosen = behind.index(min(behind))
        if state.positions[chosen] == self.sources[chosen].rows:
            if self.epochs is not None and state.epochs[chosen] + 1 >= self.epochs:
                return False
            state.epochs[chosen] += 1
            state.positions[chosen] = 0
        row = self._order(chosen).row(state.positions[chosen])
        state.positions[chosen] += 1
        state.tokens[chosen] += self.sources[chosen].size(row)
        state.lanes[lane] = [chosen, state.epochs[chosen], row, 0]
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
                if self.vocabulary is not None and following.max() >= self.vocabulary:
                    raise self._outside(span, int(following.max()))
                size = span.stop - span.start
                tokens[line, place : place + size] = following[:size]
                labels[line, place : place + len(following) - 1] = following[1:]
                documents[line, place : place + size] = number
                place += size
            documents[line, place:] = len(spans)
        return Batch(step, torch.from_numpy(tokens), torch.from_numpy(labels), torch.from_numpy(documents))

    def _outside(self, span: Span, token: int) -> BadRow:
        source = self.sources[span.source]
        return BadRow(
            f"row {source.id(span.row).hex()} of {source.name[:16]} holds the token {token}, the model has "
            f"{self.vocabulary:,}: it was not made by the tokenizer that its manifest names; tokenise its text again"
        )
