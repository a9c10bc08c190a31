#!/usr/bin/env python
"""Measure the texts of a dataset with classifiers: educational value, topic, code or not.

    koba run classify web --by models/education --tag web-scored
    koba run classify web --by models/education,models/topic --least education=2.5
    ray job submit --working-dir . -- python corpus/classify.py web --by models/education

Each score goes to the rows as `classifier/NAME`, and the points or the likeliest name to their labels. `koba run pick
web-scored --by classifier/education --top 0.1` chooses by them.
"""

from typing import Annotated

from filters.classified import Classified
from manifests.errors import BadRecipe
from manifests.program import dataset, program
from manifests.stage import Recipe


def recipe(
    by: Annotated[tuple[str, ...], "Classifiers, by their refs."] = ("models/education",),
    least: Annotated[tuple[str, ...], "Scores that a text must have: education=2.5. Others are measured only."] = (),
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    if not by:
        raise BadRecipe("classify: give --by models/NAME; `koba classifier train` makes one")
    thresholds = dict(map(_threshold, least))
    stages = [Classified(ref) for ref in by]
    unknown = thresholds.keys() - {stage.name for stage in stages}
    if unknown:
        raise BadRecipe(f"classify: --least {', '.join(sorted(unknown))}: no classifier of --by is called so")
    return Recipe("classify", tuple([Classified(one.model, min_score=thresholds.get(one.name)) for one in stages]))


def _threshold(given: str) -> tuple[str, float]:
    name, _, number = given.partition("=")
    try:
        return name, float(number)
    except ValueError as error:
        raise BadRecipe(f"classify: --least {given}: expected a name and a score, as in education=2.5") from error


main = program(recipe, dataset, default_source="web-sample")

if __name__ == "__main__":
    main()
