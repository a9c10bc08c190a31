import pytest

from filters.fineweb2 import FineWeb2Japanese
from filters.japanese_words import MAX_CHARS, japanese_words
from tests.filters.golden import read
from tests.filters.judging import reason, values

TEXT = read()["texts"]["japanese"]


def test_running_japanese_is_kept():
    assert reason(FineWeb2Japanese(), TEXT) is None


def test_words_are_cut_as_small_as_they_are_in_the_dictionary():
    assert japanese_words("東京都に　行く。\n\n彼は3回") == ("東京", "都", "に", "行く", "。", "彼", "は", "3", "回")


@pytest.mark.parametrize("text", ["あ" * (MAX_CHARS + 7), "𠮷野家。" * (MAX_CHARS // 3), "行く。\n" * (MAX_CHARS // 3)])
def test_a_long_text_is_cut_and_loses_nothing(text):
    assert "".join(japanese_words(text)) == text.replace("\n", "")


def test_thresholds_are_those_of_fineweb_2():
    found = {rule.reason.removeprefix("fineweb2/"): rule.threshold for rule in FineWeb2Japanese().rules()}
    assert found == {
        "duplicate_lines": 0.375,
        "top_2gram": 0.121,
        "top_3gram": 0.129,
        "top_4gram": 0.145,
        **{f"duplicate_{n}grams": most for n, most in enumerate((0.307, 0.283, 0.264, 0.248, 0.234, 0.223), 5)},
        "no_lines": 1,
        "few_ended_lines": 0.167,
        "duplicate_line_chars": 0.1,
        "list": 0.162,
        "few_words": 50,
        "many_words": 100_000,
        "short_words": 1,
        "long_words": 5,
        "many_hashes": 0.1,
        "many_ellipses": 0.1,
        "many_bullet_lines": 0.9,
        "many_ellipsis_lines": 0.3,
        "few_alpha_words": 0.759,
        "few_stop_words": 2,
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("本日は休業いたします。\n" + TEXT + "\n本日は休業いたします。" * 8, "fineweb2/duplicate_lines"),
        ("\n".join(TEXT.replace("\n", "").replace("。", "。\n\n\n\n\n").split("、")), "fineweb2/list"),
        (TEXT.replace("。", ""), "fineweb2/few_ended_lines"),
        ("", "fineweb2/no_lines"),
    ],
)
def test_what_is_no_running_text_is_refused(text, expected):
    assert reason(FineWeb2Japanese(), text) == expected


@pytest.mark.parametrize(("more", "expected"), [(0, None), (1, "fineweb2/few_words")])
def test_a_text_has_as_many_words_as_are_asked_for(more, expected):
    words = int(values(FineWeb2Japanese(), TEXT)["fineweb2/words"])
    assert reason(FineWeb2Japanese(min_words=words + more), TEXT) == expected


def test_shares_are_measured_over_words():
    found = values(FineWeb2Japanese(), "猫が鳴く。\n猫が鳴く。")
    # 猫 が 鳴く 。 twice: 猫が, "猫 が" with its blank, stands twice in 11 characters.
    assert found["fineweb2/words"] == 6
    assert found["fineweb2/word_chars"] == 8 / 6
    assert found["fineweb2/top_2gram"] == 2 * 3 / 11
    assert found["fineweb2/line_ends"] == 1 / 8


def test_rules_that_fineweb_2_has_off_are_not_there():
    measures = {rule.measure for rule in FineWeb2Japanese().rules()}
    assert not [measure for measure in measures if "paragraph" in measure or "short_lines" in measure]


@pytest.mark.parametrize("text", ["\n", "\ud800", "a", "。。。"])
def test_odd_texts_raise_nothing(text):
    assert reason(FineWeb2Japanese(), text)
