#!/usr/bin/env python
"""Label texts with a model, for classifiers to learn from: educational value, topic, format, code or not.

    koba run annotate web --rubric education --passes 3
    ray job submit --working-dir . -- python generators/annotate.py web --rubric topic

Each text is judged several times on its beginning; replies without one clear answer are refused, and the others become
one label with the share of passes that agree. The value is a score (`annotate/education`) and a label of the row. With
`--no-reasons` the engine lets the model write the value and nothing else, which the smallest models need.

annotate/no_answer       the reply marks no answer, or several that differ
annotate/out_of_range    it marks one that was not asked for
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from filters.language import LanguageIs
from generators.agreement import Agreed
from generators.command import generator
from generators.engine import Reply, Sampling
from generators.generate import Generate
from generators.rubrics import LINES, RUBRICS, Rubric
from manifests.errors import BadRecipe
from manifests.rows import Document, Message
from manifests.stage import Recipe, Rejected


@dataclass(frozen=True, slots=True)
class Annotate:
    """One text in, the same text with one label out."""

    version: ClassVar[int] = 2

    rubric: Rubric
    closes: Mapping[str, str]  # by language: how the answer is to end, behind the text, where weak models know of it
    chars: int = 3_000  # of a text that are judged: a page is judged by its beginning, as FineWeb-Edu's extracts are

    def prompt(self, doc: Document) -> tuple[Message, ...]:
        language = doc.language or ""
        asked = f"{doc.text[: self.chars].strip()}\n\n---\n{self.closes[language]}"
        return Message("system", self.rubric.prompts[language]), Message("user", asked)

    def parse(self, doc: Document, reply: Reply) -> Document | Rejected:
        value = self.rubric.read(reply.text)
        if value is None:
            return Rejected(doc, "annotate/no_answer")
        points = self.rubric.points(value)
        if points is None:
            return Rejected(doc, "annotate/out_of_range")
        label = str(points) if self.rubric.most else value
        return doc.derive(
            text=doc.text,
            source="annotate",
            scores={**doc.scores, f"annotate/{self.rubric.name}": float(points)},
            labels={**doc.labels, self.rubric.name: label},
        )


def judging(rubric: str, chars: int, *, reasons: bool = True) -> Annotate:
    """Return the task for a rubric. Raises BadRecipe where there is none of that name."""
    if rubric not in RUBRICS:
        raise BadRecipe(f"annotate: no rubric {rubric!r}; expected one of {', '.join(RUBRICS)}")
    found = RUBRICS[rubric]
    return Annotate(found, {language: found.close(language, reasons=reasons) for language in LINES}, chars)


def recipe(
    rubric: Annotated[str, "What to judge: education, liberal_arts, topic, format or code."] = "education",
    passes: Annotated[int, "How many times each text is judged."] = 3,
    agreement: Annotated[float, "Share of the passes that must agree with the outcome."] = 0.5,
    reasons: Annotated[bool, "Let the model give reasons before its answer."] = True,
    chars: Annotated[int, "Characters of a text that are judged, from its beginning."] = 3_000,
    languages: Annotated[tuple[str, ...], "Languages to judge; documents in others are left out."] = ("ja", "en"),
    model: Annotated[str, "Model, by its ref."] = "models/smollm2",
    engine: Annotated[str, "Where it runs: vllm, echo, openai or a server's URL."] = "vllm",
    temperature: Annotated[float, "Sampling temperature; 0 makes all passes the same."] = 0.7,
    max_tokens: Annotated[int, "Longest reply, in tokens."] = 300,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    if not set(languages) <= set(LINES):
        raise BadRecipe(f"annotate: no prompts in {', '.join(languages)}; expected {' or '.join(LINES)}")
    task = judging(rubric, chars, reasons=reasons)
    form = None if reasons else task.rubric.choice
    sampling = Sampling(max_tokens=max_tokens, temperature=temperature, top_p=0.95, n=passes, form=form)
    return Recipe(
        name=f"annotate-{rubric}",
        steps=(
            LanguageIs(languages),
            Generate(task, model, sampling, engine=engine),
            Agreed(rubric, agreement),
        ),
    )


main = generator(recipe, default_source="web-sample")

if __name__ == "__main__":
    main()
