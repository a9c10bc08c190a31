"""Sums: exact, bounded, never evaluated as code; annotations and equations of solutions."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.answers import answers
from generators.arithmetic import plain, value_of
from generators.calculator import annotations, equations, strip_annotations
from generators.quantities import written

SEEDS = Path(__file__).parents[2].parent / "shared" / "data" / "math-seeds"
SUMS = {
    "1+2*3": 7,
    "(1 + 1/2) x $3,000": 4_500,
    "2^3^2": 512,
    "-2^2": -4,
    "2**-1": Fraction(1, 2),
    "3--2": 5,
    "50*20%": 10,
    "(0.9)(600)": 540,
    "2-3-4": -5,
    "12/2/3": 2,
    "560//10": 56,
    "7//2": 3,
    ".5*4": 2,
    "½ + ¼": Fraction(3, 4),
    "10² + 1": 101,
    "４０×２ ÷ 4": 20,
    r"\frac{3}{4} \times 8": 6,
    r"\left(5 - 3\right) \cdot 2": 4,
    "[2 + 3] * 2": 10,
    "1,234.50*2": 2_469,
}
NO_SUMS = [
    *("", " ", "()", "1 1", "1+", "*2", "5)", "(5", "1..2", "1.2.3", "1,0000", "1/0", "0^-1", "2^0.5", "9^9^9", "x+1"),
    *("__import__('os')", "1;2", "1e9", "1_000", "\x00", "9" * 60, "(" * 60 + "1" + ")" * 60, "1+" * 400 + "1"),
    *("**".join(["99"] * 9), "*".join(["9" * 50] * 90)),
]


@pytest.mark.parametrize(("text", "value"), SUMS.items())
def test_a_sum_is_worked_out_exactly(text, value):
    assert value_of(text) == value


@pytest.mark.parametrize("text", NO_SUMS)
def test_what_is_no_sum_or_too_large_has_no_value(text):
    assert value_of(text) is None


@given(st.text("0123456789+-*/^()%., x$", max_size=60) | st.text(max_size=60))
def test_no_text_breaks_the_calculator(text):
    assert value_of(text) is None or value_of(text).denominator > 0
    assert plain(plain(text)) is not None
    assert all(one.said for one in equations(text))


@st.composite
def sums(draw, depth=3):
    """Return a sum as text, and its value by Python's fractions."""
    if not depth or draw(st.booleans()):
        number = draw(st.integers(0, 999))
        return str(number), Fraction(number)
    (one, left), (other, right), sign = draw(sums(depth - 1)), draw(sums(depth - 1)), draw(st.sampled_from("+-*/"))
    if sign == "/" and not right:
        sign = "+"
    value = {"+": left + right, "-": left - right, "*": left * right}.get(sign)
    return f"({one}) {sign} ({other})", left / right if value is None else value


@given(sums())
def test_sums_come_to_what_fractions_come_to(made):
    text, value = made
    assert value_of(text) == value
    assert [one.holds for one in annotations(f"<<{text}={written(value)}>>")] == [value_of(written(value)) == value]


def test_annotations_are_worked_out_again():
    text = "48/2 = <<48/2=24>>24, then <<10/3=3.33>>3.33 or <<10/3=3>>, <<3/4=3/4>> and <<x=1>>."
    told = [(one.said, one.holds, one.plain) for one in annotations(text)]
    assert told == [
        ("48/2=24", True, True),
        ("10/3=3.33", True, True),
        ("10/3=3", False, True),
        ("3/4=3/4", True, False),
        ("x=1", False, True),
    ]
    assert strip_annotations(text) == "48/2 = 24, then 3.33 or ,  and ."


EQUATIONS = {  # what is judged of a line, and whether it holds
    "2+3=5": [True],
    "He has 4+5 = 9 apples": [True],
    "2 x 3 = 7": [False],
    "10/3 = 3.33": [True],
    "10/3 = 3": [False],
    "1/3 = 33.3%": [True],
    "20 - 5 = 15%": [True],
    "Total = 5 * 3 = $15.": [True],
    "y = 3(4) = 12": [True],
    "2. 5 + 3 = 8": [True],
    "- 5 + 3 = 8": [True],
    "3 * 4 = 12, 5 * 6 = 31": [True, False],
    "80,000+50,000=$130,000": [True],
    r"\( \frac{1}{2} \times 8 = 4 \)": [True],
    "５×３＝１５": [True],
    "$.10*60 = $6": [True],
    "x + 3 = 5": [],
    "2x + 3 = 7": [],
    "5 = 2 * y": [],
    "a_2 = 3": [],
    "2 apples + 3 apples = 5 apples": [],
    "12 / 5 = 2 remainder 2": [],
    "Steps: 12 + 6 = 19": [False],
    "Step 1: 2 * 3 = 6": [True],
    "a total of 4 + 5 = 9": [True],
    "n = 5": [],
    "4 + 6 = 5 * x": [],
    "4 + 6 = 5x": [],
    "√16 + 2 = 6": [],
    r"\sqrt{16} + 2 = 6": [],
    "5% of 200 + 10 = 20": [],
    "10:2 + 3 = 8": [],
    r"5 \text{ apples} \times 3 = 15 \text{ apples}": [],
    r"3x = 15 \implies x = 15/3 = 5": [True],
    "3 + 4 ≈ 8": [],
    "== 3+4 =": [],
}


@pytest.mark.parametrize(("line", "expected"), EQUATIONS.items())
def test_equations_between_numbers_are_judged_and_no_others(line, expected):
    assert [one.holds for one in equations(line)] == expected


def test_of_a_text_only_so_many_equations_are_looked_at():
    assert len(equations("1+1=2\n" * 9_000)) == 500
    assert equations("1" * 90_000 + "=" + "2" * 90_000) == []


def test_gsm8k_is_parsed_and_evaluated_as_it_was_counted():
    """METHODS: 8,792 rows; 27,998 annotations, all consistent, one of them odd; 113 rows without any."""
    if not SEEDS.exists():
        pytest.skip("needs ../shared/data/math-seeds")
    solutions = [
        json.loads(line)["answer"]
        for split in ("train", "test")
        for line in (SEEDS / f"gsm8k_{split}.jsonl").read_text("utf-8").splitlines()
    ]
    assert len(solutions) == 8_792
    references = [solution.rpartition("#### ")[2].replace(",", "") for solution in solutions]
    assert [tuple(str(one.quantity) for one in answers(solution)) for solution in solutions] == [
        (one,) for one in references
    ]
    known = [annotations(solution) for solution in solutions]
    assert sum(map(len, known)) == 27_998
    assert all(one.holds for found in known for one in found)
    assert [one.said for found in known for one in found if not one.plain] == ["3/4=3/4"]
    assert sum(not found for found in known) == 113
    last = [bool(one) and written(one[-1].right) == two for one, two in zip(known, references, strict=True)]
    assert sum(last) == 7_001 + 1_208
