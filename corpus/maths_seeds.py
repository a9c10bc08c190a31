#!/usr/bin/env python
"""Mathematics problems with their answers, as seeds: GSM8K, the sets of Lila, SVAMP, AQuA; MGSM to measure with.

    koba run maths_seeds gsm8k/train.jsonl svamp.json --tag maths-seeds
    koba run maths_seeds gsm8k/test.jsonl 'mgsm_*.tsv' --splits test --tag maths-tests
    ray job submit --working-dir . -- python corpus/maths_seeds.py 'downloads/gsm8k/*.parquet'

The text of a row is the problem; its labels are `answer`, `dataset`, `split` and, where the source has them,
`solution`, `program` and `equation`; its licence is that of its dataset. Test splits are left out unless asked for.
"""

from typing import Annotated

from corpus.problem_files import ProblemFiles
from corpus.problem_split import SplitIs
from dedup.exact import ExactDedup
from manifests.program import program
from manifests.stage import Recipe


def recipe(
    splits: Annotated[tuple[str, ...], "Splits to keep, of datasets that have any."] = ("train", "dev"),
    leave_out: Annotated[tuple[str, ...], "Datasets to leave out, by how their names begin: gsm8k, math, asdiv."] = (),
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    return Recipe(
        name="maths-seeds", steps=(SplitIs(splits, tuple([name.lower() for name in leave_out])), ExactDedup())
    )


main = program(recipe, ProblemFiles.find, default_source="downloads/maths")

if __name__ == "__main__":
    main()
