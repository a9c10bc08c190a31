"""The user's turns alone, as PLaMo 2 takes them from WildChat (section 3.2.2): replies are bound by terms of use.

user_turns/none     the user said nothing in text
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from manifests.rows import Conversation, Row
from manifests.stage import Kept, Rejected, Rule, Stage, at_least, judge


@dataclass(frozen=True, slots=True)
class UserTurns(Stage):
    """Remove the turns of assistants, systems and tools, and what is blank; the row keeps its id."""

    def rules(self) -> tuple[Rule, ...]:
        return at_least("user_turns/none", "user_turns/kept", 1.0)

    def __call__(self, rows: Iterable[Conversation]) -> Iterator[Row | Kept | Rejected]:
        rules = self.rules()
        for row in rows:
            said = tuple([turn for turn in row.messages if turn.role == "user" and turn.content.strip()])
            removed = len(row.messages) - len(said)
            values = {"user_turns/kept": float(len(said)), "user_turns/removed": float(removed)}
            yield judge(row.replace(messages=said) if said and removed else row, values, rules)
