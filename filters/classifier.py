"""A trained classifier as a store holds it: what it says of a text, by fastText or by a head on embeddings.

    model.fasttext | head.safetensors, model.onnx, tokenizer.json     what was learned
    config.json                                                       what decides, beside that: `Config`
    evaluation.json                                                   how it did on texts that were held out

The score of a text is one number. Points: the expected value, the sum of points times probability (Swallow Corpus v2),
or the regression's; an integer of it is FineWeb-Edu's `round(clip(score, 0, 5))`. Of two classes: the probability of
the positive one. Of several: that of the likeliest, whose name is the label.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from filters.classifier_config import HEAD, Config, encoder_digest, read_config
from filters.fasttext_model import FastText
from filters.fasttext_training import opened as opened_fasttext
from filters.head import Head, read_head
from filters.token_line import line_of
from manifests.errors import BadSource
from manifests.manifest import FILE_SUFFIX
from manifests.model_folder import CONFIG, FASTTEXT, ONNX
from manifests.store import Store

EVALUATION, TOKENIZER = "evaluation.json", "tokenizer.json"
Floats = NDArray[np.float64]


class Judgement(msgspec.Struct, frozen=True):
    """What a classifier says of some texts; each array has a value a text."""

    scores: Floats
    classes: NDArray[np.int64]  # the likeliest class; of points the rounded score


class Model(Protocol):
    """What was learned: numbers for texts."""

    def read(self, texts: Sequence[str]) -> tuple[Floats, NDArray[np.bool_]]:
        """Return a row of probabilities for each text, or of one column with points; and which texts it can read."""


@dataclass(frozen=True, slots=True)
class FastTextModel:
    """fastText on the lines of texts."""

    model: FastText
    config: Config

    def read(self, texts: Sequence[str]) -> tuple[Floats, NDArray[np.bool_]]:
        """Return probabilities; a text without a token cannot be read."""
        lines = [line_of(text, self.config.reads, self.config.max_chars) for text in texts]
        known = np.array([not line.isspace() for line in lines], np.bool_)
        return self.model.probabilities(lines, len(self.config.classes)), known


class Encoder(Protocol):
    """What makes vectors of texts: `manifests.sentence_model`."""

    dimensions: int

    def read(self, text: str) -> "Encoded":
        """Return the vector of a text, None for one that it does not know."""


class Encoded(Protocol):
    """A vector of length one, or none."""

    @property
    def vector(self) -> NDArray[np.float32] | None:
        """None: too few tokens are known."""


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """A head on the embeddings of texts."""

    head: Head
    encoder: Encoder
    config: Config

    def read(self, texts: Sequence[str]) -> tuple[Floats, NDArray[np.bool_]]:
        """Return points or probabilities; a text whose tokens the encoder does not know cannot be read."""
        vectors, known = embedded(self.encoder, texts, self.config.max_chars)
        return applied(self.head, vectors, self.config), known


def embedded(encoder: Encoder, texts: Sequence[str], max_chars: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the vector of each text, zeros where the encoder knows too little of it, and where it does."""
    vectors = np.zeros((len(texts), encoder.dimensions))
    known = np.zeros(len(texts), np.bool_)
    for place, text in enumerate(texts):
        vector = encoder.read(text[:max_chars]).vector
        if vector is not None:
            vectors[place], known[place] = vector, True
    return vectors, known


def applied(head: Head, vectors: Floats, config: Config) -> Floats:
    """Return what a head says of vectors, as `Model.read` does."""
    return head(vectors) if config.target == "points" else head.probabilities(vectors)


def judged(found: Floats, config: Config) -> Judgement:
    """Return scores and classes for what a model read."""
    if config.target == "points":
        scores = found[:, 0] if found.shape[1] == 1 else expected_points(found)
        scores = np.clip(scores, 0, config.most)
        return Judgement(scores, integer_points(scores, config.most))
    if config.target == "choice":
        place = config.classes.index(config.positive)
        scores = found[:, place]
        return Judgement(scores, np.where(scores >= config.threshold, place, 1 - place))
    return Judgement(found.max(axis=1), found.argmax(axis=1))


def expected_points(probabilities: Floats) -> Floats:
    """Return the sum of points times their probability (Swallow Corpus v2).

    >>> expected_points(np.array([[0.1, 0.2, 0.3, 0.4]])).round(4)
    array([2.])
    """
    points = np.arange(probabilities.shape[1], dtype=np.float64)
    found: Floats = np.einsum("nk,k->n", probabilities, points)
    return found


def integer_points(scores: Floats, most: int = 5) -> NDArray[np.int64]:
    """Return round(clip(score, 0, most)) (FineWeb-Edu).

    >>> integer_points(np.array([2.49, 2.51, -0.3, 6.1]))
    array([2, 3, 0, 5])
    """
    return np.rint(np.clip(scores, 0, most)).astype(np.int64)


@lru_cache(maxsize=8)
def opened(store: Store, files: tuple[tuple[str, str], ...]) -> tuple[Model, Config]:
    """Return the classifier whose files a store has by these digests, opened once in each process.

    Raises NotFound, Damaged, BadSource.
    """
    digests: Mapping[str, str] = dict(files)
    config = read_config(store.get(digests[CONFIG], FILE_SUFFIX), "classifier")
    if config.kind == "fasttext":
        model = opened_fasttext(store.get(digests[FASTTEXT], FILE_SUFFIX), len(config.classes))
        return FastTextModel(model, config), config
    if config.encoder != encoder_digest(digests[ONNX], digests[TOKENIZER]):
        raise BadSource(
            f"classifier {config.name}: its encoder is another one than it learned with; it is damaged: train it again"
        )
    columns = 1 if config.target == "points" else len(config.classes)
    head = read_head(store.get(digests[HEAD], FILE_SUFFIX), columns)
    encoder = opened_encoder(store, digests, config)
    if len(head.weights) != encoder.dimensions:
        raise BadSource(
            f"classifier {config.name}: its head has {len(head.weights)} rows, its encoder {encoder.dimensions} "
            "dimensions; it is damaged: train it again"
        )
    return EmbeddingModel(head, encoder, config), config


def opened_encoder(store: Store, digests: Mapping[str, str], config: Config) -> Encoder:
    """Return the sentence model of a classifier."""
    from manifests.sentence_model import opened as opened_sentences  # noqa: PLC0415 - most classifiers need no onnx

    return opened_sentences(store, digests[ONNX], digests[TOKENIZER], config.max_tokens, config.pooling)
