"""Which dataset a problem is of, and which split of it.

problem_split/held_out      it is of a split that is not wanted: test problems are to measure with, never to learn from
problem_split/left_out      it is of a dataset that is left out: parts of Lila hold test problems of other sets
"""

from dataclasses import dataclass

from manifests.rows import Document
from manifests.stage import Rule, Rules, Values, at_least, at_most

WANTED, LEFT_OUT = "problem_split/wanted", "problem_split/unwanted_dataset"


@dataclass(frozen=True, slots=True)
class SplitIs(Rules):
    """Keep the problems of some splits, and those of datasets that have none; leave whole datasets out."""

    splits: tuple[str, ...] = ("train", "dev")
    leave_out: tuple[str, ...] = ()  # how the names of datasets begin, in small letters

    def rules(self) -> tuple[Rule, ...]:
        return at_least("problem_split/held_out", WANTED, 1.0) + at_most("problem_split/left_out", LEFT_OUT, 0.0)

    def measure(self, doc: Document) -> Values:
        split = doc.labels.get("split")
        unwanted = doc.labels.get("dataset", "").lower().startswith(self.leave_out) if self.leave_out else False
        return {WANTED: None if split is None else float(split in self.splits), LEFT_OUT: float(unwanted)}
