"""Training: from datasets of tokens to checkpoints.

    done = train(store, {"web-tokens": 1}, Config(), Settings(epochs=1), Path("runs/small"))

The same call again goes on from the last checkpoint in the folder, to the bit: the weights after a step depend on the
job (data, shape, settings) alone, on one machine with one number of threads.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from manifests.errors import BadRecipe, Diverged
from manifests.store import Store
from manifests.tokens import load_tokenizer, tokenizer_digest
from trainer.checkpoint import Checkpoint, Job, checkpoints, only_writer, write_checkpoint
from trainer.config import Config
from trainer.data import Loader
from trainer.mix import TokenSource, open_mix
from trainer.model import Hybrid
from trainer.settings import Settings
from trainer.step import make_optimizer, train_step


@dataclass(frozen=True, slots=True)
class Progress:
    """What was measured in one step."""

    step: int  # counted from 1
    steps: int  # of the whole training
    loss: float  # nats per target token, mean over the batch
    learning_rate: float
    gradient_norm: float  # before clipping
    tokens: int  # read so far
    tokens_per_s: float  # in this step


def train(
    store: Store,
    data: Mapping[str, float],
    config: Config,
    settings: Settings,
    folder: Path,
    *,
    start: Checkpoint | None = None,
    save_every: int = 500,
    on_step: Callable[[Progress], None] | None = None,
) -> Checkpoint:
    """Train on datasets of tokens, by name or id with their weights, and return the last checkpoint.

    Goes on from the newest checkpoint in `folder`, which must be of the same job. `start` gives first weights from a
    checkpoint of another job with a model of the same shape. Raises BadSource, BadRecipe, Damaged, Diverged, Conflict.
    """
    sources = open_mix(store, data)
    job = Job(
        data={source.manifest.id: source.weight for source in sources},
        tokenizer=_tokenizer(store, sources, config),
        config=config,
        settings=settings,
        start=start.weights_digest if start else None,
    )
    with only_writer(folder):
        made = checkpoints(folder)
        last = made[-1] if made else None
        if last:
            _check_same(last, job)
        run = _Run(sources, job, folder, last, start)
        return run.fit(save_every, on_step)


class _Run:
    def __init__(
        self,
        sources: tuple[TokenSource, ...],
        job: Job,
        folder: Path,
        last: Checkpoint | None,
        start: Checkpoint | None,
    ) -> None:
        self.sources, self.job, self.folder, self.last = sources, job, folder, last
        settings = job.settings
        self.total = settings.total_steps(sum(source.manifest.tokens for source in sources))
        self.model = Hybrid(job.config, settings.seed)
        self.optimizer = make_optimizer(self.model, settings)
        self.metrics: list[dict[str, Any]] = []
        if last:
            load_weights(self.model, last)
            _load_moments(self.model, self.optimizer, last)
            self.metrics = last.metrics()
        elif start:
            load_weights(self.model, start)
        self.loader = Loader(
            sources,
            length=settings.length,
            batch=settings.batch,
            seed=settings.seed,
            epochs=settings.epochs,
            state=last.state if last else None,
        )

    def fit(self, save_every: int, on_step: Callable[[Progress], None] | None) -> Checkpoint:
        self.model.train()
        while self.loader.state.step < self.total and (batch := self.loader.next()) is not None:
            clock = time.perf_counter()
            rate = self.job.settings.rate(batch.step, self.total)
            loss, norm = train_step(self.model, self.optimizer, batch, self.job.settings, rate)
            if not (math.isfinite(loss) and math.isfinite(norm)):
                raise self._diverged(batch.step, loss, norm)
            speed = batch.tokens.numel() / (time.perf_counter() - clock)
            progress = Progress(batch.step, self.total, loss, rate, norm, self.loader.state.packed, speed)
            self.metrics.append(asdict(progress))
            if on_step:
                on_step(progress)
            if batch.step % save_every == 0 and batch.step < self.total:
                self.last = self._save()
        return self._save()

    def _save(self) -> Checkpoint:
        names = dict(self.model.named_parameters())
        moments = {
            f"{name}.{key}": value
            for name, weights in names.items()
            for key, value in self.optimizer.state[weights].items()
        }
        return write_checkpoint(
            self.folder,
            self.job,
            self.loader.state,
            weights={name: weights.detach() for name, weights in names.items()},
            moments=moments,
            metrics=self.metrics,
        )

    def _diverged(self, step: int, loss: float, norm: float) -> Diverged:
        spans = [span for sequence in self.loader.rows_of_step(step) for span in sequence]
        rows = tuple(dict.fromkeys(self.sources[span.source].id(span.row) for span in spans))
        shown = ", ".join(row.hex() for row in rows[:3])
        kept = f"the last good checkpoint is {self.last.path}" if self.last else "no checkpoint was written yet"
        return Diverged(
            f"{self.folder}: step {step} gave the loss {loss} and the gradient norm {norm}; {kept}. The step saw "
            f"{len(rows)} rows ({shown}{', ...' if len(rows) > 3 else ''}): look at them, or lower the learning rate",
            rows,
        )


@torch.no_grad()
def load_weights(model: Hybrid, checkpoint: Checkpoint) -> None:
    """Copy the weights of a checkpoint into a model. Raises BadRecipe where names or shapes differ."""
    stored, names = checkpoint.weights(), dict(model.named_parameters())
    for name in sorted({*stored, *names}):
        found = [list(side[name].shape) if name in side else "missing" for side in (stored, names)]
        if found[0] != found[1]:
            raise BadRecipe(f"{checkpoint.path}: {name} is {found[0]}, the model to be trained has it as {found[1]}")
    for name, weights in names.items():
        weights.copy_(stored[name])


def _load_moments(model: Hybrid, optimizer: torch.optim.Optimizer, checkpoint: Checkpoint) -> None:
    stored = checkpoint.moments()
    for name, weights in model.named_parameters():
        optimizer.state[weights] = {key: stored[f"{name}.{key}"] for key in ("step", "exp_avg", "exp_avg_sq")}


def _tokenizer(store: Store, sources: tuple[TokenSource, ...], config: Config) -> str:
    digests = {source.manifest.id: tokenizer_digest(store, source.manifest) for source in sources}
    if len(set(digests.values())) > 1:
        shown = ", ".join(f"{manifest[:16]}: {digest[:16]}" for manifest, digest in digests.items())
        raise BadRecipe(f"the datasets have different tokenizers ({shown}); a model is trained on one")
    digest = next(iter(digests.values()))
    size = load_tokenizer(store, digest).size
    if size > config.vocabulary:
        raise BadRecipe(
            f"the model has {config.vocabulary} tokens, tokenizer {digest[:16]} has {size}; make them equal"
        )
    return digest


def _check_same(last: Checkpoint, job: Job) -> None:
    old, new = last.record["job"], job.as_dict()
    for part in new:
        if old[part] != new[part]:
            raise BadRecipe(
                f"{last.path} is a checkpoint of another job: its {part} is {old[part]}, not {new[part]}; use another "
                "folder, or give it as `start` to train on from its weights"
            )
