import pytest

from filters.length import Length
from tests.filters.judging import reason


@pytest.mark.parametrize(
    ("text", "expected"), [("", "length/too_short"), ("海", None), ("海の音", None), ("海の音と", "length/too_long")]
)
def test_characters_are_counted_and_both_ends_are_kept(text, expected):
    assert reason(Length(min_chars=1, max_chars=3), text) == expected


def test_without_limits_every_text_is_kept():
    assert reason(Length(), "") is None
