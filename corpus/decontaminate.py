#!/usr/bin/env python
"""Leave rows out of a dataset that hold items of benchmarks; nothing is copied.

    koba run decontaminate web --against gsm8k_test.jsonl#question,humaneval --tag web-clean
    ray job submit --working-dir . -- python corpus/decontaminate.py web --against gsm8k

An item is found as a whole, by thirteen words of it in a row, and with other numbers in it. Every row that goes names
the item, and the ledger has how much of it was there; `koba contamination web-clean` shows both texts.
"""

from typing import Annotated

from dedup.decontaminate import Decontaminate
from manifests.program import dataset, program
from manifests.stage import Recipe


def recipe(
    against: Annotated[tuple[str, ...], "Datasets of items by name or id, or files as FILE#COLUMN."] = ("benchmarks",),
    ngram: Annotated[int, "Words in a row that are enough (GPT-3: 13; Cosmopedia: 10)."] = 13,
    max_ratio: Annotated[
        float | None, "Share of an item's text that may be there (Cosmopedia: 0.5), not --ngram."
    ] = None,
    template_ngram: Annotated[int, "Words in a row that are compared with all numbers masked; 0: off."] = 8,
    min_template: Annotated[float, "Share of an item, numbers masked, from which on a row goes."] = 0.6,
    min_words: Annotated[int, "Words of the shortest item that is searched for."] = 8,
    ignore: Annotated[tuple[str, ...], "Ids of items that are not searched for."] = (),
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    return Recipe(
        name="decontaminate",
        steps=(
            Decontaminate(
                against,
                ngram=ngram,
                max_ratio=max_ratio,
                template_ngram=template_ngram,
                min_template=min_template,
                min_words=min_words,
                ignore=ignore,
            ),
        ),
    )


main = program(recipe, dataset, default_source="web-sample")

if __name__ == "__main__":
    main()
