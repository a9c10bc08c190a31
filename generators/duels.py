"""Two replies to one question, judged against each other in both orders: a model favours a place, not only a reply.

    Opponents(), Generate(Duel(swapped=False), ...), Generate(Duel(swapped=True), ...), Agreeing()

duels/alone      the question has no second reply, or its replies are the same
duels/further    a third reply, and those behind it: pairs are made of the first two
duels/joined     the second reply of a pair: it is in the row of the first one
duels/no_answer  the reply of the judge does not end with a verdict
duels/place      the verdict changes with the order
duels/tie        neither reply is better
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import ClassVar

from generators.engine import Reply
from manifests.errors import BadRow
from manifests.rows import Conversation, Message, Preference, Row
from manifests.stage import Rejected, Stage

FIRST, SECOND, TIE = "1", "2", "0"
STRAIGHT, SWAPPED = "duels/straight", "duels/swapped"  # labels: which reply won, in the pair's own order
PROMPTS = {
    "": "A user asked an assistant for something, and got two replies. Which one answers better? Judge what is said: "
    "neither the order of the replies nor their length is a merit.\n\n[Request]\n{asked}\n\n[Reply 1]\n{one}\n\n"
    "[Reply 2]\n{other}\n\n---\nCompare them in one or two sentences. Then end with a last line of this form, the "
    "number of the better reply, or 0 where neither is better:\nBetter: N",
    "ja": "ユーザーの依頼に対する返答が二つあります。どちらが依頼によく答えているでしょうか。内容で判断してください。"
    "返答の順番や長さは長所ではありません。\n\n[依頼]\n{asked}\n\n[返答1]\n{one}\n\n[返答2]\n{other}\n\n---\n"
    "一、二文で比べたあと、よいほうの返答の番号を、差がなければ0を、次の形の最後の行に書いてください。\n優れた返答: N",
}
_PLACE = re.compile(r"\{(asked|one|other)\}")
_VERDICT = re.compile(r"(?:Better|優れた返答)[ \t]*[:：][ \t]*(?:Reply|返答)?[ \t]*([012])[ \t]*[.。]?", re.IGNORECASE)
_LONGEST_LINE = 200


@dataclass(frozen=True, slots=True)
class Opponents(Stage):
    """Make a pair of the first two different replies to each question, still without a winner."""

    version: ClassVar[int] = 1

    def __call__(self, rows: Iterable[Conversation]) -> Iterator[Row | Rejected]:
        for _, group in groupby(rows, key=lambda row: row.parents):
            first, *others = group
            second = next((row for row in others if row.messages != first.messages), None)
            if second is None:
                yield from [Rejected(row, "duels/alone") for row in (first, *others)]
                continue
            shared = {**first.shared(), "source": "duels", "scores": {}}
            yield Preference(
                **shared, prompt=first.messages[:-1], chosen=first.messages[-1:], rejected=second.messages[-1:]
            ).derive(parents=(first.id, second.id))
            yield Rejected(second, "duels/joined")
            yield from [Rejected(row, "duels/further") for row in others if row is not second]


@dataclass(frozen=True, slots=True)
class Duel:
    """A pair in, the same pair with a verdict as a label out."""

    version: ClassVar[int] = 1

    swapped: bool = False  # whether the second reply is shown first
    prompts: Mapping[str, str] = field(default_factory=lambda: dict(PROMPTS))  # "": of other languages than these

    def prompt(self, row: Preference) -> tuple[Message, ...]:
        template = self.prompts.get(row.language or "", self.prompts[""])
        replies = [row.chosen[-1].content, row.rejected[-1].content]
        one, other = reversed(replies) if self.swapped else replies
        said = {"asked": "\n\n".join([turn.content for turn in row.prompt]), "one": one, "other": other}
        return (Message("user", _PLACE.sub(lambda place: said[place[1]], template)),)

    def parse(self, row: Preference, reply: Reply) -> Preference | Rejected:
        last = reply.text.rstrip().rpartition("\n")[2].strip(" \t*")
        found = _VERDICT.fullmatch(last) if len(last) <= _LONGEST_LINE else None
        if found is None:
            return Rejected(row, "duels/no_answer")
        won = {FIRST: SECOND, SECOND: FIRST}.get(found[1], TIE) if self.swapped else found[1]
        return row.replace(labels={**row.labels, SWAPPED if self.swapped else STRAIGHT: won})


@dataclass(frozen=True, slots=True)
class Agreeing(Stage):
    """Keep the pairs of which both verdicts name the same reply: it becomes the chosen one."""

    version: ClassVar[int] = 1

    def __call__(self, rows: Iterable[Preference]) -> Iterator[Preference | Rejected]:
        for row in rows:
            if not {STRAIGHT, SWAPPED} <= set(row.labels):
                raise BadRow(f"Agreeing: row {row.hex} was not judged in both orders; expected two Duel before it")
            straight, swapped = row.labels[STRAIGHT], row.labels[SWAPPED]
            if straight != swapped:
                yield Rejected(row, "duels/place")
            elif straight == TIE:
                yield Rejected(row, "duels/tie")
            else:
                yield row if straight == FIRST else row.replace(chosen=row.rejected, rejected=row.chosen)
