"""Known answers of problems, held against what else is known of them.

references/no_answer        the problem has no known answer, and one is asked for
references/no_number        its answer is no number
references/two_numbers      its answer is several numbers
references/program_differs  the program of the problem prints another number: both numbers
references/solution_differs the solution of the problem ends with another answer
references/wrong_sum        a calculator annotation of that solution does not hold
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from generators.answers import HASHES, answers
from generators.calculator import annotations
from generators.executed import COMPUTED
from generators.quantities import Quantity, exact, quantities
from generators.solving import ANSWER
from manifests.rows import Document
from manifests.stage import Rejected, Stage


@dataclass(frozen=True, slots=True)
class Referenced(Stage):
    """Keep the problems whose known answer is one number that nothing contradicts.

    A problem without a known answer is kept unless one is required.
    """

    version: ClassVar[int] = 1

    required: bool = True

    def __call__(self, rows: Iterable[Document]) -> Iterator[Document | Rejected]:
        for row in rows:
            if ANSWER not in row.labels:
                yield Rejected(row, "references/no_answer") if self.required else row
                continue
            found = quantities(row.labels[ANSWER])
            if not found:
                yield Rejected(row, "references/no_number")
            elif len(found) > 1:
                yield Rejected(row, "references/two_numbers", float(len(found)), 1.0)
            else:
                yield _contradicted(row, found[0]) or row


def _contradicted(row: Document, answer: Quantity) -> Rejected | None:
    computed = exact(row.labels[COMPUTED]) if COMPUTED in row.labels else None
    if computed and not computed.same(answer):
        return Rejected(row, "references/program_differs", float(computed.value), float(answer.value))
    solution = row.labels.get("solution", "")
    said = [one.quantity for one in answers(solution) if one.mark == HASHES]
    if any(one is None or not one.same(answer) for one in said):
        return Rejected(row, "references/solution_differs")
    wrong = sum(not one.holds for one in annotations(solution))
    return Rejected(row, "references/wrong_sum", float(wrong), 0.0) if wrong else None
