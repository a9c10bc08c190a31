"""The loop of every training: batches in, steps, what was measured, checkpoints out.

What differs between trainings is handed in: where batches come from, and the loss.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from manifests.errors import BadRecipe, Diverged
from trainer.checkpoint import Checkpoint, Job, write_checkpoint
from trainer.data import Batch, Span, State
from trainer.flops import peak_flops, step_flops
from trainer.machine import Machine
from trainer.model import Hybrid
from trainer.step import make_optimizer, train_step
from trainer.world import World, like, whole

MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # what AdamW keeps for each weight


@dataclass(frozen=True, slots=True)
class Progress:
    """What was measured in one step."""

    step: int  # counted from 1
    steps: int  # of the whole training
    loss: float  # nats per target token, mean over the batch
    learning_rate: float
    gradient_norm: float  # before clipping
    tokens: int  # read so far
    tokens_per_s: float  # in this step, of all processes together
    mfu: float = 0.0  # share of the speed at which the same processes multiply matrices, see trainer/flops.py


class Rows(Protocol):
    """What batches are made of."""

    def id(self, row: int) -> bytes:
        """Return the id of a row."""
        ...


class Batches(Protocol):
    """Where batches come from: `trainer.data.Loader`, or what is shaped like it."""

    state: State

    @property
    def sources(self) -> Sequence[Rows]:
        """What the spans of a step are parts of."""
        ...

    def next(self) -> Batch | None:
        """Return the next batch, or None where the stream has ended."""
        ...

    def rows_of_step(self, step: int) -> list[list[Span]]:
        """Return what each sequence of a step is made of."""
        ...


class Weights(Protocol):
    """A store of weights: a checkpoint, or a model that was imported."""

    @property
    def path(self) -> Path:
        """Where it lies."""
        ...

    def weights(self) -> dict[str, torch.Tensor]:
        """Return the weights by name."""
        ...


class Loop:
    """One training, from `last`, its newest checkpoint, on, or from its first step with the weights of `start`."""

    def __init__(
        self,
        folder: Path,
        job: Job,
        batches: Batches,
        total: int,
        *,
        last: Checkpoint | None = None,
        start: Weights | None = None,
        loss: Callable[[Hybrid], nn.Module],
        machine: Machine,
        world: World,
    ) -> None:
        self.folder, self.job, self.batches, self.total, self.last = folder, job, batches, total, last
        self.world, device = world, machine.placed()
        self.model = Hybrid(job.config, job.settings.seed, machine.kernels)
        if found := last or start:
            load_weights(self.model, found)
        self.model.to(device).train()
        self.flops = step_flops(self.model, job.settings.length)
        self.peak = peak_flops(device, job.settings.precision) * world.ranks
        machine.prepare(self.model)
        self.loss = world.share(loss(self.model), self.model)
        self.optimizer = make_optimizer(self.model, job.settings)
        self.metrics: list[dict[str, Any]] = last.metrics() if last else []
        if last:
            self._load_moments(last)

    def fit(self, save_every: int, on_step: Callable[[Progress], None] | None = None) -> Checkpoint:
        """Make all steps that are left. Raises Diverged, StoreFailed and what reading data raises."""
        settings, state = self.job.settings, self.batches.state
        while state.step < self.total and (batch := self.batches.next()) is not None:
            clock = time.perf_counter()
            rate = settings.rate(batch.step, self.total)
            loss, norm = train_step(self.loss, self.optimizer, batch, settings, rate, self.world)
            if not (math.isfinite(loss) and math.isfinite(norm)):
                raise self._diverged(batch.step, loss, norm)
            speed = batch.tokens.numel() * self.world.ranks / (time.perf_counter() - clock)
            progress = Progress(
                batch.step, self.total, loss, rate, norm, state.packed, speed, speed * self.flops / self.peak
            )
            self.metrics.append(asdict(progress))
            if on_step:
                on_step(progress)
            if batch.step % save_every == 0 and batch.step < self.total:
                self.last = self._save()
        return self._save()

    def _save(self) -> Checkpoint:
        names = dict(self.model.named_parameters())
        weights = {name: whole(one.detach()).cpu() for name, one in names.items()}
        moments = {
            f"{name}.{key}": whole(self.optimizer.state[one][key]).cpu()
            for name, one in names.items()
            for key in MOMENTS
        }
        made = self.folder / f"step-{self.batches.state.step:08d}"
        if self.world.rank == 0:
            write_checkpoint(made, self.job, self.batches.state, weights, moments, self.metrics)
        self.world.wait()
        return Checkpoint(made)

    def _load_moments(self, checkpoint: Checkpoint) -> None:
        stored = checkpoint.moments()
        for name, weights in self.model.named_parameters():
            self.optimizer.state[weights] = {key: like(stored[f"{name}.{key}"], weights) for key in MOMENTS}

    def _diverged(self, step: int, loss: float, norm: float) -> Diverged:
        sources = self.batches.sources
        spans = [span for sequence in self.batches.rows_of_step(step) for span in sequence]
        rows = tuple(dict.fromkeys(sources[span.source].id(span.row) for span in spans))
        shown = ", ".join(row.hex() for row in rows[:3])
        kept = f"the last good checkpoint is {self.last.path}" if self.last else "no checkpoint was written yet"
        return Diverged(
            f"{self.folder}: step {step} gave the loss {loss} and the gradient norm {norm}; {kept}. The step saw "
            f"{len(rows)} rows ({shown}{', ...' if len(rows) > 3 else ''}): look at them, or lower the learning rate",
            rows,
        )


@torch.no_grad()
def load_weights(model: Hybrid, found: Weights) -> None:
    """Copy stored weights into a model. Raises BadRecipe where names or shapes differ."""
    stored, names = found.weights(), dict(model.named_parameters())
    for name in sorted({*stored, *names}):
        shapes = [list(side[name].shape) if name in side else "missing" for side in (stored, names)]
        if shapes[0] != shapes[1]:
            raise BadRecipe(f"{found.path}: {name} is {shapes[0]}, the model to be trained has it as {shapes[1]}")
    for name, weights in names.items():
        weights.copy_(stored[name])
