"""Solutions whose sums are wrong.

calculator/wrong_annotation     a calculator annotation `<<sum=result>>` does not hold
calculator/wrong_equation       an equation between numbers in the text does not hold
calculator/few_sums             fewer sums than are asked for
"""

from dataclasses import dataclass
from typing import ClassVar

from generators.calculator import annotations, equations
from generators.solving import PROBLEM
from manifests.rows import Document
from manifests.stage import Rule, Rules, Values, at_least, at_most


@dataclass(frozen=True, slots=True)
class Calculated(Rules):
    """Work all sums of a solution out again. None is off.

    Of GSM8K's own solutions all annotations hold, and 99.7 % of the equations in their text.
    """

    version: ClassVar[int] = 1

    max_wrong_annotations: int | None = 0
    max_wrong_equations: int | None = 0
    min_sums: int | None = None  # annotations and equations together

    def rules(self) -> tuple[Rule, ...]:
        return (
            *at_most("calculator/wrong_annotation", "calculator/wrong_annotations", self.max_wrong_annotations),
            *at_most("calculator/wrong_equation", "calculator/wrong_equations", self.max_wrong_equations),
            *at_least("calculator/few_sums", "calculator/sums", self.min_sums),
        )

    def measure(self, doc: Document) -> Values:
        solution = doc.text.removeprefix(doc.labels.get(PROBLEM, ""))  # a problem may state what is false
        noted, said = annotations(solution), equations(solution)
        return {
            "calculator/sums": float(len(noted) + len(said)),
            "calculator/wrong_annotations": float(sum(not one.holds for one in noted)),
            "calculator/wrong_equations": float(sum(not one.holds for one in said)),
        }
