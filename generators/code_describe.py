#!/usr/bin/env python
"""Describe code in words, then write it anew from the description alone (PLaMo 2 report, 2.2.3).

    koba run code_describe source-code --to ja
    ray job submit --working-dir . -- python generators/code_describe.py source-code

Each row is a description with the code that was made of it, which must parse and must not be a copy of the original:
that would be memory, or a description that spells the code out.

describe/empty      the description says nothing, or is code
describe/copied     too many pieces of the new code stand in the original
"""

from dataclasses import dataclass
from typing import Annotated

from filters.code_sets import LABEL, CodeIn, parses
from filters.length import Length
from generators.code_items import ORIGINAL, PROBLEM, CodeText
from generators.command import generator
from generators.engine import Reply, Sampling
from generators.fences import block_of, blocks, fenced
from generators.generate import Generate
from generators.replies import copied_share, said
from manifests.errors import BadRecipe
from manifests.rows import Document, Message
from manifests.stage import Recipe, Rejected, Rule, Rules, Values, at_most

DESCRIBE = {
    "en": "You write specifications. Describe what the code of the user does, so that a programmer who never sees it "
    "can write it: its purpose, inputs, outputs, behaviour in each case, errors, and the names that callers use. Write "
    "plain sentences in English, without any code.",
    "ja": "あなたは仕様書を書きます。ユーザーのコードを見たことのないプログラマーが同じものを書けるように、"
    "目的、入力、出力、場合ごとの動作、エラー、呼び出し側が使う名前を日本語の文章で説明してください。コードは書かないでください。",
}
REGENERATE = {
    "en": "Write the {language} code that the user specifies: complete, readable and correct. Answer with one code "
    "block.",
    "ja": "ユーザーの仕様どおりの {language} のコードを、完全で読みやすく正しい形で書き、"
    "一つのコードブロックで答えてください。",
}
COPIED = "describe/copied_share"


@dataclass(frozen=True, slots=True)
class Describe:
    """One file in, what it does in words out."""

    system: str
    to: str
    min_chars: int = 80

    def prompt(self, doc: Document) -> tuple[Message, ...]:
        return Message("system", self.system), Message("user", fenced(doc.text, doc.labels.get(LABEL, "")))

    def parse(self, doc: Document, reply: Reply) -> Document | Rejected:
        text = said(reply.text)
        if len(text) < self.min_chars or blocks(text):
            return Rejected(doc, "describe/empty", len(text), self.min_chars)
        labels = {**doc.labels, ORIGINAL: doc.text}
        return doc.derive(text=text, source="code_describe", language=self.to, labels=labels)


@dataclass(frozen=True, slots=True)
class Regenerate:
    """One description in, new code out, with what it shares with the original."""

    system: str
    language: str

    def prompt(self, doc: Document) -> tuple[Message, ...]:
        return Message("system", self.system.format(language=self.language)), Message("user", doc.text)

    def parse(self, doc: Document, reply: Reply) -> Document | Rejected:
        found = block_of(doc, reply.text, self.language)
        if isinstance(found, Rejected):
            return found
        copied = copied_share(_spaced(found.code), _spaced(doc.labels.get(ORIGINAL, "")))
        labels = {**doc.labels, PROBLEM: doc.text}
        return doc.derive(text=found.code, source="code_describe", labels=labels, scores={COPIED: copied})


@dataclass(frozen=True, slots=True)
class NotCopied(Rules):
    """Keep the code that is not its original again."""

    max_copied: float | None = 0.6  # share of pieces of 12 characters that stand in the original

    def rules(self) -> tuple[Rule, ...]:
        return at_most("describe/copied", COPIED, self.max_copied)

    def measure(self, doc: Document) -> Values:
        return {COPIED: doc.scores.get(COPIED)}


def _spaced(code: str) -> str:
    return " ".join(code.split())


def recipe(
    to: Annotated[str, "Language of the descriptions: ja or en."] = "ja",
    language: Annotated[str, "Programming language of the files and of the new code."] = "python",
    max_chars: Annotated[int, "Longest file, in characters."] = 6_000,
    max_copied: Annotated[float, "Share of the new code's pieces that may stand in the original."] = 0.6,
    model: Annotated[str, "Model, by its ref."] = "models/smollm2",
    engine: Annotated[str, "Where it runs: vllm, echo, openai or a server's URL."] = "vllm",
    temperature: Annotated[float, "Sampling temperature."] = 0.5,
    n: Annotated[int, "Pieces of code for each description."] = 1,
    max_tokens: Annotated[int, "Longest reply, in tokens."] = 4_096,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    if to not in DESCRIBE:
        raise BadRecipe(f"code_describe: no prompt in {to!r}; expected {' or '.join(DESCRIBE)}")
    once = Sampling(max_tokens=max_tokens, temperature=temperature, top_p=0.9)
    several = Sampling(max_tokens=max_tokens, temperature=temperature, top_p=0.9, n=n)
    return Recipe(
        name=f"code-describe-{to}",
        steps=(
            CodeIn(language),
            Length(max_chars=max_chars),
            Generate(Describe(DESCRIBE[to], to), model, once, engine=engine),
            Generate(Regenerate(REGENERATE[to], language), model, several, engine=engine),
            parses(language),
            NotCopied(max_copied),
            CodeText(),
        ),
    )


main = generator(recipe, default_source="source-code")

if __name__ == "__main__":
    main()
