"""The tasks that answer conversations, and the steps that go from turn to turn.

    Turn(Generate(Answer(turn=0), model=...), turn=0), Turn(Generate(Answer(turn=1), ...), turn=1)

Each turn is a step: what a model said before is part of what it is asked next.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from generators.around import Around
from generators.asked import Outcome
from generators.dialogue import asked
from generators.engine import Reply
from manifests.rows import Conversation, Message

ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Answer:
    """A conversation in, the same one with an answer to one turn of the user out."""

    turn: int | None = None  # counted from 0; None: what stands before the last reply, which another takes the place of
    system: str | None = None  # put before conversations that have no system turn

    def prompt(self, row: Conversation) -> tuple[Message, ...]:
        before = row.messages[: self._end(row.messages)]
        if self.system is None or before[0].role == "system":
            return before
        return Message("system", self.system), *before

    def parse(self, row: Conversation, reply: Reply) -> Conversation:
        end = self._end(row.messages)
        said = Message(ASSISTANT, reply.text.strip())
        after = row.messages[end:] if self.turn is not None else ()
        return row.derive(messages=(*row.messages[:end], said, *after), source="respond")

    def _end(self, messages: Sequence[Message]) -> int:
        return len(asked(messages)) if self.turn is None else end_of(messages, self.turn)


@dataclass(frozen=True, slots=True)
class Turn(Around):
    """Answer one turn of the user in the conversations that have it; pass all others on untouched, in their order."""

    turn: int = 0

    @property
    def title(self) -> str:
        """Which turn is answered."""
        return f"Turn {self.turn + 1}"

    def __call__(self, rows: Iterable[Conversation]) -> Iterator[Outcome]:
        passed: deque[Conversation] = deque()

        def having() -> Iterator[Conversation]:
            for row in rows:
                if sum(one.role == "user" for one in row.messages) > self.turn:
                    yield row
                else:
                    passed.append(row)

        for outcome in self.generate(having()):
            while passed:
                yield passed.popleft()
            yield outcome
        yield from passed


def end_of(messages: Sequence[Message], turn: int) -> int:
    """Return how many messages stand before the reply to a turn of the user, counted from 0: material is the user's."""
    starts = [place for place, one in enumerate(messages) if one.role == "user"]
    end = starts[turn] + 1
    while end < len(messages) and messages[end].role == "input":
        end += 1
    return end
