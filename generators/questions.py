#!/usr/bin/env python
"""Question and answer pairs from educational documents: the QA synthesis of Swallow Corpus v2.

    koba run questions annotate-education --min-score 3
    ray job submit --working-dir . -- python generators/questions.py web --form conversations

A part of a document becomes one row of questions and answers that stand without it, or behind it with `--with-source`.
Each pair is read and checked by rule, see `generators.pairs`: those with a fault are left out, and where too few are
left the reply is refused for the commonest fault. How many pairs had which fault is in the ledger.

questions/no_pairs     nothing in the reply is a question with its answer
questions/ungrounded   the answer says, or counts, what its source does not
questions/given_away   the answer stands in its question
questions/about_text   the question speaks of a text that the reader does not see
questions/repeated     the question was asked before
questions/foreign      letters of another script, or Chinese in Japanese, that its source does not have
questions/halves       questions without answers, or answers without questions
questions/too_few      sound pairs alone, but fewer than asked for
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from filters.language import LanguageIs
from filters.length import Length
from generators import pairs
from generators.chunks import Chunks
from generators.command import generator
from generators.engine import Reply, Sampling
from generators.generate import Generate
from generators.least_score import LeastScore
from manifests.errors import BadRecipe
from manifests.rows import Conversation, Document, Message, Row
from manifests.stage import Recipe, Rejected

PROMPTS = {
    "en": "You write exercises for learners. Read the text of the user and write {count} questions on what can be "
    "learned from it, each with a full answer that the text supports. A reader who does not see the text must "
    "understand each question: name what it is about, and never speak of a text or an author. Ask different things. "
    'Write nothing but lines that begin with "Question:" and "Answer:", in turns.',
    "ja": "あなたは学習教材を作ります。次の文章から学べることについて、質問を{count}問と、"
    "文章に裏づけられた十分な答えを書いてください。文章を見ない読者にもわかるように、何についての質問かを明示し、"
    "「この文章」や「筆者」には触れません。質問の内容は互いに変えます。「質問：」で始まる行と「答え：」で始まる行だけを、交互に書いてください。",
}
FORMS = ("documents", "conversations")


@dataclass(frozen=True, slots=True)
class Questions:
    """One part of a document in, its sound questions and answers out."""

    version: ClassVar[int] = 1

    prompts: Mapping[str, str]  # by language
    least: int = 2  # sound pairs
    form: str = "documents"
    with_source: bool = False  # documents only; then a question may speak of the text

    def prompt(self, doc: Document) -> tuple[Message, ...]:
        return Message("system", self.prompts[doc.language or ""]), Message("user", doc.text)

    def parse(self, doc: Document, reply: Reply) -> Row | Rejected:
        quiz = pairs.read(reply.text)
        if not quiz.pairs:
            return Rejected(doc, "questions/no_pairs")
        kept, faults = pairs.sound(quiz.pairs, doc.text, doc.language or "", shown=self.with_source)
        faults |= {"halves": quiz.halves} if quiz.halves else {}
        found = {f"questions/{name}": float(count) for name, count in faults.items()}
        if len(kept) < self.least:
            reason = max(found, key=lambda name: found[name]) if found else "questions/too_few"
            return Rejected(doc, reason, float(len(kept)), float(self.least), values=found)
        facts: dict[str, Any] = {"source": "questions", "scores": {"questions/sound": float(len(kept)), **found}}
        if self.form == "conversations":
            return _turns(doc.derive(text="", **facts), kept)
        text = pairs.written(kept, doc.language or "")
        return doc.derive(text=f"{doc.text}\n\n{text}" if self.with_source else text, **facts)


def _turns(row: Document, kept: list[pairs.Pair]) -> Conversation:
    said = [(Message("user", pair.question), Message("assistant", pair.answer)) for pair in kept]
    return Conversation(**row.shared(), messages=tuple([turn for turns in said for turn in turns]))


def asking(languages: tuple[str, ...], count: int, least: int, form: str, *, with_source: bool) -> Questions:
    """Return the task. Raises BadRecipe where something is asked for that there is not."""
    if form not in FORMS or (with_source and form != "documents") or not set(languages) <= set(PROMPTS):
        raise BadRecipe(
            f"questions: no {form!r} in {', '.join(languages)}{' with their source' if with_source else ''}; expected "
            f"{' or '.join(FORMS)}, in {' or '.join(PROMPTS)}, and a source with documents only"
        )
    if not 1 <= least <= count:
        raise BadRecipe(f"questions: at least {least} of {count}; expected 1 or more, and not more than are asked for")
    return Questions({one: PROMPTS[one].format(count=count) for one in languages}, least, form, with_source)


def recipe(
    count: Annotated[int, "Pairs that are asked for, of each part."] = 5,
    least: Annotated[int, "Sound pairs that a reply must hold."] = 2,
    form: Annotated[str, "documents, or conversations of questions and answers in turns."] = "documents",
    with_source: Annotated[bool, "Put the pairs behind the text that they ask about."] = False,
    score: Annotated[str, "Score that tells educational documents."] = "annotate/education",
    min_score: Annotated[float | None, "Least score of a document [default: all, scored or not]."] = None,
    languages: Annotated[tuple[str, ...], "Languages to ask in; documents in others are left out."] = ("ja", "en"),
    model: Annotated[str, "Model, by its ref."] = "models/smollm2",
    engine: Annotated[str, "Where it runs: vllm, echo, openai or a server's URL."] = "vllm",
    temperature: Annotated[float, "Sampling temperature."] = 0.5,
    part_tokens: Annotated[int, "Longest part, in tokens."] = 1_000,
    parts: Annotated[int | None, "Parts of each document, the first ones [default: all]."] = None,
    min_chars: Annotated[int, "Shortest document, in characters."] = 100,
    max_tokens: Annotated[int, "Longest reply, in tokens."] = 800,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    task = asking(languages, count, least, form, with_source=with_source)
    worth = () if min_score is None else (LeastScore(score, min_score),)
    sampling = Sampling(max_tokens=max_tokens, temperature=temperature, top_p=0.9)
    split = Chunks(part_tokens, join=False, most=parts, least_tokens=min(30, part_tokens))
    return Recipe(
        name="questions",
        steps=(
            Length(min_chars=min_chars),
            *worth,
            LanguageIs(languages),
            Generate(task, model, sampling, split, engine=engine),
        ),
    )


main = generator(recipe, default_source="web-sample")

if __name__ == "__main__":
    main()
