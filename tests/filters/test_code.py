"""The gates for code: Python's syntax, its tokens, repetition, other languages' trees."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.code_repetition import CodeRepetition, repeated
from filters.code_sets import LABEL, CodeIn, code_gates
from filters.code_syntax import PythonSyntax
from filters.code_tokens import CodeScripts, comment_share, penalised, unread
from filters.code_trees import LANGUAGES, TreeSyntax, error_share
from manifests.errors import BadRecipe
from manifests.rows import Document
from manifests.stage import Kept, Rejected


def reason(stage, text, **more):
    [found] = stage([Document(text=text, **more)])
    return found.reason if isinstance(found, Rejected) else None


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("x = 1\n", 0.0),
        ("# only\n", 1 / 3),
        ("x = 1  # one\n# two\ny = 2\n", 2 / 12),
        ("", 0.0),
        ('"""unclosed\n# said\n', 0.0),
        ("x = (1,\n# said\n", 0.0),
        ("if x:\n        y\n    z\n# said\n", 0.0),
    ],
)
def test_the_share_of_comments_counts_tokens_and_is_0_where_the_tokens_end_in_an_error(text, share):
    assert comment_share(text) == pytest.approx(share)


@pytest.mark.parametrize(("share", "score"), [(0.10, 7.2), (0.25, 6.0), (1.0, 0.0)])
def test_a_score_loses_the_share_of_comments(share, score):
    assert penalised(8.0, share) == pytest.approx(score)


@pytest.mark.parametrize(
    "text",
    ["", "x = 1", "match x:\n    case 1: pass", "x = '\\q'", "await_ = 1\n\n\n", "# -*- coding: nope -*-\nx = 1"],
)
def test_what_python_compiles_is_kept(text):
    assert reason(PythonSyntax(), text) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("print 'two'", "syntax/broken"),
        ("def f(:\n", "syntax/broken"),
        ("x = '\0'", "syntax/broken"),
        ("x = '\ud800'", "syntax/broken"),
        ("\tx = 1\n        y = 2", "syntax/broken"),
        ("await x", "syntax/broken"),
        ("(" * 100_000 + ")" * 100_000, "syntax/broken"),
        ("x = " + "9" * 100_000, "syntax/broken"),
        ("-" * 100_000 + "1", "syntax/too_deep"),
        ("a" + ".b" * 100_000, "syntax/too_deep"),
        ("+".join(["1"] * 100_000), "syntax/too_deep"),
        ("if a: pass\n" + "elif a: pass\n" * 50_000, "syntax/too_deep"),
    ],
)
def test_what_python_does_not_compile_is_refused_and_harms_nobody(text, why):
    assert reason(PythonSyntax(), text) == why


def test_a_file_that_is_compiled_for_too_long_is_refused_and_the_next_one_is_read():
    gate = PythonSyntax(timeout_s=0.05)
    slow = "x = [" + "a < " * 300_000 + "a]"
    assert [reason(gate, slow), reason(gate, "x = 1")] == ["syntax/unfinished", None]


@pytest.mark.parametrize("text", ["x = 'ok'  # 数を数える、カタカナ・ｱｲｳ！", "'''工場。\n\tﾃｽﾄ'''", "переменная = 1"])
def test_comments_and_strings_may_be_in_ascii_and_japanese(text):
    assert reason(CodeScripts(), text) is None


@pytest.mark.parametrize(
    "text", ["x = 'да'", "x = 1  # 안녕", "'''über'''", "x = '\N{SLIGHTLY SMILING FACE}'", "f'да{x}'"]
)
def test_comments_and_strings_in_other_scripts_are_refused(text):
    assert unread(text) == 1
    assert reason(CodeScripts(), text) == "code_text/other_script"


def squares(text, shortest):
    return re.search(rf"(.{{{shortest},}}?)\1", text, re.DOTALL)


@given(
    st.text("ab", max_size=40),
    st.text("abc", min_size=1, max_size=14),
    st.text("ab", max_size=20),
    st.integers(2, 10),
)
def test_a_repeated_string_is_found_where_the_plain_expression_finds_one(before, word, after, shortest):
    for text in (before + word + word + after, before + word + after + word):
        found = repeated(text, shortest)
        assert bool(found) == bool(squares(text, shortest))
        assert not found or any(
            text[start : start + found] == text[start + found : start + 2 * found]
            for start in range(len(text) - 2 * found + 1)
        )


def test_only_long_texts_are_asked_whether_they_run_in_circles():
    line = "x = [" + ", ".join(map(str, range(30))) + "]\n"
    code = "".join([f"value_{n} = {n * n}\n" for n in range(80)])
    assert reason(CodeRepetition(), line * 2) is None
    assert reason(CodeRepetition(), code) is None
    assert reason(CodeRepetition(), code + line * 2) == "code_repetition/repeated"


def test_a_text_of_nothing_but_repetition_takes_no_time_worth_a_fear():
    assert repeated(" " * 1_000_000) == 100
    assert repeated("".join([f"{'a' * 60}{n}" for n in range(5_000)])) > 0


GOOD = {
    "cpp": "int main() { return 0; }",
    "java": "class A { int b() { return 1; } }",
    "typescript": "const a: number = 1;",
    "bash": "for a in 1 2; do echo $a; done",
    "csharp": "class A { int B() { return 1; } }",
    "rust": 'fn main() { println!("a"); }',
    "php": "<?php echo 1; ?>",
    "swift": "let a: Int = 1",
    "python": "x = 1",
}


@pytest.mark.parametrize("language", GOOD)
def test_code_of_other_languages_parses_or_is_refused(language):
    broken = GOOD[language] + "\n" + "<?php " * (language == "php") + "((( } ] ' ;; = class class"
    assert reason(TreeSyntax(language), GOOD[language]) is None
    assert reason(TreeSyntax(language), broken) == "tree/errors"


def test_every_language_has_its_grammar_and_an_empty_file_is_none():
    assert {language: error_share(" \n", language) for language in LANGUAGES} == dict.fromkeys(LANGUAGES, 1.0)


def test_a_tree_has_a_share_of_errors_that_a_threshold_can_allow():
    text = "fn a() {}\n" * 100 + "fn b( {}\n"
    [kept] = TreeSyntax("rust", max_error_share=0.05)([Document(text=text)])
    assert isinstance(kept, Kept)
    assert 0 < kept.values["error_share"] < 0.05
    assert reason(TreeSyntax("rust", max_error_share=0.0), text) == "tree/errors"
    assert reason(TreeSyntax("rust"), "fn a() { \ud800 \0 }") is not None


def test_a_language_without_a_grammar_is_no_recipe():
    with pytest.raises(BadRecipe, match="no grammar for 'cobol'; expected one of python, cpp"):
        code_gates("cobol")


def test_code_that_says_another_language_is_set_aside():
    assert reason(CodeIn("python"), "x", labels={LABEL: "python"}) is None
    assert reason(CodeIn("python"), "x", labels={LABEL: "rust"}) == "code_language/other"
    assert reason(CodeIn("python"), "x") is None
