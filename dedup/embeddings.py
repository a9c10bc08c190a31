"""Near-duplicates by meaning: texts whose sentence embeddings are near (SemDeDup, Abbas et al. 2023).

    Recipe("web", (..., SemanticDedup()))      # after `koba models add minilm`

What is compared is the beginning of a text, as many tokens as the model reads: two long texts that begin alike are
near, however they go on. So this comes last, after `dedup.exact` and `dedup.minhash`, for texts that are short, or
where a like beginning is reason enough.

What is equal on every machine: given the stored vectors, all of the selection up to `exact_rows`. The vectors are equal
for the same model, onnxruntime (its version is in the fingerprint) and kind of processor, whatever the shards and the
number of workers; another kind adds floats in another order and, with a model that computes in int8, rounds otherwise.
Rounded to 16 bits they differ in few last digits, which can move a pair just at the threshold.
"""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from dedup.columns import binaries, texts
from manifests import artifact
from manifests.errors import BadRecipe, BadSource
from manifests.objects import is_digest
from manifests.stage import Map, Rule, Selected, Selection, Side, below, describe
from manifests.store import Store

if TYPE_CHECKING:
    from manifests.view import View

MODEL, TOKENIZER = "model.onnx", "tokenizer.json"
POOLINGS = ("mean", "cls")


@dataclass(frozen=True, slots=True)
class Embeddings(Side):
    """For each document its id, its vector (little-endian float16, of length one) and whether the text was `cut`.

    A text of which the model knows less than half of the tokens has no vector: all its numbers are 0. Texts that are
    equal are read once in a shard.
    """

    columns: ClassVar[tuple[str, ...]] = ("id", "text")
    libraries: ClassVar[tuple[str, ...]] = ("onnxruntime", "tokenizers")

    model: str  # digest of the ONNX file
    tokenizer: str  # digest of tokenizer.json
    max_tokens: int = 256  # that are read of a text, special tokens with them
    pooling: str = "mean"  # of the states of all tokens; or "cls": the state of the first
    store: Store | None = field(default=None, compare=False, repr=False)  # where the files are; no part of the identity

    def describe(self) -> dict[str, Any]:
        return _without_store(describe(self))

    def __call__(self, shard: pa.Table) -> pa.Table:
        from manifests.sentence_model import opened  # noqa: PLC0415  (a recipe is read without onnxruntime)

        if self.store is None:
            raise BadRecipe("Embeddings is called outside a store; `run` resolves SemanticDedup and gives one")
        model = opened(self.store, self.model, self.tokenizer, self.max_tokens, self.pooling)
        column = texts(shard, "semantic").dictionary_encode()
        read = [model.read(text) for text in column.dictionary.to_pylist()]
        vectors = np.zeros((len(read), model.dimensions), np.dtype("<f2"))
        for row, sentence in enumerate(read):
            if sentence.vector is not None:
                vectors[row] = sentence.vector
        of_text = column.indices.to_numpy()
        cut = np.array([sentence.cut for sentence in read], np.bool_)
        return pa.table({"id": shard.column("id"), "vector": binaries(vectors[of_text]), "cut": cut[of_text]})


@dataclass(frozen=True, slots=True)
class SemanticDedup(Selection):
    """Of documents whose embeddings are near, keep one at random; drop the others as `semantic/near_duplicate`.

    In an order of chance, each row that is still there stays and drops all whose vector has a cosine of at least
    `threshold` with its own, as computed from the stored vectors: each dropped row is near the one that stays.
    Rows whose text the model does not know stay. What is below 0.95 is mostly about the same thing, not the same.

    Raises BadRecipe where the numbers do not fit each other or rows are no documents, NotFound where there is no model.
    """

    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = ("faiss-cpu",)  # k-means

    model: str = "models/minilm"  # of the store, with model.onnx and tokenizer.json; resolved: the first one's digest
    threshold: float = 0.95  # cosine; 1 - epsilon of the paper
    max_tokens: int = 256  # that are read of a text; what all-MiniLM-L6-v2 was trained for
    pooling: str = "mean"  # of the states of all tokens; or "cls": the state of the first. A model is made for one
    exact_rows: int = 30_000  # different vectors: up to here each is compared with each, beyond within cells of k-means
    visited: int = 8  # cells that a vector is compared in, of 4 * sqrt(rows)
    languages: tuple[str, ...] = ("en",)  # that the model knows: a note says where most rows are in others
    seed: int = 0  # for which row stays, and for k-means
    tokenizer: str = ""  # the digest of its file, once resolved
    name: str = ""  # what people call the model
    store: Store | None = field(default=None, compare=False, repr=False)  # where its files are; no part of the identity

    def __post_init__(self) -> None:
        for number in ("max_tokens", "visited"):
            if getattr(self, number) < 1:
                raise BadRecipe(f"semantic: {number} is {getattr(self, number)}; expected at least 1")
        if not 0 < self.threshold <= 1:
            raise BadRecipe(f"semantic: threshold is {self.threshold}; expected more than 0 and at most 1")
        if self.pooling not in POOLINGS:
            raise BadRecipe(f"semantic: pooling is {self.pooling!r}; expected one of {', '.join(POOLINGS)}")

    def resolve(self, store: Store) -> "SemanticDedup":
        """Return this selection with the digests of the model's files. Raises NotFound, BadSource."""
        if is_digest(self.tokenizer):
            return self
        files = {file.name: file.digest for file in artifact.resolve(store, self.model).files}
        if not {MODEL, TOKENIZER} <= files.keys():
            raise BadSource(
                f"{self.model}: expected a sentence model with {MODEL} and {TOKENIZER}, found "
                f"{', '.join(files):.200}; `koba models add minilm` brings one"
            )
        return replace(self, model=files[MODEL], tokenizer=files[TOKENIZER], name=self.model, store=store)

    def rules(self) -> tuple[Rule, ...]:
        return below("semantic/near_duplicate", "semantic/cosine", self.threshold)

    def describe(self) -> dict[str, Any]:
        return _without_store(describe(self)) | {"side": self.side}

    @property
    def side(self) -> Embeddings:
        """The vectors that it compares."""
        return Embeddings(self.model, self.tokenizer, self.max_tokens, self.pooling, self.store)

    def select(self, view: "View", map: Map) -> Selected:
        from dedup.semantic import semantic_duplicates  # noqa: PLC0415  (a recipe is read without faiss)

        return semantic_duplicates(self, view, map)


def _without_store(described: dict[str, Any]) -> dict[str, Any]:
    return described | {"fields": {name: value for name, value in described["fields"].items() if name != "store"}}
