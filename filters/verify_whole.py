"""Constraints on a reply as a whole: `language`, `combination`, `startend`, `change_case` and `punctuation`.

The language is lid.176's (see `filters.language`), in the place of langdetect, whose answer is drawn by chance. As in
the benchmarks a reply whose language nobody can tell, for it has no letters, is in any language.
"""

from dataclasses import dataclass
from typing import ClassVar

from filters.constraint import MOST_CHARS_REPEATED, Constraint, Relation, Texts, stands
from filters.constraint_words import LANGUAGES
from filters.language import LanguageIs
from manifests.errors import BadRow

TWO = "******"
_TELLER = LanguageIs(())


@dataclass(frozen=True, slots=True)
class ResponseLanguage(Constraint):
    """The reply is in a language, an ISO 639-1 code."""

    id: ClassVar[str] = "language:response_language"
    stated: ClassVar = {
        "en": "Write your whole reply in {language} and in no other language.",
        "ja": "答え全体を{language}だけで書いてください。",
    }
    language: str

    def __post_init__(self) -> None:
        Constraint.__post_init__(self)
        if self.language not in LANGUAGES:
            raise BadRow(f"{self.id}: language is {self.language!r:.80}; expected one of {', '.join(LANGUAGES)}")

    def holds(self, reply: str) -> bool:
        return is_in(self.language, reply)

    def words(self, language: str) -> dict[str, str]:
        return {"language": LANGUAGES[self.language][language == "ja"]}


class ResponseLanguageJa(ResponseLanguage):
    """The same in Japanese."""

    __slots__ = ()
    id: ClassVar[str] = "ja:language:response_language"


@dataclass(frozen=True, slots=True)
class TwoResponses(Constraint):
    """Two different replies with `******` between them."""

    id: ClassVar[str] = "combination:two_responses"
    stated: ClassVar = {
        "en": "Give two different replies. Separate them with six asterisks: ******.",
        "ja": "異なる答えを二つ書き、間を6個のアスタリスク「******」で区切ってください。",
    }

    def holds(self, reply: str) -> bool:
        parts = [part.strip() for part in reply.split(TWO)]
        said = [part for part in parts if part]
        return all(parts[1:-1]) and len(said) == 2 and said[0] != said[1]

    def texts(self) -> Texts:
        return (TWO,)


class TwoResponsesJa(TwoResponses):
    """The same in Japanese."""

    __slots__ = ()
    id: ClassVar[str] = "ja:combination:two_responses"


@dataclass(frozen=True, slots=True)
class RepeatPrompt(Constraint):
    """The reply begins with the prompt, in any case."""

    id: ClassVar[str] = "combination:repeat_prompt"
    longest: ClassVar[int] = MOST_CHARS_REPEATED
    stated: ClassVar = {
        "en": "First repeat the request word for word, then answer it. Repeat only this:\n{prompt_to_repeat}",
        "ja": "まず次の依頼を一字一句変えずに繰り返し、その後で答えてください。繰り返す依頼:\n{prompt_to_repeat}",
    }
    prompt_to_repeat: str

    def holds(self, reply: str) -> bool:
        prompt = self.prompt_to_repeat.strip()
        return reply.lstrip()[: 2 * len(prompt)].lower().startswith(prompt.lower())

    def texts(self) -> Texts:
        return (self.prompt_to_repeat,)


class RepeatPromptJa(RepeatPrompt):
    """The same in Japanese, letter for letter."""

    __slots__ = ()
    id: ClassVar[str] = "ja:combination:repeat_prompt"

    def holds(self, reply: str) -> bool:
        return reply.lstrip().startswith(self.prompt_to_repeat.strip())


@dataclass(frozen=True, slots=True)
class EndChecker(Constraint):
    """The reply ends with a phrase, in any case; a quotation mark may follow."""

    id: ClassVar[str] = "startend:end_checker"
    stated: ClassVar = {
        "en": 'End your reply with exactly this phrase and nothing after it: "{end_phrase}"',
        "ja": "答えの最後は「{end_phrase}」で終え、その後には何も書かないでください。",
    }
    end_phrase: str

    def holds(self, reply: str) -> bool:
        phrase = self.end_phrase.strip().lower()
        return reply.strip().strip('"')[-2 * len(phrase) :].lower().endswith(phrase)

    def texts(self) -> Texts:
        return (self.end_phrase,)


class EndCheckerJa(EndChecker):
    """The same in Japanese, where 」 or 』 may follow."""

    __slots__ = ()
    id: ClassVar[str] = "ja:startend:end_checker"

    def holds(self, reply: str) -> bool:
        return reply.strip().strip("」』").endswith(self.end_phrase.strip().strip("」』"))


@dataclass(frozen=True, slots=True)
class Quotation(Constraint):
    """The reply stands between double quotation marks."""

    id: ClassVar[str] = "startend:quotation"
    stated: ClassVar = {
        "en": "Put your whole reply between double quotation marks.",
        "ja": '答え全体を二重引用符（"）で囲んでください。',
    }
    marks: ClassVar[tuple[str, str]] = ('"', '"')

    def holds(self, reply: str) -> bool:
        text = reply.strip()
        return len(text) > 1 and text[0] == self.marks[0] and text[-1] == self.marks[1]

    def texts(self) -> Texts:
        return self.marks


class QuotationJa(Quotation):
    """The reply stands between 「 and 」."""

    __slots__ = ()
    id: ClassVar[str] = "ja:startend:quotation"
    stated: ClassVar = {
        "en": "Put your whole reply between corner brackets, 「 and 」.",
        "ja": "答え全体を鉤括弧「」で囲んでください。",
    }
    marks: ClassVar[tuple[str, str]] = ("「", "」")


@dataclass(frozen=True, slots=True)
class CapitalWordFrequency(Constraint):
    """So many words in capitals; a word stands between blanks."""

    id: ClassVar[str] = "change_case:capital_word_frequency"
    stated: ClassVar = {
        "en": "Write {capital_relation} {capital_frequency} words in capital letters only.",
        "ja": "すべて大文字の単語の数は{capital_frequency}語{capital_relation}にしてください。",
    }
    capital_frequency: int
    capital_relation: Relation

    def holds(self, reply: str) -> bool:
        return stands(sum(map(str.isupper, reply.split())), self.capital_relation, self.capital_frequency)


@dataclass(frozen=True, slots=True)
class EnglishCapital(Constraint):
    """English without a small letter."""

    id: ClassVar[str] = "change_case:english_capital"
    stated: ClassVar = {
        "en": "Write your whole reply in English and in capital letters only.",
        "ja": "答え全体を英語の大文字だけで書いてください。",
    }

    def holds(self, reply: str) -> bool:
        return reply.isupper() and is_in("en", reply.lower())


@dataclass(frozen=True, slots=True)
class EnglishLowercase(Constraint):
    """English without a capital letter."""

    id: ClassVar[str] = "change_case:english_lowercase"
    stated: ClassVar = {
        "en": "Write your whole reply in English and in lowercase letters only, without any capital.",
        "ja": "答え全体を英語の小文字だけで書き、大文字は使わないでください。",
    }

    def holds(self, reply: str) -> bool:
        return reply.islower() and is_in("en", reply)


@dataclass(frozen=True, slots=True)
class NoComma(Constraint):
    """No comma."""

    id: ClassVar[str] = "punctuation:no_comma"
    stated: ClassVar = {
        "en": "Do not use any commas.",
        "ja": "コンマ（,）は一切使わないでください。",
    }
    mark: ClassVar[str] = ","

    @property
    def is_ceiling(self) -> bool:
        return True

    def holds(self, reply: str) -> bool:
        return self.mark not in reply


class NoCommaJa(NoComma):
    """No 、; others, such as ，, may stand."""

    __slots__ = ()
    id: ClassVar[str] = "ja:punctuation:no_comma"
    stated: ClassVar = {"en": "Do not use the comma 、 anywhere.", "ja": "読点「、」は一切使わないでください。"}
    mark: ClassVar[str] = "、"


class NoPeriodJa(NoComma):
    """No 。; others, such as ．, may stand."""

    __slots__ = ()
    id: ClassVar[str] = "ja:punctuation:no_period"
    stated: ClassVar = {"en": "Do not use the full stop 。 anywhere.", "ja": "句点「。」は一切使わないでください。"}
    mark: ClassVar[str] = "。"


def is_in(language: str, reply: str) -> bool:
    """Tell whether a reply is in a language, or in none."""
    return not any(map(str.isalpha, reply)) or _TELLER.identify(reply)[0] == language
