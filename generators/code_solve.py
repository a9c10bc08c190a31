"""Problems of programming solved by a model, with tests that its solution must pass."""

from collections.abc import Mapping
from dataclasses import dataclass

from generators.code_items import PROBLEM, item
from generators.engine import Reply
from manifests.rows import Document, Message
from manifests.stage import Rejected

HEADINGS = {"en": ("Problem", "Solution", "Tests"), "ja": ("問題", "解答", "テスト")}
SOLVE = {
    "en": "You solve problems in {language}, with its standard library alone. Answer in two parts, each with one code "
    "block:\n[Solution]\nComplete code that solves the problem and prints nothing.\n[Tests]\nA few `assert` statements "
    "that call the solution, which stands before them: usual cases, limits, and bad input.",
    "ja": "あなたは {language} の問題を、標準ライブラリだけで解きます。"
    "次の二つの部分に、それぞれ一つのコードブロックで答えてください。\n[解答]\n問題を解く完全なコード。何も出力しません。\n"
    "[テスト]\n直前の解答を呼び出す、いくつかの assert 文。"
    "普通の場合、境界の場合、不正な入力を確かめます。",
}


@dataclass(frozen=True, slots=True)
class Solve:
    """A problem in, its solution out: the row's text is the code, its labels hold problem and tests."""

    system: str
    headings: tuple[str, str]  # of solution and tests
    language: str
    source: str

    def prompt(self, doc: Document) -> tuple[Message, ...]:
        return Message("system", self.system), Message("user", doc.text)

    def parse(self, doc: Document, reply: Reply) -> Document | Rejected:
        return item(doc, reply.text, self.headings, self.language, self.source, {PROBLEM: doc.text})


def solving(to: str, language: str, source: str, prompts: Mapping[str, str] = SOLVE) -> Solve:
    """Return the task for problems in one language, and solutions in a programming language."""
    _, solution, tests = HEADINGS[to]
    return Solve(prompts[to].format(language=language), (solution, tests), language, source)
