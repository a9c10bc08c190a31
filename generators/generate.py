"""Rows that a model writes: a task asked of every row, all candidates kept.

    Generate(Translate("ja"), model="models/smollm2", sampling=Sampling(max_tokens=4_096, n=16))

Refused here, whatever the task:

generate/no_text    there is nothing to ask about
generate/too_long   the prompt alone fills the model's context
generate/cut_off    the reply was cut by the length limit
generate/empty      the reply says nothing
generate/withheld   the server's content filter kept the reply back

A call that fails after all retries is no refusal: the unit is missing, and the next run asks again for what failed.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypeAlias

from generators.asking import Asking, Call
from generators.chunks import Chunks, margins
from generators.engine import Place, Reply, Sampling, Task
from generators.places import place, server_url
from generators.prompts import prompts_of
from generators.purse import Purse
from generators.segments import Segments
from generators.weights import Model, find_model
from manifests import canonical
from manifests.errors import BadRecipe, BadRow, Incomplete
from manifests.provenance import CALLS_LABEL
from manifests.rows import Row, derived_id
from manifests.stage import Kept, Rejected, Stage
from manifests.store import Store
from manifests.used import Used

MOST_WAITING = 4_096  # rows that were read and not yet answered
UNKNOWN_LICENCE = "NOASSERTION"  # SPDX: nobody said

Outcome: TypeAlias = Row | Kept | Rejected


@dataclass(frozen=True, slots=True)
class Generate(Stage):
    """Ask a task of every row. Each candidate becomes a row, or a reject with a reason."""

    dear: ClassVar[bool] = True

    task: Task
    model: str | Model = "models/smollm2"  # a ref or a folder; `run` puts its digests in the fingerprint
    sampling: Sampling = field(default_factory=Sampling)
    split: Chunks | Segments | None = None  # None: a row is asked about as a whole
    max_context: int | None = None  # tokens of prompt and reply; None: what the model was made for
    engine: str | Place = "vllm"  # where it runs: not identity, nor are the next two
    purse: Purse | None = None
    store: Store | None = None

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
        waiting: deque[_Asked] = deque()
        with Asking(self.store, self.model, self.sampling, place(self.engine), self.purse) as asking:
            for row in rows:
                if not asking.may_go_on():
                    break
                waiting.append(_Asked(self, row, asking))
                while waiting and (waiting[0].done or asking.full or len(waiting) >= MOST_WAITING):
                    if waiting[0].done:
                        yield from asking.purse.judging(waiting.popleft().outcomes())
                    else:
                        asking.wait(waiting[0].calls)
            while waiting:
                if waiting[0].done:
                    yield from asking.purse.judging(waiting.popleft().outcomes())
                else:
                    asking.wait(waiting[0].calls)
            asking.check()


class _Asked:
    """A row that was asked about: its parts, and the calls of each."""

    def __init__(self, stage: Generate, row: Any, asking: Asking) -> None:
        self.stage, self.row, self.asking = stage, row, asking
        self.parts: list[str] | None = None
        self.rows = self._split(row)
        self._calls = [asking.ask(stage.task.prompt(one)) for one in self.rows]

    def _split(self, row: Any) -> list[Any]:
        """Return what is asked about: the row, or a row for each of its parts that says something."""
        split, text = self.stage.split, getattr(row, "text", None)
        if isinstance(split, Segments):
            return split.rows(row)
        self.parts = split.parts(text) if split and text is not None else None
        rows = [row.replace(text=part.strip()) for part in self.parts] if self.parts and self.parts != [text] else [row]
        return [one for one in rows if text is None or one.text.strip()]

    @property
    def calls(self) -> list[Call]:
        """The calls of all parts."""
        return [call for calls in self._calls for call in calls]

    @property
    def done(self) -> bool:
        """Whether every call was answered, or failed."""
        return all([call.done for calls in self._calls for call in calls])  # noqa: C419 - it is asked often

    def outcomes(self) -> Iterator[Outcome]:
        """Yield what became of the row: by candidate, and by part where parts are not joined."""
        if not self.rows:
            yield Rejected(self.row, "generate/no_text")
            return
        if not self._answered():
            return
        joined = len(self.rows) == 1 or (self.stage.split is not None and self.stage.split.join)
        groups = [range(len(self.rows))] if joined else [range(part, part + 1) for part in range(len(self.rows))]
        alone = len(groups) == self.stage.sampling.n == 1
        for number, group in enumerate(groups):
            for candidate in range(self.stage.sampling.n):
                calls = [self._calls[part][candidate] for part in group]
                made = [self._made(self.rows[part], self._calls[part][candidate]) for part in group]
                yield self._numbered(self._joined(made), calls, None if alone else (number, candidate))

    def _answered(self) -> bool:
        """Return whether every call has a reply; those that failed are counted."""
        failures = 0
        for call in self.calls:
            try:
                call.result()
            except Incomplete as error:
                failures += 1
                self.asking.failed(error)
        return not failures

    def _made(self, row: Any, call: Call) -> Row | Rejected:
        reply = call.result()
        if reply.finish_reason == "too_long":
            return Rejected(row, "generate/too_long", reply.tokens_in, self.asking.model.max_context)
        if reply.finish_reason == "length":
            return Rejected(row, "generate/cut_off", reply.tokens_out, call.limit)
        if reply.finish_reason == "content_filter":
            return Rejected(row, "generate/withheld")
        if not reply.text.strip():
            return Rejected(row, "generate/empty")
        made: Row | Rejected = self.stage.task.parse(row, reply)
        return made

    def _joined(self, made: list[Row | Rejected]) -> Row | Rejected:
        """Return the parts as one row, with the white space that stood around them; one reject refuses all."""
        if len(made) == 1:
            return made[0]
        refused = next((one for one in made if isinstance(one, Rejected)), None)
        if refused:
            return refused
        texts = iter([getattr(one, "text", "") for one in made])
        pieces = [(*margins(part), bool(part.strip())) for part in self.parts or ()]
        text = "".join([f"{before}{next(texts).strip() if says else ''}{after}" for before, after, says in pieces])
        first = made[0]
        return first.replace(text=text) if isinstance(first, Row) else first

    def _numbered(self, made: Row | Rejected, calls: list[Call], number: tuple[int, int] | None) -> Outcome:
        """Return an outcome with its number among those of this row, and with what was paid for it."""
        replies = [call.result() for call in calls]
        spent = _spent(replies)
        part, candidate = number or (0, 0)
        if isinstance(made, Rejected):
            row = self.row if number is None else self.row.derive(part=part, candidate=candidate)
            return replace(made, row=row, values={**made.values, **spent})
        key, labels = _call(calls), {**made.labels, "generate/finish": replies[0].finish_reason}
        if len(calls) > 1:
            labels[CALLS_LABEL] = " ".join([call.key_of(call.result()).hex() for call in calls])
        if made.id == self.row.id:
            if number is not None:
                name = type(self.stage.task).__name__
                raise BadRow(f"{name} was asked for several rows and parsed one in place; use row.derive(...) in parse")
            wrote = (
                {"call": key, "labels": labels} if made.call is None else {}
            )  # else it judged what another one wrote
            return Kept(made.replace(**wrote), spent)
        parents = made.parents or (self.row.id,)
        row = made.replace(
            id=derived_id(parents, "", part, candidate),
            parents=parents,
            call=key,
            token_count=made.token_count if made.token_count != self.row.token_count else None,
            scores=spent if made.scores is self.row.scores else {**made.scores, **spent},
            labels=labels,
            licence=_licence(self.row.licence, self.asking.model.licence),
        )
        return Kept(row, spent)


def _spent(replies: list[Reply]) -> dict[str, float]:
    spent = {
        "generate/tokens_in": float(sum([reply.tokens_in for reply in replies])),
        "generate/tokens_out": float(sum([reply.tokens_out for reply in replies])),
    }
    known = [reply.logprob for reply in replies if reply.logprob is not None]
    if len(known) == len(replies):
        spent["generate/logprob"] = sum(known)
    return spent


def _call(calls: list[Call]) -> bytes:
    """Return the key of the call that wrote a row; of several, a digest of their keys."""
    keys = [call.key_of(call.result()) for call in calls]
    return keys[0] if len(keys) == 1 else canonical.digest_parts(b"calls", *keys)


def _licence(row: str | None, model: str | None) -> str | None:
    """Return the licences that bind a generated row, as one SPDX expression."""
    if row == model or model is None:
        return row
    return f"{row or UNKNOWN_LICENCE} AND {model}"
