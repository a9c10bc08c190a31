"""What a trained classifier says of a text, and rules on it.

    Classified("models/education", min_points=3)          # FineWeb-Edu: round(score) >= 3
    Classified("models/liberal-arts", min_score=1.5)      # Swallow Corpus v2
    Classified("models/topic")                            # measured only: selections choose by the score

The score becomes `classifier/NAME` among a row's scores, the points or the likeliest class a label of that name. Rows
in languages that the classifier did not learn from, and texts that it cannot read, are not measured and stay.

classifier/low_points_NAME   fewer points than asked for, rounded
classifier/low_score_NAME    a lower score than asked for
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version as library_version
from itertools import islice
from typing import Any

from filters.classifier import Judgement, judged, opened
from filters.classifier_config import Config, config_of
from manifests import artifact
from manifests.errors import BadRecipe
from manifests.manifest import Manifest
from manifests.objects import is_digest
from manifests.rows import Document, Row
from manifests.stage import Kept, Rejected, Rule, Stage, Values, at_least, describe, judge
from manifests.store import Store
from manifests.used import Used

BATCH = 256  # texts that fastText is asked about at once
LIBRARIES = {"fasttext": (), "embedding": ("onnxruntime", "tokenizers")}


@dataclass(frozen=True, slots=True)
class Classified(Stage):
    """Measure texts with a classifier of the store, and keep those that reach its thresholds."""

    model: str  # of the store; resolved: the digest of its weights and configuration
    min_points: int | None = None  # of the rounded score, where the classes are points
    min_score: float | None = None
    # Known once it is resolved, and no part of the identity: `model` stands for all of it.
    ref: str = field(default="", compare=False)
    manifest: str = field(default="", compare=False)
    config: Config | None = field(default=None, compare=False, repr=False)
    files: tuple[tuple[str, str], ...] = field(default=(), compare=False, repr=False)
    store: Store | None = field(default=None, compare=False, repr=False)

    @property
    def title(self) -> str:
        """What it measures."""
        return f"Classified ({self.name})"

    @property
    def name(self) -> str:
        """The classifier's own name; before it is resolved, the last part of its ref."""
        return self.config.name if self.config else self.model.rpartition("/")[2].partition("@")[0]

    @property
    def dear(self) -> bool:  # type: ignore[override] # embeddings take milliseconds a text, fastText does not
        """Whether later steps should start from the scores."""
        return self.config is not None and self.config.kind == "embedding"

    def resolve(self, store: Store) -> "Classified":
        """Return this stage with the digest of its model. Raises NotFound, BadSource, and BadRecipe for another one."""
        if is_digest(self.model) and self.config:
            return self
        manifest = artifact.resolve(store, self.model)
        config = config_of(store, manifest, self.model)
        if self.min_points is not None and config.target != "points":
            raise BadRecipe(
                f"{self.model}: min_points is {self.min_points}, but it tells {', '.join(config.classes):.120}; give "
                "min_score, a probability"
            )
        top = config.most or 1
        for what, least in (("min_points", self.min_points), ("min_score", self.min_score)):
            if least is not None and not 0 <= least <= top:
                raise BadRecipe(f"{self.model}: {what} is {least}; its scores go from 0 to {top}")
        files = tuple((file.name, file.digest) for file in manifest.files)
        found = replace(self, ref=self.model, manifest=manifest.id, config=config, files=files)
        return replace(found, model=_weights(manifest))

    def within(self, store: Store) -> "Classified":
        return replace(self, store=store)

    def used(self) -> Used:
        return Used({self.ref: self.manifest})

    def rules(self) -> tuple[Rule, ...]:
        measure = f"classifier/{self.name}"
        return at_least(f"classifier/low_points_{self.name}", f"{measure}_points", self.min_points) + at_least(
            f"classifier/low_score_{self.name}", measure, self.min_score
        )

    def describe(self) -> dict[str, Any]:
        """Return what decides: digest and thresholds. Raises BadRecipe before it is resolved."""
        described = describe(self)
        fields = {name: described["fields"][name] for name in ("model", "min_points", "min_score")}
        libraries = {name: library_version(name) for name in LIBRARIES[self._config.kind]}
        return described | {"fields": fields, "libraries": libraries}

    def __call__(self, rows: Iterable[Document]) -> Iterator[Row | Kept | Rejected]:
        if self.store is None:
            raise BadRecipe(f"{self.title} is called outside a store; `run` gives it one")
        model, config = opened(self.store, self.files)
        rules = self.rules()
        waiting = iter(rows)
        while batch := list(islice(waiting, BATCH)):
            measured = [row for row in batch if not config.languages or row.language in {None, *config.languages}]
            found, known = model.read([row.text for row in measured])
            judgement = judged(found, config)
            said = {id(row): place for place, row in enumerate(measured) if known[place]}
            for row in batch:
                place = said.get(id(row))
                marked, values = (row, nothing(config)) if place is None else told(row, judgement, place, config)
                yield judge(marked, values, rules)

    @property
    def _config(self) -> Config:
        if self.config is None:
            raise BadRecipe(f"Classified: {self.model!r} has no fingerprint; resolve it first: recipe.resolve(store)")
        return self.config


def told(row: Document, judgement: Judgement, place: int, config: Config) -> tuple[Document, Values]:
    """Return a row with its score and class, and the values for the ledger."""
    score, one = round(float(judgement.scores[place]), 4), int(judgement.classes[place])
    label = config.classes[one]
    values: dict[str, float | None] = {config.measure: score}
    if config.target == "points":
        values[f"{config.measure}_points"] = float(one)
    marked = row.replace(scores={**row.scores, config.measure: score}, labels={**row.labels, config.measure: label})
    return marked, values


def nothing(config: Config) -> Values:
    """Return the values of a row that is not measured."""
    names: Sequence[str] = (config.measure, f"{config.measure}_points")
    return dict.fromkeys(names[: 2 if config.target == "points" else 1])


def _weights(manifest: Manifest) -> str:
    """Return the digest of what decides. `artifact.resolve` gives no manifest without files."""
    if manifest.artifact is None or manifest.artifact.weights is None:
        raise BadRecipe(f"model {manifest.id[:16]}: it has no weights; train one with `koba classifier train`")
    return manifest.artifact.weights
