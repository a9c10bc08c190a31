#!/usr/bin/env python
"""Problems of programming made harder, round by round, then solved and tested: Evol-Instruct for code.

    koba run code_evolve code-oss-instruct-ja --to ja
    ray job submit --working-dir . -- python generators/code_evolve.py code-oss-instruct-en --to en --rounds 2

A source row is a problem, alone or with its solution in a code block behind it, as `code_oss_instruct` writes them. In
each round one of five operators is drawn by the row's id: it is the label `operator`. Refused, as by
Evol-Instruct, beside what sounds like a refusal (generate/refusal):

evolve/no_gain      the problem is as it was, or shorter than half of it
evolve/no_words     nothing but punctuation and small words
evolve/prompt       words of the prompt stand in the problem
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from generators.code_items import drawn
from generators.code_solve import solving
from generators.command import generator
from generators.engine import Reply, Sampling
from generators.fences import blocks
from generators.generate import Generate
from generators.replies import copied_share, said
from generators.tested import checked
from manifests.errors import BadRecipe
from manifests.rows import Document, Message
from manifests.stage import Recipe, Rejected

SYSTEM = {
    "en": "You make problems of programming harder. Rewrite the problem of the user: {operator} Add about 10 to 20 "
    "words. It must stand by itself and be solvable. Answer with the new problem only.",
    "ja": "あなたはプログラミングの問題を難しくします。ユーザーの問題を書き直してください。"
    "{operator}加えるのは数十字程度です。それだけで解ける問題にし、新しい問題文だけを答えます。",
}
OPERATORS = {
    "constraint": {"en": "add one more requirement.", "ja": "要件を一つ加えます。"},
    "rarer": {
        "en": "put a rarer and more specific requirement in the place of a common one.",
        "ja": "よくある要件を、より珍しく具体的なものに替えます。",
    },
    "deeper": {
        "en": "where few steps of thought solve it, let it need more.",
        "ja": "少ない手順で解けるなら、より多くの手順が要るようにします。",
    },
    "misleading": {
        "en": "show a piece of wrong code, and say that it is wrong, as something to be avoided.",
        "ja": "誤ったコードの例を、誤りだと断ったうえで、避けるべきものとして示します。",
    },
    "complexity": {
        "en": "demand a lower complexity in time or memory.",
        "ja": "時間または空間の計算量について、より厳しい条件を課します。",
    },
}
LEAKS = re.compile(
    r"(?i)\b(?:given|rewritten|new|original) (?:prompt|problem):|#\w+ ?prompt#|新しい問題文?[:：]|元の問題文?[:：]"
)
_WORD = re.compile(r"[^\W\d_]{3,}|[぀-ヿ一-鿿]{2,}")
MOST_COPIED = 0.95


@dataclass(frozen=True, slots=True)
class Evolve:
    """A problem in, a harder one out."""

    systems: Mapping[str, str]  # by operator
    to: str
    turn: int
    seed: int = 0

    def operator(self, doc: Document) -> str:
        """Return the operator of a row."""
        return drawn(self.seed, f"evolve {self.turn}", doc.id).choice(sorted(self.systems))

    def prompt(self, doc: Document) -> tuple[Message, ...]:
        return Message("system", self.systems[self.operator(doc)]), Message("user", problem_of(doc.text))

    def parse(self, doc: Document, reply: Reply) -> Document | Rejected:
        text, before = said(reply.text), problem_of(doc.text)
        if not _WORD.search(text):
            return Rejected(doc, "evolve/no_words")
        if LEAKS.search(text):
            return Rejected(doc, "evolve/prompt")
        copied = copied_share(" ".join(text.split()), " ".join(before.split()))
        if 2 * len(text) < len(before) or (copied > MOST_COPIED and len(text) <= len(before)):
            return Rejected(doc, "evolve/no_gain", copied, MOST_COPIED)
        labels = {**doc.labels, "operator": " ".join([doc.labels.get("operator", ""), self.operator(doc)]).strip()}
        return doc.derive(text=text, source="code_evolve", language=self.to, labels=labels)


def problem_of(text: str) -> str:
    """Return what stands before the last code block of a text, or all of it where nothing does."""
    found = blocks(text)
    return text[: found[-1].start].strip() or text if found else text


def evolving(to: str, operators: tuple[str, ...], turn: int, seed: int) -> Evolve:
    """Return the task of a round. Raises BadRecipe where an operator or a prompt is not there."""
    if to not in SYSTEM or not operators or not set(operators) <= set(OPERATORS):
        raise BadRecipe(
            f"code_evolve: no prompts for {', '.join(operators) or 'no operator'} in {to!r}; expected some of "
            f"{', '.join(OPERATORS)}, in {' or '.join(SYSTEM)}"
        )
    return Evolve({name: SYSTEM[to].format(operator=OPERATORS[name][to]) for name in operators}, to, turn, seed)


def recipe(
    to: Annotated[str, "Language of the problems: ja or en."] = "ja",
    rounds: Annotated[int, "How many times each problem is made harder."] = 1,
    operators: Annotated[tuple[str, ...], "Ways to make it harder; one is drawn in each round."] = tuple(OPERATORS),
    language: Annotated[str, "Programming language of the solutions."] = "python",
    tests: Annotated[
        bool, "Run the tests of each solution in the sandbox, and refuse what fails; Python alone."
    ] = True,
    model: Annotated[str, "Model, by its ref."] = "models/smollm2",
    engine: Annotated[str, "Where it runs: vllm, echo, openai or a server's URL."] = "vllm",
    temperature: Annotated[float, "Sampling temperature of new problems; solutions are written at 0."] = 1.0,
    max_tokens: Annotated[int, "Longest reply, in tokens."] = 2_048,
    seed: Annotated[int, "Another number draws other operators."] = 0,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    new = Sampling(max_tokens=max_tokens, temperature=temperature, top_p=0.95 if temperature else 1.0, seed=seed)
    once = Sampling(max_tokens=max_tokens, temperature=0.0)
    return Recipe(
        name=f"code-evolve-{to}",
        steps=(
            *[Generate(evolving(to, operators, turn, seed), model, new, engine=engine) for turn in range(rounds)],
            Generate(solving(to, language, "code_evolve"), model, once, engine=engine),
            *checked(language, tests),
        ),
    )


main = generator(recipe, default_source="code-oss-instruct-ja")

if __name__ == "__main__":
    main()
