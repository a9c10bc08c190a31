"""Problems asked backwards: a number is masked, the answer is given, and the number is asked for (FOBAR, MetaMath).

No model is needed, and the answer of the new problem is known: it is the number that was masked.

backward/no_answer  the problem has no known answer, or one that is no number
backward/no_number  there is no number in digits to mask
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import ClassVar

from generators.arithmetic import NUMBER
from generators.prompts import prompts_of
from generators.quantities import exact
from generators.solving import ANSWER
from manifests import canonical
from manifests.rows import Document
from manifests.stage import Rejected, Stage
from manifests.used import Used

QUESTIONS = {
    "en": "{problem} If the answer to this question is {answer}, what is the value of the unknown number X?",
    "ja": "{problem} この問いの答えが{answer}であるとき、わからない数Xはいくつですか。",
}
_MASKED = "X"
_NUMBER = re.compile(rf"(?<![A-Za-z0-9.,/:-])(?:{NUMBER})(?![0-9A-Za-z/:-]|[.,][0-9])")


@dataclass(frozen=True, slots=True)
class Backward(Stage):
    """Make a problem backwards of each one, with a number drawn by its id."""

    version: ClassVar[int] = 1

    questions: Mapping[str, str] = field(default_factory=lambda: dict(QUESTIONS))  # by language
    seed: int = 0

    def used(self) -> Used:
        return Used({}, prompts_of(self))

    def __call__(self, rows: Iterable[Document]) -> Iterator[Document | Rejected]:
        for row in rows:
            answer = exact(row.labels.get(ANSWER, ""))
            found = list(_NUMBER.finditer(row.text))
            if answer is None or row.language not in self.questions:
                yield Rejected(row, "backward/no_answer")
            elif not found:
                yield Rejected(row, "backward/no_number")
            else:
                rng = Random(canonical.join_parts(b"backward", str(self.seed).encode(), row.id))
                yield self._asked(row, rng.choice(found), str(answer))

    def _asked(self, row: Document, number: re.Match[str], answer: str) -> Document:
        masked = f"{row.text[: number.start()]}{_MASKED}{row.text[number.end() :]}"
        text = self.questions[row.language or ""].format(problem=masked, answer=answer)
        dropped = {"solution", "equation", "program"}
        labels = {name: value for name, value in row.labels.items() if name not in dropped}
        labels |= {"change": "backward", ANSWER: number[0].replace(",", "")}
        return row.derive(text=text, source="mathematics", labels=labels)
