"""Stages, rules and recipes: the decisions that make one dataset out of another.

A stage is a frozen dataclass of literals. Called on the rows of one shard it yields what it keeps and what it refuses:

    @dataclass(frozen=True, slots=True)
    class Length(Rules):
        max_chars: int = 8_000

        def rules(self) -> tuple[Rule, ...]:
            return at_most("length/too_long", "chars", self.max_chars)

        def measure(self, doc: Document) -> Values:
            return {"chars": len(doc.text)}
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as with_fields
from importlib.metadata import version as library_version
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import pyarrow as pa

from manifests import canonical
from manifests.cuts import Cuts
from manifests.errors import BadRecipe
from manifests.rows import Row
from manifests.used import Used

if TYPE_CHECKING:
    from manifests.store import Store
    from manifests.told import Told
    from manifests.view import Slice, View

_HOLDS: dict[str, Callable[[float, float], bool]] = {">=": ge, "<=": le, ">": gt, "<": lt}
Values: TypeAlias = Mapping[str, float | None]
Map: TypeAlias = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Rule:
    """Keep a row while `measure` stands in the relation `keep` to `threshold`; else refuse it for `reason`."""

    reason: str  # "family/what_is_wrong", e.g. "gopher/few_words"
    measure: str
    keep: Literal[">=", "<=", ">", "<"]
    threshold: float

    def keeps(self, value: float | None) -> bool:
        """Tell whether a row with this value is kept. A value that could not be measured keeps its row."""
        return value is None or _HOLDS[self.keep](value, self.threshold)


def at_least(reason: str, measure: str, threshold: float | None) -> tuple[Rule, ...]:
    """Return the rule `measure >= threshold`, or no rule where the threshold is None (off)."""
    return () if threshold is None else (Rule(reason, measure, ">=", threshold),)


def at_most(reason: str, measure: str, threshold: float | None) -> tuple[Rule, ...]:
    """Return the rule `measure <= threshold`, or no rule where the threshold is None (off)."""
    return () if threshold is None else (Rule(reason, measure, "<=", threshold),)


def below(reason: str, measure: str, threshold: float | None) -> tuple[Rule, ...]:
    """Return the rule `measure < threshold`, or no rule where the threshold is None (off)."""
    return () if threshold is None else (Rule(reason, measure, "<", threshold),)


@dataclass(frozen=True, slots=True)
class Kept:
    """A row that passed, with what was measured on the way."""

    row: Row
    values: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that a stage refused, and why."""

    row: Row
    reason: str
    value: float | None = None
    threshold: float | None = None
    twin: bytes | None = None  # id of the row that survives in this one's place
    values: Values = field(default_factory=dict)
    damage: str | None = None  # of a part of a source that cannot be read: what is wrong at the row's origin


class Stage:
    """What one step does to the rows of one shard. Subclasses are frozen dataclasses of literals."""

    __slots__ = ()
    version: ClassVar[int] = 1  # raised by hand when the same literals give other rows
    libraries: ClassVar[tuple[str, ...]] = ()  # distributions whose version can change the rows
    dear: ClassVar[bool] = False  # its output is worth keeping: later steps start from it

    def __call__(self, rows: Iterable[Any]) -> Iterator[Row | Kept | Rejected]:
        raise NotImplementedError

    def rules(self) -> tuple[Rule, ...]:
        """Return the rules that this stage applies to what it measures."""
        return ()

    @property
    def title(self) -> str:
        """What people call it."""
        return type(self).__name__

    def resolve(self, store: "Store") -> "Stage":  # noqa: ARG002 - most stages name nothing in a store
        """Return this stage with the digests of what it names by ref; `run` asks before it takes a fingerprint."""
        return self

    def within(self, store: "Store") -> "Stage":  # noqa: ARG002 - as above
        """Return this stage as a worker calls it: one that keeps something in the store gets the store here."""
        return self

    def used(self) -> Used:
        """Return the models and prompts that write rows here, for the manifest: none in most stages."""
        return Used()

    def describe(self) -> dict[str, Any]:
        """Return all that this stage's output depends on; its fingerprint is taken over it."""
        return describe(self)


class Rules(Stage):
    """A stage that measures a row once and holds the values against its rules, in order."""

    __slots__ = ()

    def measure(self, row: Any) -> Values:
        """Return every value that the rules name. A pure function of the row."""
        raise NotImplementedError

    def __call__(self, rows: Iterable[Any]) -> Iterator[Row | Kept | Rejected]:
        rules = self.rules()
        for row in rows:
            yield judge(row, self.measure(row), rules)


def judge(row: Row, values: Values, rules: tuple[Rule, ...]) -> Kept | Rejected:
    """Hold values against rules: the first one that refuses names the reason."""
    for rule in rules:
        if not rule.keeps(values[rule.measure]):
            return Rejected(row, rule.reason, values[rule.measure], rule.threshold, values=values)
    return Kept(row, values)


@dataclass(frozen=True, slots=True)
class Only(Stage):
    """Apply a stage to the rows of one language, as in `Only("ja", SwallowV1())`; pass all others on untouched."""

    language: str
    stage: Stage

    @property
    def title(self) -> str:
        """The inner stage, and for whom."""
        return f"{self.stage.title} ({self.language})"

    @property
    def dear(self) -> bool:  # type: ignore[override] # what is a constant of all other stages is its inner one's here
        """Whether the inner stage is."""
        return self.stage.dear

    def used(self) -> Used:
        return self.stage.used()

    def rules(self) -> tuple[Rule, ...]:
        return self.stage.rules()

    def resolve(self, store: "Store") -> "Stage":
        return with_fields(self, stage=self.stage.resolve(store))

    def within(self, store: "Store") -> "Stage":
        return with_fields(self, stage=self.stage.within(store))

    def __call__(self, rows: Iterable[Row]) -> Iterator[Row | Kept | Rejected]:
        passed: list[Row] = []

        def matching() -> Iterator[Row]:
            for row in rows:
                if row.language == self.language:
                    yield row
                else:
                    passed.append(row)

        for outcome in self.stage(matching()):
            while passed:
                yield passed.pop(0)
            yield outcome
        yield from passed


class Selection:
    """What a step does that needs all rows of a dataset at once. Subclasses are frozen dataclasses of literals."""

    __slots__ = ()
    version: ClassVar[int] = 1
    libraries: ClassVar[tuple[str, ...]] = ()

    def select(self, view: "View", map: Map) -> "Selected":
        """Decide on every row of `view`; `map` runs a function on each shard, perhaps on other machines."""
        raise NotImplementedError

    @property
    def title(self) -> str:
        """What people call it."""
        return type(self).__name__

    def rules(self) -> tuple[Rule, ...]:
        """Return the rules behind the values that the selection records."""
        return ()

    def resolve(self, store: "Store") -> "Selection":  # noqa: ARG002 - most selections name nothing in a store
        """Return this selection with the digests of what it names by ref; `run` asks before it takes a fingerprint."""
        return self

    def describe(self) -> dict[str, Any]:
        """Return all that this selection's masks depend on; its fingerprint is taken over it."""
        return describe(self)


class Side:
    """A table made from a shard and kept beside it, one row for each of its rows: signatures, embeddings, scores.

    Subclasses are frozen dataclasses of literals. `View.side` computes it once for each shard, on any machine.
    """

    __slots__ = ()
    version: ClassVar[int] = 1
    libraries: ClassVar[tuple[str, ...]] = ()
    columns: ClassVar[tuple[str, ...]] = ()  # what it reads of the shard

    def __call__(self, shard: pa.Table) -> pa.Table:
        raise NotImplementedError

    def describe(self) -> dict[str, Any]:
        """Return all that this table depends on; its fingerprint is taken over it."""
        return describe(self)


@dataclass(frozen=True, slots=True)
class Drop:
    """One row that a selection leaves out. `row` counts from 0 over the rows of its shard that are still visible."""

    shard: int  # ordinal of the entry in the manifest
    row: int
    reason: str
    value: float | None = None
    threshold: float | None = None
    twin: bytes | None = None


@dataclass(frozen=True, slots=True)
class Selected:
    """The outcome of a selection: what it drops, and what it takes out of rows. All else stays."""

    drops: Sequence[Drop] = ()
    warnings: tuple[str, ...] = ()  # shown to the user: an empty effect where an effect was asked for
    notes: tuple[str, ...] = ()  # likewise: what is worth knowing and no cause for worry
    cuts: Sequence[Cuts] = ()  # at most one for each shard; the same row is not in `drops`
    each: "Callable[[Slice], Told] | None" = None  # asked of each shard where its mask is written: drops by the million


Step: TypeAlias = Stage | Selection


@dataclass(frozen=True, slots=True)
class Recipe:
    """A name and a tuple of steps: every decision that bears on a dataset."""

    name: str
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        for step in self.steps:
            if not isinstance(step, Stage | Selection):
                raise BadRecipe(f"recipe {self.name!r}: {step!r:.80} is no step; expected a Stage or a Selection")

    @property
    def fingerprint(self) -> str:
        """Digest of the steps. The name is not in it: it cannot change a row."""
        return canonical.digest(self.steps)

    def resolve(self, store: "Store") -> "Recipe":
        """Return the recipe with the digests of what its steps name by ref. Raises NotFound."""
        return with_fields(self, steps=tuple(step.resolve(store) for step in self.steps))


def describe(step: Step | Side) -> dict[str, Any]:
    """Return a step's name, version, fields and the versions of the libraries it depends on."""
    return {
        "stage": type(step).__name__,
        "version": step.version,
        "libraries": {name: library_version(name) for name in step.libraries},
        "fields": canonical.field_values(step),
    }
