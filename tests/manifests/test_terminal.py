import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from manifests.terminal import safe


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x1b]8;;http://evil.example\x07click", "\\x1b]8;;http://evil.example\\x07click"),
        ("\x9b31mred", "\\x9b31mred"),
        ("good\rbad", "good\\x0dbad"),
        ("user\u202etxt.exe", "user\\u202etxt.exe"),
        ("a\u2066b\u2069", "a\\u2066b\\u2069"),
        ("in\u200bvisible", "in\\u200bvisible"),
        ("two\u2028lines", "two\\u2028lines"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("half \ud800", "half \\ud800"),
    ],
)
def test_what_a_terminal_would_act_on_is_made_visible(hostile, shown):
    assert safe(hostile) == shown


@pytest.mark.parametrize("plain", ["a\tb\nc", "工場で働く", "é e\u0301", "👩\u200d🏭", "葛\U000e0100城", "c:\\x1b"])
def test_what_people_write_stays_as_it_is(plain):
    assert safe(plain) == plain


@given(st.text(st.characters(), max_size=200))
def test_no_control_character_comes_through(text):
    left = {unicodedata.category(character) for character in safe(text).replace("\n", "").replace("\t", "")}
    assert not left & {"Cc", "Cs", "Zl", "Zp"}


@given(st.text(st.characters(), max_size=200), st.integers(2, 60))
def test_with_a_width_it_is_one_line_that_fits(text, width):
    line = safe(text, width)
    assert "\n" not in line
    assert "\t" not in line
    assert cell_len(line) <= width


def test_a_cut_line_says_so_and_counts_wide_characters_twice():
    assert safe("工場で働く人", 7) == "工場で…"
    assert safe("short", 7) == "short"
    assert safe("two\n  lines", 20) == "two lines"


def test_a_long_text_that_begins_with_newlines_is_marked_as_cut():
    assert safe("\n" * 10_000 + "end", 10) == " …"
