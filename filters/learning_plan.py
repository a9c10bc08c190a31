"""What there is to learn from labelled texts: points, a choice of two or one of several names, and from where on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any, Literal, TypeAlias

import msgspec

from filters.classifier_config import Config
from filters.fasttext_training import Settings
from filters.labelled import Labelled
from filters.token_line import Reads
from manifests.errors import BadRecipe

Kind: TypeAlias = Literal["fasttext", "embedding"]
LEAST = 5  # texts on each side of a threshold, or of each name: figures on fewer say nothing
LEAST_SHARE = 0.05  # of the texts that are in a language for it to be one that was learned
MOST_POINTS = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """How to learn: every literal that decides."""

    name: str  # what is measured: the score is classifier/NAME
    kind: Kind = "fasttext"
    threshold: float | None = None  # points, or the probability of the positive class; None: over the middle
    positive: str = ""  # of two classes; "": "yes", where that is one of them
    reads: Reads = "text"
    max_chars: int = 3_000  # of a text; what `generators.annotate` shows to the model that labels
    folds: int = 5
    seed: int = 0
    encoder: str = "models/minilm"  # of the store, for embeddings
    max_tokens: int = 256  # that it reads
    fasttext: Settings = field(default_factory=Settings)
    licence: str | None = None  # None: those of the labelled rows, and the encoder's


def config_for(labelled: Labelled, plan: Plan) -> tuple[Labelled, Config]:
    """Return what there is to learn: the classes, without those that are too rare, and where the threshold is."""
    counts = labelled.counts
    settings: dict[str, Any] = {"name": plan.name, "kind": plan.kind, "reads": plan.reads, "max_chars": plan.max_chars}
    settings |= {"languages": _languages(labelled), "max_tokens": plan.max_tokens}
    if len(counts) > 1 and all(label.isascii() and label.isdigit() and int(label) <= MOST_POINTS for label in counts):
        most = max(labelled.most, *map(int, counts))
        least = most // 2 + 1 if plan.threshold is None else ceil(plan.threshold)
        if not 0 < least <= most:
            raise BadRecipe(f"classifier {plan.name}: the threshold is {least}; its points go from 0 to {most}")
        classes = tuple(str(number) for number in range(most + 1))
        return labelled, _made(settings | {"target": "points", "classes": classes, "threshold": least - 0.5})
    rare = [label for label, count in counts.items() if count < LEAST]
    if len(counts) > 2 and len(counts) - len(rare) > 1:
        labelled = _without(labelled, rare)
        counts = labelled.counts
    if len(counts) < 2 or any(count < LEAST for count in counts.values()):
        shown = ", ".join(f"{count:,} {label!r}" for label, count in counts.items()) or "none"
        raise BadRecipe(
            f"classifier {plan.name}: expected {LEAST} texts or more of each of two classes, found {shown:.200}; "
            "label more texts, or a sample in which the rare class is not so rare"
        )
    target: dict[str, Any] = {"target": "names", "classes": tuple(counts)}
    if len(counts) == 2:
        positive = plan.positive or ("yes" if "yes" in counts else "")
        if positive not in counts:
            raise BadRecipe(
                f"classifier {plan.name}: of {' and '.join(counts)} neither is {positive or 'named'!r}; say which one "
                "the score is the probability of: `--positive`"
            )
        threshold = 0.5 if plan.threshold is None else plan.threshold
        target |= {"target": "choice", "positive": positive, "threshold": threshold}
    return labelled, _made(settings | target)


def _made(settings: Mapping[str, Any]) -> Config:
    try:
        return msgspec.convert({"classifier": 1, **settings}, Config)
    except msgspec.ValidationError as error:
        raise BadRecipe(f"classifier {settings['name']!r:.60}: {error!s:.200}") from error


def _without(labelled: Labelled, rare: Sequence[str]) -> Labelled:
    kept = tuple([one for one in labelled.examples if one.label not in rare])
    left_out = {**labelled.left_out, f"label of fewer than {LEAST} texts": len(labelled.examples) - len(kept)}
    return replace(labelled, examples=kept, left_out=left_out)


def _languages(labelled: Labelled) -> tuple[str, ...]:
    least = LEAST_SHARE * sum(labelled.languages.values())
    return tuple(sorted(language for language, count in labelled.languages.items() if count >= least))
