"""Training by a teacher's predictions.

done = distil(store, {"web-tokens": 1}, config, settings, Path("runs/student"), teacher=checkpoint, start=pruned)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manifests.errors import BadRecipe
from manifests.store import Store
from trainer.checkpoint import Checkpoint, Job
from trainer.config import Config
from trainer.data import Batch, Loader, Span
from trainer.distil import TOP, Distilled, Rest
from trainer.importer import Imported
from trainer.loop import Loop, Progress
from trainer.machine import Machine
from trainer.mix import open_mix
from trainer.settings import Settings
from trainer.teacher import Predictions, Teacher
from trainer.train import held, newest, shared_tokenizer
from trainer.world import World


@dataclass(frozen=True, slots=True)
class TaughtBatch(Batch):
    """A batch with what the teacher predicts after each token, [B, T, K]."""

    top: Tensor
    log_probs: Tensor

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        return self.tokens, self.labels, self.documents, self.top, self.log_probs


class TaughtLoader(Loader):
    """The batches of a `Loader`, with predictions for the rows of each dataset."""

    def __init__(self, predictions: list[Predictions], **given: Any) -> None:
        super().__init__([one.source for one in predictions], **given)
        self.predictions = predictions

    def _filled(self, step: int, sequences: list[list[Span]]) -> Batch:
        plain, top = super()._filled(step, sequences), self.predictions[0].top
        shape = (len(sequences), self.length, top)
        tokens, log_probs = np.zeros(shape, np.int32), np.full(shape, -np.inf, np.float16)
        tokens[:] = np.arange(top)  # where nothing is to be learnt: any tokens, each once
        for line, spans in enumerate(sequences):
            place = 0
            for span in spans:
                there = slice(place, place + span.stop - span.start)
                tokens[line, there], log_probs[line, there] = self.predictions[span.source].of(
                    span.row, span.start, span.stop
                )
                place = there.stop
        both = torch.from_numpy(tokens), torch.from_numpy(log_probs)
        return TaughtBatch(plain.step, plain.tokens, plain.labels, plain.documents, *both)


def distil(
    store: Store,
    data: Mapping[str, float],
    config: Config,
    settings: Settings,
    folder: Path,
    *,
    teacher: Checkpoint | Imported,
    start: Checkpoint | Imported | None = None,
    rest: Rest = "bucket",
    own: float = 0.0,
    top: int = TOP,
    save_every: int = 500,
    on_step: Callable[[Progress], None] | None = None,
    machine: Machine | None = None,
    world: World | None = None,
) -> Checkpoint:
    """Train as `train` does, on a teacher's predictions; `own` is the share of the next token's own loss.

    The predictions are made first, and found again by the next training on the same data. Raises what `train` raises,
    BadRecipe where the teacher has another vocabulary.
    """
    machine, world = machine or Machine(), world or World()
    guide = Teacher(teacher, machine.placed())
    if guide.vocabulary != config.vocabulary:
        raise BadRecipe(
            f"the teacher at {teacher.path} has {guide.vocabulary} tokens, the student {config.vocabulary}: a student "
            "learns from one with its tokenizer"
        )
    sources = open_mix(store, data)
    job = Job(
        data={source.manifest.id: source.weight for source in sources},
        tokenizer=shared_tokenizer(store, sources, config),
        config=config,
        settings=settings,
        start=start.weights_digest if start else None,
        objective={"name": "distil", "teacher": guide.digest, "rest": rest, "own": own, "top": top},
    )
    predictions = [Predictions(store, source, guide, top, settings.length) for source in sources]
    with held(folder, world):
        last = newest(folder, job)
        if world.rank == 0:
            for one in predictions:
                one.make()
        world.wait()
        loader = TaughtLoader(
            predictions, length=settings.length, batch=settings.batch, seed=settings.seed, epochs=settings.epochs,
            state=last.state if last else None, rank=world.rank, ranks=world.ranks, vocabulary=config.vocabulary,
        )  # fmt: skip
        total = settings.total_steps(sum(source.manifest.tokens for source in sources))
        loss = partial(Distilled, rest=rest, own=own)
        loop = Loop(folder, job, loader, total, last=last, start=start, loss=loss, machine=machine, world=world)
        return loop.fit(save_every, on_step)
