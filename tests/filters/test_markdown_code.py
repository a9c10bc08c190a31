"""What is code in Markdown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.markdown_code import blanked, lines
from tests.patience import in_proportion


@pytest.mark.parametrize(
    ("markdown", "code"),
    [
        ("a\n```py\nx\n```\nb", ["x"]),
        ("- ```\n  x\n  ```\n- b", ["  x"]),
        ("> ```\n> x\n> ```\nb", ["> x"]),
        ("````\n```\n````\nb", ["```"]),
        ("```\nx", ["x"]),
        ("`a` and ```b``` in a line", []),
    ],
)
def test_lines_of_fences_are_code(markdown, code):
    assert [line for line, is_code in lines(markdown) if is_code] == code


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [("a `b` c", "a     c"), ("``a ` b`` c", "          c"), ("a ` b", "a ` b"), ("```\nx\n```", "```\n \n```")],
)
def test_code_is_blanked_and_all_else_keeps_its_place(markdown, shown):
    assert blanked(markdown) == shown


@given(st.text(st.sampled_from("ab `~\n>- 1.")))
def test_blanking_keeps_the_length(text):
    assert len(blanked(text)) == len(text)
    assert "\n".join(line for line, _ in lines(text)) == text


@pytest.mark.parametrize("piece", ["`", "` ", "```\n", "a``b`"])
def test_backticks_without_end_take_time_in_proportion_to_their_number(piece):
    assert in_proportion(lambda times: blanked(piece * times), 40_000 // len(piece))
