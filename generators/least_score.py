"""Documents that a score says are worth asking about.

score/missing   the row has no such score: label the dataset first
score/too_low   it is below what is asked for
"""

from dataclasses import dataclass

from manifests.rows import Row
from manifests.stage import Rule, Rules, Values


@dataclass(frozen=True, slots=True)
class LeastScore(Rules):
    """Keep the rows whose score is high enough; for a share of the best see `filters.percentile`."""

    score: str = "annotate/education"
    least: float = 3.0  # of FineWeb-Edu's 0 to 5

    def rules(self) -> tuple[Rule, ...]:
        return (
            Rule("score/missing", "score/known", ">=", 1.0),
            Rule("score/too_low", self.score, ">=", self.least),
        )

    def measure(self, row: Row) -> Values:
        return {"score/known": float(self.score in row.scores), self.score: row.scores.get(self.score)}
