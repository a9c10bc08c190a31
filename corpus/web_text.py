#!/usr/bin/env python
"""Clean Japanese and English text from the texts that a crawl's publisher extracted (WET files).

    koba run web_text 'CC-MAIN-2024-10/wet[0:2]' --tag web-text
    ray job submit --working-dir . -- python corpus/web_text.py 'CC-MAIN-2024-10/wet[0:2]'

A tenth of the bytes of the pages themselves, but menus and footers are still in the texts: `koba run web` is for those
who have the pages.
"""

from typing import Annotated

from corpus.wet import WetFiles
from dedup.clean import decontaminated
from dedup.exact import ExactDedup
from dedup.minhash import MinHashDedup
from filters.gopher import GopherQuality, GopherRepetition
from filters.language import LanguageIs
from filters.pii import MaskPii
from filters.swallow import SwallowV2
from manifests.program import program
from manifests.stage import Only, Recipe


def recipe(
    languages: Annotated[tuple[str, ...], "Languages to keep."] = ("ja", "en"),
    min_language_score: Annotated[float, "Probability of the language, of 1 (FineWeb: 0.65)."] = 0.65,
    min_words: Annotated[int, "English words a text must have (Gopher: 50)."] = 50,
    min_letters: Annotated[int, "Japanese letters a text must have (Swallow: 400)."] = 400,
    similarity: Annotated[float, "Jaccard similarity from which texts are the same (PLaMo 2: 0.8)."] = 0.8,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    return Recipe(
        name="web_text",
        steps=(
            LanguageIs(languages, min_score=min_language_score),
            Only("en", GopherRepetition()),
            Only("en", GopherQuality(min_words=min_words, alpha_counts_signs=False)),
            Only("ja", SwallowV2(min_japanese_letters=min_letters)),
            ExactDedup(),
            MinHashDedup(threshold=similarity),
            MaskPii(),
        ),
    )


main = program(decontaminated(recipe), WetFiles.find, default_source="downloads/*.warc.wet.gz")

if __name__ == "__main__":
    main()
