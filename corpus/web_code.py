#!/usr/bin/env python
"""Pages with code from a web crawl, as Markdown.

    koba run web_code 'crawl/*.warc.gz' --tag web-code
    ray job submit --working-dir . -- python corpus/web_code.py 'crawl/*.warc.gz'

After PLaMo 2, section 2.2.2: pages whose bytes have the tag of code are parsed and become Markdown, then the language,
rules and deduplication, then a classifier learned from labelled pages (`koba classifier train code --reads code`);
personal data are masked around the code and not in it.
"""

from typing import Annotated

from corpus.code_pages import CodeShare, ExtractMarkdown, HasCode
from corpus.crawl import WarcFiles
from corpus.extract import HtmlPages
from corpus.opt_out import OptOut
from dedup.clean import decontaminated
from dedup.exact import ExactDedup
from dedup.minhash import MinHashDedup
from filters.classified import Classified
from filters.language import LanguageIs
from filters.length import Length
from filters.pii import MaskPii
from manifests.errors import BadRecipe
from manifests.program import program
from manifests.stage import Recipe


def recipe(
    languages: Annotated[tuple[str, ...], "Languages to keep, of what is around the code."] = ("ja", "en"),
    min_language_score: Annotated[float, "Probability of the language, of 1: code blurs it."] = 0.5,
    min_chars: Annotated[int, "Characters that a page must have."] = 200,
    max_chars: Annotated[int, "Characters that a page may have: more is a listing or a log."] = 200_000,
    max_code_share: Annotated[float, "Share of the characters that may be code: more explains nothing."] = 0.95,
    similarity: Annotated[float, "Jaccard similarity from which pages are the same (PLaMo 2: 0.8)."] = 0.8,
    code: Annotated[str | None, "Classifier of pages with code, such as models/code [default: none]."] = None,
    min_code: Annotated[float | None, "Probability that it must give, of 1 [default: any]."] = None,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    if min_code is not None and code is None:
        raise BadRecipe("web-code: --min-code needs a classifier: --code models/code")
    return Recipe(
        name="web-code",
        steps=(
            HtmlPages(),
            OptOut(),
            HasCode(),
            ExtractMarkdown(),
            Length(min_chars=min_chars, max_chars=max_chars),
            CodeShare(max_share=max_code_share),
            LanguageIs(languages, min_score=min_language_score),
            ExactDedup(),
            MinHashDedup(threshold=similarity),
            *([Classified(code, min_score=min_code)] if code else []),
            MaskPii(code=False),
        ),
    )


main = program(decontaminated(recipe), WarcFiles.find, default_source="downloads/*.warc.gz")

if __name__ == "__main__":
    main()
