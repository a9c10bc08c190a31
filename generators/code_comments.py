#!/usr/bin/env python
"""Add comments and docstrings to Python code, and change nothing else (PLaMo 2 report, 2.2.3).

    koba run code_comments source-code --to ja
    ray job submit --working-dir . -- python generators/code_comments.py source-code

Each row is the commented file. That its program is the same is checked twice: trees without docstrings and tokens
without comments are those of the original, see `generators.same_program`; most new comments must be in their language.
"""

from dataclasses import dataclass
from typing import Annotated

from filters.code_sets import CodeIn
from filters.code_syntax import PythonSyntax
from filters.length import Length
from generators.code_items import ORIGINAL
from generators.command import generator
from generators.engine import Reply, Sampling
from generators.fences import block_of, fenced
from generators.generate import Generate
from generators.same_program import SameProgram
from manifests.errors import BadRecipe
from manifests.rows import Document, Message
from manifests.stage import Recipe, Rejected

PROMPTS = {
    "en": "You explain code to colleagues who will maintain it. Repeat the Python file of the user with comments and "
    "docstrings in English added: a docstring for each function and class, and a comment where a reader would ask why. "
    "Do not restate what a line plainly says. Change nothing else: no name, no value, no line of code, no order, no "
    "quotes. Answer with the whole file in one Python code block.",
    "ja": "あなたは、引き継ぐ同僚のためにコードを説明します。ユーザーの Python ファイルに、日本語のコメントと "
    "docstring を書き加えて、全文を出力してください。関数とクラスには docstring を付け、理由がわかりにくい箇所には"
    "コメントを添えます。コードを読めばわかることの言い換えは要りません。名前、値、行、順序、引用符など、コード自体は一切変えないでください。"
    "全文を一つの Python コードブロックで答えます。",
}


@dataclass(frozen=True, slots=True)
class CommentCode:
    """One file in, the same file with comments out."""

    system: str
    to: str

    def prompt(self, doc: Document) -> tuple[Message, ...]:
        return Message("system", self.system), Message("user", fenced(doc.text, "python"))

    def parse(self, doc: Document, reply: Reply) -> Document | Rejected:
        found = block_of(doc, reply.text, "python")
        if isinstance(found, Rejected):
            return found
        labels = {**doc.labels, ORIGINAL: doc.text}
        return doc.derive(text=f"{found.code}\n", source="code_comments", language=self.to, labels=labels)


def recipe(
    to: Annotated[str, "Language of the comments: ja or en."] = "ja",
    max_chars: Annotated[int, "Longest file, in characters: it is written out again."] = 6_000,
    model: Annotated[str, "Model, by its ref."] = "models/smollm2",
    engine: Annotated[str, "Where it runs: vllm, echo, openai or a server's URL."] = "vllm",
    temperature: Annotated[float, "Sampling temperature (swallow-code-math's comment translation: 0.2)."] = 0.2,
    n: Annotated[int, "Candidates for each file; all that pass are kept."] = 1,
    max_tokens: Annotated[int, "Longest reply, in tokens."] = 8_192,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    if to not in PROMPTS:
        raise BadRecipe(f"code_comments: no prompt in {to!r}; expected {' or '.join(PROMPTS)}")
    sampling = Sampling(max_tokens=max_tokens, temperature=temperature, top_p=0.7, n=n)
    return Recipe(
        name=f"code-comments-{to}",
        steps=(
            CodeIn("python"),
            Length(max_chars=max_chars),
            PythonSyntax(),
            Generate(CommentCode(PROMPTS[to], to), model, sampling, engine=engine),
            SameProgram(to),
        ),
    )


main = generator(recipe, default_source="source-code")

if __name__ == "__main__":
    main()
