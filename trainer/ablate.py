"""Which of several datasets teaches more: a small model is trained on each, and all are judged by the same texts.

    found = ablate(store, ["web-edu", "web-random"], tokens=500_000, folder=Path("runs/ablate"))
    found.differences()      # what the second does better or worse than the first, with an interval

Same tokens, seeds, tokenizer, shape and order of steps; the texts that a model is judged by are held out of all. The
same call again trains nothing twice: every training goes on from its own checkpoint.
"""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from manifests import canonical
from manifests.errors import BadRecipe, BadSource
from manifests.manifest import Manifest
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from manifests.tokens import load_tokenizer, tokenizer_digest
from manifests.watcher import Watcher
from trainer.checkpoint import Checkpoint
from trainer.config import Config
from trainer.held_out import HeldOut, Side
from trainer.judge import Judged, measure, read_judged
from trainer.loop import load_weights
from trainer.model import Hybrid
from trainer.prepare import learned_tokenizer, tokenised
from trainer.settings import Settings
from trainer.train import train

CONFIG = Config(vocabulary=4_096, width=128, mlp_width=384, ssm_heads=4)  # 1.4 million parameters
BATCH, LENGTH = 8, 256  # sequences, tokens
MOST_EPOCHS = 4  # more of the same text teaches less (Muennighoff et al. 2023; Swallow saw a decline from 3.15 on)
_T = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}  # of 95 %, by freedom
_NORMAL = 1.96


@dataclass(frozen=True, slots=True)
class Score:
    """One measure of the models of one dataset, one value for each seed."""

    judged_by: str
    measure: str
    dataset: str
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over the seeds."""
        return statistics.fmean(self.values)

    @property
    def half(self) -> float:
        """Half of the mean's 95 % interval, by Student's t; NaN of one seed."""
        return half_interval(self.values)


@dataclass(frozen=True, slots=True)
class Trained:
    """One dataset, and what was trained on it."""

    name: str
    manifest: str
    trained_on: str  # manifest of tokens: without what is held out
    tokens: int  # in it
    epochs: float
    checkpoints: tuple[str, ...]  # by seed
    weights: tuple[str, ...]  # digests, by seed


@dataclass(frozen=True)
class Ablation:
    """Datasets, what was trained on them, and how that did."""

    tokenizer: str
    steps: int
    tokens: int  # that each model read
    seeds: tuple[int, ...]
    datasets: tuple[Trained, ...]
    judged_by: Mapping[str, str]  # manifests of tokens by name
    scores: tuple[Score, ...]

    def differences(self) -> list[Score]:
        """Return for each measure what each further dataset has above the first, seed by seed."""
        first = {(one.judged_by, one.measure): one for one in self.scores if one.dataset == self.datasets[0].name}
        return [
            replace(one, values=tuple(b - a for a, b in zip(its.values, one.values, strict=True)))
            for one in self.scores
            if one.dataset != self.datasets[0].name and (its := first.get((one.judged_by, one.measure)))
        ]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What makes the comparison less fair."""
        return tuple(
            f"{one.name} has {one.tokens:,} tokens and was read {one.epochs:.1f} times: above {MOST_EPOCHS} a text "
            "teaches less; take fewer --tokens, or more rows"
            for one in self.datasets
            if one.epochs > MOST_EPOCHS
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        plain = {
            name: getattr(self, name) for name in ("tokenizer", "steps", "tokens", "seeds", "judged_by", "warnings")
        }
        told = [(name, some) for name, some in (("scores", self.scores), ("differences", self.differences()))]
        lists = {
            name: [
                {**canonical.field_values(one), "mean": one.mean, "half": None if math.isnan(one.half) else one.half}
                for one in some
            ]
            for name, some in told
        }
        return plain | {"datasets": [canonical.field_values(one) for one in self.datasets]} | lists


def half_interval(values: Sequence[float]) -> float:
    """Return half of the 95 % interval of a mean, by Student's t; NaN of one value.

    >>> round(half_interval([1.0, 2.0, 3.0]), 3)
    2.484
    """
    if len(values) < 2:
        return math.nan
    return _T.get(len(values) - 1, _NORMAL) * statistics.stdev(values) / math.sqrt(len(values))


def ablate(
    store: Store,
    datasets: Sequence[str],
    *,
    tokens: int,
    folder: Path,
    seeds: Sequence[int] = (0, 1),
    judge_by: Sequence[str] = (),
    held_out: float = 0.05,
    tokenizer: str | None = None,
    config: Config = CONFIG,
    learning_rate: float = 3e-3,
    watcher: Watcher | None = None,
    on_training: Callable[[str, int, int], None] | None = None,
) -> Ablation:
    """Train a model of `config` on so many tokens of each dataset, once for each seed, and judge all by the same texts.

    These are the texts held out of each dataset, and the datasets `judge_by`, whose rows nothing is trained on either.
    `on_training` is told dataset, seed and steps. Raises BadRecipe, BadSource, NotFound, Diverged.
    """
    _check(store, datasets, tokens, seeds)
    parts = _Parts(store, held_out, tuple(judge_by), watcher)
    train_on = {name: parts.part(name, "train") for name in datasets}
    digest = tokenizer or learned_tokenizer(
        store, [store.manifest(one) for one in train_on.values()], config.vocabulary
    )
    judges = {f"held out of {name}": parts.part(name, "judge") for name in datasets}
    judges |= {name: name for name in judge_by}
    read = {name: parts.tokens(made, digest) for name, made in (train_on | judges).items()}
    sets = [read_judged(store, read[name], name) for name in judges]
    steps = math.ceil(tokens / (BATCH * LENGTH))
    digest = tokenizer_digest(store, read[datasets[0]])
    fitted = replace(config, vocabulary=load_tokenizer(store, digest).size)
    done, scores = [], []
    for name in datasets:
        made = []
        for seed in seeds:
            if on_training:
                on_training(name, seed, steps)
            settings = Settings(
                steps=steps,
                batch=BATCH,
                length=LENGTH,
                learning_rate=learning_rate,
                warmup_steps=steps // 10,
                seed=seed,
            )
            made.append(
                train(
                    store,
                    {read[name].id: 1.0},
                    fitted,
                    settings,
                    folder / f"{_slug(name)}-{read[name].id[:12]}" / f"{steps}-{seed}",
                )
            )
        done.append(_trained(name, store.manifest(name), read[name], made))
        scores += _scores(name, made, sets)
    return Ablation(
        tokenizer=digest,
        steps=steps,
        tokens=steps * BATCH * LENGTH,
        seeds=tuple(seeds),
        datasets=tuple(done),
        judged_by={name: read[name].id for name in judges},
        scores=tuple(scores),
    )


@dataclass(frozen=True)
class _Parts:
    """Makes of each dataset what is trained on and what is held out, and tokens of both."""

    store: Store
    held_out: float
    judge_by: tuple[str, ...]
    watcher: Watcher | None

    def part(self, name: str, side: Side) -> str:
        """Return the name of what is trained on, or of what is held out."""
        asked = HeldOut(side, self.held_out, judged_by=self.judge_by if side == "train" else ())
        tag = f"ablate/{_slug(name)}/{side}"
        done = run(Recipe("held-out", (asked,)), name, store=self.store, tag=tag, watcher=self.watcher)
        if not done.manifest.rows:
            what = "is held out" if side == "judge" else "is left to train on"
            raise BadSource(f"{name}: nothing {what} of {self.store.manifest(name).rows:,} rows; change --held-out")
        return str(done.ref)  # the newest version of the tag may be of other options

    def tokens(self, name: str, digest: str) -> Manifest:
        """Return the tokens of a dataset."""
        made = tokenised(self.store, {name: None}, tokenizer=digest, watcher=self.watcher)
        return self.store.manifest(next(iter(made.weights)))


def _check(store: Store, datasets: Sequence[str], tokens: int, seeds: Sequence[int]) -> None:
    if len(datasets) < 2 or len({store.resolve(name) for name in datasets}) < len(datasets):
        raise BadRecipe(f"{', '.join(datasets) or 'nothing'}: expected two or more different datasets to compare")
    if tokens < BATCH * LENGTH or not seeds or len(set(seeds)) < len(seeds):
        raise BadRecipe(
            f"{tokens:,} tokens, seeds {list(seeds)}: expected {BATCH * LENGTH:,} or more, and different seeds"
        )


def _trained(name: str, manifest: Manifest, tokens: Manifest, made: Sequence[Checkpoint]) -> Trained:
    return Trained(
        name=name,
        manifest=manifest.id,
        trained_on=tokens.id,
        tokens=tokens.tokens,
        epochs=made[0].state.packed / tokens.tokens,
        checkpoints=tuple(str(one.path) for one in made),
        weights=tuple(one.weights_digest for one in made),
    )


def _scores(name: str, made: Sequence[Checkpoint], sets: Sequence[Judged]) -> list[Score]:
    found: dict[tuple[str, str], list[float]] = {}
    for checkpoint in made:
        model = Hybrid(checkpoint.job.config)
        load_weights(model, checkpoint)
        for judged in sets:
            for what, value in measure(model, judged, LENGTH).items():
                found.setdefault((judged.name, what), []).append(value)
    return [Score(judged_by, what, name, tuple(values)) for (judged_by, what), values in found.items()]


def _slug(name: str) -> str:
    return "".join(char if char.isalnum() or char in "-_" else "-" for char in name)[:40]
