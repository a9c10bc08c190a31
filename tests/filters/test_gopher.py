import pytest

from filters.fineweb import FineWebQuality
from filters.gopher import GopherQuality, GopherRepetition
from filters.words import words
from manifests.rows import Document
from manifests.stage import Rejected
from tests.filters.judging import reason, values

STOP = "the of "


def distinct(count: int) -> str:
    """Return so many different words of five letters, all lower case."""
    return " ".join(f"{chr(97 + n // 676)}{chr(97 + n // 26 % 26)}{chr(97 + n % 26)}xy" for n in range(count))


@pytest.mark.parametrize(
    ("count", "expected"), [(49, "gopher/few_words"), (50, None), (100, None), (101, "gopher/many_words")]
)
def test_fewer_words_than_the_least_and_more_than_the_most_are_refused(count, expected):
    assert reason(GopherQuality(max_words=100), STOP + distinct(count - 2)) == expected


def test_signs_are_no_words():
    assert values(GopherQuality(), "one two , . ! - … three")["gopher/words"] == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("be a " * 60, "gopher/short_words"),
        ("the of " + "incomprehensible " * 60, "gopher/long_words"),
        ("the of " + "12345 " * 60, "gopher/few_alpha_words"),
        ("here are words of " * 20, "gopher/few_stop_words"),
        ("The And OF Have " * 20, "gopher/few_stop_words"),
        ("the words of " * 20, None),
    ],
)
def test_what_does_not_read_like_text_is_refused(text, expected):
    assert reason(GopherQuality(), text) == expected


@pytest.mark.parametrize(("hashes", "expected"), [(10, None), (11, "gopher/many_hashes")])
def test_one_hash_in_ten_words_and_signs_is_kept(hashes, expected):
    text = STOP + distinct(100 - 2 - hashes)
    assert reason(GopherQuality(), text + " #" * hashes) == expected


@pytest.mark.parametrize("ellipsis", ["...", "…"])
@pytest.mark.parametrize(("count", "expected"), [(10, None), (11, "gopher/many_ellipses")])
def test_one_ellipsis_in_ten_words_and_signs_is_kept(ellipsis, count, expected):
    text = STOP + distinct(100 - 2 - count)
    assert reason(GopherQuality(), text + f" {ellipsis}" * count + "\nend\n\n\n") == expected


@pytest.mark.parametrize("bullet", ["•", "-"])
@pytest.mark.parametrize(("plain", "expected"), [(1, None), (0, "gopher/many_bullet_lines")])
def test_nine_bullet_lines_of_ten_are_kept(bullet, plain, expected):
    line = "the words of a list that have to be long"
    lines = [f"  {bullet}{line}"] * (10 - plain) + [line] * plain
    assert reason(GopherQuality(), "\n".join(lines)) == expected


@pytest.mark.parametrize(("dotted", "expected"), [(3, None), (4, "gopher/many_ellipsis_lines")])
def test_three_lines_of_ten_may_end_in_an_ellipsis(dotted, expected):
    line = "the words of a list that have to be long"
    assert reason(GopherQuality(), "\n".join([f"{line} ... "] * dotted + [line] * (10 - dotted))) == expected


def test_the_refusal_says_value_and_threshold():
    [refused] = GopherQuality()([Document(text="the words of a sign")])
    assert isinstance(refused, Rejected)
    assert (refused.reason, refused.value, refused.threshold) == ("gopher/few_words", 5, 50)


def test_every_measure_is_recorded_also_for_what_is_kept():
    stage = GopherRepetition()
    assert values(stage, distinct(60)).keys() == {rule.measure for rule in stage.rules()}


@pytest.mark.parametrize("text", ["", "\n", " \n\n \n", "one", "!", "\ud800"])
def test_a_text_of_next_to_nothing_is_refused_for_its_words_and_raises_nothing(text):
    assert reason(GopherQuality(), text) == "gopher/few_words"
    values(GopherRepetition(), text)


def test_none_turns_a_rule_off():
    text = "one two\n" * 3
    off = GopherQuality(**dict.fromkeys((f for f in GopherQuality.__slots__ if f != "stop_words"), None))
    assert off.rules() == ()
    assert reason(off, text) is None
    assert reason(GopherRepetition(None, None, None, None, (), ()), text) is None


def test_five_equal_lines_of_six_are_refused():
    text = "\n".join([distinct(60), *["the same line again"] * 5])
    assert reason(GopherRepetition(), text) == "gopher/duplicate_lines"
    assert values(GopherRepetition(), text)["gopher/duplicate_lines"] == 4 / 6


def test_paragraphs_end_in_an_empty_line_and_count_before_lines():
    text = f"{distinct(60)}\n\nmore\n\nmore\n\n\nmore\n"
    found = values(GopherRepetition(), text)
    assert found["gopher/duplicate_paragraphs"] == 2 / 4
    assert found["gopher/duplicate_paragraph_chars"] == 8 / len(text)
    assert reason(GopherRepetition(), text) == "gopher/duplicate_paragraphs"


def test_the_top_ngram_counts_with_its_spaces_and_of_equals_the_first_one_does():
    found = values(GopherRepetition(), "red fox ate red fox ate a hen")
    assert found["gopher/top_2gram"] == 2 * len("red fox") / 29
    assert found["gopher/top_3gram"] == 2 * len("red fox ate") / 29
    assert found["gopher/top_4gram"] == len("red fox ate red") / 29


def test_duplicate_ngrams_do_not_overlap():
    text = " ".join(["go"] * 15)
    # The first 5-gram is new, the one after it is its repetition and ends at word 6, the next ends at word 11.
    assert values(GopherRepetition(), text)["gopher/duplicate_5grams"] == 2 * 5 * len("go") / len(text)


def test_signs_count_among_the_words_of_which_a_share_has_a_letter_unless_told_otherwise():
    text = "the words, of, a, text, " * 20
    assert values(GopherQuality(), text)["gopher/alpha_words"] == 5 / 9
    assert reason(GopherQuality(), text) == "gopher/few_alpha_words"
    assert values(GopherQuality(alpha_counts_signs=False), text)["gopher/alpha_words"] == 1
    assert reason(GopherQuality(alpha_counts_signs=False), text) is None


def test_the_words_of_a_text_are_told_once_for_all_stages():
    words.cache_clear()
    rows = [Document(id=bytes([n]) * 16, text=STOP + distinct(60 + n)) for n in range(5)]
    passed = iter(rows)
    for stage in (GopherRepetition(), GopherQuality(), FineWebQuality(min_ended_lines=None)):
        passed = (outcome.row for outcome in stage(passed))
    assert list(passed) == rows
    assert words.cache_info().misses == len(rows)
