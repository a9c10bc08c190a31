"""Conversations and preferences as a model learns from them: tokens with a loss mask, and whole ones in each sequence.

    examples = read_examples(store, ["instruct"], tokenizer, chat_format(tokenizer), length=512)
    batches = ExampleBatches(examples, length=512, batch=8, seed=0, epochs=2)

Nothing is cut: an example longer than a sequence is left out, and counted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from manifests import canonical
from manifests.chat import ChatFormat
from manifests.errors import BadRecipe, BadSource
from manifests.rows import Conversation, Preference
from manifests.store import Store
from manifests.tokens import Tokenizer
from manifests.view import View
from trainer.data import Batch, Span, State
from trainer.losses import IGNORE
from trainer.order import Array, Order
from trainer.prepare import BEGINS

GAP = "preferences/gap"  # the score of a preference: reward of the chosen reply less that of the rejected one
TURN = "<|im_start|>"  # separates turns for a tokenizer without PLaMo's


@dataclass(frozen=True, slots=True)
class Text:
    """Tokens, and which of them are to be learnt."""

    ids: Array
    learnt: Array

    @property
    def labels(self) -> Array:
        """The token that follows, where it is to be learnt."""
        following = np.where(self.learnt[1:], self.ids[1:], IGNORE)
        return np.append(following, IGNORE)


@dataclass(frozen=True)
class Examples:
    """What is learnt from: one text for each conversation, two for each preference, the chosen one first."""

    name: str  # over the manifests: the key of their order
    rows: tuple[bytes, ...]
    texts: tuple[tuple[Text, ...], ...]
    gaps: Array  # of rewards; not a number where there are none
    left_out: int  # longer than a sequence, or with nothing to be learnt

    def id(self, row: int) -> bytes:
        """Return the id of a row."""
        return self.rows[row]

    def size(self, row: int) -> int:
        """Return the tokens of an example."""
        return sum(len(text.ids) for text in self.texts[row])


def chat_format(tokenizer: Tokenizer) -> ChatFormat:
    """Return how messages are written for a tokenizer: PLaMo's separator, or `<|im_start|>`. Raises BadRecipe."""
    plamo = ChatFormat()
    if {plamo.first, plamo.separator} <= set(tokenizer.specials):
        return plamo
    first = next((token for token in BEGINS if token in tokenizer.specials), None)
    if first is None or TURN not in tokenizer.specials:
        raise BadRecipe(
            f"tokenizer {tokenizer.digest[:16]} has the special tokens {', '.join(tokenizer.specials)}; for "
            f"conversations it needs {plamo.first} and {plamo.separator}, or {BEGINS[0]} and {TURN}"
        )
    return ChatFormat(first, TURN)


def read_examples(
    store: Store, manifests: Sequence[str], tokenizer: Tokenizer, written: ChatFormat, length: int
) -> Examples:
    """Read datasets of one kind, conversations or preferences, by name or id. Raises BadSource, BadRow."""
    found = [store.manifest(name) for name in manifests]
    kinds = sorted({manifest.kind for manifest in found})
    if kinds not in (["conversation"], ["preference"]):
        raise BadSource(
            f"{', '.join(manifests)}: rows of kind {', '.join(kinds)}; expected conversations, or preferences"
        )
    rows, texts, gaps, left_out = [], [], [], 0
    for row in (row for manifest in found for row in View(store, manifest)):
        made = tuple(_texts(row, tokenizer, written))
        if sum(len(text.ids) for text in made) > length or not all(text.learnt.any() for text in made):
            left_out += 1
            continue
        rows.append(row.id)
        texts.append(made)
        gaps.append(row.scores.get(GAP, np.nan))
    if not rows:
        raise BadSource(f"{', '.join(manifests)}: none of {left_out} rows has a reply and fits into {length} tokens")
    name = canonical.digest({"examples": [manifest.id for manifest in found], "rows": len(rows), "length": length})
    return Examples(name, tuple(rows), tuple(texts), np.array(gaps), left_out)


def _texts(row: object, tokenizer: Tokenizer, written: ChatFormat) -> Iterator[Text]:
    if isinstance(row, Conversation):
        turns = written.encode(row.messages, tokenizer)
        yield Text(np.array(turns.input_ids), np.array(turns.loss_mask))
    if isinstance(row, Preference):
        before = len(written.encode(row.prompt, tokenizer).input_ids)
        for reply in (row.chosen, row.rejected):
            turns = written.encode((*row.prompt, *reply), tokenizer)
            learnt = np.array(turns.loss_mask)
            learnt[:before] = False  # what the assistant said before is asked about, not weighed
            yield Text(np.array(turns.input_ids), learnt)


class ExampleBatches:
    """Batches of whole examples, in an order that depends on (manifests, seed) alone.

    A sequence takes examples while they fit. `epochs` ends the stream after so many passes; without, it has no end.
    """

    def __init__(
        self, examples: Examples, *, length: int, batch: int, seed: int, epochs: int | None = None,
        state: State | None = None, rank: int = 0, ranks: int = 1,
    ) -> None:  # fmt: skip
        if batch % ranks:
            raise BadRecipe(f"a batch of {batch} sequences does not divide among {ranks} processes")
        self.examples, self.length, self.batch, self.seed, self.epochs = examples, length, batch, seed, epochs
        self.rank, self.ranks = rank, ranks
        self.state = state.copy() if state else State(epochs=[0], positions=[0], tokens=[0])

    @property
    def sources(self) -> tuple[Examples]:
        """What the spans of a step are parts of."""
        return (self.examples,)

    def next(self) -> Batch | None:
        """Return the next batch, or None where the stream has ended."""
        lines = self.plan()
        return None if lines is None else self.filled(self.state.step, lines[self.rank :: self.ranks])

    def plan(self) -> list[list[Span]] | None:
        """Step on by one batch, and return the examples of each of its sequences."""
        lines = [self._line() for _ in range(self.batch)]
        taken = sum(span.stop for line in lines for span in line)
        if not taken:
            return None
        self.state.step += 1
        self.state.packed += taken
        self.state.tokens[0] += taken
        self.state.padding += self.batch * self.length - taken
        return lines

    def rows_of_step(self, step: int) -> list[list[Span]]:
        """Return the examples of each sequence of a step that was made or will be. Steps count from 1."""
        again = type(self)(self.examples, length=self.length, batch=self.batch, seed=self.seed, epochs=self.epochs)
        plans = [again.plan() for _ in range(step)]
        if not plans or plans[-1] is None:
            raise BadRecipe(f"there is no step {step}: the data give steps 1 to {again.state.step}")
        return plans[-1]

    def filled(self, step: int, lines: list[list[Span]]) -> Batch:
        """Return a batch of these examples; each of their texts is a document."""
        shape = (len(lines), self.length)
        tokens, labels = np.zeros(shape, np.int64), np.full(shape, IGNORE, np.int64)
        documents = np.zeros(shape, np.int32)
        for line, spans in enumerate(lines):
            place, number = 0, 0
            for text in [text for span in spans for text in self.examples.texts[span.row]]:
                there = slice(place, place + len(text.ids))
                tokens[line, there], labels[line, there], documents[line, there] = text.ids, text.labels, number
                place, number = there.stop, number + 1
            documents[line, place:] = number
        return Batch(step, torch.from_numpy(tokens), torch.from_numpy(labels), torch.from_numpy(documents))

    def _line(self) -> list[Span]:
        state, line, free = self.state, list[Span](), self.length
        if state.positions[0] == len(self.examples.rows) and (self.epochs is None or state.epochs[0] + 1 < self.epochs):
            state.epochs[0] += 1
            state.positions[0] = 0
        order = Order(self.examples.name, len(self.examples.rows), self.seed, state.epochs[0])
        while state.positions[0] < len(self.examples.rows):
            row = order.row(state.positions[0])
            size = self.examples.size(row)
            if size > free:
                break
            line.append(Span(0, state.epochs[0], row, 0, size))
            free -= size
            state.positions[0] += 1
        return line
