"""All constraints that a program can check, by id: 25 of IFEval (Zhou et al. 2023), 33 of the Japanese M-IFEval.

    constraint("ja:letters:kanji", {"kanji_limit": 20, "relation": "未満"}).check("猫だ。")

An id that nobody knows raises BadRow: a verifier that passes it would pass everything.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from filters import verify_content as content
from filters import verify_endings as endings
from filters import verify_format as form
from filters import verify_keywords as keywords
from filters import verify_length as length
from filters import verify_letters as letters
from filters import verify_whole as whole
from filters.constraint import Constraint
from manifests.errors import BadRow

ENGLISH: tuple[type[Constraint], ...] = (
    *(keywords.HasKeywords, keywords.KeywordFrequency, keywords.ForbiddenWords, keywords.LetterFrequency),
    *(whole.ResponseLanguage, length.NumberSentences, length.NumberParagraphs, length.NumberWords),
    *(length.NthParagraphFirstWord, content.NumberPlaceholders, content.Postscript, form.NumberBulletLists),
    *(form.ConstrainedResponse, form.NumberHighlightedSections, form.MultipleSections, form.JsonFormat, form.HasTitle),
    *(whole.TwoResponses, whole.RepeatPrompt, whole.EndChecker, whole.Quotation, whole.CapitalWordFrequency),
    *(whole.EnglishCapital, whole.EnglishLowercase, whole.NoComma),
)
JAPANESE: tuple[type[Constraint], ...] = (
    *(keywords.HasKeywordsJa, keywords.KeywordFrequencyJa, keywords.ForbiddenWordsJa, keywords.LetterFrequencyJa),
    *(whole.ResponseLanguageJa, length.NumberSentencesJa, length.NumberParagraphsJa, length.NumberLetters),
    *(length.NthParagraphFirstWordJa, content.NumberPlaceholdersJa, content.PostscriptJa, form.NumberBulletListsJa),
    *(form.NumberNumberedLists, form.ConstrainedResponseJa, form.NumberHighlightedSectionsJa, form.MultipleSectionsJa),
    *(form.JsonFormatJa, form.HasTitleJa, endings.NominalEnding, whole.TwoResponsesJa, whole.RepeatPromptJa),
    *(whole.EndCheckerJa, whole.QuotationJa, endings.SentenceUnifiedEnd, letters.Furigana, letters.Kansuuji),
    *(letters.NoKatakana, letters.KatakanaOnly, letters.NoHiragana, letters.HiraganaOnly, letters.NumberKanji),
    *(whole.NoCommaJa, whole.NoPeriodJa),
)
IDS: dict[str, tuple[str, ...]] = {  # by the language of the replies
    "en": tuple([one.id for one in ENGLISH]),
    "ja": tuple([one.id for one in JAPANESE]),
}
_BY_ID = {one.id: one for one in (*ENGLISH, *JAPANESE)}


def class_of(name: str) -> type[Constraint]:
    """Return the class of an id. Raises BadRow where nobody knows it."""
    if name not in _BY_ID:
        group = name.removeprefix("ja:").partition(":")[0]
        like = [one for one in _BY_ID if group and one.removeprefix("ja:").startswith(f"{group}:")]
        raise BadRow(f"no constraint {name!r:.80}; expected one of {', '.join(like or _BY_ID)}")
    return _BY_ID[name]


def constraint(name: str, kwargs: Mapping[str, Any]) -> Constraint:
    """Return the constraint of an id with these parameters; those that are None are left out, as tables fill them.

    Raises BadRow for an unknown id, and for a parameter that is unknown, missing or of the wrong type.
    """
    made = class_of(name)
    given = {key: value for key, value in kwargs.items() if value is not None}
    expected = [field.name for field in fields(made)]
    if set(given) != set(expected):
        raise BadRow(f"{name}: has {', '.join(given) or 'no parameters'}; expected {', '.join(expected) or 'none'}")
    return made(**given)
