#!/usr/bin/env python
"""Rewrite a dataset: the styles of WRAP, the tasks of Nemotron-CC, or as a conversation, lecture, blog, news or diary.

    koba run paraphrase web --style wiki
    ray job submit --working-dir . -- python generators/paraphrase.py web --style diverse_qa

A document is cut after sentences into parts: of longer ones, models leave things out. Each part becomes a row of its
own that names its document in `parents`; in diverse_qa the questions stand behind the part that they ask about. The
prompts are ours, in the language of the document, see `generators.styles`. How many of the numbers and names of the
source a rewrite keeps is in its scores: `koba scores NAME --by style`.

paraphrase/empty      the reply is a preamble and nothing behind it
paraphrase/no_prefix  it does not begin as the style asks for, which tells a rewrite from an answer
paraphrase/no_pairs   a quiz without a question, or without an answer
paraphrase/no_list    notes without items
paraphrase/no_turns   a conversation without two who speak
paraphrase/short      fewer tokens than the style asks for
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import Annotated, ClassVar

from filters.language import LanguageIs
from generators import pairs
from generators.chunks import Chunks, estimate
from generators.command import generator
from generators.engine import Reply, Sampling
from generators.gates import Gates, beside
from generators.generate import Generate
from generators.replies import behind, items, plain, said, turns
from generators.retention import retention
from generators.styles import KEEP, STYLES, Style
from manifests import canonical
from manifests.errors import BadRecipe
from manifests.rows import Document, Message
from manifests.stage import Recipe, Rejected

PAIR_TOKENS = 15  # of a source for each question that may be kept (Nemotron-CC: 10 for 150)


@dataclass(frozen=True, slots=True)
class Paraphrase:
    """One part of a document in, one rewrite out, in the language of the document."""

    version: ClassVar[int] = 2

    name: str
    style: Style
    seed: int = 0  # draws how many pairs are kept

    def prompt(self, doc: Document) -> tuple[Message, ...]:
        return Message("system", self.style.prompts[doc.language or ""]), Message("user", doc.text)

    def parse(self, doc: Document, reply: Reply) -> Document | Rejected:
        begun = behind(self.style.prefix.get(doc.language or "", ""), plain(reply.text))
        if begun is None:
            return Rejected(doc, "paraphrase/no_prefix")
        text = plain(said(begun))
        if not text:
            return Rejected(doc, "paraphrase/empty")
        made = self._formed(doc, text)
        if isinstance(made, Rejected):
            return made
        whole = f"{doc.text}\n\n{made}" if self.style.with_source else made
        if estimate(whole) < self.style.least_tokens:
            return Rejected(doc, "paraphrase/short", round(estimate(whole)), self.style.least_tokens)
        language = doc.language or ""
        scores = {**beside(made, doc.text, language), **retention(made, doc.text, language)}
        return doc.derive(text=whole, source="paraphrase", scores=scores, labels={**doc.labels, "style": self.name})

    def _formed(self, doc: Document, text: str) -> str | Rejected:
        """Return what the model wrote in the form of the style."""
        if self.style.form == "pairs":
            quiz = list(pairs.read(text).pairs)
            return self._chosen(doc, quiz) if quiz else Rejected(doc, "paraphrase/no_pairs")
        if self.style.form == "list":
            return "\n".join(items(text)) or Rejected(doc, "paraphrase/no_list")
        if self.style.form == "turns":
            said_by = turns(text)
            names = {name for name, _ in said_by}
            told = "\n".join([f"{name}: {what}" for name, what in said_by])
            return told if len(names) > 1 else Rejected(doc, "paraphrase/no_turns", len(names), 2)
        return text

    def _chosen(self, doc: Document, quiz: list[pairs.Pair]) -> str:
        """Return pairs as a text; behind their source, a number of them that is drawn by its length."""
        if self.style.with_source:
            rng = Random(canonical.join_parts(b"paraphrase", str(self.seed).encode(), doc.id, doc.text.encode()))
            most = max(1, int(estimate(doc.text) / PAIR_TOKENS))
            quiz = rng.sample(quiz, min(len(quiz), rng.randint(1, most)))
        return pairs.written(quiz, doc.language or "")


def styled(style: str, languages: Iterable[str], seed: int = 0) -> Paraphrase:
    """Return the task for a style and some languages. Raises BadRecipe where we have no prompt for them."""
    if style not in STYLES or not set(languages) <= set(KEEP):
        raise BadRecipe(
            f"paraphrase: no prompts for {style!r} in {', '.join(languages)}; "
            f"expected one of {', '.join(STYLES)}, in {' or '.join(KEEP)}"
        )
    found = STYLES[style]
    prompts = {language: found.prompts[language].format(keep=KEEP[language]) for language in languages}
    prefix = {language: found.prefix[language] for language in languages if language in found.prefix}
    return Paraphrase(style, replace(found, prompts=prompts, prefix=prefix), seed)


def recipe(
    style: Annotated[str, f"How to rewrite: {', '.join(STYLES)}."] = "wiki",
    languages: Annotated[tuple[str, ...], "Languages to rewrite; documents in others are left out."] = ("ja", "en"),
    model: Annotated[str, "Model, by its ref."] = "models/smollm2",
    engine: Annotated[str, "Where it runs: vllm, echo, openai or a server's URL."] = "vllm",
    temperature: Annotated[float, "Sampling temperature (Nemotron-CC: 0.5)."] = 0.5,
    part_tokens: Annotated[int | None, "Longest part, in tokens [default: the style's, 300 to 2,000]."] = None,
    parts: Annotated[int | None, "Parts of each document to rewrite, the first ones [default: all]."] = None,
    max_tokens: Annotated[int | None, "Longest rewrite of one part, in tokens [default: the style's]."] = None,
    max_ratio: Annotated[float, "Longest rewrite, in tokens for each one of the prompt."] = 2.0,
    min_numbers: Annotated[float | None, "Least share of the source's numbers in a rewrite [default: any]."] = None,
    seed: Annotated[int, "Another number keeps other pairs of diverse_qa."] = 0,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    task = styled(style, languages, seed)
    longest = task.style.part_tokens if part_tokens is None else part_tokens
    sampling = Sampling(
        max_tokens=max_tokens or task.style.max_tokens, max_ratio=max_ratio, temperature=temperature, top_p=0.9
    )
    split = Chunks(longest, join=False, most=parts, least_tokens=min(task.style.least_part_tokens, longest))
    return Recipe(
        name=f"paraphrase-{style}",
        steps=(
            LanguageIs(languages),
            Generate(task, model, sampling, split, engine=engine),
            Gates(min_length_ratio=0.2, max_length_ratio=3.0, max_copied=0.9, min_numbers_kept=min_numbers),
            LanguageIs(languages),
        ),
    )


main = generator(recipe, default_source="web-sample")

if __name__ == "__main__":
    main()
