"""Which split of its dataset a problem is of.

problem_split/held_out      it is of a split that is not wanted: test problems are to measure with, never to learn from
"""

from dataclasses import dataclass

from manifests.rows import Document
from manifests.stage import Rule, Rules, Values, at_least


@dataclass(frozen=True, slots=True)
class SplitIs(Rules):
    """Keep the problems of some splits, and those of datasets that have none."""

    splits: tuple[str, ...] = ("train", "dev")

    def rules(self) -> tuple[Rule, ...]:
        return at_least("problem_split/held_out", "problem_split/wanted", 1.0)

    def measure(self, doc: Document) -> Values:
        split = doc.labels.get("split")
        return {"problem_split/wanted": None if split is None else float(split in self.splits)}
