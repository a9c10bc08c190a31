import pytest

from filters.words import words
from tests.patience import in_proportion


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One two,  three.\n", "One two , three ."),
        ("it's we'll don’t", "it 's we 'll don ’t"),
        ("a well-known and/or trick", "a well - known and / or trick"),
        ("3.14 12:30 2025-08-25", "3.14 12:30 2025 - 08 - 25"),
        ("std::vec<int> -x ../a.py", "std::vec < int > -x ../a.py"),
        ("(https://example.org/a?b=c).", "( https://example.org/a?b=c ) ."),
        ("Wait... what… #1 U.S. a@b.org", "Wait ... what … # 1 U.S. a@b.org"),
        ("• --- ===", "• --- ==="),
        ("", ""),
    ],
)
def test_signs_at_the_ends_of_a_word_stand_alone_and_signs_inside_do_not(text, expected):
    assert list(words(text)) == expected.split()


def test_nothing_but_spaces_is_lost():
    text = "a-b… c's (d.e/f)  http://x.y/z?! _g_ \x7f 日本語、です。 --h-- 1+1=2\u3000i"
    assert "".join(words(text)) == "".join(text.split())


@pytest.mark.parametrize("piece", ["/.", "-", "a!", "!", "a.", "www.", "a-", "_", "'s", "1.", "..a", "x/-", "A.A", "("])
def test_a_text_without_a_space_takes_time_in_proportion_to_its_length(piece):
    assert "".join(words("a" + piece * 1_000)) == "a" + piece * 1_000
    assert in_proportion(lambda times: list(words("a" + piece * times)), 20_000 // len(piece))
