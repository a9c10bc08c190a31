"""Solutions of one problem against each other: what most of them come to is taken for the answer.

votes/few                 fewer solutions than are asked for
votes/tie                 no answer has more votes than every other one
votes/low_share           too small a share of the solutions has the commonest answer
votes/minority            this solution has another answer: its votes, and those of the commonest
votes/program_differs     the program of the problem comes to another number than most solutions
votes/wrong               this solution has another answer than the one that is known

A known answer decides by itself where it is to be trusted; the votes are counted all the same.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

from generators.candidates import sets
from generators.executed import COMPUTED
from generators.quantities import Quantity, exact
from generators.solving import ANSWER, REFERENCE
from manifests.errors import BadRow
from manifests.rows import Document
from manifests.stage import Kept, Rejected, Rule, Stage


@dataclass(frozen=True, slots=True)
class Votes(Stage):
    """Keep the solutions that agree with the majority, or with the answer that is known.

    Measured on every one: `votes/cast`, `votes/most`, `votes/share` (of the commonest answer), `votes/answer` (that
    answer), `votes/own_answer`, `votes/own`, and `votes/right` where the answer is known.
    """

    version: ClassVar[int] = 1

    least_share: float = 0.5
    least_votes: int = 1
    trust_reference: bool = True  # False: it is only recorded whether a solution is right

    def rules(self) -> tuple[Rule, ...]:
        return (
            Rule("votes/few", "votes/cast", ">=", self.least_votes),
            Rule("votes/low_share", "votes/share", ">=", self.least_share),
        )

    def __call__(self, rows: Iterable[Document]) -> Iterator[Kept | Rejected]:
        for solutions in sets(rows):
            given = [_number(row, ANSWER) for row in solutions]
            count = Counter([one.value for one in given])
            winner, most = _winner(count)
            for row, own in zip(solutions, given, strict=True):
                values = {
                    "votes/cast": float(len(given)),
                    "votes/most": float(most),
                    "votes/share": most / len(given),
                    "votes/own": float(count[own.value]),
                    "votes/own_answer": _shown(own.value),
                    **({} if winner is None else {"votes/answer": _shown(winner)}),
                }
                known = exact(row.labels[REFERENCE]) if REFERENCE in row.labels else None
                if known:
                    values["votes/right"] = float(known.same(own))
                if known and self.trust_reference:
                    right = bool(values["votes/right"])
                    yield _kept(row, values) if right else Rejected(row, "votes/wrong", values=values)
                else:
                    yield self._judged(row, own, winner, values)

    def _judged(
        self, row: Document, own: Quantity, winner: Fraction | None, values: dict[str, float]
    ) -> Kept | Rejected:
        if values["votes/cast"] < self.least_votes:
            return Rejected(row, "votes/few", values["votes/cast"], self.least_votes, values=values)
        if winner is None:
            return Rejected(row, "votes/tie", values["votes/most"], values=values)
        if values["votes/share"] < self.least_share:
            return Rejected(row, "votes/low_share", values["votes/share"], self.least_share, values=values)
        computed = exact(row.labels[COMPUTED]) if COMPUTED in row.labels else None
        if computed and not computed.same(Quantity(winner)):
            return Rejected(row, "votes/program_differs", _shown(computed.value), _shown(winner), values=values)
        if own.value != winner:
            return Rejected(row, "votes/minority", values["votes/own"], values["votes/most"], values=values)
        return _kept(row, values)


def majority(given: Iterable[str | float | Decimal | Fraction]) -> tuple[Quantity, float] | None:
    """Return the commonest of some numbers and its share, or None where two are as common.

    >>> majority([18, 18.0, "18", 20])
    (Quantity(value=Fraction(18, 1), percent=False), 0.75)
    """
    numbers = [exact(one) for one in given]
    winner, most = _winner(Counter([one.value for one in numbers if one]))
    return None if winner is None else (Quantity(winner), most / len(numbers))


def _winner(count: Counter[Fraction]) -> tuple[Fraction | None, int]:
    """Return the commonest number and its votes; None where there is none, or another one has as many."""
    if not count:
        return None, 0
    [(winner, most), *others] = count.most_common(2)
    return (None if others and others[0][1] == most else winner), most


def _number(row: Document, label: str) -> Quantity:
    found = exact(row.labels.get(label, ""))
    if found is None:
        raise BadRow(
            f"Votes: row {row.hex} has the {label} {row.labels.get(label)!r}; expected one number, as Solve writes"
        )
    return found


def _kept(row: Document, values: dict[str, float]) -> Kept:
    told = ("votes/cast", "votes/share", "votes/right")
    return Kept(row.replace(scores={**row.scores, **{name: values[name] for name in told if name in values}}), values)


def _shown(value: Fraction) -> float:
    """Return a number as the ledger holds it; what is too large for it is cut."""
    return float(max(min(value, Fraction(10**300)), Fraction(-(10**300))))
