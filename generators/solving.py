"""What a model is asked about a problem: to solve it in steps, or to write a program whose output is the answer.

solve/no_answer     the solution ends without an answer
solve/two_answers   it gives answers that differ
solve/no_number     its answer is no number
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from generators.answers import answers
from generators.engine import Reply
from generators.fences import blocks
from generators.replies import said
from manifests.errors import BadRecipe
from manifests.rows import Document, Message
from manifests.stage import Rejected

STYLES = {
    "calculator": {
        "en": "You solve mathematics problems. Reason step by step, one short sentence a line. Write every calculation "
        "twice, the second time between << and >>, as in: 48 / 2 = <<48/2=24>>24. After the last step write one more "
        'line: "#### " and the answer as a number, without a unit.',
        "ja": "算数・数学の問題を解いてください。一行に一文ずつ、順を追って考えます。"
        "計算は「48 ÷ 2 = <<48/2=24>>24」のように、<< と >> の間にも式を書きます。"
        "最後の行に「#### 」と答えの数だけを、単位を付けずに書いてください。",
    },
    "steps": {
        "en": "You solve mathematics problems. Reason step by step and show every calculation as an equation. End with "
        'a line "#### " and the answer as a number, without a unit.',
        "ja": "算数・数学の問題を解いてください。順を追って考え、計算はすべて式で示します。"
        "最後の行に「#### 」と答えの数だけを、単位を付けずに書いてください。",
    },
    "boxed": {
        "en": "You solve mathematics problems. Reason step by step, with formulas in LaTeX, and put the final answer "
        "in \\boxed{}.",
        "ja": "数学の問題を解いてください。数式は LaTeX で書きながら順を追って考え、"
        "最終的な答えを \\boxed{} の中に書いてください。",
    },
}
PROGRAM = {
    "en": "Write a short Python program that works out the answer to the problem below and prints it: one number, and "
    "nothing else. Use the standard library only, and fractions.Fraction where a division may not come out even. "
    "Answer with one code block.",
    "ja": "次の問題の答えを計算して、その数だけを print で出力する短い Python プログラムを書いてください。"
    "標準ライブラリだけを使い、割り切れない割り算には fractions.Fraction を使います。"
    "コードブロックを一つだけ書いて答えてください。",
}
PROBLEM, REFERENCE, ANSWER, CODE = "problem", "reference", "answer", "program"  # labels
PYTHON = ("", "python")  # tags of code blocks


@dataclass(frozen=True, slots=True)
class Solve:
    """One problem in, one solution out: a text of both, with the answer as a label.

    A known answer of the problem becomes the label `reference`: the model does not see it.
    """

    version: ClassVar[int] = 1

    style: str
    prompts: Mapping[str, str]  # by the language of the problem

    def prompt(self, doc: Document) -> tuple[Message, ...]:
        return Message("system", self.prompts[doc.language or ""]), Message("user", doc.text)

    def parse(self, doc: Document, reply: Reply) -> Document | Rejected:
        solution = said(reply.text)
        found = answers(solution)
        if not found:
            return Rejected(doc, "solve/no_answer")
        if len(found) > 1:
            return Rejected(doc, "solve/two_answers", float(len(found)), 1.0)
        if found[0].quantity is None:
            return Rejected(doc, "solve/no_number")
        dropped = {"solution", "equation", ANSWER}
        labels = {name: value for name, value in doc.labels.items() if name not in dropped}
        labels |= {REFERENCE: doc.labels[ANSWER]} if ANSWER in doc.labels else {}
        labels |= {"style": self.style, PROBLEM: doc.text, ANSWER: str(found[0].quantity)}
        return doc.derive(text=f"{doc.text}\n\n{solution}", source="mathematics", labels=labels)


@dataclass(frozen=True, slots=True)
class WriteProgram:
    """One problem in, the same problem with a program as a label out. A reply without one block leaves it as it is."""

    version: ClassVar[int] = 1

    prompts: Mapping[str, str]

    def prompt(self, doc: Document) -> tuple[Message, ...]:
        return Message("system", self.prompts[doc.language or ""]), Message("user", doc.text)

    def parse(self, doc: Document, reply: Reply) -> Document | Rejected:
        found = blocks(reply.text.replace("\r\n", "\n"))
        program = found[0].code if len(found) == 1 and found[0].closed and found[0].language in PYTHON else ""
        labels = {name: value for name, value in doc.labels.items() if name != CODE}
        return doc.replace(labels={**labels, CODE: program} if program else labels)


def solving(style: str) -> Solve:
    """Return the task for a style. Raises BadRecipe where there is none of that name."""
    if style not in STYLES:
        raise BadRecipe(f"mathematics: no style {style!r}; expected one of {', '.join(STYLES)}")
    return Solve(style, STYLES[style])
