import pytest

from filters.fineweb import FineWebQuality
from tests.filters.judging import reason, values

LINE = "this line has {n} words and more of them."


def lines(count: int, end: str = ".") -> str:
    return "\n".join(f"line {chr(97 + n)} has some words and a few more{end}" for n in range(count))


@pytest.mark.parametrize(("ended", "expected"), [(2, "fineweb/few_ended_lines"), (3, None)])
def test_twelve_lines_of_a_hundred_end_in_a_mark(ended, expected):
    text = f"{lines(ended)}\n{lines(25 - ended, end=' but no mark')}"
    found = reason(FineWebQuality(max_duplicate_line_chars=None), text)
    assert found == expected
    assert values(FineWebQuality(), text)["fineweb/ended_lines"] == ended / 25


@pytest.mark.parametrize("mark", [".", "!", "?", "。", "？", "।", "܀"])
def test_marks_of_all_scripts_end_a_line(mark):
    assert values(FineWebQuality(), f"some words{mark}")["fineweb/ended_lines"] == 1


@pytest.mark.parametrize("mark", [",", '"', ":", "”", "…"])
def test_other_marks_do_not(mark):
    assert values(FineWebQuality(), f"some words{mark}")["fineweb/ended_lines"] == 0


@pytest.mark.parametrize(("size", "short"), [(30, 1.0), (31, 0.0)])
def test_a_line_of_thirty_characters_is_short(size, short):
    assert values(FineWebQuality(), "x" * (size - 1) + ".")["fineweb/short_lines"] == short


@pytest.mark.parametrize(("short", "expected"), [(67, None), (68, "fineweb/many_short_lines")])
def test_sixty_seven_lines_of_a_hundred_may_be_short(short, expected):
    stage = FineWebQuality(max_duplicate_line_chars=None, max_line_ends=None)
    text = "\n".join(["short."] * short + ["this one is not short, for it goes on and on."] * (100 - short))
    assert reason(stage, text) == expected


@pytest.mark.parametrize(("rest", "expected"), [(990, None), (989, "fineweb/duplicate_line_chars")])
def test_one_character_of_a_hundred_may_be_said_again(rest, expected):
    # Ten characters that stood before, and ten that did not; line ends do not count.
    text = f"ten chars.\nten chars.\n{'x' * (rest - 11)}."
    assert values(FineWebQuality(), text)["fineweb/duplicate_line_chars"] == 10 / (rest + 10)
    assert reason(FineWebQuality(max_short_lines=None, max_line_ends=None), text) == expected


@pytest.mark.parametrize(("words", "expected"), [(10, None), (9, "fineweb/list")])
def test_three_line_ends_to_ten_words_are_a_list_beyond(words, expected):
    stage = FineWebQuality(max_short_lines=None)
    text = "a.\nb c.\nd e\n" + " ".join("fghijkl"[: words - 7])
    assert values(stage, text)["fineweb/line_ends"] == pytest.approx(3 / words)
    assert reason(stage, text) == expected


def test_blank_lines_are_no_lines_but_their_ends_count():
    found = values(FineWebQuality(), "one two three.\n\n \n\nfour five six.")
    assert found["fineweb/lines"] == 2
    assert found["fineweb/line_ends"] == 4 / 8


@pytest.mark.parametrize("text", ["", "\n", " \n\n \n"])
def test_a_text_without_lines_is_refused(text):
    assert reason(FineWebQuality(), text) == "fineweb/no_lines"


def test_none_turns_a_rule_off():
    assert {rule.reason for rule in FineWebQuality(None, (), None, 30, None, None).rules()} == {"fineweb/no_lines"}
