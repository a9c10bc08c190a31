#!/usr/bin/env python
"""Teach the facts of a dataset by exercises that rules make of it: Self-Tuning (Zhang et al., ACL Findings 2025).

    koba run self_tuning web
    ray job submit --working-dir . -- python generators/self_tuning.py encyclopedia --layout read

No model is needed. Each row is one exercise, and names its document in `parents`; the labels `task` and `level` say
which one, see `generators.exercises`; why a document gives none is told in `generators.teaching`. The paper trains on
a question and its answer as one text, and so are the rows here; `--form conversations` makes them turns for later
training. The title is the label `title` of a document.
"""

from typing import Annotated

from dedup.clean import decontaminated
from filters.language import LanguageIs
from filters.length import Length
from generators.teaching import TASKS, SelfTuning
from manifests.program import dataset, program
from manifests.stage import Recipe


def recipe(
    languages: Annotated[tuple[str, ...], "Languages to read: ja, en; documents in others are left out."] = (
        "ja",
        "en",
    ),
    tasks: Annotated[tuple[str, ...], "Tasks to make exercises of."] = TASKS,
    sentences: Annotated[int, "Sentences of each document that exercises are made of."] = 3,
    layout: Annotated[str, "single: a row each; read: a text and the questions about it are one row."] = "single",
    form: Annotated[str, "documents: question and answer are one text; conversations: they are turns."] = "documents",
    min_chars: Annotated[int, "Shortest document, in characters."] = 100,
    max_chars: Annotated[int, "Longest document, in characters."] = 8_000,
    seed: Annotated[int, "Another number draws other sentences and options."] = 0,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    return Recipe(
        name="self-tuning",
        steps=(
            Length(max_chars=max_chars),
            LanguageIs(languages),
            SelfTuning(tasks, sentences, min_chars, layout, form, seed),
        ),
    )


main = program(decontaminated(recipe), dataset, default_source="web-sample")

if __name__ == "__main__":
    main()
