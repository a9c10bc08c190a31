"""Quantities in phrases and answers in solutions: a line of a table for each way in which people write them."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.answers import answers, strip_answer
from generators.number_words import english, japanese
from generators.quantities import Quantity, amounts, exact, quantities, written

PHRASES = {  # what a phrase offers as the answer
    "18": "18",
    "18.0": "18",
    " 18, ": "18",
    "**18**": "18",
    "$1,080.00 a week": "1080",
    "1,00,000": "100000",
    "109,200,000": "109200000",
    "-5": "-5",
    "−5": "-5",
    "$-3": "-3",
    "-$3": "-3",
    "minus five": "-5",
    "3/4": "0.75",
    "-1/2": "-0.5",
    "1/3": "1/3",
    "1 1/2 cups": "1.5",
    "1½": "1.5",
    "½": "0.5",
    r"\frac{3}{4}": "0.75",
    r"$\dfrac{-3}{4}$": "-0.75",
    r"1\frac{1}{2}": "1.5",
    r"18\text{ eggs}": "18",
    "25%": "25%",
    r"12.5\%": "12.5%",
    "25 percent": "25%",
    "twenty five percent": "25%",
    "3割": "30%",
    "30パーセント": "30%",
    "18 eggs": "18",
    "about 18 eggs": "18",
    "18 eggs in 3 days": "18",
    "18 for each of 3 friends": "18",
    "18 eggs (6 a day for 3 days)": "18",
    "5 km": "5",
    "18th": "18",
    "$5k": "5000",
    "2.5 million": "2500000",
    "12 dozen": "144",
    "1.5e3": "1500",
    r"1.5 \times 10^3": "1500",
    "2^10": "1024",
    "2^{10}": "1024",
    "3 * (4 + 1)": "15",
    "5 m/s": "5",
    "90 km/h": "90",
    "18 (x 3)": "18",
    "x = 18": "18",
    "2 + 3 = 5": "5",
    "eighteen": "18",
    "Twenty-five dollars": "25",
    "one hundred and five": "105",
    "two thousand three hundred and four": "2304",
    "a dozen": "12",
    "half of them": "0.5",
    "about two thirds of it": "2/3",
    "one and a half": "1.5",
    "72 and a half": "72.5",
    "12 and 1/2": "12.5",
    "2と1/2": "2.5",
    "18 m^2": "18",
    "18 cm²": "18",
    r"18\,\text{cm}^2": "18",
    "１８．５": "18.5",
    "１，０８０円": "1080",
    "18個": "18",
    "約1,200円": "1200",
    "3万円": "30000",
    "3万5千円": "35000",
    "1億2000万": "120000000",
    "三千五百円": "3500",
    "二十五": "25",
    "二〇二四": "2024",
    "4分の3": "0.75",
    "四分の三": "0.75",
    "半分": "0.5",
    "3日で18個": "18",
    "1日あたり18ドルです": "18",
    "18個（3個×6日）": "18",
}
UNDECIDED = {
    "5 or 6": ["5", "6"],
    "3, 5": ["3", "5"],
    "1,2": ["1", "2"],
    "1,0000": ["1", "0"],
    "5-6": ["5", "6"],
    "3 hours 30 minutes": ["3", "30"],
    "18 dollars and 5 cents": ["18", "5"],
    "3時間30分": ["3", "30"],
    "3個と5個": ["3", "5"],
    "10:30": ["10", "30"],
    "€1.234,50": ["1.234", "50"],
}
NOTHING = [
    r"2\sqrt{3}",
    "4π",
    "4 pi",
    "x^2 + 3",
    "2y + 1",
    "3x",
    "a/5",
    "t/25",
    "",
    "Tuesday",
    "h2o",
    "2y",
    "1/0",
    "1e999",
    "9" * 70,
    "third place",
    "x",
    "∞",
    "5(√3 + 1)",
    "3√2",
    "千万一十百" * 9,
    "\x00",
]


@pytest.mark.parametrize(("phrase", "expected"), PHRASES.items())
def test_a_phrase_offers_one_quantity(phrase, expected):
    assert [str(one) for one in quantities(phrase)] == [expected]


@pytest.mark.parametrize(("phrase", "expected"), UNDECIDED.items())
def test_a_phrase_that_is_undecided_offers_several(phrase, expected):
    assert [str(one) for one in quantities(phrase)] == expected
    assert exact(phrase) is None


@pytest.mark.parametrize("phrase", NOTHING)
def test_what_is_no_number_offers_nothing(phrase):
    assert quantities(phrase) == ()


def test_numbers_are_compared_as_numbers():
    assert exact(18) == exact(18.0) == exact("18") == exact("18.0") == exact(Decimal("18.00")) == exact(Fraction(36, 2))
    assert exact(float("nan")) is None
    assert exact(0.1) == Quantity(Fraction(1, 10))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("33.33", "100/3", True), ("0.67", "2/3", True), ("0.66", "2/3", False), ("33", "100/3", False)],
)
def test_a_rounded_number_is_the_same_as_one_without_an_end(one, other, same):
    assert exact(one).same(exact(other)) == exact(other).same(exact(one)) == same
    assert not exact("0.25").same(exact("0.254"))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("25%", "25", True), ("25%", "0.25", True), ("25%", "1/4", True), ("25", "0.25", False), ("25%", "2500", False)],
)
def test_a_percentage_is_the_same_as_its_number_and_as_its_share(one, other, same):
    assert exact(one).same(exact(other)) == exact(other).same(exact(one)) == same


def test_amounts_are_all_numbers_of_a_phrase():
    assert [str(one) for one in amounts("18 eggs in 3 days, 18.0 of them at $1.50")] == ["18", "3", "1.5"]


SOLUTIONS = {  # the answers of a solution: its mark and its quantities
    "She makes 9 * 2 = $18.\n#### 18": ("####", "18"),
    "so\n#### $1,080": ("####", "1080"),
    "#### 18\nThat is\n#### 18.0": ("####", "18"),
    "####18": ("####", "18"),
    "#### 18\n#### 20": ("####", "18", "20"),
    "#### 3 or 5": ("####", "3", "5"),
    "#### Step 1: add\n2 + 3 = 5\n#### Step 2\n#### 5": ("####", "5"),
    "#### 1. Find the price\nIt is 5.\n#### Tuesday": ("####", "None"),
    r"It is \boxed{18}.": ("box", "18"),
    r"\[\boxed{\frac{3}{4}}\]": ("box", "0.75"),
    r"\boxed{18\text{ dollars}}": ("box", "18"),
    r"\boxed 7": ("box", "7"),
    r"\boxed{3, 5}": ("box", "3", "5"),
    "\\boxed{18}\n#### 18": ("####", "18"),
    "\\boxed{20}\n#### 18": ("####", "18", "20"),
    r"so \boxed{18": (),
    "The answer is 18.": ("phrase", "18"),
    "The answer is: $3.50. Well done": ("phrase", "3.5"),
    "**Answer:** 18 eggs": ("phrase", "18"),
    "Answer:\n18": ("phrase", "18"),
    "The answer to the problem is twenty.": ("phrase", "20"),
    "The answer is 5. No, the answer is 6.": ("phrase", "5", "6"),
    "The answer is Tuesday.": ("phrase", "None"),
    "答え：18個": ("phrase", "18"),
    "答えは3万円です。": ("phrase", "30000"),
    "したがって、答えは1日で**18**ドルです。": ("phrase", "18"),
    "Thus she makes 9 * 2 = $18 every day.": ("last line", "18"),
    "So 18 it is.\n```\n": ("last line", "18"),
    "よって18個です。": ("last line", "18"),
    "She has 5 boxes of 12 eggs.": (),
    "To answer this we need 3 steps.\nI do not know.": (),
    "It depends.": (),
    "": (),
}


@pytest.mark.parametrize(("solution", "expected"), SOLUTIONS.items())
def test_the_answers_of_a_solution(solution, expected):
    found = answers(solution)
    assert tuple([one.mark for one in found[:1]] + [str(one.quantity) for one in found]) == expected


def test_a_solution_is_shown_without_its_line_of_hashes():
    assert strip_answer("#### Step 1\n2 + 3 = 5\n#### 5") == "#### Step 1\n2 + 3 = 5"


@given(st.text(max_size=300) | st.text("0123456789.,/-+*x=%$ \\{}()#分の万億と、ab\n", max_size=300))
def test_no_text_breaks_the_readers(text):
    assert all(isinstance(one.value, Fraction) for one in quantities(text))
    for mark in ("", "#### ", "\\boxed{", "The answer is "):
        answers(f"{mark}{text}")
    assert strip_answer(text) is not None


@pytest.mark.parametrize("text", ["(" * 90_000, "1" * 90_000, "\\boxed{" * 9_000, "answer is " * 9_000, "1/" * 40_000])
def test_a_hostile_solution_has_no_number(text):
    assert all(one.quantity is None or one.quantity.value < 10**60 for one in answers(text))


FRACTIONS = st.fractions(-(10**9), 10**9, max_denominator=400)
FORMS = [
    "{}", "#### {}", "so\n#### {} ", r"\boxed{{{}}}", "The answer is {}.", "**Answer:** {} eggs", "答え：{}個",
    "答えは{}です。", r"The final answer is $\boxed{{{}}}$.", "It is = {}",
]  # fmt: skip


@given(FRACTIONS, st.sampled_from(FORMS))
def test_what_is_written_is_read_again(value, form):
    [found] = answers(form.format(written(value)))
    assert found.quantity == Quantity(value)


@given(st.integers(-(10**12), 10**12), st.sampled_from(FORMS))
def test_commas_currency_and_full_width_digits_do_not_matter(value, form):
    wide = str.maketrans("0123456789,-", "０１２３４５６７８９，－")
    for shown in (f"{value:,}", f"${value:,}.00", f"{value:,}".translate(wide), f"{value:,} dollars"):
        assert [one.quantity.value for one in answers(form.format(shown))] == [value]


@given(FRACTIONS)
def test_a_fraction_is_read_as_latex_and_as_japanese(value):
    above, below = abs(value.numerator), value.denominator
    assert [one.value for one in quantities(f"\\frac{{{above}}}{{{below}}}")] == [abs(value)]
    assert [one.value for one in quantities(f"{below}分の{above}")] == [abs(value)]


def kanji(number):
    digits, found = "〇一二三四五六七八九", ""
    for scale, name in ((10**8, "億"), (10**4, "万"), (1, "")):
        group, number = divmod(number, scale)
        if group:
            small = [(group // 10**power % 10, unit) for power, unit in ((3, "千"), (2, "百"), (1, "十"), (0, ""))]
            found += "".join([digits[digit] * (digit > 1 or not unit) + unit for digit, unit in small if digit]) + name
    return found


@given(st.integers(1, 10**12 - 1))
def test_kanji_are_read(number):
    assert japanese(kanji(number)) == number
    assert exact(f"{kanji(number)}円") == Quantity(Fraction(number))


@pytest.mark.parametrize("text", ["", "18", "二二千三", "一a", "1万2億", "千万一十百千", "十百"])
def test_what_is_no_number_in_kanji_is_none(text):
    assert japanese(text) is None


@pytest.mark.parametrize("text", ["", "the", "and five", "dollars five", "third", "hundredth"])
def test_what_begins_with_no_number_in_words_is_none(text):
    assert english(text) is None
