"""What a model is trained on: datasets of tokens and their weights."""

import tempfile
from collections.abc import Mapping

import numpy as np

from manifests.errors import BadRecipe, BadSource, StoreFailed
from manifests.manifest import Manifest
from manifests.store import Store
from manifests.view import Slice, View
from trainer.order import Array


class TokenSource:
    """The rows of one manifest of tokens. Shards are verified when they are first read."""

    def __init__(self, store: Store, manifest: Manifest, weight: float) -> None:
        if manifest.kind != "tokens":
            raise BadSource(
                f"manifest {manifest.id[:16]} holds rows of kind {manifest.kind!r}; a model is trained on 'tokens': "
                "run a recipe with `Tokenize` on it first"
            )
        if not manifest.tokens:
            raise BadSource(f"manifest {manifest.id[:16]} holds no tokens at all; look at its recipe: what was kept?")
        if not weight > 0:
            raise BadRecipe(f"manifest {manifest.id[:16]} has weight {weight}; expected a number above 0")
        self.manifest, self.weight = manifest, weight
        self.name = manifest.id  # kept: it is a hash over the whole manifest, and asked for with every row
        self._slices = View(store, manifest).slices
        self._ends = np.cumsum([part.entry.rows for part in self._slices])
        self._tokens: dict[int, tuple[Array, Array]] = {}
        self._ids: dict[int, list[bytes]] = {}

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.manifest.rows

    def size(self, row: int) -> int:
        """Return the tokens of a row."""
        offsets, _, place = self._find(row)
        return int(offsets[place + 1] - offsets[place])

    def tokens(self, row: int, start: int, stop: int) -> Array:
        """Return tokens of a row; `stop` may lie beyond its end."""
        offsets, values, place = self._find(row)
        first, last = int(offsets[place]), int(offsets[place + 1])
        return values[first + start : min(first + stop, last)]

    def id(self, row: int) -> bytes:
        """Return the id of a row."""
        part, place = self._place(row)
        if part.ordinal not in self._ids:
            self._ids[part.ordinal] = part.table(["id"])["id"].to_pylist()
        return self._ids[part.ordinal][place]

    def _place(self, row: int) -> tuple[Slice, int]:
        ordinal = int(np.searchsorted(self._ends, row, side="right"))
        part = self._slices[ordinal]
        return part, row - int(self._ends[ordinal]) + part.entry.rows

    def _find(self, row: int) -> tuple[Array, Array, int]:
        part, place = self._place(row)
        if part.ordinal not in self._tokens:
            self._tokens[part.ordinal] = _mapped(part)
        return *self._tokens[part.ordinal], place


def _mapped(part: Slice) -> tuple[Array, Array]:
    """Return offsets and tokens of a slice. The tokens go to a file without a name: the system may drop their pages."""
    column = part.table(["input_ids"])["input_ids"].combine_chunks()
    offsets = column.offsets.to_numpy().astype(np.int64)
    values = column.values.to_numpy()
    if not len(values):
        return offsets, values
    try:
        with tempfile.TemporaryFile() as file:
            values.tofile(file)
            file.flush()
            return offsets, np.memmap(file, values.dtype, mode="r")
    except OSError as error:
        raise StoreFailed(
            f"cannot lay {values.nbytes:,} bytes of tokens in {tempfile.gettempdir()} ({error}); make room there, "
            "or set TMPDIR to a larger disk, and run the same command again"
        ) from error


def open_mix(store: Store, weights: Mapping[str, float]) -> tuple[TokenSource, ...]:
    """Open datasets by name or id, in the order of their ids. Raises BadSource, BadRecipe, NotFound, Damaged.

    A weight is a share of the tokens: with 3 and 1, three of four tokens come from the first.
    """
    if not weights:
        raise BadRecipe("there is nothing to train on: name at least one dataset of tokens")
    found = [TokenSource(store, store.manifest(name), weight) for name, weight in weights.items()]
    if len({source.manifest.id for source in found}) < len(found):
        raise BadRecipe(f"two of {', '.join(weights)} are the same dataset; give it one weight")
    return tuple(sorted(found, key=lambda source: source.manifest.id))
