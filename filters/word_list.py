"""Lists of words, domains or addresses, which are files: what a file holds is its identity, not where it lies."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from manifests.canonical import sha256
from manifests.errors import BadRecipe, BadSource
from manifests.manifest import WORD_LIST_SUFFIX
from manifests.objects import is_digest
from manifests.store import Store

_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class WordList:
    """A text file in UTF-8 with one entry a line; blank lines and lines that begin with "#" are none.

    A recipe names a path. `run` stores the file, and the manifest names its digest: `objects/aa/<digest>.list`.
    """

    file: str  # a path, or the SHA-256 of a list that the store holds
    store: Store | None = field(default=None, compare=False, repr=False)

    def resolve(self, store: Store) -> "WordList":
        """Return the list under its digest, stored. Raises BadSource where there is no such file."""
        return self if is_digest(self.file) else WordList(store.put(self._data(), WORD_LIST_SUFFIX))

    def within(self, store: Store) -> "WordList":
        """Return the list as a worker reads it: from the store."""
        return replace(self, store=store)

    def describe(self) -> dict[str, Any]:
        """Return the digest of the file, whatever its path."""
        return {"word_list": self.file if is_digest(self.file) else sha256(self._data())}

    def entries(self) -> tuple[str, ...]:
        """Return the entries, stripped, in the file's order. Raises BadSource, NotFound."""
        try:
            text = self._data().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise BadSource(f"list {self.file}: {error}; expected UTF-8 with one entry a line") from error
        lines = map(str.strip, text.splitlines())
        return tuple([line for line in lines if line and not line.startswith("#")])

    def _data(self) -> bytes:
        if is_digest(self.file):
            if self.store is None:
                raise BadRecipe(f"list {self.file[:16]}: call its stage within a store, as `run` does, or name a path")
            return self.store.get(self.file, WORD_LIST_SUFFIX)
        try:
            return Path(self.file).read_bytes()
        except OSError as error:
            raise BadSource(f"list {self.file}: {error.strerror}; expected a file with one entry a line") from error


def remembered(make: Callable[[WordList], _Made]) -> Callable[[WordList], _Made]:
    """Make something of a stored list once in each process; a file under a path is read again, for it may change."""
    once = lru_cache(maxsize=16)(make)
    return lambda words: once(words) if is_digest(words.file) else make(words)
