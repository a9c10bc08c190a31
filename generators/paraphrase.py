#!/usr/bin/env python
"""Rewrite a dataset: the styles of WRAP (easy, wiki, hard, qa; Maini et al., ACL 2024), or distilled (Nemotron-CC).

    koba run paraphrase web --style wiki
    ray job submit --working-dir . -- python generators/paraphrase.py web --style qa

A document is cut after sentences into parts of about 300 tokens: of longer ones, models leave things out. Each part
becomes a row of its own that names its document in `parents`. The prompts are ours, in the language of the document.

paraphrase/empty    the reply is a preamble and nothing behind it
paraphrase/no_pairs a quiz without a question, or without an answer
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from filters.language import LanguageIs
from generators.chunks import Chunks
from generators.command import generator
from generators.engine import Reply, Sampling
from generators.gates import Gates, beside
from generators.generate import Generate
from generators.replies import said
from manifests.errors import BadRecipe
from manifests.rows import Document, Message
from manifests.stage import Recipe, Rejected

STYLES = {
    "easy": {
        "en": "You rewrite texts. Rewrite the input text in short sentences and small words, for a child. {keep}",
        "ja": "入力された文章を、小さな子どもにもわかる短い文とやさしい言葉で書き直してください。{keep}",
    },
    "wiki": {
        "en": "You rewrite texts. Rewrite the input text in clear, high-quality English, like an encyclopedia. {keep}",
        "ja": "入力された文章を、百科事典の記事のような、明快で質の高い日本語に書き直してください。{keep}",
    },
    "hard": {
        "en": "You rewrite texts. Rewrite the input text for experts: terse, precise, in learned words. {keep}",
        "ja": "入力された文章を、専門家に向けて、簡潔かつ厳密に、専門的な語彙を用いて書き直してください。{keep}",
    },
    "qa": {
        "en": "You write quizzes. Turn the input text into questions and answers that cover all of it. Begin each with "
        '"Question:" and "Answer:".',
        "ja": "入力された文章の内容をすべて含む、質問と答えの組を書いてください。「質問：」「答え：」で始めます。",
    },
    "distill": {
        "en": "You rewrite texts. Rewrite the input text to make it more concise while keeping its meaning.",
        "ja": "入力された文章を、意味を保ったまま簡潔に書き直してください。書き直した文章だけを答えます。",
    },
}
KEEP = {
    "en": "Keep every fact and add none. Answer with the rewritten text only.",
    "ja": "事実を落とさず、付け加えず、書き直した文章だけを答えます。",
}
MARKS = {"en": ("Question:", "Answer:"), "ja": ("質問", "答え")}


@dataclass(frozen=True, slots=True)
class Paraphrase:
    """One part of a document in, one rewrite out, in the language of the document."""

    style: str
    prompts: Mapping[str, str]  # what to do, by language; the text alone is the user's turn

    def prompt(self, doc: Document) -> tuple[Message, ...]:
        return Message("system", self.prompts[doc.language or ""]), Message("user", doc.text)

    def parse(self, doc: Document, reply: Reply) -> Document | Rejected:
        text = said(reply.text)
        if not text:
            return Rejected(doc, "paraphrase/empty")
        if self.style == "qa" and not all(mark in text for mark in MARKS[doc.language or ""]):
            return Rejected(doc, "paraphrase/no_pairs")
        labels = {**doc.labels, "style": self.style}
        return doc.derive(text=text, source="paraphrase", scores=beside(text, doc.text), labels=labels)


def styled(style: str, languages: Iterable[str]) -> Paraphrase:
    """Return the task for a style and some languages. Raises BadRecipe where we have no prompt for them."""
    if style not in STYLES or not set(languages) <= set(STYLES[style]):
        raise BadRecipe(
            f"paraphrase: no prompts for {style!r} in {', '.join(languages)}; "
            f"expected one of {', '.join(STYLES)}, in {' or '.join(MARKS)}"
        )
    prompts = {language: STYLES[style][language].format(keep=KEEP[language]) for language in languages}
    return Paraphrase(style, prompts)


def recipe(
    style: Annotated[str, "How to rewrite: easy, wiki, hard, qa or distill."] = "wiki",
    languages: Annotated[tuple[str, ...], "Languages to rewrite; documents in others are left out."] = ("ja", "en"),
    model: Annotated[str, "Model, by its ref."] = "models/smollm2",
    engine: Annotated[str, "Where it runs: vllm, echo, openai or a server's URL."] = "vllm",
    temperature: Annotated[float, "Sampling temperature (Nemotron-CC: 0.5)."] = 0.5,
    part_tokens: Annotated[int, "Length of a part, in tokens (WRAP: 300)."] = 300,
    parts: Annotated[int | None, "Parts of each document to rewrite, the first ones [default: all]."] = None,
    max_tokens: Annotated[int, "Longest rewrite of one part, in tokens."] = 1_024,
    max_ratio: Annotated[float, "Longest rewrite, in tokens for each one of the prompt."] = 2.0,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    sampling = Sampling(max_tokens=max_tokens, max_ratio=max_ratio, temperature=temperature, top_p=0.9)
    split = Chunks(part_tokens, join=False, most=parts)
    return Recipe(
        name=f"paraphrase-{style}",
        steps=(
            LanguageIs(languages),
            Generate(styled(style, languages), model, sampling, split, engine=engine),
            Gates(min_length_ratio=0.2, max_length_ratio=3.0, max_copied=0.9),
            LanguageIs(languages),
        ),
    )


main = generator(recipe, default_source="web-sample")

if __name__ == "__main__":
    main()
