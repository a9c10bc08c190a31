"""Programs run to learn their answer: the one number on the last line that they print.

executed/failed     the program ended with an error, or before its last line
executed/limit      it took more time, memory or output than it may have
executed/no_number  it printed no number last, or several
executed/none       there is no program
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar

from generators.quantities import Quantity, amounts, written
from generators.sandbox import Outcome, Sandbox
from generators.solving import CODE
from manifests.rows import Document
from manifests.stage import Kept, Rejected, Stage
from manifests.store import Store

COMPUTED = "computed"  # the label with the number that a program printed
_FLOAT = re.compile(
    r"-?[0-9]+\.[0-9]{9,40}(?![0-9e])"
)  # what binary fractions leave: .30000000000000004, .3333333333333
_LARGEST_BELOW = 10_000  # denominator that is looked for behind such a number


@dataclass(frozen=True, slots=True)
class Executed(Stage):
    """Run the program in each row's label `program`; what it printed becomes the label `computed`.

    Unless programs are required, a row whose program says nothing goes on without that label. Where the machine cannot
    isolate a program nothing is run, and the recipe is refused before any model is asked.
    """

    dear: ClassVar[bool] = True
    version: ClassVar[int] = 1

    required: bool = False
    sandbox: Sandbox = field(default_factory=Sandbox)

    def resolve(self, store: Store) -> "Executed":  # noqa: ARG002 - what every stage is asked
        self.sandbox.check()  # before any model is paid
        return self

    def __call__(self, rows: Iterable[Document]) -> Iterator[Document | Kept | Rejected]:
        for row in rows:
            if CODE not in row.labels:
                yield Rejected(row, "executed/none") if self.required else Kept(row, {"executed/answered": 0.0})
                continue
            outcome = self.sandbox.run(row.labels[CODE])
            printed = printed_number(outcome)
            values = {"executed/answered": float(printed is not None), "executed/seconds": outcome.seconds}
            if printed is not None:
                yield Kept(row.replace(labels={**row.labels, COMPUTED: str(printed)}), values)
            elif not self.required:
                yield Kept(row, values)
            elif outcome.passed:
                yield Rejected(row, "executed/no_number", values=values)
            elif outcome.status in {"failed", "exited"}:
                yield Rejected(row, "executed/failed", values=values)
            else:
                yield Rejected(row, "executed/limit", values=values)


def printed_number(outcome: Outcome) -> Quantity | None:
    """Return the number on the last line that a program printed, or None where it failed or there is not just one."""
    lines = [line for line in outcome.stdout.splitlines() if line.strip()]
    if not outcome.passed or not lines:
        return None
    found = amounts(_FLOAT.sub(_meant, lines[-1]))
    return found[0] if len(found) == 1 else None


def _meant(said: re.Match[str]) -> str:
    """Return the simple fraction that a float of many places is next to, or the float as it stands."""
    given = Fraction(said[0])
    simple = given.limit_denominator(_LARGEST_BELOW)
    return written(simple) if abs(given - simple) < Fraction(1, 10**8) else said[0]
