"""A classifier learned from labelled texts, judged on sites that it did not see, and stored.

    learned = learn(store, by_label(store, ("labels/education",), "education"), Plan("education"))
    store.tag("models/education", learned.manifest.id)

Each fold is predicted by a model that saw no page of its sites; the figures are over all folds together. What is stored
has learned from all texts.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version as library_version
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
from numpy.typing import NDArray

from filters.classifier import EVALUATION, TOKENIZER, judged, opened_encoder
from filters.classifier_config import Config, encoder_digest
from filters.evaluation import Evaluation
from filters.figures import Outcome, held_out
from filters.folds import folds_of
from filters.labelled import Example, Labelled
from filters.learners import FastTextLearner, HeadLearner, Integers, Learner
from filters.learning_plan import LEAST, Plan, config_for
from manifests import artifact, canonical
from manifests.errors import BadRecipe
from manifests.licences import joined
from manifests.manifest import FILE_SUFFIX, Manifest
from manifests.model_folder import CONFIG, ONNX
from manifests.store import Store


@dataclass(frozen=True, slots=True)
class Learned:
    """A classifier in the store, and how it did."""

    manifest: Manifest
    config: Config
    evaluation: Evaluation


def learn(store: Store, labelled: Labelled, plan: Plan) -> Learned:
    """Learn, judge and store. Equal texts and plans give equal bytes.

    Raises BadRecipe where the labels are too few or one-sided, NotFound where there is no encoder.
    """
    labelled, config = config_for(labelled, plan)
    files, licence = {}, _licence(labelled, plan)
    if plan.kind == "embedding":
        encoder = artifact.resolve(store, plan.encoder)
        files = {file.name: file.digest for file in encoder.files if file.name in {ONNX, TOKENIZER}}
        if len(files) < 2:
            raise BadRecipe(
                f"{plan.encoder}: expected a sentence model, {ONNX} with {TOKENIZER}: `koba models add minilm`"
            )
        config = msgspec.structs.replace(config, encoder=encoder_digest(files[ONNX], files[TOKENIZER]))
        if encoder.artifact and not plan.licence:
            licence = joined(licence, encoder.artifact.licence)
    if not licence:
        raise BadRecipe(f"classifier {plan.name}: its labelled rows say no licence; say which it has: `--licence`")
    texts = [one.text for one in labelled.examples]
    learner: Learner
    if plan.kind == "embedding":
        learner = HeadLearner(texts, config, opened_encoder(store, files, config))
    else:
        learner = FastTextLearner(texts, config, replace(plan.fasttext, seed=plan.seed))
    evaluation, made = _judged(labelled, learner, config, plan)
    return Learned(_stored(store, labelled, config, evaluation, made, files, licence), config, evaluation)


def _licence(labelled: Labelled, plan: Plan) -> str | None:
    if plan.licence:
        return plan.licence
    licence: str | None = None
    for one in labelled.licences:
        licence = joined(licence, one) if licence else one
    return licence


def _judged(labelled: Labelled, learner: Learner, config: Config, plan: Plan) -> tuple[Evaluation, dict[str, bytes]]:
    """Return the figures on what was held out, and the files of a model of all texts."""
    places = np.flatnonzero(learner.known)
    if 2 * len(places) < len(learner.known):
        raise BadRecipe(
            f"classifier {plan.name}: {len(learner.known) - len(places):,} of {len(learner.known):,} texts cannot be "
            f"read, in {', '.join(labelled.languages) or 'no language that is said':.80}; {plan.encoder} knows less "
            "than half of their tokens: take `--kind fasttext`, or an encoder for the language"
        )
    examples = [labelled.examples[place] for place in places]
    truth = np.zeros(len(learner.known), np.int64)
    truth[places] = [config.classes.index(one.label) for one in examples]
    folds = folds_of([one.site for one in examples], [one.label for one in examples], plan.folds, plan.seed)
    numbers = range(plan.folds)
    _refuse_one_sided(examples, truth[places], folds, config)
    *fitted, whole = learner.fit(truth, [*(places[folds != number] for number in numbers), places])
    found = [fitted[number].predict(places[folds == number]) for number in numbers]
    together = np.zeros((len(places), found[0].shape[1]))
    for number in numbers:
        together[folds == number] = found[number]
    judgement = judged(together, config)
    sites = {site: number for number, site in enumerate(sorted({one.site for one in examples}))}
    outcome = Outcome(
        truth=truth[places],
        said=judgement.classes,
        scores=judgement.scores,
        sites=np.array([sites[one.site] for one in examples], np.int64),
        folds=folds,
        classes=config.classes,
        points=config.target == "points",
        positive=_good(truth[places], config),
        found=_good(judgement.classes, config),
        top=float(config.most or 1),
    )
    record = {
        "classifier": config.name,
        "texts": len(examples),
        "sites": len(sites),
        "folds": plan.folds,
        "seed": plan.seed,
        "labels": dict(Counter(one.label for one in examples)),
        "languages": labelled.languages,
        "left_out": {**labelled.left_out, "not readable": len(learner.known) - len(places)},
        "settings": learner.settings(),
        "libraries": {"fasttext-numpy2-wheel": library_version("fasttext-numpy2-wheel")}
        if plan.kind == "fasttext"
        else {},
        **held_out(outcome, plan.seed),
    }
    return msgspec.convert(record, Evaluation), whole.files()


def _good(classes: Integers, config: Config) -> NDArray[np.bool_] | None:
    """Return which classes are on the good side of the threshold; None for names, which have no such side."""
    if config.target == "points":
        return classes > config.threshold
    return classes == config.classes.index(config.positive) if config.target == "choice" else None


def _refuse_one_sided(examples: Sequence[Example], truth: Integers, folds: Integers, config: Config) -> None:
    good = _good(truth, config)
    if good is None:
        return
    sides = int(good.sum()), int((~good).sum())
    if min(sides) < LEAST:
        raise BadRecipe(
            f"classifier {config.name}: {sides[0]:,} texts are over the threshold ({config.threshold:g}) and "
            f"{sides[1]:,} under it; expected {LEAST} or more of each: label more texts, or choose another "
            "`--threshold`"
        )
    for number in np.unique(folds):
        learned = good[folds != number]
        if learned.all() or not learned.any():
            site = Counter(one.site for one in examples).most_common(1)[0][0]
            raise BadRecipe(
                f"classifier {config.name}: with fold {number} held out, all texts are on one side of the threshold, "
                f"for one side is from too few sites; `--apart {site:.80}` makes each of its pages a site of its own"
            )


def _stored(
    store: Store,
    labelled: Labelled,
    config: Config,
    evaluation: Evaluation,
    made: Mapping[str, bytes],
    encoder: Mapping[str, str],
    licence: str,
) -> Manifest:
    with TemporaryDirectory(prefix="koba-classifier-") as work:
        folder = Path(work)
        for name, data in made.items():
            (folder / name).write_bytes(data)
        for name, digest in encoder.items():
            store.fetch(digest, FILE_SUFFIX, folder / name)
        (folder / CONFIG).write_bytes(canonical.encode(msgspec.to_builtins(config)))
        (folder / EVALUATION).write_bytes(canonical.encode(msgspec.to_builtins(evaluation)))
        return artifact.store_model(store, folder, licence=licence, parents=labelled.parents)
