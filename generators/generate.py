"""Rows that a model writes: a task asked of every row, all candidates kept.

    Generate(Translate("ja"), model="models/smollm2", sampling=Sampling(max_tokens=4_096, n=16), tries=2)

What it refuses, whatever the task, and what `tries` are: `generators.asked`. A call that fails after all retries is no
refusal: the unit is missing, and the next run asks again for what failed.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from generators.asked import Asked, Outcome, Question
from generators.asking import Asking
from generators.chunks import Chunks
from generators.engine import Place, Sampling, Task
from generators.places import place, server_url
from generators.prompts import prompts_of
from generators.purse import Purse
from generators.segments import Segments
from generators.weights import Model, find_model
from manifests.errors import BadRecipe
from manifests.stage import Recipe, Stage
from manifests.store import Store
from manifests.used import Used
from manifests.widened import each

MOST_WAITING = 4_096  # rows that were read and not yet answered
TRIES = "How often a reply is asked for, where it is refused at once: cut off, empty, or not as the task asks."


@dataclass(frozen=True, slots=True)
class Generate(Stage):
    """Ask a task of every row. Each candidate becomes a row, or a reject with a reason."""

    dear: ClassVar[bool] = True
    version: ClassVar[int] = 2

    task: Task
    model: str | Model = "models/smollm2"  # a ref or a folder; `run` puts its digests in the fingerprint
    sampling: Sampling = field(default_factory=Sampling)
    split: Chunks | Segments | None = None  # None: a row is asked about as a whole
    max_context: int | None = None  # tokens of prompt and reply; None: what the model was made for
    tries: int = 1  # of a candidate whose reply is refused, here or by the task
    engine: str | Place = "vllm"  # where it runs: not identity, nor are the next two
    purse: Purse | None = None
    store: Store | None = None

    def __post_init__(self) -> None:
        if self.tries < 1 or (self.tries > 1 and self.sampling.temperature == 0):
            raise BadRecipe(
                f"Generate: {self.tries} tries; expected 1 or more, and 1 at temperature 0: all are the same"
            )

    def resolve(self, store: Store) -> "Generate":
        model = self.model
        if isinstance(model, str):
            model = find_model(model, store, server_url(self.engine))
        limits = [limit for limit in (self.max_context, model.max_context) if limit is not None]
        return replace(self, model=replace(model, max_context=min(limits, default=None)))

    def within(self, store: Store) -> "Generate":
        return replace(self, store=store)

    def used(self) -> Used:
        model = self._found
        return Used({model.name: model.manifest or model.weights}, prompts_of(self.task))

    def describe(self) -> dict[str, Any]:
        fields = {"task": self.task, "model": self._found, "sampling": self.sampling, "split": self.split}
        fields |= {"tries": self.tries} if self.tries > 1 else {}
        versions = {"task": getattr(self.task, "version", 1)}
        return {"stage": "Generate", "version": self.version, "libraries": {}, "versions": versions, "fields": fields}

    @property
    def _found(self) -> Model:
        if isinstance(self.model, str):
            raise BadRecipe(f"Generate: {self.model!r} has no fingerprint; resolve it first: recipe.resolve(store)")
        return self.model

    def __call__(self, rows: Iterable[Any]) -> Iterator[Outcome]:
        if self.store is None or isinstance(self.model, str):
            raise BadRecipe("Generate: call it within a store, once its model is resolved, as `run` does")
        question = Question(self.task, self.split, self.tries)
        waiting: deque[Asked] = deque()
        with Asking(self.store, self.model, self.sampling, place(self.engine), self.purse) as asking:
            for row in rows:
                if not asking.may_go_on():
                    break
                waiting.append(Asked(question, row, asking))
                while waiting and (waiting[0].settle() or asking.full or len(waiting) >= MOST_WAITING):
                    yield from self._first(waiting, asking)
            while waiting:
                yield from self._first(waiting, asking)
            asking.check()

    def _first(self, waiting: deque[Asked], asking: Asking) -> Iterator[Outcome]:
        """Yield what became of the first row, or wait for more replies. Refused ones are asked again, in any row."""
        if waiting[0].settle():
            yield from asking.purse.judging(waiting.popleft().outcomes())
            return
        asking.wait(waiting[0].calls)
        if self.tries > 1:
            for one in waiting:
                one.settle()


def tried(recipe: Recipe, tries: int) -> Recipe:
    """Return a recipe that asks again for what is refused; what is asked at temperature 0 is asked once."""

    def more(step: Any) -> Any:
        return replace(step, tries=tries) if isinstance(step, Generate) and step.sampling.temperature else step

    return each(recipe, more)
