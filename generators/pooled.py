"""The pool of replies to one prompt: the one that the conversation has, and those of the current policy."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from generators.around import Around
from generators.asked import Outcome
from manifests.rows import Conversation
from manifests.stage import Kept, Rejected

OF = "preferences/of"  # label of a candidate: the conversation that it answers, in hex
WRITTEN_BY = "preferences/by"  # label: GIVEN or POLICY
GIVEN, POLICY = "given", "policy"


@dataclass(frozen=True, slots=True)
class Pool(Around):
    """Ask for replies, and put the given one before them, as one more candidate: they stand together.

    It is the candidate behind the last one that the policy may write, so that it is none of these.
    """

    def __call__(self, rows: Iterable[Conversation]) -> Iterator[Outcome]:
        given: deque[Conversation] = deque()

        def noted() -> Iterator[Conversation]:
            for row in rows:
                given.append(row)
                yield row

        number = self.generate.sampling.n * self.generate.tries
        current = b""
        for outcome in self.generate(noted()):
            row = outcome.row if isinstance(outcome, Kept | Rejected) else outcome
            origin = row.id if given and row.id == given[0].id else row.parents[0]
            while current != origin:  # one whose calls failed has no outcome
                first = given.popleft()
                current = first.id
                if current == origin:
                    yield first.derive(candidate=number, labels={**first.labels, OF: first.hex, WRITTEN_BY: GIVEN})
            yield _labelled(outcome, {OF: current.hex(), WRITTEN_BY: POLICY})


def _labelled(outcome: Outcome, labels: dict[str, str]) -> Outcome:
    if isinstance(outcome, Rejected):
        return outcome
    row = outcome.row if isinstance(outcome, Kept) else outcome
    marked = row.replace(labels={**row.labels, **labels})
    return Kept(marked, outcome.values) if isinstance(outcome, Kept) else marked
