"""What a teacher predicts for every token of a dataset: its most probable next tokens, kept in the store.

    predictions = Predictions(store, source, teacher, top=128, length=512)
    top, log_probs = predictions.of(row, 0, 100)       # [100, 128] each

They are made once for each (teacher, rows of tokens, top, length), in parts of some 50 MB that lie beside the shards,
and are collected by `koba gc` when the dataset is. Each text is read from its own beginning, in pieces of `length`.
"""

import hashlib
import io
import tempfile
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from manifests import canonical
from manifests.store import Store
from manifests.view import View
from trainer.checkpoint import Checkpoint
from trainer.distil import TOP
from trainer.importer import Imported
from trainer.layout import Layout
from trainer.loop import load_weights
from trainer.mix import TokenSource
from trainer.model import Hybrid
from trainer.order import Array
from trainer.products import linear
from trainer.start import shape_of

PART_TOKENS = 65_536  # of one object: 50 MB with 128 tokens each
READ_TOKENS = 4_096  # by the teacher at once


class Teacher:
    """A model that predicts; its weights are read when it first has to."""

    def __init__(self, origin: Checkpoint | Imported, device: torch.device | None = None) -> None:
        self.origin, self.digest, self.device = origin, origin.weights_digest, device or torch.device("cpu")
        self._model: Hybrid | None = None

    @property
    def vocabulary(self) -> int:
        """How many tokens it knows."""
        return shape_of(self.origin).vocabulary

    @torch.no_grad()
    def predict(self, pieces: list[Array], top: int) -> tuple[Array, Array]:
        """Return the top tokens and their log-probabilities, [all tokens of the pieces, top]: int32 and float16."""
        if self._model is None:
            self._model = Hybrid(shape_of(self.origin))
            load_weights(self._model, self.origin)
            self._model.to(self.device).eval()
        tokens = torch.from_numpy(np.concatenate(pieces).astype(np.int64))[None].to(self.device)
        numbers = np.repeat(np.arange(len(pieces), dtype=np.int32), [len(piece) for piece in pieces])
        hidden = self._model.model(tokens, Layout(torch.from_numpy(numbers)[None].to(self.device)))
        log_probs = linear(hidden[0], self._model.lm_head.weight).float().log_softmax(-1)
        best, places = log_probs.topk(min(top, log_probs.shape[1]), -1)
        return places.int().cpu().numpy(), best.half().cpu().numpy()


class Predictions:
    """A teacher's predictions for the rows of one dataset of tokens."""

    def __init__(self, store: Store, source: TokenSource, teacher: Teacher, top: int = TOP, length: int = 512) -> None:
        self.store, self.source, self.teacher, self.length = store, source, teacher, length
        self.top = min(top, teacher.vocabulary)
        self._shards = [(part.entry.shard, part.entry.rows) for part in View(store, source.manifest).slices]
        self._sizes = np.array([source.size(row) for row in range(source.rows)])
        self._first = np.concatenate([[0], np.cumsum(self._sizes)])  # of each row, among all tokens
        self._parts = list(self._ranges())
        self._starts = [start for _, start, _ in self._parts]
        self._held: dict[int, tuple[Array, Array]] = {}

    def make(self) -> None:
        """Make all that is missing."""
        for number in range(len(self._parts)):
            self._part(number)

    def of(self, row: int, start: int, stop: int) -> tuple[Array, Array]:
        """Return the predictions after tokens of a row, [tokens, top] each."""
        number = int(np.searchsorted(self._starts, row, side="right")) - 1
        before = int(self._first[self._starts[number]])
        places = slice(int(self._first[row]) + start - before, int(self._first[row]) + stop - before)
        top, log_probs = self._part(number)
        return top[places], log_probs[places]

    def _ranges(self) -> Iterator[tuple[str, int, int]]:
        """Yield the shard and the rows of each part: whole rows of one shard."""
        begin = 0
        for shard, rows in self._shards:
            cuts = [begin]
            for row in range(begin, begin + rows):
                if self._first[row + 1] - self._first[cuts[-1]] > PART_TOKENS and row > cuts[-1]:
                    cuts.append(row)
            yield from ((shard, *ends) for ends in pairwise([*cuts, begin + rows]))
            begin += rows

    def _part(self, number: int) -> tuple[Array, Array]:
        if number not in self._held:
            shard, start, stop = self._parts[number]
            rows = [self.source.tokens(row, 0, int(self._sizes[row])) for row in range(start, stop)]
            key = canonical.digest(
                {
                    "teacher": self.teacher.digest,
                    "top": self.top,
                    "length": self.length,
                    "rows": [hashlib.sha256(row.astype("<u4").tobytes()).hexdigest() for row in rows],
                }
            )
            record = self.store.action(key)
            if record is None:
                made = self.store.put(_packed(*self._predicted(rows)))
                record = self.store.put_action(key, {"predictions": made}, makes=[made], needs=[shard])
            self._held[number] = _unpacked(self.store.get(str(record["result"]["predictions"])), self.top)
        return self._held[number]

    def _predicted(self, rows: list[Array]) -> tuple[Array, Array]:
        pieces = [row[cut : cut + self.length] for row in rows for cut in range(0, len(row), self.length)]
        found, waiting = [], []
        for piece in pieces:
            waiting.append(piece)
            if sum(map(len, waiting)) >= READ_TOKENS:
                found.append(self.teacher.predict(waiting, self.top))
                waiting = []
        if waiting:
            found.append(self.teacher.predict(waiting, self.top))
        top, log_probs = zip(*found, strict=True)
        return np.concatenate(top), np.concatenate(log_probs)


def _packed(top: Array, log_probs: Array) -> bytes:
    columns = [
        pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(values.shape[1] * values.itemsize), len(values), [None, pa.py_buffer(values.tobytes())]
        )
        for values in (top.astype("<i4"), log_probs.astype("<f2"))
    ]
    out = io.BytesIO()
    pq.write_table(pa.table(dict(zip(("top", "log_probs"), columns, strict=True))), out, compression="zstd")
    return out.getvalue()


def _unpacked(data: bytes, top: int) -> tuple[Array, Array]:
    """Return both arrays, in files without a name: the system may drop their pages."""
    table = pq.read_table(io.BytesIO(data))
    return _mapped(table["top"], np.dtype("<i4"), top), _mapped(table["log_probs"], np.dtype("<f2"), top)


def _mapped(column: pa.ChunkedArray, dtype: np.dtype, top: int) -> Array:
    with tempfile.TemporaryFile() as file:
        for chunk in column.chunks:
            width = top * dtype.itemsize
            file.write(memoryview(chunk.buffers()[1])[chunk.offset * width : (chunk.offset + len(chunk)) * width])
        file.flush()
        return np.memmap(file, dtype, mode="r", shape=(len(column), top))
