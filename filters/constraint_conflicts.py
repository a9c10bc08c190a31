"""Which constraints no reply, or no sensible one, can satisfy together.

    conflict(constraint("punctuation:no_comma", {}), constraint("startend:end_checker", {"end_phrase": "Well, bye."}))
    # "punctuation:no_comma forbids what startend:end_checker demands"

Three sorts: what goes with few others (ONLY_WITH), pairs (PAIRS), and parameters. What one forbids is held against what
the other demands by the checks themselves. A pair for which nothing is told here has a common reply: the tests write
one for pairs of all ids.
"""

from collections.abc import Callable, Iterable

from filters.constraint import LESS, Constraint

_KEYWORDS = frozenset({"existence", "frequency", "forbidden_words"})
_MARKED = frozenset({"title", "number_highlighted_sections", "number_placeholders"})
_PUNCTUATION = frozenset({"no_comma", "no_period"})
ONLY_WITH: dict[str, frozenset[str]] = {  # by kind: the id without language and group
    "constrained_response": frozenset(),
    "json_format": _KEYWORDS,
    "two_responses": _KEYWORDS | _PUNCTUATION | _MARKED | {"response_language"},
    "repeat_prompt": _MARKED | {"existence", "postscript", "end_checker", "multiple_sections"},
    "response_language": _PUNCTUATION | _MARKED | {"number_paragraphs", "number_bullet_lists", "two_responses"},
    "hiragana_only": _KEYWORDS | _PUNCTUATION | _MARKED | {"number_letters", "quotation", "no_katakana"},
    "katakana_only": _KEYWORDS | _PUNCTUATION | _MARKED | {"number_letters", "quotation", "no_hiragana"},
    "sentence_unified_end": _KEYWORDS
    | {"letter_frequency", "number_letters", "number_sentences", "kansuuji"}
    | {"no_katakana", "kanji", "no_comma", "number_highlighted_sections", "number_placeholders"},
    "nominal_ending": _KEYWORDS
    | _MARKED
    | {"letter_frequency", "number_letters", "number_paragraphs", "no_katakana"}
    | {"no_comma", "number_bullet_lists", "kansuuji", "kanji", "postscript"},
}
_LENGTHS = ("number_sentences", "number_paragraphs", "number_words", "number_letters", "nth_paragraph_first_word")
_CASES = ("english_capital", "english_lowercase", "capital_word_frequency")
_SCRIPTS = ("no_hiragana", "hiragana_only", "katakana_only", "furigana")
_LAST = ("end_checker", "postscript")


def _all_of(*kinds: str) -> set[frozenset[str]]:
    return {frozenset({one, other}) for one in kinds for other in kinds if one != other}


PAIRS: frozenset[frozenset[str]] = frozenset(
    (_all_of(*_LENGTHS) - {frozenset({"number_sentences", "number_paragraphs"})})
    | _all_of(*_CASES)
    | _all_of(*_SCRIPTS)
    | _all_of(*_LAST)
    | {frozenset({"multiple_sections", case}) for case in _CASES}
    | {frozenset({"no_period", other}) for other in ("number_sentences", "nominal_ending", "sentence_unified_end")}
    | {frozenset({"kanji", script}) for script in ("hiragana_only", "katakana_only")}
    | {frozenset({"letter_frequency", script}) for script in _SCRIPTS}
    | {frozenset({"number_bullet_lists", "number_numbered_lists"})}
    | {frozenset({"number_sentences", "quotation"})}  # marks in brackets end no sentence in Japanese
)
# What each thing that a reply must have takes at least, where there must be less than a number.
_ROOM: dict[str, int] = {"number_sentences": 1, "number_words": 8, "number_letters": 15}
_COUNTED = ("num_paragraphs", "num_bullets", "num_items", "num_sections", "num_highlights", "num_placeholders", "count")


def conflict(one: Constraint, other: Constraint) -> str | None:
    """Say why two constraints contradict each other; None: they do not. The order does not matter."""
    if one.kind == other.kind:
        return f"{one.id} twice"
    for first, second in ((one, other), (other, one)):
        if second.kind not in ONLY_WITH.get(first.kind, {second.kind}):
            return f"{first.id} leaves no room for {second.id}"
    if frozenset({one.kind, other.kind}) in PAIRS:
        return f"{one.id} and {other.id} exclude each other"
    for first, second in ((one, other), (other, one)):
        for rule in RULES:
            told = rule(first, second)
            if told:
                return told
    return None


def contradiction(chosen: Iterable[Constraint]) -> str | None:
    """Say why some constraints contradict each other; None: no two of them do."""
    seen: list[Constraint] = []
    for one in chosen:
        told = next((told for other in seen if (told := conflict(other, one))), None)
        if told:
            return told
        seen.append(one)
    return None


def _forbidden(ceiling: Constraint, other: Constraint) -> str | None:
    demanded = "\n".join(other.texts())
    if ceiling.is_ceiling and demanded and not ceiling.check(demanded):
        return f"{ceiling.id} forbids what {other.id} demands"
    return None


def _crowded(limit: Constraint, other: Constraint) -> str | None:
    each = _ROOM.get(limit.kind)
    if each is None or not limit.is_ceiling:
        return None
    most = next(value for value in limit.parameters.values() if type(value) is int)
    things = sum([other.parameters.get(name, 0) for name in _COUNTED]) or len(other.texts())
    things += len(other.texts()) if other.kind == "number_paragraphs" else 0  # a line of *** is a Japanese sentence
    said = 0 if each == 1 else len("".join(other.texts()))
    if most <= 1 + each * (things + 1) + said:
        return f"{limit.id} leaves no room for what {other.id} demands"
    return None


def _seldom(limit: Constraint, other: Constraint) -> str | None:
    """Refuse a letter or a kanji that is to be rare in a text that is to be long, or a text of none."""
    long = other.kind in _LENGTHS and not set(map(str, other.parameters.values())) & LESS
    if limit.is_ceiling and limit.kind in {"letter_frequency", "kanji"} and long:
        return f"{limit.id} bears no length, as {other.id} demands"
    return None


def _in_other_letters(script: Constraint, other: Constraint) -> str | None:
    """Refuse a keyword that is forbidden or counted in letters that the reply must not have."""
    words = [str(value) for value in other.parameters.values() if type(value) is str and value not in LESS]
    if script.kind in _SCRIPTS and other.kind == "frequency" and not all(script.check(word) for word in words):
        return f"{script.id} is written without the letters of {other.id}"
    return None


RULES: tuple[Callable[[Constraint, Constraint], str | None], ...] = (_forbidden, _crowded, _seldom, _in_other_letters)
