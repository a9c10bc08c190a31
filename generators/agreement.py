"""Several judgements of one text become one: the middle of the points, or the commonest name.

agreement/low       fewer passes agree with the outcome than are asked for
agreement/joined    a further pass of a text: its judgement went into the row of the first one
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median_low

from generators.candidates import sets
from generators.rubrics import RUBRICS, Rubric
from manifests.errors import BadRecipe
from manifests.rows import Document
from manifests.stage import Kept, Rejected, Rule, Stage, Values


@dataclass(frozen=True, slots=True)
class Agreed(Stage):
    """Join the judged copies of each text. Points: the lower median; names: the commonest, of equals the first named.

    The agreement is the share of the passes that came to the outcome, of points also those one away. One pass agrees
    with itself.
    """

    rubric: str
    least: float = 0.5

    def __post_init__(self) -> None:
        if self.rubric not in RUBRICS:
            raise BadRecipe(f"agreement: no rubric {self.rubric!r}; expected one of {', '.join(RUBRICS)}")

    def rules(self) -> tuple[Rule, ...]:
        return (Rule("agreement/low", "agreement/share", ">=", self.least),)

    def __call__(self, rows: Iterable[Document]) -> Iterator[Document | Kept | Rejected]:
        rubric = RUBRICS[self.rubric]
        for judged in sets(rows):
            votes = [int(row.scores[f"annotate/{rubric.name}"]) for row in judged]
            outcome, share = outcome_of(rubric, votes)
            values: Values = {"agreement/share": share, "agreement/passes": float(len(votes))}
            first, *others = judged
            label = str(outcome) if rubric.most else rubric.names[outcome]
            row = first.replace(
                scores={**first.scores, f"annotate/{rubric.name}": float(outcome), **values},
                labels={**first.labels, rubric.name: label},
            )
            if share < self.least:
                yield from [Rejected(one, "agreement/low", share, self.least, values=values) for one in judged]
                continue
            yield Kept(row, values)
            for one in others:
                yield Rejected(one, "agreement/joined")


def outcome_of(rubric: Rubric, votes: list[int]) -> tuple[int, float]:
    """Return what some votes come to, and the share of them that agree with it.

    >>> outcome_of(RUBRICS["education"], [2, 3, 5])
    (3, 0.6666666666666666)
    """
    if rubric.most:
        outcome, near = median_low(votes), 1
    else:
        counts = Counter(votes)
        outcome, near = min(counts, key=lambda vote: (-counts[vote], vote)), 0
    return outcome, sum(abs(vote - outcome) <= near for vote in votes) / len(votes)
