"""Benchmarks by name, a dataset of the store or a file that becomes one, and how they are searched for."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from manifests.datafiles import SUFFIXES
from manifests.errors import NotFound
from manifests.exchange import import_files

if TYPE_CHECKING:
    from manifests.store import Store

PREFIX = "benchmarks/"  # of the names of files that became datasets


@dataclass(frozen=True, slots=True)
class Search:
    """How items are searched for: what decides on which grams are looked at."""

    against: tuple[str, ...]  # manifests of items
    ngram: int
    template_ngram: int
    min_words: int
    max_items: int
    ignore: tuple[str, ...] = ()  # ids of items that are left out


def resolved(store: "Store", name: str) -> str:
    """Return the id of a dataset of items, by name, id or as FILE#COLUMN; a file is imported as `benchmarks/<stem>`.

    Raises NotFound and BadSource, the latter for a file whose texts are in no column that is known.
    """
    try:
        return store.resolve(name)
    except NotFound:
        path, _, column = name.partition("#")
        if not PurePosixPath(path).name.endswith(SUFFIXES):
            raise
        stem = PurePosixPath(path).name.partition(".")[0]
        made = import_files([path], store=store, tag=f"{PREFIX}{stem}", text=column or "text")
        return made.manifest.id
