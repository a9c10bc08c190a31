"""Which rows a training step saw."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.text import Text

from manifests.provenance import Trace
from manifests.store import Store
from manifests.tables import ID_DIGITS, console, print_trace
from trainer.checkpoint import Checkpoint
from trainer.data import Loader
from trainer.mix import open_mix


@dataclass(frozen=True, slots=True)
class Seen:
    """A part of a row of tokens that a step was trained on."""

    row: bytes  # id of the row of tokens; its parents name the text
    manifest: str
    sequence: int  # of the batch
    epoch: int
    start: int  # tokens of the row, from here ...
    stop: int  # ... to before here

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self) | {"row": self.row.hex()}


def step_rows(store: Store, checkpoint: Checkpoint, step: int) -> list[Seen]:
    """Return what a step saw, in order. Steps count from 1; the checkpoint may be an earlier or a later one."""
    loader = _loader(store, checkpoint)
    return [
        Seen(
            loader.sources[span.source].id(span.row),
            loader.sources[span.source].name,
            sequence,
            span.epoch,
            span.start,
            span.stop,
        )
        for sequence, spans in enumerate(loader.rows_of_step(step))
        for span in spans
    ]


def first_step_of(store: Store, checkpoint: Checkpoint, manifest: str) -> int:
    """Return the first step that read a row of a dataset of tokens, by its id; 1 where none did."""
    loader = _loader(store, checkpoint)
    while loader.state.step < checkpoint.step and (plan := loader.plan()) is not None:
        if any(loader.sources[span.source].name == manifest for spans in plan for span in spans):
            return loader.state.step
    return 1


def _loader(store: Store, checkpoint: Checkpoint) -> Loader:
    settings = checkpoint.job.settings
    sources = open_mix(store, checkpoint.job.data)
    return Loader(sources, length=settings.length, batch=settings.batch, seed=settings.seed, epochs=settings.epochs)


def by_row(seen: Sequence[Seen]) -> dict[tuple[bytes, int], list[Seen]]:
    """Return the parts of each row together, by row and epoch: a long one fills several sequences."""
    found: dict[tuple[bytes, int], list[Seen]] = {}
    for one in seen:
        found.setdefault((one.row, one.epoch), []).append(one)
    return found


def print_step(checkpoint: Checkpoint, step: int, seen: Sequence[Seen], ways: Mapping[bytes, Trace]) -> None:
    """Print what a step saw, and the way back of each row below it."""
    out = console()
    tokens = Counter[str]()
    for one in seen:
        tokens[one.manifest] += one.stop - one.start
    mix = ", ".join(f"{count:,} of {manifest[:ID_DIGITS]}" for manifest, count in tokens.most_common())
    out.print(Text(f"step {step} of {checkpoint.path}: {tokens.total():,} tokens of {len(ways)} rows ({mix})"))
    for (row, epoch), parts in by_row(seen).items():
        places = ", ".join(f"{one.start:,}-{one.stop - 1:,} in sequence {one.sequence}" for one in parts)
        out.print(Text(f"\ntokens {places}, epoch {epoch}, of"))
        print_trace(ways[row])
    readings = [reading.outcome for way in ways.values() for reading in way.readings()]
    out.print(Text(f"\n{len(readings)} records read again, {readings.count('equal')} of them equal"))
