#!/usr/bin/env python
"""Articles of Wikipedia, from its dumps.

    koba run encyclopedia jawiki-20240301-pages-articles.xml.bz2 --tag wikipedia-ja
    ray job submit --working-dir . -- python corpus/encyclopedia.py 'dumps/jawiki-*-pages-articles*.xml*.bz2'

Each article has its title, page and revision as labels, its address, and CC-BY-SA-4.0 as its licence.
"""

from typing import Annotated

from corpus.wikipedia import WikipediaDumps
from dedup.clean import decontaminated
from dedup.exact import ExactDedup
from filters.length import Length
from manifests.program import program
from manifests.stage import Recipe


def recipe(
    min_chars: Annotated[int, "Characters an article must have: many are one sentence and a table."] = 200,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    return Recipe(name="encyclopedia", steps=(Length(min_chars=min_chars), ExactDedup()))


main = program(decontaminated(recipe), WikipediaDumps.find, default_source="downloads/*-pages-articles*.xml.bz2")

if __name__ == "__main__":
    main()
