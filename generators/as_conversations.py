"""Solved problems as conversations: the user gives the problem, the assistant the solution."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from generators.solving import PROBLEM
from manifests.errors import BadRow
from manifests.rows import Conversation, Document, Message, Row
from manifests.stage import Stage


@dataclass(frozen=True, slots=True)
class AsConversations(Stage):
    """Make two turns of each solved problem; the conversation names the text in `parents`."""

    version: ClassVar[int] = 1

    def __call__(self, rows: Iterable[Document]) -> Iterator[Row]:
        for row in rows:
            problem = row.labels.get(PROBLEM, "")
            if not problem or not row.text.startswith(problem):
                raise BadRow(f"AsConversations: row {row.hex} does not begin with its problem; expected rows of Solve")
            turns = Message("user", problem), Message("assistant", row.text.removeprefix(problem).strip())
            same = {name: getattr(row, name) for name in Row.__struct_fields__ if name != "token_count"}
            same["labels"] = {name: value for name, value in row.labels.items() if name != PROBLEM}
            yield Conversation(**same, messages=turns).derive()
