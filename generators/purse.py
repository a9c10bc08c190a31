"""What a run pays for: counted as replies come in, and stopped at a budget."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, Protocol

from generators.engine import Reply
from manifests.stage import Recipe, Rejected
from manifests.widened import each

COUNTS = ("calls", "tokens_in", "tokens_out", "paid_calls", "paid_tokens", "paid_out", "rows", "accepted", "refused")
SHARES = 1_000  # of a budget: when so much of it was paid, the other workers are told


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost, in whatever one pays with."""

    of_input: float = 0.0
    of_output: float = 0.0

    def of(self, tokens_in: float, tokens_out: float) -> float:
        """Return what so many tokens cost."""
        return (tokens_in * self.of_input + tokens_out * self.of_output) / 1e6


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be paid for new calls; what is on its way when it is spent is still paid for."""

    tokens: int | None = None  # of prompts and replies together
    cost: float | None = None

    def spent(self, tokens: float, cost: float) -> bool:
        """Tell whether that is all of it."""
        return (self.tokens is not None and tokens >= self.tokens) or (self.cost is not None and cost >= self.cost)

    def share(self, shares: int) -> "Budget":
        """Return one of so many shares of it."""
        tokens = None if self.tokens is None else max(1, self.tokens // shares)
        return Budget(tokens, None if self.cost is None else self.cost / shares)


class Tally(Protocol):
    """Sums that all workers of a run add to."""

    def add(self, *amounts: float) -> tuple[float, ...]:
        """Add to the sums and return what they are now."""


@dataclass(eq=False)
class Purse:
    """Tokens, calls and rows of this process. Not identity: it can stop a run, and change no row."""

    budget: Budget | None = None
    price: Price = field(default_factory=Price)
    tally: Tally | None = None  # where other workers pay from the same budget
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
    untold: tuple[float, float] = (0.0, 0.0)  # tokens and cost that the tally does not know of
    known: tuple[float, float] = (0.0, 0.0)  # what it said last
    lock: Any = field(default_factory=Lock)

    def refill(self, budget: Budget | None = None, price: Price | None = None, *, keep: bool = False) -> None:
        """Begin to count anew."""
        self.budget, self.price, self.tally = budget, price or Price(), None
        self.keep, self.shown, self.untold, self.known = keep, [], (0.0, 0.0), (0.0, 0.0)
        self.taken()

    @property
    def cost(self) -> float:
        """What was paid by this process."""
        return self.price.of(self.paid_tokens - self.paid_out, self.paid_out)

    @property
    def empty(self) -> bool:
        """Whether the budget is spent, by all workers together."""
        return self.budget is not None and self.budget.spent(*self.spent())

    def spent(self) -> tuple[float, float]:
        """Return the tokens and the cost that were paid, by all workers as far as they told."""
        if self.tally is None or self.budget is None:
            return float(self.paid_tokens), self.cost
        with self.lock:
            tokens, cost = self.untold
            told = tokens > 0 and self.budget.share(SHARES).spent(tokens, cost)
            self.untold = (0.0, 0.0) if told else self.untold
        if told:
            known = self.tally.add(tokens, cost)
            self.known = max(self.known, (known[0], known[1]))
            tokens = cost = 0.0
        return self.known[0] + tokens, self.known[1] + cost

    def told(self) -> str:
        """Return what was paid, in words."""
        tokens, cost = self.spent()
        return f"{tokens:,.0f} tokens{f' for {cost:,.4g}' if cost else ''}"

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
            tokens, cost = self.untold
            cost += self.price.of(reply.tokens_in, reply.tokens_out)
            self.untold = tokens + reply.tokens_in + reply.tokens_out, cost

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
        """Leave behind what was counted here: who unpickles it counts for itself, from the same budget."""
        return {name: getattr(self, name) for name in ("budget", "price", "tally", "keep")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(Purse(**state).__dict__)


def with_purse(recipe: Recipe, purse: Purse) -> Recipe:
    """Return a recipe whose model calls are counted in one purse."""
    return each(recipe, lambda step: replace(step, purse=purse) if hasattr(step, "purse") else step)
