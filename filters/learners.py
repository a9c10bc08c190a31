"""The two ways to learn from texts: fastText, and a head on the embeddings of a sentence model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from filters.classifier import Encoder, applied, embedded
from filters.classifier_config import HEAD, Config
from filters.fasttext_training import Settings, opened, train
from filters.head import Head, discriminant, regression
from filters.token_line import line_of
from manifests.model_folder import FASTTEXT

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Places = NDArray[np.intp]


class Fitted(Protocol):
    """What was learned from some of the inputs."""

    def predict(self, places: Places) -> Floats:
        """Return probabilities, or one column with points, for inputs at some places."""

    def files(self) -> dict[str, bytes]:
        """Return the files that an artifact needs beside its configuration."""


class Learner(Protocol):
    """A way to learn, which has read all texts."""

    known: NDArray[np.bool_]  # which texts it can read

    def fit(self, truth: Integers, parts: Sequence[Places]) -> list[Fitted]:
        """Learn from each of several parts of the texts apart."""

    def settings(self) -> dict[str, Any]:
        """Return all literals of the way, for the record."""


class FastTextLearner:
    """fastText on lines of tokens."""

    def __init__(self, texts: Sequence[str], config: Config, settings: Settings) -> None:
        self._config, self._settings = config, settings
        self._lines = [line_of(text, config.reads, config.max_chars) for text in texts]
        self.known = np.array([not line.isspace() for line in self._lines], np.bool_)

    def fit(self, truth: Integers, parts: Sequence[Places]) -> list[Fitted]:
        """Learn from each part, all in one process. Raises BadRecipe where the loss becomes no number."""
        models = train(self._lines, truth, parts, self._settings)
        return [_FittedFastText(model, self._lines, len(self._config.classes)) for model in models]

    def settings(self) -> dict[str, Any]:
        return {name: getattr(self._settings, name) for name in Settings.__slots__}


@dataclass(frozen=True, slots=True)
class _FittedFastText:
    data: bytes
    lines: Sequence[bytes]
    classes: int

    def predict(self, places: Places) -> Floats:
        return opened(self.data, self.classes).probabilities([self.lines[place] for place in places], self.classes)

    def files(self) -> dict[str, bytes]:
        return {FASTTEXT: self.data}


class HeadLearner:
    """A head on embeddings, each of which is computed once."""

    def __init__(self, texts: Sequence[str], config: Config, encoder: Encoder) -> None:
        self._config = config
        self._vectors, self.known = embedded(encoder, texts, config.max_chars)

    def fit(self, truth: Integers, parts: Sequence[Places]) -> list[Fitted]:
        """Learn from each part."""
        return [
            _FittedHead(self._head(self._vectors[part], truth[part]), self._vectors, self._config) for part in parts
        ]

    def settings(self) -> dict[str, Any]:
        return {"max_tokens": self._config.max_tokens, "pooling": self._config.pooling}

    def _head(self, vectors: Floats, truth: Integers) -> Head:
        if self._config.target == "points":
            return regression(vectors, truth.astype(np.float64))
        return discriminant(vectors, truth, len(self._config.classes))


@dataclass(frozen=True, slots=True)
class _FittedHead:
    head: Head
    vectors: Floats
    config: Config

    def predict(self, places: Places) -> Floats:
        return applied(self.head, self.vectors[places], self.config)

    def files(self) -> dict[str, bytes]:
        return {HEAD: self.head.to_bytes()}
