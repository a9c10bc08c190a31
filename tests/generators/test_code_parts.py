"""What the programs for code are made of: comparison, snippets, lists, tests of solutions, distinct items."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.code_evolve import problem_of
from generators.code_items import ORIGINAL, PROBLEM, SNIPPET, TESTS, CodeText
from generators.fences import fenced
from generators.numbered import Itemised, items, listed
from generators.same_program import SameProgram, code_tokens, compared, share_in
from generators.snippets import Snippets
from generators.tested import RunsItsTests
from manifests.rows import Document
from manifests.stage import Kept, Rejected
from tests.generators.boxed import ISOLATED, SHORT
from tests.generators.code_files import BEES, code

SAME = [
    ("x = 1\n", "x = 1  # one\n"),
    ("def f():\n    return 1\n", 'def f():\n    """One."""\n    return 1\n'),
    ("def f(): pass\n", "# f\ndef f(): pass\n"),
    ('def f():\n    """Old."""\n    return 1\n', 'def f():\n    """New.\n\n    Longer.\n    """\n    return 1\n'),
    ("x = [\n    1,\n]\n", "x = [\n    # one\n    1,\n]\n"),
    ("class A:\n    x = 1\n", '"""Module."""\n\n\nclass A:\n    """A."""\n\n    x = 1\n'),
    ("if x:\n\ty = 1\n", "if x:\n    # why\n    y = 1\n"),
]
OTHER = [
    ("x = 1\n", "x = 2  # two\n", "same_program/tree"),
    ("x = 1\n", "# x\nx = 1\ny = 2\n", "same_program/tree"),
    ("def f():\n    pass\n", 'def f():\n    """F."""\n', "same_program/tree"),
    ("x = 'a'\n", '# x\nx = "a"\n', "same_program/tokens"),
    ("x = 1 + 2\n", "# x\nx = (1 + 2)\n", "same_program/tokens"),
    ("x = f(1, 2)\n", "# x\nx = f(1, 2,)\n", "same_program/tokens"),
    ("x = 1; y = 2\n", "# x\nx = 1\ny = 2\n", "same_program/tokens"),
    ("x = 10\n", "# x\nx = 0xA\n", "same_program/tokens"),
    ("x = 1\n", "x = 1\n", "same_program/no_comments"),
    ("x = 1  # one\n", "x = 1\n", "same_program/no_comments"),
    ("x = 1\n", "\n\nx = 1\n", "same_program/no_comments"),
    ("x = 1\n", "x = = 1\n", "same_program/not_python"),
    ("x = 1\n", "x = '\0'\n", "same_program/not_python"),
    ("x = 1\n", f"# deep\nx = {'-' * 10_000}1\n", "same_program/not_python"),
]


@pytest.mark.parametrize(("before", "after"), SAME)
def test_comments_and_docstrings_may_be_added_and_changed(before, after):
    assert compared(after, before)[0] == ""


@pytest.mark.parametrize(("before", "after", "reason"), OTHER)
def test_anything_else_is_another_program(before, after, reason):
    assert compared(after, before) == (reason, [])


@given(st.lists(st.sampled_from(["# said", "", "x = 1", "y = [1, 2]", "def f():\n    return 'a'", "if x:\n    y = 2"])))
def test_more_comments_on_lines_of_their_own_never_make_another_program(lines):
    before = "\n".join([*lines, "z = 3\n"])
    after = "\n".join(["# more\n" + line for line in [*lines, "z = 3\n"]])
    assert compared(after, before)[0] == ""
    assert code_tokens(after) == code_tokens(before)
    assert ast.dump(ast.parse(after)) == ast.dump(ast.parse(before))


def test_the_original_does_not_stay_in_a_row_kept_or_refused():
    made = [
        doc
        for text in ("# x\nx = 1\n", "x = 2\n")
        for doc in SameProgram("en")([Document(text=text, labels={ORIGINAL: "x = 1\n"})])
    ]
    assert isinstance(made[0], Kept)
    assert made[1].reason == "same_program/tree"
    assert [found.row.labels for found in made] == [{}, {}]


def test_new_comments_are_told_from_old_ones_and_must_be_in_their_language():
    before = "# old\nx = 1\n"
    reason, comments = compared('"""数える。"""\n# old\n# old\nx = 1  # あ\n', before)
    assert (reason, sorted(comments)) == ("", ["# old", "# あ", "数える。"])
    assert share_in("ja", ["# あ", "# one", "# 1", "#"]) == 0.5
    assert share_in("en", ["# 数量", "# one", "# あ"]) == pytest.approx(2 / 3)
    assert share_in("ja", ["# 数量"]) == share_in("ja", []) == 0.0
    [refused] = SameProgram("ja")([Document(text="# said\nx = 1\n", labels={ORIGINAL: "x = 1\n"})])
    assert (refused.reason, refused.value) == ("same_program/other_language", 0.0)


@given(st.integers(0, 50), st.text(st.sampled_from("ab \n"), max_size=200))
def test_a_snippet_is_1_to_15_lines_in_a_row_of_its_file(seed, text):
    for found in Snippets(per_file=3, seed=seed)([code(text)]):
        if isinstance(found, Rejected):
            assert not text.strip()
            continue
        lines = found.text.split("\n")
        start = int(found.labels["snippet_line"]) - 1
        assert 1 <= len(lines) <= 15
        assert lines[0].strip()
        assert text.splitlines()[start : start + len(lines)] == lines
        assert found.labels[SNIPPET] == found.text


def test_the_same_seed_draws_the_same_snippets_and_another_one_others():
    files = [code(f"{BEES}\nnumber = {n}\n") for n in range(8)]

    def texts(seed):
        return [made.text for made in Snippets(seed=seed)(files)]

    assert texts(976) == texts(976) == texts(976)[::1]
    assert texts(976) != texts(1)
    assert [made.text for made in Snippets()(files[::-1])][::-1] == texts(976)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("1. Graphs\n2. Trees", ["Graphs", "Trees"]),
        ("Here you are:\n\n1) **Graphs**\n2) `Trees`\n\nEnjoy!", ["Graphs", "Trees"]),
        ("- Graphs\n* Trees\n• Lists", ["Graphs", "Trees", "Lists"]),
        ("１．グラフ\n２．木".translate(str.maketrans("１２", "12")), ["グラフ", "木"]),
        ("1、「グラフ」\n2、木", ["グラフ", "木"]),
        ("Graphs and trees", None),
        ("", None),
        ("1. Graphs\n3. Trees", None),
        ("2. Graphs\n3. Trees", None),
        ("1. First, we look at graphs. They have nodes.\n2. Then we look at trees. They are graphs.", None),
        ("1. まずグラフを見る。次に木を見る。\n2. 木", None),
        (f"1. {'long ' * 20}\n2. Trees", None),
        ("1. **\n2. Trees", None),
    ],
)
def test_a_list_is_read_and_numbered_prose_is_none(reply, expected):
    assert items(reply, most_chars=60) == expected


def test_problems_in_a_list_may_be_sentences():
    assert items("1. Sort it. Print it.\n2. Sum it.", 60, sentences=True) == ["Sort it. Print it.", "Sum it."]


def test_a_list_becomes_rows_with_their_numbers_and_none_twice():
    made = listed(code("x"), ["Sorts", "Trees", "sorts", "more"], 3, "topics")
    rows = list(Itemised("subtopic")([made]))
    assert [(row.text, row.labels["subtopic_id"]) for row in rows[:2]] == [("Sorts", "0"), ("Trees", "1")]
    assert rows[2].reason == "numbered/repeated"
    assert len({row.id for row in rows[:2]}) == 2
    assert listed(code("x"), ["Sorts"], 3, "topics").reason == "numbered/no_list"


DOUBLE = "def double(number):\n    return 2 * number"
CASES = """
import unittest


class Cases(unittest.TestCase):
    def test_two(self):
        self.assertEqual(double(2), {})


if __name__ == "__main__":
    unittest.main()
"""


@ISOLATED
@pytest.mark.parametrize(
    ("tests", "outcome"),
    [
        ("assert double(2) == 4", "passed"),
        ("assert double(2) == 5", "failed"),
        ("def test_two():\n    assert double(2) == 4", "passed"),
        ("def test_two():\n    assert double(2) == 5", "failed"),
        ("class TestTwo:\n    def test_two(self):\n        assert double(2) == 5", "failed"),
        ("from solution import double\nassert double(2) == 4", "passed"),
        ("def test_two():\n    from your_module import double, more\n    assert double(2) == 4", "passed"),
        ("from solutions_of_others import double\nassert double(2) == 4", "failed"),
        (CASES.format(4), "passed"),
        (CASES.format(5), "failed"),
        ("assert missing(2) == 4", "failed"),
        ("assert double(2) == 4\nwhile True: pass", "timed_out"),
    ],
)
def test_tests_are_run_in_all_their_forms_and_the_ledger_says_how_they_went(tests, outcome):
    [found] = RunsItsTests(SHORT)([Document(text=DOUBLE, labels={TESTS: tests})])
    values = {name: found.values[f"tests/{name}"] for name in ("passed", "failed", "timed_out")}
    assert values == {name: float(name == outcome) for name in values}
    assert found.values["tests/seconds"] >= 0
    assert isinstance(found, Kept) == (outcome == "passed")


@ISOLATED
@pytest.mark.parametrize("code_of_one", ["import sys; sys.exit(0)", "import os; os._exit(0)", "raise SystemExit"])
def test_code_that_leaves_before_its_tests_has_not_passed_them(code_of_one):
    [found] = RunsItsTests(SHORT)([Document(text=code_of_one, labels={TESTS: "assert False"})])
    assert found.reason == "tests/broken"


def test_a_text_is_written_from_its_parts():
    doc = code(DOUBLE, **{PROBLEM: "Double it.", TESTS: "assert double(2) == 4", SNIPPET: "x", "topic": "bees"})
    [plain] = CodeText()([doc])
    [with_tests] = CodeText(with_tests=True)([doc])
    assert plain.text == f"Double it.\n\n{fenced(DOUBLE, 'python')}"
    assert with_tests.text == f"{plain.text}\n\n{fenced('assert double(2) == 4', 'python')}"
    assert plain.labels == {"programming_language": "python", "topic": "bees"}
    assert problem_of(plain.text) == "Double it."
    assert problem_of("Double it.") == "Double it."
