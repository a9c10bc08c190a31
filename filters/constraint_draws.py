"""Parameters of constraints by chance, sensible ones for a reply to a question.

drawn("keywords:frequency", Random(7), "How do bees find flowers?")   # of "flowers", say, at least 3
"""

import re
from collections.abc import Callable, Container
from dataclasses import dataclass
from random import Random
from typing import Any

from filters.constraint import RELATIONS, Constraint
from filters.constraint_conflicts import contradiction
from filters.constraint_words import COMMON, ENDS, POOL
from filters.japanese_words import tagged_words
from filters.verifiers import IDS, class_of

_ENGLISH = re.compile(r"\b[a-z]{4,14}\b")
_JAPANESE = re.compile(r"[ァ-ヺー\u4e00-\u9faf]{1,8}")
_YES_OR_NO = re.compile(
    r"\s*(?:is|are|was|were|do|does|did|can|could|should|will|would|has|have)\b[^\n]*\?\s*"
    r"|(?:(?!何|なに|なん|なぜ|どう|どこ|どれ|どの|どん|だれ|誰|いつ|いく)[^\n])*(?:です|ます|ません|でしょう)か[？。?]?\s*",
    re.IGNORECASE,
)
_REPEATED = 300  # characters of a prompt that is worth repeating
_SEARCHED = 2_000  # characters of a question
OTHERS = {"en": ("ja", "fr", "de", "es"), "ja": ("en", "fr", "de", "zh")}  # languages to reply in


@dataclass(frozen=True, slots=True)
class Draw:
    """What parameters are drawn with."""

    rng: Random
    language: str
    question: str

    def between(self, least: int, most: int) -> int:
        return self.rng.randint(least, most)

    def related(self, name: str, relation: str, less: tuple[int, int], least: tuple[int, int]) -> dict[str, Any]:
        """Return a number and its relation, under their names, from one range for each of the two relations."""
        which = self.rng.randrange(2)
        low, high = (less, least)[which]
        return {name: self.rng.randint(low, high), relation: RELATIONS[self.language][which]}

    def words(self, count: int) -> list[str]:
        """Return so many different words, those of the question first."""
        own = _words_of(self.question[:_SEARCHED], self.language)
        found = self.rng.sample(own, min(count, len(own)))
        others = [word for word in POOL[self.language] if word not in found]
        return [*found, *self.rng.sample(others, count - len(found))]

    def strange_words(self, count: int) -> list[str]:
        """Return so many different words that the question does not use."""
        return self.rng.sample([word for word in POOL[self.language] if word not in self.question.lower()], count)

    def tens(self, name: str, relation: str, less: tuple[int, int], least: tuple[int, int]) -> dict[str, Any]:
        """Return the same as `related`, ten times as much."""
        made = self.related(name, relation, less, least)
        return {**made, name: 10 * made[name]}


def _letter(draw: Draw) -> dict[str, Any]:
    made = draw.related("let_frequency", "let_relation", (3, 8), (4, 12))
    seldom = made["let_relation"] == RELATIONS[draw.language][0]
    letters = {"en": ("aeinorst", "jkqvwxz"), "ja": ("いかしたのはん", "ぬぺぽぎずゆ")}[draw.language]
    return {"letter": draw.rng.choice(letters[seldom]), **made}


def _nth(draw: Draw) -> dict[str, Any]:
    paragraphs = draw.between(2, 5)
    [word] = draw.words(1)
    return {"num_paragraphs": paragraphs, "nth_paragraph": draw.between(1, paragraphs), "first_word": word}


def _sections(draw: Draw) -> dict[str, Any]:
    names = {"en": ("SECTION", "Part"), "ja": ("章", "節", "項")}[draw.language]
    return {"section_spliter": draw.rng.choice(names), "num_sections": draw.between(2, 4)}


DRAWS: dict[str, Callable[[Draw], dict[str, Any]]] = {
    "existence": lambda draw: {"keywords": draw.words(draw.between(1, 3))},
    "frequency": lambda draw: {"keyword": draw.words(1)[0], **draw.related("frequency", "relation", (2, 4), (2, 4))},
    "forbidden_words": lambda draw: {"forbidden_words": draw.strange_words(draw.between(1, 3))},
    "letter_frequency": _letter,
    "response_language": lambda draw: {"language": draw.rng.choice(OTHERS[draw.language])},
    "number_sentences": lambda draw: draw.related("num_sentences", "relation", (4, 12), (2, 8)),
    "number_paragraphs": lambda draw: {"num_paragraphs": draw.between(2, 4)},
    "number_words": lambda draw: draw.tens("num_words", "relation", (6, 30), (4, 15)),
    "number_letters": lambda draw: draw.tens("num_letters", "relation", (15, 50), (10, 40)),
    "nth_paragraph_first_word": _nth,
    "number_placeholders": lambda draw: {"num_placeholders": draw.between(1, 4)},
    "postscript": lambda draw: {"postscript_marker": draw.rng.choice(ENDS[draw.language].markers)},
    "number_bullet_lists": lambda draw: {"num_bullets": draw.between(2, 6)},
    "number_numbered_lists": lambda draw: {"num_items": draw.between(2, 6)},
    "number_highlighted_sections": lambda draw: {"num_highlights": draw.between(1, 4)},
    "multiple_sections": _sections,
    "nominal_ending": lambda draw: {"count": draw.between(1, 3)},
    "repeat_prompt": lambda draw: {"prompt_to_repeat": draw.question},
    "end_checker": lambda draw: {"end_phrase": draw.rng.choice(ENDS[draw.language].phrases)},
    "sentence_unified_end": lambda draw: {"ending": draw.rng.choice(("です", "ます"))},
    "capital_word_frequency": lambda draw: draw.related("capital_frequency", "capital_relation", (3, 8), (2, 6)),
    "kanji": lambda draw: draw.tens("kanji_limit", "relation", (2, 6), (2, 6)),
}


def drawn(name: str, rng: Random, question: str) -> Constraint:
    """Return the constraint of an id with parameters by chance. Raises BadRow for an id that there is not."""
    made = class_of(name)
    draw = DRAWS.get(name.rpartition(":")[2])
    return made(**draw(Draw(rng, "ja" if name.startswith("ja:") else "en", question)) if draw else {})


def composed(
    rng: Random, language: str, question: str, count: int, among: Container[str] | None = None
) -> tuple[Constraint, ...]:
    """Return so many constraints for a reply to a question, of which no two contradict each other.

    There are fewer where no more go together. `among`: the ids to draw from; None: all of the language.
    """
    chosen: list[Constraint] = []
    names = [name for name in IDS[language] if (among is None or name in among) and suits(name, question)]
    for name in rng.sample(names, len(names)):
        one = drawn(name, rng, question)
        if len(chosen) < count and contradiction([*chosen, one]) is None:
            chosen.append(one)
    return tuple(chosen)


def suits(name: str, question: str) -> bool:
    """Tell whether a constraint can be asked for with a question: yes or no answers few, and long ones are no echo."""
    if name.endswith(":constrained_response"):
        return _YES_OR_NO.fullmatch(question[:_SEARCHED]) is not None
    return not name.endswith(":repeat_prompt") or len(question) <= _REPEATED


def _words_of(question: str, language: str) -> list[str]:
    if language == "en":
        return [word for word in dict.fromkeys(_ENGLISH.findall(question)) if word not in COMMON]
    nouns = [word.text for word in tagged_words(question) if word.part_of_speech[:2] == ("名詞", "普通名詞")]
    return [word for word in dict.fromkeys(nouns) if _JAPANESE.fullmatch(word)]
