#!/usr/bin/env python
"""Clean Japanese and English text from a web crawl.

    koba run web 'crawl/*.warc.gz' --tag web
    ray job submit --working-dir . -- python corpus/web.py 'crawl/*.warc.gz'

Pages are extracted, filtered by language and by published rules (English: Gopher, C4 and FineWeb; Japanese: Swallow
v2), deduplicated and, where a classifier is named, measured by it; mail addresses, telephone, card and IP numbers are
masked.
"""

from typing import Annotated

from corpus.crawl import WarcFiles
from corpus.extract import ExtractText, HtmlPages
from corpus.opt_out import OptOut
from corpus.quick_gate import QuickLanguage
from dedup.clean import decontaminated
from dedup.exact import ExactDedup
from dedup.minhash import MinHashDedup
from dedup.urls import UrlDedup
from filters.c4 import C4Quality
from filters.classified import Classified
from filters.fineweb import FineWebQuality
from filters.gopher import GopherQuality, GopherRepetition
from filters.language import LanguageIs
from filters.pii import MaskPii
from filters.swallow import SwallowV2
from filters.swallow_cleaning import SwallowCleaning
from manifests.errors import BadRecipe
from manifests.program import program
from manifests.stage import Only, Recipe
from manifests.token_count import CountTokens


def recipe(
    languages: Annotated[tuple[str, ...], "Languages to keep."] = ("ja", "en"),
    min_language_score: Annotated[float, "Probability of the language, of 1 (FineWeb: 0.65)."] = 0.65,
    min_words: Annotated[int, "English words a page must have (Gopher: 50)."] = 50,
    min_letters: Annotated[int, "Japanese letters a page must have (Swallow: 400)."] = 400,
    similarity: Annotated[float, "Jaccard similarity from which pages are the same (PLaMo 2: 0.8)."] = 0.8,
    against: Annotated[tuple[str, ...], "Datasets that are there already: what is like a row of theirs goes."] = (),
    education: Annotated[
        str | None, "Classifier of educational value, such as models/education [default: none]."
    ] = None,
    min_education: Annotated[int | None, "Points it must give, of 5 (FineWeb-Edu: 3) [default: any]."] = None,
    tokenizer: Annotated[str | None, "Tokenizer to count with: a model's name or a file [default: none]."] = None,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    if min_education is not None and education is None:
        raise BadRecipe("web: --min-education needs a classifier: --education models/education")
    return Recipe(
        name="web",
        steps=(
            HtmlPages(),
            OptOut(),
            QuickLanguage(languages),
            ExtractText(),
            LanguageIs(languages, min_score=min_language_score),
            Only("en", GopherRepetition()),
            Only("en", GopherQuality(min_words=min_words, alpha_counts_signs=False)),
            Only("en", C4Quality(end_marks=())),
            Only("en", FineWebQuality()),
            Only("ja", SwallowCleaning()),
            Only("ja", SwallowV2(min_japanese_letters=min_letters)),
            UrlDedup(),
            ExactDedup(against=against),
            MinHashDedup(threshold=similarity, against=against),
            *([Classified(education, min_points=min_education)] if education else []),
            MaskPii(),
            *([CountTokens(tokenizer, tokenizer)] if tokenizer else []),
        ),
    )


main = program(decontaminated(recipe), WarcFiles.find, default_source="downloads/*.warc.gz")

if __name__ == "__main__":
    main()
