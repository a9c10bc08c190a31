"""Sets of candidates, all made of one text: which of them fit, and which is the best.

    Fitting((Gates(...),)), Scored(MetricX()), Best("metricx/errors", lowest=True)

Every candidate stays a row of the part before, with its scores, and every one that is not chosen a line of the ledger.

candidates/none_fits    all candidates of a text failed a gate: the set as a whole, with `failed <gate>` for each one
candidates/not_best     another candidate of its set has a better score
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from generators.segments import NUMBER
from manifests.errors import BadRecipe, BadRow
from manifests.rows import Document
from manifests.stage import Kept, Rejected, Rule, Stage
from manifests.store import Store


def sets(rows: Iterable[Document]) -> Iterator[list[Document]]:
    """Yield the candidates of each text together, in their order: they stand next to each other as they were made."""
    for _, candidates in groupby(rows, key=lambda row: (row.parents, row.labels.get(NUMBER))):
        yield list(candidates)


@dataclass(frozen=True, slots=True)
class Fitting(Stage):
    """Refuse the candidates that fail a gate; where all of a set do, refuse the set too, with the count of each gate.

    The gates are stages that judge a row by itself. A candidate comes to a gate if it passed those before.
    """

    gates: tuple[Stage, ...]

    def __post_init__(self) -> None:
        if any(gate.dear for gate in self.gates):
            raise BadRecipe("Fitting: a dear stage is a step of its own; gates are cheap")

    def rules(self) -> tuple[Rule, ...]:
        return tuple([rule for gate in self.gates for rule in gate.rules()])

    def resolve(self, store: Store) -> "Fitting":
        return replace(self, gates=tuple([gate.resolve(store) for gate in self.gates]))

    def within(self, store: Store) -> "Fitting":
        return replace(self, gates=tuple([gate.within(store) for gate in self.gates]))

    def __call__(self, rows: Iterable[Document]) -> Iterator[Kept | Rejected]:
        for candidates in sets(rows):
            judged = [self._judged(row) for row in candidates]
            yield from judged
            failed = Counter([f"failed {one.reason}" for one in judged if isinstance(one, Rejected)])
            if failed.total() == len(candidates):
                made_of = candidates[0].derive(parents=tuple([row.id for row in candidates]))
                counts = {gate: float(count) for gate, count in failed.items()}
                yield Rejected(made_of, "candidates/none_fits", 0.0, 1.0, values=counts)

    def _judged(self, row: Document) -> Kept | Rejected:
        judged = Kept(row)
        for gate in self.gates:
            [outcome] = gate([judged.row])
            if isinstance(outcome, Rejected):
                return replace(outcome, values={**judged.values, **outcome.values})
            if not isinstance(outcome, Kept):
                raise BadRow(f"{gate.title}: expected a gate, which measures a row and keeps or refuses it")
            judged = Kept(outcome.row, {**judged.values, **outcome.values})
        return judged


@dataclass(frozen=True, slots=True)
class Best(Stage):
    """Keep the candidate of each set with the best score, of equals the first. One without a score loses to any."""

    by: str  # the name of a score
    lowest: bool = False  # whether the lowest wins

    @property
    def title(self) -> str:
        """What it chooses by."""
        return f"Best ({self.by})"

    def __call__(self, rows: Iterable[Document]) -> Iterator[Kept | Rejected]:
        for candidates in sets(rows):
            best = min(candidates, key=self._rank)
            found = best.scores.get(self.by)
            for row in candidates:
                score = row.scores.get(self.by)
                values = {} if score is None else {self.by: score}
                lost = Rejected(row, "candidates/not_best", score, found, values=values)
                yield Kept(row, values) if row is best else lost

    def _rank(self, row: Document) -> tuple[bool, float]:
        score = row.scores.get(self.by)
        return score is None, 0.0 if score is None else score if self.lowest else -score
