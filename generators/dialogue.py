"""Conversations that a model can be asked with.

dialogue/no_conversation  the row is no conversation
dialogue/unknown_role     a turn is of nobody known: no system, user, assistant or input
dialogue/late_system      a system turn comes after another turn
dialogue/repeated_role    the assistant speaks twice in a row, or before the user
dialogue/empty_turn       a turn says nothing
dialogue/no_user          the user says nothing at all
dialogue/no_reply         the last turn is not the assistant's, where a reply is asked for
dialogue/many_turns       the user has more turns than are answered
dialogue/long_prompt      what stands before the last reply is longer than a model reads, in estimated tokens
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from generators.chunks import estimate
from manifests.rows import Conversation, Message, Row
from manifests.stage import Kept, Rejected, Rule, Stage, at_most, judge

ROLES = frozenset({"system", "user", "assistant", "input"})


@dataclass(frozen=True, slots=True)
class Dialogue(Stage):
    """Keep sound conversations. None turns a limit off."""

    answered: bool = False  # whether the last turn has to be the assistant's
    max_turns: int | None = None  # of the user
    max_prompt: int | None = None  # estimated tokens before the last reply; Nemotron-4-340B-Reward reads 4,096 of all

    def rules(self) -> tuple[Rule, ...]:
        return (
            *at_most("dialogue/many_turns", "dialogue/turns", self.max_turns),
            *at_most("dialogue/long_prompt", "dialogue/prompt", self.max_prompt),
        )

    def __call__(self, rows: Iterable[Row]) -> Iterator[Kept | Rejected]:
        rules = self.rules()
        for row in rows:
            if not isinstance(row, Conversation):
                yield Rejected(row, "dialogue/no_conversation")
                continue
            fault = self._fault(row.messages)
            if fault:
                yield Rejected(row, fault)
                continue
            turns = sum(one.role == "user" for one in row.messages)
            tokens = sum(estimate(one.content) for one in asked(row.messages))
            yield judge(row, {"dialogue/turns": float(turns), "dialogue/prompt": float(round(tokens))}, rules)

    def _fault(self, messages: Sequence[Message]) -> str | None:
        roles = [one.role for one in messages]
        if not ROLES.issuperset(roles):
            return "dialogue/unknown_role"
        if "system" in roles[1:]:
            return "dialogue/late_system"
        if ("assistant", "assistant") in pairwise(roles) or _speaks_first(roles):
            return "dialogue/repeated_role"
        if not all(one.content.strip() for one in messages):
            return "dialogue/empty_turn"
        if "user" not in roles:
            return "dialogue/no_user"
        return "dialogue/no_reply" if self.answered and roles[-1] != "assistant" else None


@dataclass(frozen=True, slots=True)
class Unanswered(Stage):
    """Remove what assistants said; the row keeps its id. What is no conversation goes on as it is."""

    def __call__(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            if isinstance(row, Conversation) and any(one.role == "assistant" for one in row.messages):
                said = tuple([one for one in row.messages if one.role != "assistant"])
                yield row.replace(messages=said)
            else:
                yield row


def asked(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return what stands before the last reply; all of it where the assistant does not have the last word."""
    return tuple(messages[:-1] if messages and messages[-1].role == "assistant" else messages)


def _speaks_first(roles: Sequence[str]) -> bool:
    return "assistant" in roles and "user" not in roles[: roles.index("assistant")]
