#!/usr/bin/env python
"""Textbooks, posts and stories on what educational documents are about: Cosmopedia's styles and audiences.

    koba run textbook annotate-education --min-score 3 --style textbook,blog --audience children,students
    ray job submit --working-dir . -- python generators/textbook.py web

The beginning of a document is the seed: what is written is new, and not a rewrite. Style and audience are drawn for
each document by its id from those that are named; they are labels of the row. Temperature and length are our choice.

textbook/empty      the reply is a preamble and nothing behind it
textbook/short      less than a fifth of the tokens that are asked for
textbook/outline    headings and lists, hardly any sentences
textbook/off_topic  hardly any of the seed's words are in it
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Annotated, ClassVar

from filters.language import LanguageIs
from filters.length import Length
from generators.chunks import estimate
from generators.command import generator
from generators.engine import Reply, Sampling
from generators.gates import Gates, beside
from generators.generate import Generate
from generators.least_score import LeastScore
from generators.outlines import AUDIENCES, PROMPT, STYLES
from generators.pairs import grounded
from generators.replies import said
from manifests import canonical
from manifests.errors import BadRecipe
from manifests.rows import Document, Message
from manifests.stage import Recipe, Rejected

TOPIC = "textbook/topic_kept"
WORDS, CHARACTERS = 0.75, 1.5  # for each token, in English and Japanese
TOPIC_CHARS = 1_000  # of a seed whose words are looked for: what it is about it says first


@dataclass(frozen=True, slots=True)
class Textbook:
    """One document in, one new text on its subject out, in the same language."""

    version: ClassVar[int] = 1

    prompts: Mapping[str, str]  # by language: {style}, {audience}
    styles: Mapping[str, Mapping[str, str]]  # by name and language
    audiences: Mapping[str, Mapping[str, str]]
    chars: int = 2_000  # of the seed
    tokens: int = 1_000  # that are asked for
    least_share: float = 0.2  # of them that must have been written
    least_prose: float = 0.5  # share of the characters, in lines that end a sentence
    least_topic: float = 0.1  # share of the words of the seed's beginning
    seed: int = 0

    def prompt(self, doc: Document) -> tuple[Message, ...]:
        style, audience = self.drawn(doc)
        language = doc.language or ""
        told = self.prompts[language].format(
            style=self.styles[style][language],
            audience=self.audiences[audience][language],
            words=round(self.tokens * WORDS, -1),
            characters=round(self.tokens * CHARACTERS, -1),
        )
        return Message("system", told), Message("user", doc.text[: self.chars])

    def parse(self, doc: Document, reply: Reply) -> Document | Rejected:
        text = said(reply.text)
        if not text:
            return Rejected(doc, "textbook/empty")
        length, least = estimate(text), self.least_share * self.tokens
        if length < least:
            return Rejected(doc, "textbook/short", round(length), least)
        share, topic = prose(text), grounded(doc.text[:TOPIC_CHARS], text)
        if share < self.least_prose:
            return Rejected(doc, "textbook/outline", share, self.least_prose)
        if topic < self.least_topic:
            return Rejected(doc, "textbook/off_topic", topic, self.least_topic)
        style, audience = self.drawn(doc)
        return doc.derive(
            text=text,
            source="textbook",
            scores={**beside(text, doc.text, doc.language or ""), TOPIC: topic},
            labels={**doc.labels, "style": style, "audience": audience},
        )

    def drawn(self, doc: Document) -> tuple[str, str]:
        """Return the style and the audience of a document. Its id and the seed alone decide."""
        rng = Random(canonical.join_parts(b"textbook", str(self.seed).encode(), doc.id))
        return rng.choice(sorted(self.styles)), rng.choice(sorted(self.audiences))


def prose(text: str) -> float:
    """Return the share of a text's characters that stand in lines which end a sentence."""
    lines = [line.strip() for line in text.splitlines()]
    ended = [line for line in lines if line.rstrip("\"'”’)」』）*_").endswith((".", "!", "?", "。", "！", "？", "…"))]
    return sum(map(len, ended)) / max(1, sum(map(len, lines)))


def writing(
    styles: tuple[str, ...], audiences: tuple[str, ...], languages: tuple[str, ...], tokens: int = 1_000, seed: int = 0
) -> Textbook:
    """Return the task. Raises BadRecipe where there is no such style, audience or language."""
    for names, known in ((styles, [*STYLES]), (audiences, [*AUDIENCES]), (languages, [*PROMPT])):
        if not names or not set(names) <= set(known):
            raise BadRecipe(f"textbook: found {', '.join(names)!r}; expected one or more of {', '.join(known)}")
    chosen = ({one: STYLES[one] for one in styles}, {one: AUDIENCES[one] for one in audiences})
    return Textbook({one: PROMPT[one] for one in languages}, *chosen, tokens=tokens, seed=seed)


def recipe(
    style: Annotated[tuple[str, ...], f"Kinds of text to draw from: {', '.join(STYLES)}."] = ("textbook",),
    audience: Annotated[tuple[str, ...], f"Readers to draw from: {', '.join(AUDIENCES)}."] = tuple(AUDIENCES),
    score: Annotated[str, "Score that tells educational documents."] = "annotate/education",
    min_score: Annotated[float | None, "Least score of a document [default: all, scored or not]."] = None,
    languages: Annotated[tuple[str, ...], "Languages to write in; documents in others are left out."] = ("ja", "en"),
    model: Annotated[str, "Model, by its ref."] = "models/smollm2",
    engine: Annotated[str, "Where it runs: vllm, echo, openai or a server's URL."] = "vllm",
    temperature: Annotated[float, "Sampling temperature."] = 0.7,
    min_chars: Annotated[int, "Shortest document, in characters."] = 200,
    tokens: Annotated[int, "Length that is asked for, in tokens."] = 1_000,
    max_tokens: Annotated[int, "Longest text, in tokens; what is cut there is refused."] = 2_000,
    seed: Annotated[int, "Another number draws other styles and audiences."] = 0,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    worth = () if min_score is None else (LeastScore(score, min_score),)
    sampling = Sampling(max_tokens=max_tokens, temperature=temperature, top_p=0.95)
    return Recipe(
        name="textbook",
        steps=(
            Length(min_chars=min_chars),
            *worth,
            LanguageIs(languages),
            Generate(writing(style, audience, languages, tokens, seed), model, sampling, engine=engine),
            Gates(max_copied=0.5),
            LanguageIs(languages),
        ),
    )


main = generator(recipe, default_source="web-sample")

if __name__ == "__main__":
    main()
