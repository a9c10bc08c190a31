"""What a run pays for: counted as replies come in, and stopped at a budget."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from generators.engine import Reply
from manifests.stage import Only, Recipe, Rejected, Step

COUNTS = ("calls", "tokens_in", "tokens_out", "paid_calls", "paid_tokens", "paid_out", "rows", "accepted", "refused")


@dataclass(eq=False)
class Purse:
    """Tokens, calls and rows of this process. Not identity: it can stop a run, and change no row."""

    budget_tokens: int | None = None  # of prompts and replies together; what is on its way is still paid for
    calls: int = 0  # asked for, known ones too
    tokens_in: int = 0
    tokens_out: int = 0
    paid_calls: int = 0
    paid_tokens: int = 0
    paid_out: int = 0  # of them those of replies
    rows: int = 0  # whose replies were all judged
    accepted: int = 0  # rows made of replies
    refused: int = 0
    keep: bool = False  # hold on to prompts and replies, to show them
    shown: list[tuple[str, Reply]] = field(default_factory=list)
    lock: Any = field(default_factory=Lock)

    def refill(self, budget_tokens: int | None, *, keep: bool = False) -> None:
        """Begin to count anew."""
        self.budget_tokens, self.keep, self.shown = budget_tokens, keep, []
        self.taken()

    @property
    def empty(self) -> bool:
        """Whether the budget is spent."""
        return self.budget_tokens is not None and self.paid_tokens >= self.budget_tokens

    def found(self, prompt: str, reply: Reply) -> None:
        """Count a call that was paid for before."""
        with self.lock:
            self.calls += 1
            self.tokens_in += reply.tokens_in
            self.tokens_out += reply.tokens_out
            if self.keep:
                self.shown.append((prompt, reply))

    def paid(self, prompt: str, reply: Reply) -> None:
        """Count a call that was made now."""
        self.found(prompt, reply)
        with self.lock:
            self.paid_calls += 1
            self.paid_tokens += reply.tokens_in + reply.tokens_out
            self.paid_out += reply.tokens_out

    def judging(self, outcomes: Iterable[Any]) -> Iterator[Any]:
        """Pass on what became of a row, and count it."""
        accepted = refused = 0
        for outcome in outcomes:
            if isinstance(outcome, Rejected):
                refused += 1
            else:
                accepted += 1
            yield outcome
        with self.lock:
            self.rows += 1
            self.accepted += accepted
            self.refused += refused

    def counts(self) -> dict[str, int]:
        """Return all counts by name."""
        return {name: getattr(self, name) for name in COUNTS}

    def taken(self) -> dict[str, int]:
        """Return the counts, and begin anew: those of a worker go to the process that started it."""
        with self.lock:
            counts = self.counts()
            for name in COUNTS:
                setattr(self, name, 0)
        return counts

    def add(self, counts: Mapping[str, int]) -> None:
        """Count what a worker did."""
        with self.lock:
            for name in COUNTS:
                setattr(self, name, getattr(self, name) + counts[name])

    def __getstate__(self) -> dict[str, Any]:
        """Leave behind what was counted here: who unpickles it counts for itself."""
        return {"budget_tokens": self.budget_tokens, "keep": self.keep}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(Purse(**state).__dict__)


def with_purse(recipe: Recipe, purse: Purse) -> Recipe:
    """Return a recipe whose model calls are counted in one purse."""
    return replace(recipe, steps=tuple(_paid_from(step, purse) for step in recipe.steps))


def _paid_from(step: Step, purse: Purse) -> Any:
    if isinstance(step, Only):
        return replace(step, stage=_paid_from(step.stage, purse))
    return replace(step, purse=purse) if hasattr(step, "purse") else step  # type: ignore[type-var, unused-ignore]
