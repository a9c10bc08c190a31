#!/usr/bin/env python
"""Code documents with their licences, from packages: seeds for the generators of code.

    koba run source_code 'downloads/*.whl' 'downloads/*.tar.gz'
    koba run source_code '.venv/lib/python3.11/site-packages/rich-*.dist-info' --languages python
    ray job submit --working-dir . -- python corpus/source_code.py our-project

Each file is a row with the labels `programming_language`, `package` and `path`, and with the licence that it or its
package states, see `corpus.packaged_code`; `--licences 'MIT,Apache-2.0,BSD-3-Clause'` refuses a dataset with others.

source_code/language    code in a language that was not asked for
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

from corpus.packaged_code import CodeFiles
from dedup.clean import decontaminated
from dedup.exact import ExactDedup
from filters.code_sets import LABEL
from filters.length import Length
from manifests.program import program
from manifests.rows import Document
from manifests.stage import Recipe, Rejected, Stage


@dataclass(frozen=True, slots=True)
class LanguagesAre(Stage):
    """Keep the files in some programming languages; none named: in all."""

    languages: tuple[str, ...] = ()

    def __call__(self, rows: Iterable[Document]) -> Iterator[Document | Rejected]:
        for doc in rows:
            wanted = not self.languages or doc.labels.get(LABEL) in self.languages
            yield doc if wanted else Rejected(doc, "source_code/language")


def recipe(
    languages: Annotated[tuple[str, ...], "Programming languages, such as python or rust [default: all]."] = (),
    min_chars: Annotated[int, "Shortest file, in characters."] = 200,
    max_chars: Annotated[int, "Longest file, in characters."] = 20_000,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    return Recipe(
        name="source-code",
        steps=(LanguagesAre(languages), Length(min_chars=min_chars, max_chars=max_chars), ExactDedup()),
    )


main = program(decontaminated(recipe), CodeFiles.find, default_source="downloads/*.whl")

if __name__ == "__main__":
    main()
