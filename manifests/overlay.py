"""A store in memory on top of another one: what is read may come from below, what is written never gets there.

    store = Overlay(Store("koba-store"))

A preview runs in one: it finds the models, lists and datasets of the store, and leaves nothing behind.
"""

import secrets
from collections.abc import Iterator
from functools import cached_property
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from manifests.files import Files, RemoteFiles
from manifests.store import Store


class Overlay(Store):
    """A store for one process, whose writes are gone with it."""

    def __init__(self, below: Store) -> None:
        super().__init__(f"memory://overlay-{secrets.token_hex(8)}")
        self.below = below

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(f"a store in memory on top of {self.below.url} cannot be handed to another process")

    @cached_property
    def files(self) -> Files:
        """The bytes under the keys, those below included."""
        return _Layers(RemoteFiles(self.url), self.below.files)


class _Layers:
    """Files of two places, of which only the upper one is written to."""

    def __init__(self, upper: Files, lower: Files) -> None:
        self.upper = upper
        self.lower = lower

    def read(self, key: str) -> bytes:
        return self._holder(key).read(key)

    def stream(self, key: str) -> BufferedIOBase:
        return self._holder(key).stream(key)

    def link(self, key: str, path: Path) -> bool:
        return self._holder(key).link(key, path)

    def create(self, key: str, data: bytes | Path) -> bool:
        return self.lower.size(key) is None and self.upper.create(key, data)

    def overwrite(self, key: str, data: bytes) -> None:
        self.upper.overwrite(key, data)

    def size(self, key: str) -> int | None:
        return self._holder(key).size(key)

    def age_s(self, key: str) -> float:
        return self._holder(key).age_s(key)

    def touch(self, key: str, data: bytes | Path) -> None:
        if self.upper.size(key) is not None:
            self.upper.touch(key, data)

    def keys(self, prefix: str) -> Iterator[str]:
        yield from sorted({*self.upper.keys(prefix), *self.lower.keys(prefix)})

    def delete(self, key: str) -> None:
        self.upper.delete(key)

    def leftovers(self) -> Iterator[str]:
        return self.upper.leftovers()

    def _holder(self, key: str) -> Files:
        return self.upper if self.upper.size(key) is not None else self.lower
