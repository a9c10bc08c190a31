"""datatrove's filters and formatters as stages, and datasets as a source of datatrove's pipelines.

    Datatrove("GopherQualityFilter", {"min_doc_words": 30})
    Datatrove("my_filters.Polite", release="3")

    LocalPipelineExecutor([DatasetReader("koba-store", "web"), GopherQualityFilter(), JsonlWriter("out")])

A block decides on one document at a time. What it writes into the text or the metadata goes into the row: language and
score into their columns, other texts into labels, other numbers into scores. Refused:

datatrove/<reason>   for the reason that the filter gives, in lower case, else for the filter's name
"""

import importlib
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import Any

from datatrove.data import Document as Peer
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.filters.base_filter import BaseFilter, get_filter_result
from datatrove.pipeline.formatters.base import BaseFormatter

from manifests import canonical
from manifests.errors import BadRecipe, BadRow, BadSource
from manifests.plain import plain
from manifests.rows import Document, Row
from manifests.stage import Kept, Rejected, Stage
from manifests.store import Store
from manifests.view import View

HOMES = ("datatrove.pipeline.filters", "datatrove.pipeline.formatters")
COLUMNS = ("source", "url", "date", "language", "language_score", "token_count", "licence")
# What datatrove's blocks ask for at run time, and what decides how its word counts come out.
_DECIDING = ("datatrove", "spacy", "nltk", "fasttext-numpy2-wheel")
_WORD_END = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Datatrove(Stage):
    """One of datatrove's filters or formatters, or one of the same shape from anywhere else.

    Its identity is the path of the class, the options and the versions of the libraries behind it. Blocks that look at
    several documents, or that one document changes for the next, are refused: what they yield depends on the shard.
    """

    block: str  # a class of datatrove, or the path of any: "package.module.Class"
    options: Mapping[str, Any] | tuple[tuple[str, Any], ...] = ()  # keyword arguments: literals
    release: str | None = None  # of a class that no installed distribution has; raise it with its code

    def __post_init__(self) -> None:
        if isinstance(self.options, Mapping):
            object.__setattr__(self, "options", tuple(sorted(self.options.items())))

    @property
    def title(self) -> str:
        return f"{type(self).__name__} {self.block.rpartition('.')[2]}"

    def describe(self) -> dict[str, Any]:
        """Return what decides. Raises BadRecipe for a block that cannot be a stage."""
        found = _block(self.block)
        options = dict(self.options)
        _check(found, options)
        return {
            "stage": type(self).__name__,
            "version": self.version,
            "libraries": _libraries(found, self.release),
            "fields": {"block": _path(found), "options": options, "release": self.release},
        }

    def __call__(self, rows: Iterable[Document]) -> Iterator[Row | Kept | Rejected]:
        found = _block(self.block)
        options = dict(self.options)
        _check(found, options)
        if issubclass(found, BaseFilter):
            made = _made(found, options)
            for row in rows:
                yield _filtered(made, row)
        else:
            for row in rows:
                # A new one for each row: PIIFormatter's placeholders would go on from the row before.
                text = _made(found, options).format(row.text)
                yield row.replace(text=text) if text != row.text else row


class DatasetReader(PipelineStep):  # type: ignore[misc,unused-ignore]
    """A dataset's documents, for a pipeline of datatrove. Ids are koba's, in hex; all columns are metadata."""

    name = "koba dataset"
    type = "📖 - READER"

    def __init__(self, store: str, dataset: str, limit: int = -1) -> None:
        """Name a store by its folder or URL, and a dataset in it by ref or id; `limit`: documents of each rank."""
        super().__init__()
        self.store, self.dataset, self.limit = store, dataset, limit

    def run(self, data: Iterable[Peer] | None = None, rank: int = 0, world_size: int = 1) -> Iterator[Peer]:
        """Yield what came before, then this rank's share: whole shards where there are enough, else every nth row."""
        yield from data or ()
        store = Store(self.store)
        view = View(store, store.manifest(self.dataset))
        if view.manifest.kind != Document.kind:
            raise BadSource(f"{self.dataset} holds rows of kind {view.manifest.kind!r}; datatrove reads documents")
        whole = len(view.slices) >= world_size
        parts = view.slices[rank::world_size] if whole else view.slices
        rows = (row for part in parts for row in part.rows())
        for number, row in enumerate(rows if whole else _every(rows, rank, world_size)):
            if number == self.limit:
                return
            peer = _peer(row)
            self.update_doc_stats(peer)
            self.stat_update("documents")
            yield peer


def _every(rows: Iterable[Row], first: int, step: int) -> Iterator[Row]:
    return (row for number, row in enumerate(rows) if number % step == first)


def _block(name: str) -> type[Any]:
    """Return the class of a name or path."""
    module, _, last = name.rpartition(".")
    for home in (module,) if module else HOMES:
        try:
            found = getattr(importlib.import_module(home), last, None)
        except ModuleNotFoundError as error:
            raise BadRecipe(f"Datatrove: {name!r} cannot be imported ({error}); install what is missing") from error
        if inspect.isclass(found):
            return found
    raise BadRecipe(f"Datatrove: there is no class {name!r}; name one of {' or '.join(HOMES)}, or the path of a class")


def _check(found: type[Any], options: Mapping[str, Any]) -> None:
    """Raise BadRecipe for what does not decide on each document alone, and for options that are no literals."""
    name = found.__name__
    if not issubclass(found, BaseFilter | BaseFormatter):
        raise BadRecipe(f"Datatrove: {name} is neither a filter nor a formatter, which alone decide row by row")
    base: type[Any] = BaseFilter if issubclass(found, BaseFilter) else BaseFormatter
    if found.run is not base.run or getattr(found, "filter_batch", None) is not getattr(base, "filter_batch", None):
        raise BadRecipe(f"Datatrove: {name} works on batches or on a whole stream; a stage is called row by row")
    if options.get("batch_size", 1) != 1:
        raise BadRecipe(f"Datatrove: {name} with batches of {options['batch_size']}; leave batch_size out")
    if name == "SamplerFilter" or options.get("keep_fraction"):
        raise BadRecipe(f"Datatrove: {name} draws by chance, one row after the other: other shards, other rows")
    if "exclusion_writer" in options:
        raise BadRecipe(f"Datatrove: {name} with an exclusion_writer; leave it out: the ledger keeps every refusal")
    canonical.encode(dict(options))


def _made(found: type[Any], options: Mapping[str, Any]) -> Any:
    try:
        return found(**options)
    except (TypeError, ImportError) as error:
        raise BadRecipe(f"Datatrove: {found.__name__}({dict(options)}) cannot be made: {error}") from error


def _libraries(found: type[Any], release: str | None) -> dict[str, str]:
    """Return the versions of what decides: of those libraries that are installed, and of the class's own package."""
    home = found.__module__.partition(".")[0]
    own = [home] if home == "datatrove" else _distributions().get(home, [])
    if not own and release is None:
        raise BadRecipe(f"Datatrove: no distribution has {home!r}, so its code has no version; give a release='1'")
    return {name: known for name in sorted({*_DECIDING, *own}) if (known := _version(name))}


@cache
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()  # 3 s


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _path(found: type[Any]) -> str:
    return f"{found.__module__}.{found.__qualname__}"


def _filtered(block: Any, row: Document) -> Row | Rejected:
    peer = _peer(row)
    before = dict(peer.metadata)
    keeps, reason = get_filter_result(block.filter(peer))
    if not keeps:
        words = re.sub(r"[^a-z0-9]+", "_", str(reason or _WORD_END.sub("_", type(block).__name__)).lower())
        return Rejected(row, f"datatrove/{words.strip('_')}")
    new = {name: value for name, value in peer.metadata.items() if name not in before or before[name] != value}
    if peer.text == row.text and not new:
        return row
    return _written(row.replace(text=peer.text), new, block)


def _written(row: Document, new: Mapping[str, Any], block: Any) -> Row:
    """Return a row with what a block wrote into the metadata."""
    columns = {name: value for name, value in new.items() if name in COLUMNS}
    texts = {name: value for name, value in new.items() if name not in columns and isinstance(value, str)}
    numbers = {name: value for name, value in new.items() if name not in columns and isinstance(value, int | float)}
    odd = sorted(new.keys() - columns.keys() - texts.keys() - numbers.keys())
    if odd:
        raise BadRow(f"row {row.hex}: {type(block).__name__} wrote {odd} as metadata; a row takes texts and numbers")
    scores = {name: round(float(value), 4) for name, value in numbers.items()}
    return row.replace(**columns, labels={**row.labels, **texts}, scores={**row.scores, **scores})


def _peer(row: Row) -> Peer:
    """Return a row as datatrove has it: its text, and all other columns as metadata, labels by their own names."""
    told = {name: value for name, value in plain(row).items() if value is not None and name not in {"id", "text"}}
    labels = told.pop("labels")
    return Peer(text=getattr(row, "text", ""), id=row.hex, metadata={**labels, **told})
