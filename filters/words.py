"""Words, for rules that count them, in languages that write spaces between them."""

import re
from functools import lru_cache

LETTER = r"[^\W\d_]"

# The words of what stands between two spaces, as spaCy's English tokenizer tells them: signs at either end stand
# alone, signs inside hold a word together (3.14, std::vec, a@b.org).
WORD = re.compile(
    rf"""
      (?:https?://|www\.)\S+[\w/]         # an address
    | (?:{LETTER}\.){{2,}}                # U.S.
    | (?:(?<!\w)[-/\\@.]{{1,3}}(?=\w))?\w+  # a word, a path, an option
      (?: (?! \.\.                        # what joins two words and does not make them one:
            | (?<={LETTER})[-–—~,]+{LETTER}
            | [:<>=/]{LETTER}
            | (?<=\d)[-+*^]\d
            | (?<=[a-z])\.[A-Z]
            | ['’](?:s|t|m|d|re|ve|ll)\b )
          [^\w\s]+\w+ )*
      (?:[-/+]+$)?
    | ['’](?:s|t|m|d|re|ve|ll)\b
    | \.\.+ | [-=]+ | [^\w\s]
    """,
    re.VERBOSE,
)
MAX_CACHED_CHARS = 32  # a text without spaces is one long piece, and does not come again


@lru_cache(maxsize=2)  # the next stage asks for the words of the same text
def words(text: str) -> tuple[str, ...]:
    """Return the words and signs of a text, in their order.

    In the place of spaCy, which takes 30 times as long: on English pages 99 % of these are spaCy's tokens too.
    """
    found: list[str] = []
    for chunk in text.split():
        if chunk.isalpha():
            found.append(chunk)
        else:
            found += _split(chunk) if len(chunk) <= MAX_CACHED_CHARS else WORD.findall(chunk)
    return tuple(found)


def has_letter(word: str) -> bool:
    """Tell whether something in a word is a letter."""
    return word.isalpha() or any(map(str.isalpha, word))


def is_sign(word: str) -> bool:
    """Tell whether nothing in a word is a letter or a digit."""
    return not any(map(str.isalnum, word))


@lru_cache(maxsize=2**14)  # "it's" and "word," come again and again; some 5 MB
def _split(chunk: str) -> list[str]:
    return WORD.findall(chunk)
