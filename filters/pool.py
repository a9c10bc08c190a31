"""All rows of a dataset that a selection chooses among: its groups with their sizes, and what is told of the choice."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from filters.marks import Marks
from manifests.errors import BadRecipe
from manifests.manifest import Manifest
from manifests.stage import Map
from manifests.told import Told
from manifests.view import Beside, Slice, View

if TYPE_CHECKING:
    from manifests.store import Store

SHOWN = 12  # names that a message lists


@dataclass
class Group:
    """The rows of one group."""

    rows: int = 0
    size: int = 0
    scored: Counter[str] = field(default_factory=Counter)  # rows that have a score, by its name
    scored_size: Counter[str] = field(default_factory=Counter)
    low: dict[str, float] = field(default_factory=dict)
    high: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Pool:
    """The visible rows of a dataset with their marks, and what they add up to."""

    asked_by: str
    marks: Marks
    beside: tuple[Beside, ...]
    groups: Mapping[str, Group]  # in the order of their names

    @classmethod
    def of(cls, view: View, marks: Marks, map: Map, asked_by: str) -> "Pool":
        """Read a pool. Raises BadRecipe where it is empty, a score is not there, or tokens were not counted."""
        if not view.rows:
            raise BadRecipe(f"{asked_by}: the pool is empty; look at what the steps before it dropped (`koba show`)")
        beside = tuple(view.beside(marks, map))
        groups: dict[str, Group] = {}
        unsized = 0
        for part, without in map(partial(_survey, marks), beside):
            unsized += without
            for name, group in part.items():
                _add(groups.setdefault(name, Group()), group)
        if unsized:
            raise BadRecipe(
                f"{asked_by}: {unsized:,} of {view.rows:,} rows have no {marks.of} to go by; count them first "
                "(--tokenizer of `koba run`), or go by rows"
            )
        made = cls(asked_by, marks, beside, dict(sorted(groups.items())))
        for score in marks.scores:
            made._check_score(view, score)
        return made

    @property
    def rows(self) -> int:
        """How many there are."""
        return sum(group.rows for group in self.groups.values())

    @property
    def size(self) -> int:
        """Their rows, characters or tokens."""
        return sum(group.size for group in self.groups.values())

    def codes(self, table: pa.Table) -> NDArray[np.int64]:
        """Return the number of each row's group."""
        return codes(tuple(self.groups), table)

    def each(self, decide: Callable[[pa.Table], Told]) -> "Each":
        """Return what decides on a slice by its marks, on the machine that writes its mask."""
        return Each(tuple(beside.digest for beside in self.beside), decide)

    def unknown(self, wanted: Sequence[str]) -> list[str]:
        """Return those of some groups that no row is in."""
        return [name for name in wanted if name not in self.groups]

    def _check_score(self, view: View, score: str) -> None:
        if any(group.scored[score] for group in self.groups.values()):
            return
        known = known_scores(view.store, view.manifest)
        close = get_close_matches(score, known, n=3) or known[:SHOWN]
        raise BadRecipe(
            f"{self.asked_by}: no row has a score {score!r} that is a number; there are {', '.join(close) or 'none'}. "
            "Put the classifier that writes it before this step"
        )


@dataclass(frozen=True)
class Each:
    """Decides on a slice by its marks."""

    digests: tuple[str, ...]  # of the tables of marks, by the slices' ordinals
    decide: Callable[[pa.Table], Told]

    def __call__(self, part: Slice) -> Told:
        marks = Beside(part, self.digests[part.ordinal]).table()
        return self.decide(marks.append_column("shard", pa.array(np.full(len(marks), part.ordinal, np.int64))))


def codes(names: Sequence[str], table: pa.Table) -> NDArray[np.int64]:
    """Return the place of each row's group among some names; -1: it is none of them."""
    found = pc.index_in(table["group"], value_set=pa.array(names, pa.string())).fill_null(-1)
    return np.asarray(found.to_numpy(), np.int64)


def share_of(total: int, share: float) -> int:
    """Return a share of so many, rounded to the nearest; 0.29 of 100 is 29, whatever floats make of it."""
    return int(Fraction(str(share)) * total + Fraction(1, 2))


def known_scores(store: "Store", manifest: Manifest) -> list[str]:
    """Return the names of the scores that rows of the first shard have."""
    for part in View(store, manifest).slices[:1]:
        keys = [chunk.keys for chunk in part.table(["scores"])["scores"].chunks]
        return sorted({name for column in keys for name in column.unique().to_pylist()})
    return []


def _survey(marks: Marks, beside: Beside) -> tuple[dict[str, Group], int]:
    table = beside.table()
    names = sorted(table["group"].unique().to_pylist())
    at, sizes = codes(names, table), table["size"].fill_null(0).to_numpy()
    found = {
        name: Group(int(rows), int(size))
        for name, rows, size in zip(
            names,
            np.bincount(at, minlength=len(names)),
            np.bincount(at, sizes, len(names)),
            strict=True,
        )
    }
    for score in marks.scores:
        values = table[score].to_numpy()
        has = ~np.isnan(values)
        for number, name in enumerate(names):
            if len(its := values[has & (at == number)]):
                group = found[name]
                group.scored[score] = len(its)
                group.scored_size[score] = int(sizes[has & (at == number)].sum())
                group.low[score], group.high[score] = float(its.min()), float(its.max())
    return found, table["size"].null_count


def _add(total: Group, more: Group) -> None:
    total.rows += more.rows
    total.size += more.size
    total.scored += more.scored
    total.scored_size += more.scored_size
    for name in more.low:
        total.low[name] = min(total.low.get(name, more.low[name]), more.low[name])
        total.high[name] = max(total.high.get(name, more.high[name]), more.high[name])
