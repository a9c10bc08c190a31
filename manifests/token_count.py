"""How many tokens a text has, by a named tokenizer: a budget of tokens is planned and compared in these.

    Recipe("web", (..., CountTokens("models/smollm2")))

The step stands last: a row whose text is changed later has no count any more.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from manifests.errors import BadRecipe
from manifests.manifest import Manifest
from manifests.objects import is_digest
from manifests.rows import Conversation, Document, Row
from manifests.stage import Stage, describe
from manifests.store import Store
from manifests.tokenizer_choice import chosen_tokenizer
from manifests.tokens import BATCH_ROWS, Tokenize, load_tokenizer, texts_of


@dataclass(frozen=True, slots=True)
class CountTokens(Stage):
    """Sets `token_count` of documents and conversations. No special tokens are counted.

    A conversation is counted message by message, each with its role before it, as ChatML writes it.
    """

    libraries: ClassVar[tuple[str, ...]] = ("sentencepiece", "tokenizers")

    tokenizer: str  # a model of the store, a file, or (once resolved) the digest of the tokenizer's file
    name: str = ""  # what people call it [default: the model or the file]; the manifest has it beside the digest
    store: Store | None = field(default=None, compare=False, repr=False)  # where that file is; no part of the identity

    def describe(self) -> dict[str, Any]:
        described = describe(self)
        return described | {"fields": {name: value for name, value in described["fields"].items() if name != "store"}}

    def resolve(self, store: Store) -> "CountTokens":
        """Return this stage with the digest of the tokenizer, which is stored. Raises NotFound, BadSource."""
        if self.store is not None and is_digest(self.tokenizer):
            return self
        name = self.name or ("" if is_digest(self.tokenizer) else _name(self.tokenizer))
        return replace(self, tokenizer=chosen_tokenizer(store, self.tokenizer), name=name, store=store)

    def within(self, store: Store) -> "CountTokens":
        """Return this stage with the store that has the tokenizer: in a preview that is not where the rows go."""
        return self if self.store is not None else replace(self, store=store)

    def __call__(self, rows: Iterable[Document | Conversation]) -> Iterator[Row]:
        if self.store is None:
            raise BadRecipe(
                f"CountTokens({self.tokenizer!r}) is called outside a store; `run` resolves it and gives one"
            )
        tokenizer = load_tokenizer(self.store, self.tokenizer)
        remaining = iter(rows)
        while batch := list(islice(remaining, BATCH_ROWS)):
            texts = [texts_of(row) for row in batch]
            lengths = map(len, tokenizer.encode_batch([text for its in texts for text in its]))
            for row, its in zip(batch, texts, strict=True):
                tokens = sum(islice(lengths, len(its)))
                yield row if row.token_count == tokens else row.replace(token_count=tokens)


@dataclass(frozen=True, slots=True)
class Counted:
    """By which tokenizer the rows of a dataset were counted."""

    tokenizer: str  # its digest
    name: str  # "" where only the digest is known
    changed: int  # rows that later steps changed or made: these have no count

    def __str__(self) -> str:
        told = self.name or f"tokenizer {self.tokenizer[:12]}"
        return f"{told}; {self.changed:,} rows were changed after the count" if self.changed else told


def counted(parts: Sequence[Manifest]) -> Counted | None:
    """Return what counted the tokens of a dataset whose recipe made these manifests, in order; None: no step did."""
    found = None
    for step in [step for part in parts for step in part.steps]:
        its = _fields(step.describe)
        if "tokenizer" in its:
            found = Counted(str(its["tokenizer"]), str(its.get("name", "")), 0)
        elif found:
            found = replace(found, changed=found.changed + step.altered + step.derived)
    return found


def _fields(described: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a step that counts, or of one inside it (`Only`); nothing for any other step."""
    fields: dict[str, Any] = described.get("fields", {})
    if described.get("stage") in {CountTokens.__name__, Tokenize.__name__}:
        return fields
    inner = fields.get("stage")
    return _fields(inner) if isinstance(inner, dict) else {}


def _name(given: str) -> str:
    """Return what a manifest calls a tokenizer: its ref, or the name of its file, never where that lies."""
    return Path(given).name if Path(given).is_file() else given
