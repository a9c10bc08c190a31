"""Which rows a training step saw."""

from dataclasses import dataclass

from manifests.store import Store
from trainer.checkpoint import Checkpoint
from trainer.data import Loader, open_mix


@dataclass(frozen=True, slots=True)
class Seen:
    """A part of a row of tokens that a step was trained on."""

    row: bytes  # id of the row of tokens; its parents name the text
    manifest: str
    sequence: int  # of the batch
    epoch: int
    start: int  # tokens of the row, from here ...
    stop: int  # ... to before here


def step_rows(store: Store, checkpoint: Checkpoint, step: int) -> list[Seen]:
    """Return what a step saw, in order. Steps count from 1; the checkpoint may be an earlier or a later one."""
    job = checkpoint.job
    sources = open_mix(store, job.data)
    settings = job.settings
    loader = Loader(sources, length=settings.length, batch=settings.batch, seed=settings.seed, epochs=settings.epochs)
    return [
        Seen(
            sources[span.source].id(span.row),
            sources[span.source].manifest.id,
            sequence,
            span.epoch,
            span.start,
            span.stop,
        )
        for sequence, spans in enumerate(loader.rows_of_step(step))
        for span in spans
    ]
