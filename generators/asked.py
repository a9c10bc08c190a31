"""A row that a model was asked about: its parts, the candidates of each, and the tries that each candidate took.

Refused here, whatever the task:

generate/no_text    there is nothing to ask about
generate/too_long   the prompt alone fills the model's context
generate/cut_off    the reply was cut by the length limit
generate/empty      the reply says nothing
generate/withheld   the server's content filter kept the reply back
generate/refusal    the model declines to do it, see `generators.refusals`
generate/bad_form   the reply is not of the form that was asked for, see `generators.forms`

With `tries` above 1, a candidate that was refused, here or by the task, is asked for again, as a candidate of a further
number: each try is a call of its own, known again after a crash, and a line of the ledger.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from generators.asking import Asking, Call
from generators.chunks import Chunks, margins
from generators.engine import Reply, Task
from generators.refusals import declines
from generators.segments import Segments
from manifests import canonical
from manifests.errors import BadRow, Incomplete
from manifests.licences import joined
from manifests.provenance import CALLS_LABEL
from manifests.rows import Row, derived_id
from manifests.stage import Kept, Rejected

Outcome: TypeAlias = Row | Kept | Rejected
Spot: TypeAlias = tuple[int, int]  # part and candidate


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about every row."""

    task: Task
    split: Chunks | Segments | None = None
    tries: int = 1  # of each candidate


class Asked:
    """A row that was asked about."""

    def __init__(self, question: Question, row: Any, asking: Asking) -> None:
        self.question, self.row, self.asking = question, row, asking
        self.parts: list[str] | None = None
        self.rows = self._split(row)
        self._calls = [asking.ask(question.task.prompt(one)) for one in self.rows]
        self._judged: dict[Spot, Row | Rejected] = {}
        self._failed: dict[Spot, list[tuple[Call, Rejected]]] = {}

    def _split(self, row: Any) -> list[Any]:
        """Return what is asked about: the row, or a row for each of its parts that says something."""
        split, text = self.question.split, getattr(row, "text", None)
        if isinstance(split, Segments):
            return split.rows(row)
        self.parts = split.parts(text) if split and text is not None else None
        rows = [row.replace(text=part.strip()) for part in self.parts] if self.parts and self.parts != [text] else [row]
        return [one for one in rows if text is None or one.text.strip()]

    @property
    def calls(self) -> list[Call]:
        """The calls of all parts, of each candidate the last one."""
        return [call for calls in self._calls for call in calls]

    def settle(self) -> bool:
        """Return whether every call was answered or failed. What was refused is asked for again, if a try is left."""
        done = all([call.done for calls in self._calls for call in calls])  # noqa: C419 - it is asked often
        if self.question.tries == 1:
            return done
        places = [(part, candidate) for part, calls in enumerate(self._calls) for candidate in range(len(calls))]
        for place in places:
            while self._refused(place) and self._again(place):
                pass
        return all([self._calls[part][candidate].done for part, candidate in places])  # noqa: C419 - likewise

    def _refused(self, place: Spot) -> bool:
        """Return whether a candidate is here and refused, for a reason that another try may not meet."""
        part, candidate = place
        call = self._calls[part][candidate]
        if not call.done or len(self._failed.get(place, ())) + 1 >= self.question.tries:
            return False
        if place not in self._judged:
            try:
                self._judged[place] = self._made(self.rows[part], call)
            except Incomplete:  # it failed, which is counted when all are done
                return False
        made = self._judged[place]
        return isinstance(made, Rejected) and made.reason != "generate/too_long"

    def _again(self, place: Spot) -> bool:
        """Ask for a refused candidate once more; return whether that was done: it is not once the budget is spent."""
        if not self.asking.may_go_on():
            return False
        part, candidate = place
        made = self._judged.pop(place)
        failed = self._failed.setdefault(place, [])
        if isinstance(made, Rejected):
            failed.append((self._calls[part][candidate], made))
        prompt, number = self.question.task.prompt(self.rows[part]), self._number(place)
        [self._calls[part][candidate]] = self.asking.ask(prompt, [number])
        return True

    def _number(self, place: Spot) -> int:
        """Return the number of a candidate's last try: those of the first tries are 0 to n - 1, then n to 2n - 1."""
        return place[1] + self.asking.sampling.n * len(self._failed.get(place, ()))

    def outcomes(self) -> Iterator[Outcome]:
        """Yield what became of the row: by candidate, and by part where parts are not joined."""
        if not self.rows:
            yield Rejected(self.row, "generate/no_text")
            return
        if not self._answered():
            return
        split, n = self.question.split, self.asking.sampling.n
        joins = len(self.rows) == 1 or (split is not None and split.join)
        groups = [range(len(self.rows))] if joins else [range(part, part + 1) for part in range(len(self.rows))]
        alone = len(groups) == n == 1
        for number, group in enumerate(groups):
            for candidate in range(n):
                places = [(part, candidate) for part in group]
                if self._failed:
                    yield from self._failures(places)
                last = max([self._number(place) for place in places])
                calls = [self._calls[part][candidate] for part in group]
                made = self._joined([self._outcome(place) for place in places])
                yield self._numbered(made, calls, (number, last), alone=alone)

    def _failures(self, places: Sequence[Spot]) -> Iterator[Rejected]:
        """Yield the tries before the last ones."""
        for part, candidate in places:
            for tried, (call, made) in enumerate(self._failed.get((part, candidate), ())):
                row = self.row.derive(part=part, candidate=candidate + tried * self.asking.sampling.n)
                yield replace(made, row=row, values={**made.values, **_spent([call.result()])})

    def _outcome(self, place: Spot) -> Row | Rejected:
        made = self._judged.get(place)
        return self._made(self.rows[place[0]], self._calls[place[0]][place[1]]) if made is None else made

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
        refused = self._refusal(row, reply, call)
        if refused:
            return refused
        made: Row | Rejected = self.question.task.parse(row, reply)
        return made

    def _refusal(self, row: Any, reply: Reply, call: Call) -> Rejected | None:
        """Return the refusal of a reply that no task need look at."""
        if reply.finish_reason == "too_long":
            return Rejected(row, "generate/too_long", reply.tokens_in, self.asking.model.max_context)
        if reply.finish_reason == "length":
            return Rejected(row, "generate/cut_off", reply.tokens_out, call.limit)
        if reply.finish_reason == "content_filter":
            return Rejected(row, "generate/withheld")
        if not reply.text.strip():
            return Rejected(row, "generate/empty")
        if declines(reply.text, getattr(row, "text", "")):
            return Rejected(row, "generate/refusal")
        form = self.asking.sampling.form
        return Rejected(row, "generate/bad_form") if form and form.fault(reply.text) else None

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

    def _numbered(self, made: Row | Rejected, calls: list[Call], number: Spot, *, alone: bool) -> Outcome:
        """Return an outcome with its number among those of this row, and with what was paid for it."""
        replies = [call.result() for call in calls]
        spent = _spent(replies)
        part, candidate = number
        if isinstance(made, Rejected):
            row = self.row if alone else self.row.derive(part=part, candidate=candidate)
            return replace(made, row=row, values={**made.values, **spent})
        key, labels = _call(calls), {**made.labels, "generate/finish": replies[0].finish_reason}
        if len(calls) > 1:
            labels[CALLS_LABEL] = " ".join([call.key_of(call.result()).hex() for call in calls])
        if made.id == self.row.id:
            if not alone:
                name = type(self.question.task).__name__
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
            licence=joined(self.row.licence, self.asking.model.licence),
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
