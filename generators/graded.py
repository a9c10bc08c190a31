"""A model as judge: a number for the last reply of a conversation, on a fixed last line.

Each reply is graded alone, so that no place in a list favours it; several passes are averaged by the score's name.

graded/no_number      the last line is no grade, or something follows it
graded/out_of_range   the number is not between 1 and 10
graded/no_reply       the row is no conversation that ends with a reply
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite

from generators.engine import Reply
from generators.rewards import REWARD
from manifests.rows import Conversation, Message, Row
from manifests.stage import Rejected

LOWEST, HIGHEST = 1.0, 10.0
PROMPT = """\
Below is a conversation between a user and an assistant. Judge the assistant's last reply alone: is it correct, does \
it do what was asked, is it clear, is it in the right language? Length by itself is no merit.

{conversation}

---
Write one short sentence about its greatest fault. Then end with a last line of this form, a number from 1 (useless) \
to 10 (could not be better):
Grade: 7"""
PROMPT_JA = """\
以下は、ユーザーとアシスタントの会話です。アシスタントの最後の返答だけを評価してください。正しいか、求められたことをしているか、\
分かりやすいか、言語は適切か。長いこと自体は長所ではありません。

{conversation}

---
まず、最大の欠点を短い一文で書いてください。そのあと、1(役に立たない)から10(これ以上ない)までの数を、次の形の最後の行に書いてください。
評点: 7"""
_GRADE = re.compile(r"(?:Grade|評点)[ \t]*[::][ \t]*(-?\d{1,4}(?:\.\d{1,4})?)(?:[ \t]*/[ \t]*10)?[ \t]*\.?\Z")
_LONGEST_LINE = 200


@dataclass(frozen=True, slots=True)
class Grade:
    """A conversation in, the same one with a reward out."""

    prompts: Mapping[str, str] = field(default_factory=lambda: {"ja": PROMPT_JA, "": PROMPT})  # "": of other languages

    def prompt(self, row: Conversation) -> tuple[Message, ...]:
        template = self.prompts.get(row.language or "", self.prompts[""])
        turns = "\n\n".join([f"[{one.role}]\n{one.content}" for one in row.messages])
        return (Message("user", template.replace("{conversation}", turns)),)

    def parse(self, row: Conversation, reply: Reply) -> Row | Rejected:
        if not row.messages or row.messages[-1].role != "assistant":
            return Rejected(row, "graded/no_reply")
        last = reply.text.rstrip().rpartition("\n")[2].strip(" \t*")
        number = _GRADE.match(last) if len(last) <= _LONGEST_LINE else None
        if number is None:
            return Rejected(row, "graded/no_number")
        grade = float(number[1])
        if not (isfinite(grade) and LOWEST <= grade <= HIGHEST):
            return Rejected(row, "graded/out_of_range", grade, HIGHEST)
        return row.replace(scores={**row.scores, REWARD: grade})
