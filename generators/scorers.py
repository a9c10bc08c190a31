"""Scores by which one candidate of several is chosen.

    Scored(MetricX("models/metricx")), Best("metricx/errors", lowest=True)

metricx/errors        MetricX-24 without a reference: errors, 0 to 25, the lowest wins
comet/quality         CometKiwi: quality, about 0 to 1, the highest wins
round_trip/chrf       translated back by the same model: chrF with the source, 0 to 100, see `generators.round_trip`
generate/mean_logprob what the model that wrote it thinks of each token: needs no second model, and favours the dull

The first two read the source, which `generators.segments` leaves on each candidate, and are steps of their own: their
scores are stored before anything is chosen by them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import ClassVar, Protocol

from generators.candidates import sets
from generators.segments import SOURCE
from generators.weights import Model, find_model
from manifests.errors import BadRecipe
from manifests.rows import Document
from manifests.stage import Stage
from manifests.store import Store
from manifests.used import Used

_OPENING = Lock()


class Reader(Protocol):
    """A loaded metric."""

    def scores(self, source: str, candidates: Sequence[str]) -> list[float]:
        """Return the score of each candidate as a translation of a source."""


class Scorer(Protocol):
    """What puts a number on a translation: a frozen dataclass of literals that names its model."""

    measure: ClassVar[str]  # the name of the score

    @property
    def model(self) -> str | Model:
        """A ref; `run` puts the digests of what it finds there in the fingerprint."""

    def open(self, folder: Path) -> Reader:
        """Load the metric from the files of its model. Raises BadSource."""


@dataclass(frozen=True, slots=True)
class MetricX:
    """MetricX-24: the lowest wins."""

    measure: ClassVar[str] = "metricx/errors"

    model: str | Model = "models/metricx"

    def open(self, folder: Path) -> Reader:
        """Load it."""
        from generators.metricx import opened  # noqa: PLC0415 - a recipe is read without torch

        return opened(folder)


@dataclass(frozen=True, slots=True)
class Comet:
    """CometKiwi: the highest wins."""

    measure: ClassVar[str] = "comet/quality"

    model: str | Model = "models/comet-kiwi"

    def open(self, folder: Path) -> Reader:
        """Load it."""
        from generators.comet_kiwi import opened  # noqa: PLC0415 - as above

        return opened(folder)


@dataclass(frozen=True, slots=True)
class Scored(Stage):
    """Put a metric's score on every candidate that knows its source. All candidates of a set are read together."""

    dear: ClassVar[bool] = True
    libraries: ClassVar[tuple[str, ...]] = ("torch", "transformers", "tokenizers")

    scorer: Scorer

    def resolve(self, store: Store) -> "Scored":
        model = self.scorer.model
        found = find_model(model, store) if isinstance(model, str) else model
        return replace(self, scorer=replace(self.scorer, model=found))  # type: ignore[type-var] # a dataclass

    def used(self) -> Used:
        return Used({self._model.name: self._model.manifest or self._model.weights})

    @property
    def title(self) -> str:
        """What it scores with."""
        return type(self.scorer).__name__

    @property
    def _model(self) -> Model:
        if isinstance(self.scorer.model, str):
            raise BadRecipe(
                f"Scored: {self.scorer.model!r} has no fingerprint; resolve it first: recipe.resolve(store)"
            )
        return self.scorer.model

    def __call__(self, rows: Iterable[Document]) -> Iterator[Document]:
        reader: Reader | None = None
        for candidates in sets(rows):
            sources = [row.labels.get(SOURCE) for row in candidates]
            source = sources[0]
            if source is None or any(one != source for one in sources):
                raise BadRecipe(
                    f"{self.title}: row {candidates[0].hex} does not say what it translates; split with Segments"
                )
            reader = reader or self._opened()
            found = reader.scores(source, [row.text for row in candidates])
            for row, score in zip(candidates, found, strict=True):
                yield row.replace(scores={**row.scores, self.scorer.measure: score})

    def _opened(self) -> Reader:
        with _OPENING:  # units are threads of one process
            return self.scorer.open(self._model.folder())
