"""The call cache: every reply that was paid for, under the key of its call.

    calls/<scope>/<digest>.parquet     immutable, named by the SHA-256 of its bytes

A scope is a model with its sampling. The cache is shared by all runs, recipes and workers of a store. Replies are
committed in small batches, so that a kill -9 loses at most the batch in flight, and put together later, see
`generators.compaction`. What failed is never in it. Where two workers paid for one call at the same time, its answer is
the same one of the two for every reader.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, RLock
from typing import Any

import numpy as np
import pyarrow as pa

from generators.compaction import MOST_SMALL, SMALL_BYTES, file_key, listed, put_together, rank, read_calls
from generators.engine import Reply
from manifests import shard
from manifests.store import Store

BATCH_CALLS = 256
BATCH_S = 5.0  # the longest that a reply waits for its batch
HELD_BYTES = 2**28  # of decoded replies, in memory; the rest is read again when it is needed
KEY_BYTES = 32
MOST_OPEN = 4  # scopes; the index of a million calls takes 16 MB and a second

SCHEMA = pa.schema(
    [
        ("key", pa.binary(KEY_BYTES)),
        ("text", pa.string()),
        ("finish_reason", pa.string()),
        ("tokens_in", pa.int32()),
        ("tokens_out", pa.int32()),
        ("logprob", pa.float64()),
        ("candidate", pa.int32()),
    ]
)


class Calls:
    """The calls of one scope. Threads of a process share it, so that two equal requests in flight are one call."""

    def __init__(self, store: Store, scope: str) -> None:
        self.store, self.folder = store, f"calls/{scope}"
        self._lock = RLock()
        self._tidying = Lock()
        self._writer = Lock()  # held while a batch is written: replies land meanwhile
        self._batch: dict[bytes, Reply] = {}
        self._leaving: dict[bytes, Reply] = {}  # the batch that is being written
        self._oldest = 0.0  # when the first reply of the batch came, by the monotonic clock
        self._flying: dict[bytes, Future[Reply]] = {}
        # The index: 8 bytes of each key, sorted, and where its reply is: file << 32 | row
        self._files: dict[int, tuple[str, int]] = {}  # key and size in bytes
        self._numbered = 0
        self._prefixes = np.empty(0, np.uint64)
        self._places = np.empty(0, np.int64)
        self._recent: dict[bytes, int] = {}  # committed by this process since the last refresh
        self._held: OrderedDict[int, list[tuple[bytes, Reply]]] = OrderedDict()
        self._sizes: dict[int, int] = {}

    def refresh(self) -> None:
        """Learn what other workers and earlier runs committed. Raises Damaged."""
        with self._lock:
            while not self._learn():
                pass  # a file went between its listing and its reading: it was put together with others

    def get(self, key: bytes) -> Reply | None:
        """Return the reply of a call, or None where it was never made."""
        with self._lock:
            while True:
                try:
                    return self._batch.get(key) or self._leaving.get(key) or self._committed(key)
                except FileNotFoundError:
                    self.refresh()

    def ask(
        self,
        name: bytes,
        known: Callable[[], Reply | None],
        submit: Callable[[], Future[Reply]],
        key: Callable[[Reply], bytes | None],
    ) -> Future[Reply]:
        """Return the future of a call: that of an equal one in flight, by its `name`, or of a new one.

        `known` looks once more: it may have landed since. `key` says under which key its reply is kept, if at all.
        """
        with self._lock:
            flying = self._flying.get(name)
            if flying is not None:
                return flying
            future: Future[Reply] = Future()
            if reply := known():
                future.set_result(reply)
                return future
            future = self._flying[name] = submit()
        future.add_done_callback(lambda done: self._landed(name, done, key))
        return future

    def put(self, key: bytes, reply: Reply) -> None:
        """Take a reply into the batch; `flush` commits it."""
        with self._lock:
            if not self._batch:
                self._oldest = time.monotonic()
            self._batch[key] = reply

    def flush(self, *, due: bool = False) -> None:
        """Commit the batch; `due`: only where it is full or old.

        While another thread is at it, one that is merely old stays: a full one waits, so that who asks for more does.
        Raises StoreFailed: then nothing of it is counted, and the next flush writes it.
        """
        if not self._writer.acquire(blocking=not due or len(self._batch) >= BATCH_CALLS):
            return
        try:
            with self._lock:
                if not self._batch or (due and not self._due()):
                    return
                self._leaving, self._batch = self._batch, {}
            self._write()
        finally:
            with self._lock:
                self._batch, self._leaving = self._leaving | self._batch, {}
            self._writer.release()

    def _write(self) -> None:
        table = _encode(self._leaving)
        data = shard.write_parquet(table, incompressible=("key",))
        key = file_key(self.folder, data)
        self.store.files.create(key, data)
        with self._lock:
            if key not in {known for known, _ in self._files.values()}:  # a refresh may have seen it first
                places = self._place(key, len(data), len(table))
                self._recent |= dict(zip(self._leaving, places.tolist(), strict=True))
                self._hold(self._numbered - 1, list(self._leaving.items()), table.nbytes)
            self._leaving = {}

    def tidy(self) -> None:
        """Put small files together where there are many; another thread or worker may be at it. Raises StoreFailed."""
        with self._lock:
            small = {key: size for key, size in self._files.values() if size < SMALL_BYTES}
        if len(small) > MOST_SMALL and self._tidying.acquire(blocking=False):
            try:
                put_together(self.store, self.folder, small)
            finally:
                self._tidying.release()
            self.refresh()

    def _landed(self, name: bytes, future: Future[Reply], key: Callable[[Reply], bytes | None]) -> None:
        with self._lock:
            answered = not future.cancelled() and future.exception() is None
            if answered and (kept_under := key(future.result())):
                self.put(kept_under, future.result())
            self._flying.pop(name, None)

    def _due(self) -> bool:
        return len(self._batch) >= BATCH_CALLS or time.monotonic() - self._oldest >= BATCH_S

    def _learn(self) -> bool:
        """Bring the index up to date; return False where a file went in the meantime."""
        present = listed(self.store, self.folder)
        known = {key for key, _ in self._files.values()}
        try:
            fresh = [(key, *self._keys(key)) for key in present if key not in known]
        except FileNotFoundError:
            return False
        self._drop(known.difference(present))
        if fresh:
            places = [self._place(key, size, len(keys)) for key, keys, size in fresh]
            self._add(np.concatenate([keys for _, keys, _ in fresh]), np.concatenate(places))
        return True

    def _keys(self, key: str) -> tuple[np.ndarray[Any, Any], int]:
        table, size = read_calls(self.store, key)
        return shard.fixed_bytes(table["key"]), size

    def _drop(self, keys: set[str]) -> None:
        gone = [number for number, (key, _) in self._files.items() if key in keys]
        stay = ~np.isin(self._places >> 32, gone)
        self._prefixes, self._places = self._prefixes[stay], self._places[stay]
        self._recent = {key: place for key, place in self._recent.items() if place >> 32 not in gone}
        for number in gone:
            del self._files[number]
            self._held.pop(number, None)
            self._sizes.pop(number, None)

    def _place(self, key: str, size: int, rows: int) -> np.ndarray[Any, Any]:
        self._files[self._numbered] = (key, size)
        self._numbered += 1
        return ((self._numbered - 1) << 32) + np.arange(rows, dtype=np.int64)

    def _add(self, keys: np.ndarray[Any, Any], places: np.ndarray[Any, Any]) -> None:
        recent = np.frombuffer(b"".join(self._recent), np.uint8).reshape(-1, KEY_BYTES)
        keys = np.concatenate([recent, keys])[:, :8]
        prefixes = np.concatenate([self._prefixes, np.ascontiguousarray(keys).view("<u8").ravel()])
        places = np.concatenate([self._places, np.array(list(self._recent.values()), np.int64), places])
        order = np.argsort(prefixes, kind="stable")
        self._prefixes, self._places, self._recent = prefixes[order], places[order], {}

    def _committed(self, key: bytes) -> Reply | None:
        if (place := self._recent.get(key)) is not None:
            return self._at(place)[1]
        prefix = np.frombuffer(key[:8], "<u8")[0]
        slot = int(np.searchsorted(self._prefixes, prefix))
        replies = []
        while slot < len(self._prefixes) and self._prefixes[slot] == prefix:
            found, reply = self._at(int(self._places[slot]))
            if found == key:
                replies.append(reply)
            slot += 1
        return min(replies, key=rank, default=None) if len(replies) != 1 else replies[0]

    def _at(self, place: int) -> tuple[bytes, Reply]:
        number = place >> 32
        held = self._held.get(number)
        if held is None:
            held = self._load(number)
        else:
            self._held.move_to_end(number)
        return held[place & 0xFFFFFFFF]

    def _load(self, number: int) -> list[tuple[bytes, Reply]]:
        table, _ = read_calls(self.store, self._files[number][0])
        columns = [table[name].to_pylist() for name in SCHEMA.names]
        held = [(row[0], Reply(*row[1:])) for row in zip(*columns, strict=True)]
        self._hold(number, held, table.nbytes)
        return held

    def _hold(self, number: int, replies: list[tuple[bytes, Reply]], size: int) -> None:
        self._held[number], self._sizes[number] = replies, size
        while sum(self._sizes.values()) > HELD_BYTES and len(self._held) > 1:
            oldest, _ = self._held.popitem(last=False)
            del self._sizes[oldest]


def shared(store: Store, scope: str) -> Calls:
    """Return the calls of a scope, one object for all threads of this process, its index up to date."""
    name = (store.url, repr(sorted(store.options.items())), scope)
    with _OPENING:
        calls = _OPEN.pop(name, None) or Calls(store, scope)
        _OPEN[name] = calls
        while len(_OPEN) > MOST_OPEN:
            _OPEN.popitem(last=False)
    calls.refresh()
    return calls


_OPEN: OrderedDict[tuple[str, str, str], Calls] = OrderedDict()
_OPENING = Lock()


def _encode(batch: dict[bytes, Reply]) -> pa.Table:
    rows = [(key, *[getattr(reply, name) for name in SCHEMA.names[1:]]) for key, reply in batch.items()]
    return pa.table(dict(zip(SCHEMA.names, zip(*rows, strict=True), strict=True)), schema=SCHEMA)
