"""What a rewrite keeps of its source: the shares of its numbers and of its names.

Scores of every rewrite, `retention/numbers` and `retention/names`, where the source has any; `koba scores NAME --by
style` shows them for each style. Names are those of `generators.mentions`: capitalised runs and quoted titles in
English, proper nouns in Japanese. A person may be named by the last name alone.
"""

import re
from functools import lru_cache

from generators.english_mentions import ENGLISH
from generators.japanese_mentions import JAPANESE
from generators.replies import numbers, numbers_kept

NUMBERS, NAMES = "retention/numbers", "retention/names"
READERS = {"en": ENGLISH, "ja": JAPANESE}
_LAST = re.compile("[ ・＝]")
LEAST_LAST = 4  # letters of a last name that stands for the whole


def retention(text: str, source: str, language: str) -> dict[str, float]:
    """Return the scores of a rewrite in the language of its source; none of what the source has none of."""
    scores = {NUMBERS: numbers_kept(text, source)} if numbers(source) else {}
    wanted = names(source, language)
    if wanted:
        folded = " ".join(text.casefold().split())
        scores[NAMES] = sum([_stands(name, folded) for name in wanted]) / len(wanted)
    return scores


@lru_cache(maxsize=64)  # all candidates are compared with one source
def names(text: str, language: str) -> frozenset[str]:
    """Return the names in the sentences of a text, in lower case; none in a language that we have no rules for."""
    reader = READERS.get(language)
    if reader is None:
        return frozenset()
    mentions = [mention for sentence in reader.sentences(text) for mention in sentence.mentions]
    return frozenset([mention.text.casefold() for mention in mentions if mention.kind in {"name", "title"}])


def _stands(name: str, text: str) -> bool:
    last = _LAST.split(name)[-1]
    return name in text or (len(last) >= LEAST_LAST and last != name and last in text)
