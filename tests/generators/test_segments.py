"""Texts in segments: nothing is lost, and what is no language is never shown to a model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.chunks import estimate
from generators.rejoined import Rejoined
from generators.segments import FRAME, NUMBER, OF, SOURCE, Segments
from manifests.errors import BadRow
from manifests.rows import Conversation, Message, row_id
from manifests.stage import Rejected
from tests.generators.tasks import document
from tests.patience import in_proportion

MANUAL = """\
---
title: The manual
---
# Getting started #

Install it first. Then run
it once a day.

- [ ] take `koba run` and wait
  * 3 times
1. see [the page](https://koba.example/a_b)

> Quoted words.
> - and a list in them

| Option | Meaning |
|:-------|--------:|
| `-v`   | be loud |
| 12     | a dozen |

```python
print("not a word of this")  # nor this
```

    indented = "code"

[page]: https://koba.example
https://koba.example/alone
Title below
===========
日本語の行です。二つ目の文です。\t
"""
SAID = [
    *("Getting started", "Install it first. Then run\nit once a day.", "take `koba run` and wait", "3 times"),
    *("see [the page](https://koba.example/a_b)", "Quoted words.", "and a list in them"),
    *("Option", "Meaning", "be loud", "a dozen", "Title below", "日本語の行です。二つ目の文です。"),
]
MARKS = ["# ", "- ", "1. ", "> ", "| ", "|", "```", "~~~", "\n", "\n\n", "    ", "\t", "word ", "Two words. ", "`x`"]
MARKS += ["---\n", "=====\n", "漢字。", "　", "\r\n", "\u2028", "https://a.b ", "[r]: x", "<b>", "and\nso on", "\x0c"]
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(MARKS), max_size=30).map("".join))


def said(text, **more):
    return [piece.text for piece in Segments(**more).pieces(text) if piece.said]


def rejoined(rows):
    [outcome] = Rejoined()(rows)
    return outcome


def test_what_a_model_is_shown_of_a_manual():
    assert said(MANUAL) == SAID


@given(TEXTS, st.integers(1, 40))
def test_the_pieces_put_together_are_the_text(text, most):
    pieces = Segments(most).pieces(text)
    assert "".join(piece.text for piece in pieces) == text
    assert all(piece.text and piece.text == piece.text.strip() for piece in pieces if piece.said)
    assert all(estimate(piece.text) <= most or len(piece.text) == 1 for piece in pieces if piece.said)


@given(TEXTS)
def test_a_document_whose_translation_is_itself_comes_back(text):
    doc = document("x").replace(text=text)
    rows = Segments().rows(doc)
    if rows:
        assert rejoined([row.derive() for row in rows]).text == text


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", "system"]), TEXTS), max_size=5))
def test_a_conversation_whose_translation_is_itself_comes_back(turns):
    talk = Conversation(id=row_id("conversation", "t", "1"), messages=tuple([Message(*turn) for turn in turns]))
    rows = Segments().rows(talk)
    if rows:
        made = rejoined([row.derive(part=place) for place, row in enumerate(rows)])
        assert (made.kind, made.messages) == ("conversation", talk.messages)


def test_code_and_marks_stay_whatever_the_translations_say():
    rows = [row.derive(part=place, text="訳") for place, row in enumerate(Segments().rows(document(MANUAL)))]
    text = rejoined(rows).text
    assert '```python\nprint("not a word of this")  # nor this\n```\n' in text
    assert "# 訳 #\n\n訳\n\n- [ ] 訳\n  * 訳\n1. 訳\n" in text
    assert "| 訳 | 訳 |\n|:-------|--------:|\n| `-v`   | 訳 |\n| 12     | 訳 |" in text


def test_a_segment_says_what_it_is_of():
    rows = Segments().rows(document("# One\n\nTwo."))
    assert [(row.text, row.labels[SOURCE], row.labels[NUMBER], row.labels[OF]) for row in rows] == [
        ("One", "One", "0", "2"),
        ("Two.", "Two.", "1", "2"),
    ]
    assert [FRAME in row.labels for row in rows] == [True, False]


def test_a_document_without_a_word_has_no_segments():
    assert Segments().rows(document("```\nx\n```\n\n12 | 34\n")) == []


def test_a_document_of_200_segments_with_one_that_fails_is_a_reject_that_says_which():
    rows = Segments().rows(document("\n".join(f"Line {n}." for n in range(200))))
    made = [row.derive(part=place) for place, row in enumerate(rows)]
    refused = rejoined([row for row in made if row.labels[NUMBER] != "136"])
    assert isinstance(refused, Rejected)
    assert (refused.reason, refused.value, refused.threshold) == ("segments/lost", 137.0, 200.0)
    assert refused.values == {"lost": 1.0}


def test_a_document_of_one_segment_stays_the_row_it_is_and_a_longer_one_is_made_of_its_segments():
    [one] = [row.derive(text="いち") for row in Segments().rows(document("  One. \n"))]
    alone = rejoined([one])
    assert (alone.id, alone.parents, alone.text, alone.labels) == (one.id, one.parents, "  いち \n", {})
    rows = [row.derive(part=place) for place, row in enumerate(Segments().rows(document("One.\nTwo.")))]
    scored = [
        row.replace(scores={"q": score, "generate/tokens_in": 5.0}) for row, score in zip(rows, (1, 2), strict=True)
    ]
    made = rejoined(scored)
    assert made.parents == tuple(row.id for row in rows)
    assert made.scores == {"q": 1.5, "generate/tokens_in": 10.0}


def test_two_candidates_of_one_segment_are_an_error_in_the_recipe():
    [row] = Segments().rows(document("One."))
    with pytest.raises(BadRow, match="expected one row for each segment"):
        list(Rejoined()([row.derive(candidate=n) for n in range(2)]))
    with pytest.raises(BadRow, match="split with Segments"):
        list(Rejoined()([document("x").derive()]))


@pytest.mark.parametrize("unit", ["|", "> ", "- ", "`", "# ", " ", "| :- ", "<", "[", "\t", "*", "a|", "\\|", "~~~\n"])
def test_hostile_texts_take_time_in_proportion_to_their_length(unit):
    assert in_proportion(lambda times: Segments().pieces(unit * times + "x"), 3_000)
