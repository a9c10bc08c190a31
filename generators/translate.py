#!/usr/bin/env python
"""Translate a dataset of documents or conversations with a local model: of sixteen candidates, the best.

    koba run translate web-en --to ja --choose metricx
    ray job submit --working-dir . -- python generators/translate.py web-en --to ja

A text is translated segment by segment, each several times; gates and a score choose one candidate of each, and the
segments are put together again. All candidates stay, with their scores, as rows of the part before: `koba why ID`
shows them. A translation of one segment names its original in `parents`, a longer one the segments that it is made of.

translate/empty     the reply is a preamble ("Here is the translation:") and nothing behind it
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from filters.language import LanguageIs
from filters.length import Length
from generators.candidates import Fitting
from generators.choosing import LIKELIHOOD, choosing
from generators.command import generator
from generators.engine import Prompt, Raw, Reply, Sampling
from generators.gates import Faithful, IfLonger, translated
from generators.generate import Generate
from generators.rejoined import Rejoined
from generators.replies import said
from generators.segments import Segments
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


# PLaMo-translate takes no chat: its own marks say what is wanted, and a reply ends where the next mark would begin.
PLAMO = """\
<|plamo:op|>dataset
translation
<|plamo:op|>input lang={source}
{text}
<|plamo:op|>output lang={language}
"""
PLAMO_STOP = "<|plamo:op|>"


@dataclass(frozen=True, slots=True)
class Translate:
    """One segment in, one translation out."""

    version: ClassVar[int] = 2

    to: str
    system: str | None = SYSTEM  # fields, so that a changed prompt is a changed dataset; None: the template is all
    template: str = PROMPT

    def __post_init__(self) -> None:
        if self.to not in LANGUAGES:
            raise BadRecipe(
                f"translate: {self.to!r} is no language we have a name for; expected {', '.join(LANGUAGES)}"
            )

    def prompt(self, doc: Document) -> Prompt:
        language = LANGUAGES[self.to]
        if self.system is None:
            source = LANGUAGES.get(doc.language or "", "Japanese" if self.to == "en" else "English")
            return Raw(self.template, {"source": source, "text": doc.text, "language": language})
        asked = self.template.format(language=language, text=doc.text)
        return Message("system", self.system), Message("user", asked)

    def parse(self, doc: Document, reply: Reply) -> Document | Rejected:
        text = said(reply.text)
        if not text:
            return Rejected(doc, "translate/empty")
        scores = translated(text, doc.text, self.to)
        if reply.logprob is not None:
            scores[LIKELIHOOD] = reply.logprob / max(1, reply.tokens_out)
        return doc.derive(text=text, language=self.to, source="translate", scores=scores)


def into(to: str, form: str = "chat") -> Translate:
    """Return the task with the prompt for a language: Japanese is asked for in Japanese. Raises BadRecipe."""
    if form not in {"chat", "plamo"}:
        raise BadRecipe(f"translate: there is no form {form!r}; expected chat, or plamo for PLaMo-translate")
    if form == "plamo":
        return Translate(to, None, PLAMO)
    return Translate(to, SYSTEM_JA, PROMPT_JA) if to == "ja" else Translate(to)


def recipe(
    to: Annotated[str, "Language to translate into, ISO 639-1."] = "ja",
    model: Annotated[str, "Model, by its ref."] = "models/smollm2",
    engine: Annotated[str, "Where it runs: vllm, echo, openai or a server's URL."] = "vllm",
    form: Annotated[str, "Of the prompt: chat, or plamo for PLaMo-translate."] = "chat",
    choose: Annotated[str, "By what: likelihood, round_trip, metricx or comet."] = "likelihood",
    n: Annotated[int, "Candidates for each segment (PLaMo 2: 16)."] = 16,
    temperature: Annotated[float, "Sampling temperature."] = 0.8,
    segment_tokens: Annotated[int, "Longest segment, in tokens; MetricX reads 1,536 of both texts."] = 500,
    max_tokens: Annotated[int, "Longest reply to one segment, in tokens."] = 2_048,
    max_ratio: Annotated[float, "Longest reply, in tokens for each one of the prompt."] = 2.0,
    max_chars: Annotated[int, "Longest document, in characters."] = 8_000,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    drawn = temperature if n > 1 else 0.0
    stop = (PLAMO_STOP,) if form == "plamo" else ()
    sampling = Sampling(max_tokens=max_tokens, max_ratio=max_ratio, temperature=drawn, top_p=0.95, stop=stop, n=n)
    split = Segments(max_tokens=segment_tokens)
    whole = Faithful(max_incomplete=1.85 if to == "ja" else 2.5)  # into English lengths differ more
    return Recipe(
        name=f"translate-{to}",
        steps=(
            Length(max_chars=max_chars),
            Generate(into(to, form), model=model, sampling=sampling, split=split, engine=engine),
            Fitting((whole, IfLonger(40, LanguageIs(to, min_score=0.5)))),
            *choosing(choose, LANGUAGES, to, model, engine),
            Rejoined(),
        ),
    )


main = generator(recipe, default_source="web-sample")

if __name__ == "__main__":
    main()
