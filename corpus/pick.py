#!/usr/bin/env python
"""Choose rows of a dataset by a score, by category or by chance; nothing is copied.

    koba run pick web --by classifier/education --top 0.1 --tag web-edu
    koba run pick web --chance 0.1 --tag web-random
    koba run pick web --label topic --weights sports=0.2,adult=0 --tag web-topics
    ray job submit --working-dir . -- python corpus/pick.py web --by classifier/education --top 0.1

The threshold is the one that this dataset gives, over all its shards; of equal scores the smaller ids stay. Every row
that goes is in the ledger, with its score and the threshold.
"""

from collections.abc import Sequence
from typing import Annotated

from filters.buckets import ScoreBuckets
from filters.categories import CategoryTargets
from filters.chosen import RandomShare
from filters.marks import Of
from filters.percentile import TopShare
from manifests.errors import BadRecipe
from manifests.program import dataset, program
from manifests.stage import Recipe, Selection


def recipe(
    by: Annotated[tuple[str, ...], "Score to go by; with --buckets several, of which the best counts."] = (),
    top: Annotated[float, "Share of the rows with the highest scores that stays (DCLM, Swallow v2: 0.1)."] = 0.1,
    skip: Annotated[float, "Share of the highest that goes too: 0.1 --top 0.2 are the 10 to 30 % of Swallow v2."] = 0.0,
    buckets: Annotated[tuple[str, ...], "Share of each bucket by score, the lowest first: 0,0,0.2,1."] = (),
    groups: Annotated[tuple[str, ...], "Labels, or language: each value gives its own share."] = (),
    label: Annotated[tuple[str, ...], "Label that names the category, or language."] = (),
    weights: Annotated[tuple[str, ...], "Share of each category that stays: sports=0.2; all of the others."] = (),
    targets: Annotated[tuple[str, ...], "Share that each category is to have: science=0.6,sports=0.4."] = (),
    size: Annotated[int | None, "With --targets: rows, or what --of says, of the outcome [default: the most]."] = None,
    chance: Annotated[float | None, "Share that stays by chance, last of all."] = None,
    of: Annotated[Of, "What shares are of."] = "rows",
    seed: Annotated[int, "For what chance decides."] = 0,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    steps: list[Selection] = []
    if by and buckets:
        steps.append(ScoreBuckets(by, _numbers(buckets), of=of, seed=seed))
    elif by:
        steps.append(TopShare(_only(by), top, skip, by=groups, of=of))
    if label:
        steps.append(CategoryTargets(label, _named(targets), _named(weights), size, of=of, seed=seed))
    if chance:
        steps.append(RandomShare(chance, by=groups, of=of, seed=seed))
    if not steps:
        raise BadRecipe("pick: give --by SCORE, --label LABEL with --weights or --targets, or --chance SHARE")
    return Recipe(name="pick", steps=tuple(steps))


def _only(names: Sequence[str]) -> str:
    if len(names) > 1:
        raise BadRecipe(f"pick: --by {','.join(names)}: rows are ordered by one score; several need --buckets")
    return names[0]


def _named(pairs: Sequence[str]) -> tuple[tuple[str, float], ...]:
    parts = [pair.rpartition("=") for pair in pairs]
    if wrong := [value for name, _, value in parts if not name]:
        raise BadRecipe(f"pick: {', '.join(wrong)}; expected name=share, as in sports=0.2")
    return tuple(zip((name for name, _, _ in parts), _numbers([value for _, _, value in parts]), strict=True))


def _numbers(texts: Sequence[str]) -> tuple[float, ...]:
    try:
        return tuple(float(text) for text in texts)
    except ValueError as error:
        raise BadRecipe(f"pick: {', '.join(texts)}; expected shares, as in 0.2: {error}") from error


main = program(recipe, dataset, default_source="web-sample")

if __name__ == "__main__":
    main()
