"""What a training has read up to a checkpoint: of each dataset, and of each language and source."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from manifests.store import Store
from manifests.view import View
from trainer.checkpoint import Checkpoint
from trainer.data import State
from trainer.mix import TokenSource, open_mix
from trainer.order import Array, Order

GROUPS = ("language", "source")


@dataclass(frozen=True)
class Read:
    """What was read of one dataset."""

    source: TokenSource
    tokens: int  # that went into batches, each as often as it did
    epochs: float  # passes over its rows; rows that were begun count as whole ones
    groups: pl.DataFrame  # language, source, rows (each once), tokens


def exposure(store: Store, checkpoint: Checkpoint) -> list[Read]:
    """Return what was read of each dataset, in the order of their ids. Raises NotFound, Damaged."""
    sources = open_mix(store, checkpoint.job.data)
    seed = checkpoint.job.settings.seed
    return [_read(store, source, checkpoint.state, ordinal, seed) for ordinal, source in enumerate(sources)]


def by_group(reads: Sequence[Read], column: str) -> pl.DataFrame:
    """Return rows and tokens that were read of each language or source, the largest first."""
    groups = pl.concat([read.groups for read in reads])
    return groups.group_by(column).agg(pl.sum("rows", "tokens")).sort("tokens", column, descending=[True, False])


def _read(store: Store, source: TokenSource, state: State, ordinal: int, seed: int) -> Read:
    columns = pa.concat_tables(
        [_described(part.table([*GROUPS, "input_ids"])) for part in View(store, source.manifest).slices]
    )
    times = _times(source, state, ordinal, seed)
    tokens = times * columns["size"].to_numpy()
    for lane in state.lanes:  # the rest of this row is still to come
        if lane and lane[0] == ordinal:
            _, _, row, start = lane
            tokens[row] -= source.size(row) - start
    rows = pl.DataFrame({name: columns[name].to_pylist() for name in GROUPS}, schema=dict.fromkeys(GROUPS, pl.String))
    rows = rows.with_columns(rows=pl.Series(times > 0).cast(pl.Int64), tokens=pl.Series(tokens))
    epochs = state.epochs[ordinal] + state.positions[ordinal] / source.rows
    return Read(source, int(tokens.sum()), epochs, rows.group_by(GROUPS).agg(pl.sum("rows", "tokens")))


def _described(table: pa.Table) -> pa.Table:
    sizes = pc.cast(pc.list_value_length(table["input_ids"]), pa.int64())
    return table.drop_columns(["input_ids"]).append_column("size", sizes)


def _times(source: TokenSource, state: State, ordinal: int, seed: int) -> Array:
    """Return how often each row was begun."""
    times = np.full(source.rows, state.epochs[ordinal], np.int64)
    order = Order(source.name, source.rows, seed, state.epochs[ordinal])
    for position in range(state.positions[ordinal]):
        times[order.row(position)] += 1
    return times
