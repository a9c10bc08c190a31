"""What a run pays for: counted as replies come in, and stopped at a budget."""

from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from generators.engine import Reply
from manifests.stage import Only, Recipe, Step


@dataclass(eq=False)
class Purse:
    """Tokens and calls of this process. Not identity: it can stop a run, and change no row."""

    budget_tokens: int | None = None  # of prompts and replies together; what is on its way is still paid for
    calls: int = 0  # asked for, known ones too
    tokens_in: int = 0
    tokens_out: int = 0
    paid_calls: int = 0
    paid_tokens: int = 0
    keep: bool = False  # hold on to prompts and replies, to show them
    shown: list[tuple[str, Reply]] = field(default_factory=list)
    lock: Any = field(default_factory=Lock)

    def refill(self, budget_tokens: int | None, *, keep: bool = False) -> None:
        """Begin to count anew."""
        with self.lock:
            self.budget_tokens, self.keep, self.shown = budget_tokens, keep, []
            self.calls = self.tokens_in = self.tokens_out = self.paid_calls = self.paid_tokens = 0

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

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, lock=Lock())


def with_purse(recipe: Recipe, purse: Purse) -> Recipe:
    """Return a recipe whose model calls are counted in one purse."""
    return replace(recipe, steps=tuple(_paid_from(step, purse) for step in recipe.steps))


def _paid_from(step: Step, purse: Purse) -> Any:
    if isinstance(step, Only):
        return replace(step, stage=_paid_from(step.stage, purse))
    return replace(step, purse=purse) if hasattr(step, "purse") else step  # type: ignore[type-var, unused-ignore]
