"""Decontamination: rows that hold items of benchmarks go, so that a benchmark measures what a model can do."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from dedup.questions import Search, resolved
from manifests.errors import BadRecipe
from manifests.stage import Drop, Map, Rule, Selected, Selection, at_most, below, describe
from manifests.terminal import safe
from manifests.told import Told

if TYPE_CHECKING:
    from dedup.items import Items
    from dedup.overlaps import Overlaps
    from manifests.store import Store
    from manifests.view import Slice, View

EXACT, OVERLAP, RATIO, TEMPLATE = (f"decontaminate/{name}" for name in ("exact", "overlap", "ratio", "template"))
_GENERIC_ROWS = 10  # that one item is found in, at least, before it is called generic
_SHOWN, _SHOWN_CHARS = 3, 80


@dataclass(frozen=True, slots=True)
class Decontaminate(Selection):
    """Drop rows that hold items of benchmarks; each names the item, as its twin.

    decontaminate/exact       the item is there as a whole, word by word
    decontaminate/ngram       the row shares grams of 13 words with it: the share of the item's words in such grams
    decontaminate/similar     so much of the item's text is in the row, in order: Cosmopedia's rule
    decontaminate/template    the row shares the item's words with other numbers in them

    `dedup.spelling` says what words are; of scripts without spaces, grams have twice as many letters. Items shorter
    than a gram must be there as a whole, and are searched for from `min_words` on. Raises BadRecipe and BadSource where
    items are not to be had.
    """

    version: ClassVar[int] = 1

    against: tuple[str, ...]  # datasets of items, by name or id, or files FILE#COLUMN
    ngram: int = 13  # words (Brown et al. 2020); Cosmopedia: 10
    max_overlap: float = 0.0  # share of an item that may be shared
    max_ratio: float | None = None  # Cosmopedia: 0.5; decides in the place of max_overlap
    template_ngram: int = 8  # words, with numbers masked; 0: off
    min_template: float = 0.6  # share of an item's words, with numbers masked, from which on a row goes
    min_words: int = 8  # of an item; shorter ones are anybody's words (Brown et al. 2020)
    max_items: int = 10  # that may share a gram; what more of them share is how a benchmark asks
    max_share: float = 0.001  # of all rows; an item that is in more is told of as generic
    ignore: tuple[str, ...] = ()  # ids of items that are not searched for

    def __post_init__(self) -> None:
        if not self.against:
            raise BadRecipe("decontaminate: there is nothing to search for; name datasets of items, or files")
        if not 1 <= self.min_words <= self.ngram or self.template_ngram < 0:
            raise BadRecipe(
                f"decontaminate: grams of {self.ngram} and {self.template_ngram} words, items from {self.min_words}; "
                "expected min_words from 1 to ngram"
            )

    def rules(self) -> tuple[Rule, ...]:
        shared = (
            at_most("decontaminate/ngram", OVERLAP, self.max_overlap)
            if self.max_ratio is None
            else at_most("decontaminate/similar", RATIO, self.max_ratio)
        )
        template = below("decontaminate/template", TEMPLATE, self.min_template) if self.template_ngram else ()
        return (*below("decontaminate/exact", EXACT, 1.0), *shared, *template)

    def resolve(self, store: "Store") -> "Decontaminate":
        return replace(self, against=tuple([resolved(store, name) for name in self.against]))

    def describe(self) -> dict[str, Any]:
        return {**describe(self), "side": self._side()}

    @property
    def search(self) -> Search:
        """What the index of the items depends on."""
        return Search(
            self.against, self.ngram, self.template_ngram, self.min_words, self.max_items, tuple(sorted(self.ignore))
        )

    def select(self, view: "View", map: Map) -> Selected:
        from dedup.items import items_of  # noqa: PLC0415  (a recipe is read without numba's 0.7 s)

        items = items_of(view.store, self.search)
        drops, values = list[Drop](), dict[int, Sparse]()
        found: Counter[bytes] = Counter()
        for beside in view.beside(self._side(view.store), map):
            judged = self._judged(beside.part.ordinal, beside.table())
            drops += judged.drops
            values[beside.part.ordinal] = judged.values
            found += judged.items
        notes = (
            f"decontaminate: {len(drops):,} of {view.rows:,} rows hold one of {len(items.ids):,} items",
            *self._told(items),
        )
        return Selected(drops, self._generic(items, found, view.rows), notes, each=Recorded(values))

    def _side(self, store: "Store | None" = None) -> "Overlaps":
        from dedup.overlaps import Overlaps  # noqa: PLC0415  (as above)

        return Overlaps(self.search, self.max_ratio is not None, store)

    def refusal(self, hit: Mapping[str, Any]) -> tuple[Rule, float] | None:
        """Return the first rule that refuses a row with such a hit, and the value; None where it stays."""
        measured = measures(hit)
        for rule in self.rules():
            if not rule.keeps(measured[rule.measure]):
                return rule, float(measured[rule.measure] or 0.0)
        return None

    def _judged(self, ordinal: int, table: pa.Table) -> "Judged":
        rows = table["hits"].combine_chunks()
        judged = Judged([], defaultdict(dict), Counter())
        for row in rows.is_valid().to_numpy(zero_copy_only=False).nonzero()[0].tolist():
            hits = rows[row].as_py()
            refusals = [(hit, refusal) for hit in hits if (refusal := self.refusal(hit))]
            shown = refusals[0][0] if refusals else hits[0]
            for measure, value in measures(shown).items():
                if value is not None:
                    judged.values[measure][row] = value
            judged.items.update([hit["item"] for hit, _ in refusals])
            if refusals:
                rule, value = refusals[0][1]
                judged.drops.append(Drop(ordinal, row, rule.reason, value, rule.threshold, shown["item"]))
        return judged

    def _told(self, items: "Items") -> tuple[str, ...]:
        told = []
        if items.short:
            told.append(
                f"decontaminate: {len(items.short):,} items have fewer than {self.min_words} words and are not "
                f"searched for: {_excerpts(items, items.short)}"
            )
        if items.generic:
            told.append(
                f"decontaminate: {len(items.generic):,} items share every gram with more than {self.max_items} others, "
                f"and are not searched for: {_excerpts(items, items.generic)}"
            )
        return tuple(told)

    def _generic(self, items: "Items", found: Counter[bytes], rows: int) -> tuple[str, ...]:
        most = max(_GENERIC_ROWS, self.max_share * rows)
        places = {row_id: place for place, row_id in enumerate(items.ids)}
        return tuple(
            f"decontaminate: item {row_id.hex()} is in {count:,} of {rows:,} rows: are these anybody's words? "
            f"ignore={row_id.hex()!r} leaves it out: {_excerpts(items, [places[row_id]])}"
            for row_id, count in found.most_common(_SHOWN)
            if count > most
        )


Sparse = Mapping[str, Mapping[int, float]]


@dataclass(frozen=True)
class Judged:
    """What becomes of the rows of one slice."""

    drops: list[Drop]
    values: dict[str, dict[int, float]]  # by measure and row
    items: Counter[bytes]  # of how many rows each was found in


@dataclass(frozen=True)
class Recorded:
    """Hands the values of a few rows to the ledger of their slice."""

    values: Mapping[int, Sparse]

    def __call__(self, part: "Slice") -> Told:
        rows = part.entry.rows
        its = self.values.get(part.ordinal, {})
        return Told((), {measure: [values.get(row) for row in range(rows)] for measure, values in its.items()})


def measures(hit: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the values that rules look at, of a hit as `dedup.overlaps` writes it."""
    ratio = hit["ratio"]
    return {
        EXACT: float(hit["exact"]),
        OVERLAP: round(hit["overlap"], 4),
        RATIO: None if ratio is None or math.isnan(ratio) else round(ratio, 4),
        TEMPLATE: round(hit["template"], 4),
    }


def _excerpts(items: "Items", places: Sequence[int]) -> str:
    return "; ".join(safe(items.texts[place], _SHOWN_CHARS) or "(empty)" for place in places[:_SHOWN])
