"""Constraints that are drawn together never contradict each other: a reply that satisfies them is written here."""

from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.constraint_conflicts import ONLY_WITH, PAIRS, conflict, contradiction
from filters.constraint_draws import composed, drawn, suits
from filters.verifiers import IDS, constraint
from tests.filters.witness import witness

QUESTIONS = {
    "en": ("How do bees find flowers in a garden?", "Do bees dance, and why?"),
    "ja": ("蜜蜂はどうやって庭の花を見つけますか。", "蜂は、踊りますか。"),
}


@pytest.mark.parametrize("language", IDS)
def test_for_two_constraints_that_are_said_to_go_together_there_is_a_reply(language):
    together = 0
    for one, other in combinations(IDS[language], 2):
        for seed, question in enumerate(QUESTIONS[language]):
            pair = drawn(one, Random(seed), question), drawn(other, Random(seed + 9), question)
            if conflict(*pair) is None:
                reply = witness(*pair)
                assert [made.id for made in pair if not made.check(reply)] == [], reply
                together += 1
    assert together > len(IDS[language]) * 8


@pytest.mark.parametrize("language", IDS)
def test_for_each_constraint_alone_there_is_a_reply(language):
    for name in IDS[language]:
        for seed in range(8):
            made = drawn(name, Random(seed), QUESTIONS[language][0])
            assert made.check(witness(made)), made


@given(st.integers(0, 10**9), st.sampled_from(list(IDS)), st.integers(1, 4), st.integers(0, 1))
def test_what_is_composed_can_be_satisfied(seed, language, count, which):
    question = QUESTIONS[language][which]
    made = composed(Random(seed), language, question, count)
    assert 1 <= len(made) <= count
    assert len({one.id for one in made}) == len(made)
    assert contradiction(made) is None
    reply = witness(*made)
    assert [one for one in made if not one.check(reply)] == [], reply


def test_a_seed_composes_the_same_and_all_ids_come_up():
    for language, ids in IDS.items():
        question = QUESTIONS[language][1]
        made = [composed(Random(seed), language, question, 3) for seed in range(400)]
        assert made == [composed(Random(seed), language, question, 3) for seed in range(400)]
        assert {one.id for some in made for one in some} == set(ids)
        only = {"ja:letters:furigana", "punctuation:no_comma"}
        assert {one.id for one in composed(Random(0), language, question, 3, only)} == only & set(ids)


END = {"end_phrase": "Well, bye."}
CONTRADICTIONS = [
    (("punctuation:no_comma", {}), ("startend:end_checker", END)),
    (("punctuation:no_comma", {}), ("combination:repeat_prompt", {"prompt_to_repeat": "Do bees, say, dance?"})),
    (("ja:letters:hiragana_only", {}), ("ja:letters:furigana", {})),
    (("ja:letters:hiragana_only", {}), ("ja:keywords:existence", {"keywords": ["蜂"]})),
    (("ja:letters:furigana", {}), ("ja:keywords:existence", {"keywords": ["蜂"]})),
    (
        ("ja:letters:kansuuji", {}),
        ("ja:detectable_format:multiple_sections", {"section_spliter": "章", "num_sections": 2}),
    ),
    (("ja:letters:no_hiragana", {}), ("ja:startend:sentence_unified_end", {"ending": "です"})),
    (("ja:punctuation:no_period", {}), ("ja:startend:end_checker", {"end_phrase": "以上です。"})),
    (("ja:punctuation:no_period", {}), ("ja:detectable_format:nominal_ending", {"count": 1})),
    (
        ("length_constraints:number_words", {"num_words": 60, "relation": "less than"}),
        ("length_constraints:number_sentences", {"num_sentences": 40, "relation": "at least"}),
    ),
    (
        ("length_constraints:number_sentences", {"num_sentences": 3, "relation": "less than"}),
        ("length_constraints:number_paragraphs", {"num_paragraphs": 4}),
    ),
    (("change_case:english_capital", {}), ("change_case:english_lowercase", {})),
    (("detectable_format:json_format", {}), ("startend:quotation", {})),
    (("keywords:forbidden_words", {"forbidden_words": ["bees"]}), ("keywords:existence", {"keywords": ["bees"]})),
    (
        ("keywords:letter_frequency", {"letter": "e", "let_frequency": 2, "let_relation": "less than"}),
        ("keywords:existence", {"keywords": ["bees"]}),
    ),
    (
        ("keywords:frequency", {"keyword": "bee", "frequency": 2, "relation": "less than"}),
        ("keywords:existence", {"keywords": ["bees", "beehive"]}),
    ),
    (
        ("ja:letters:kanji", {"kanji_limit": 2, "relation": "未満"}),
        ("ja:keywords:existence", {"keywords": ["蜜蜂"]}),
    ),
    (("detectable_format:title", {}), ("detectable_format:title", {})),
]


@pytest.mark.parametrize(("one", "other"), CONTRADICTIONS, ids=[f"{a[0]} {b[0]}" for a, b in CONTRADICTIONS])
def test_what_contradicts_itself_is_told_in_either_order(one, other):
    first, second = constraint(*one), constraint(*other)
    told = conflict(first, second)
    assert told is not None
    assert first.id in told
    assert conflict(second, first) is not None


def test_the_tables_name_kinds_that_there_are():
    kinds = {name.rpartition(":")[2] for ids in IDS.values() for name in ids}
    named = (
        {kind for pair in PAIRS for kind in pair}
        | set(ONLY_WITH)
        | {one for some in ONLY_WITH.values() for one in some}
    )
    assert named <= kinds
    assert {len(pair) for pair in PAIRS} == {2}


def test_yes_or_no_is_asked_for_where_that_is_an_answer():
    asked = {
        "Do bees dance?": True,
        "How do bees dance?": False,
        "蜂は踊りますか。": True,
        "蜂はどこで踊りますか。": False,
    }
    assert {question: suits("detectable_format:constrained_response", question) for question in asked} == asked
    assert not suits("combination:repeat_prompt", "x" * 301)
