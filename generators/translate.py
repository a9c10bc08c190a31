#!/usr/bin/env python
"""Translate a dataset, one document at a time, with a local model.

    koba run translate web-en --to ja
    ray job submit --working-dir . -- python generators/translate.py web-en --to ja

Each translation names its original in `parents`; all candidates are kept.

translate/empty     the reply is a preamble ("Here is the translation:") and nothing behind it
"""

from dataclasses import dataclass
from typing import Annotated

from filters.language import LanguageIs
from filters.length import Length
from generators.chunks import Chunks
from generators.command import generator
from generators.engine import Reply, Sampling
from generators.gates import Gates, beside
from generators.generate import Generate
from generators.replies import said
from manifests.errors import BadRecipe
from manifests.rows import Document, Message
from manifests.stage import Recipe, Rejected

LANGUAGES = {
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "ja": "Japanese",
    "ko": "Korean",
    "zh": "Chinese",
}

SYSTEM = "You are a translator. You translate whole texts: nothing is left out, nothing is added, nothing is explained."
PROMPT = """\
Translate the text below into {language}. Keep its line breaks, lists, headings, numbers, names, code and links. \
Write the way a careful native author would write it, not word for word. Answer with the translation only.

{text}"""

SYSTEM_JA = "あなたは翻訳者です。原文を省略せず、付け足さず、説明も加えずに、全文を訳します。"
PROMPT_JA = """\
次の文章を自然な日本語に訳してください。改行、箇条書き、見出し、数値、固有名詞、コード、リンクはそのまま残します。\
文体は一つに統一し、直訳ではなく日本語として読みやすい文にしてください。訳文だけを書いてください。

{text}"""


@dataclass(frozen=True, slots=True)
class Translate:
    """One document in, one translation out."""

    to: str
    system: str = SYSTEM  # fields, so that a changed prompt is a changed dataset
    template: str = PROMPT

    def __post_init__(self) -> None:
        if self.to not in LANGUAGES:
            raise BadRecipe(
                f"translate: {self.to!r} is no language we have a name for; expected {', '.join(LANGUAGES)}"
            )

    def prompt(self, doc: Document) -> tuple[Message, ...]:
        asked = self.template.format(language=LANGUAGES[self.to], text=doc.text)
        return Message("system", self.system), Message("user", asked)

    def parse(self, doc: Document, reply: Reply) -> Document | Rejected:
        text = said(reply.text)
        if not text:
            return Rejected(doc, "translate/empty")
        return doc.derive(text=text, language=self.to, source="translate", scores=beside(text, doc.text))


def into(to: str) -> Translate:
    """Return the task with the prompt for a language: Japanese is asked for in Japanese."""
    return Translate(to, SYSTEM_JA, PROMPT_JA) if to == "ja" else Translate(to)


def recipe(
    to: Annotated[str, "Language to translate into, ISO 639-1."] = "ja",
    model: Annotated[str, "Model, by its ref."] = "models/smollm2",
    engine: Annotated[str, "Where it runs: vllm, echo, openai or a server's URL."] = "vllm",
    n: Annotated[int, "Candidates for each document (PLaMo 2: 16)."] = 16,
    temperature: Annotated[float, "Sampling temperature."] = 0.8,
    max_tokens: Annotated[int, "Longest reply to one part of a document, in tokens."] = 2_048,
    max_ratio: Annotated[float, "Longest reply, in tokens for each one of the prompt."] = 2.0,
    max_chars: Annotated[int, "Longest document, in characters."] = 8_000,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    drawn = temperature if n > 1 else 0.0
    sampling = Sampling(max_tokens=max_tokens, max_ratio=max_ratio, temperature=drawn, top_p=0.95, n=n)
    return Recipe(
        name=f"translate-{to}",
        steps=(
            Length(max_chars=max_chars),
            Generate(into(to), model=model, sampling=sampling, split=Chunks(max_tokens=500), engine=engine),
            Gates(min_length_ratio=0.2, max_length_ratio=5.0, max_copied=0.5),
            LanguageIs(to, min_score=0.8),
        ),
    )


main = generator(recipe, default_source="web-sample")

if __name__ == "__main__":
    main()
