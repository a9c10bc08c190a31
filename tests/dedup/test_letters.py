import unicodedata

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from dedup import letters, reference
from dedup.columns import texts
from dedup.letters import REMOVED, SPECIAL

HARD = (
    "ΣσςİıSsßｶﾞＡ　がか\u3099e\u0301éÅ\u212b한ᄒ\u1161\u11abกำहिन्दी\u0345\u1fb3!?。、「🙂\u200b\x00\x85\u2028𝒜\U0002f800"
)
TEXTS = st.lists(st.one_of(st.text(max_size=30), st.text(HARD, max_size=30)), max_size=8)


def spans(read):
    return ["".join(map(chr, read.codes[start:stop])) for start, stop in zip(read.starts, read.stops, strict=True)]


def test_every_code_point_has_the_letter_that_python_gives_it():
    table = letters.table()
    scalars = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    wrong = []
    for code in scalars:
        letter = int(table[code])
        if letter >= SPECIAL:
            continue
        if (chr(letter) if letter < REMOVED else "") != reference.normalise(chr(code)):
            wrong.append(code)
    assert wrong == []


@given(TEXTS)
def test_letters_are_those_of_the_slow_way(given_texts):
    expected = [reference.normalise(text) or unicodedata.normalize("NFC", text) for text in given_texts]
    assert spans(letters.read(pa.array(given_texts, pa.string()), 13)) == expected


@given(TEXTS)
def test_no_letter_is_stored_that_no_text_has(given_texts):
    read = letters.read(pa.array(given_texts, pa.string()), 13)
    assert len(read.codes) == sum(read.stops - read.starts)


@given(TEXTS, st.integers(0, 8))
def test_part_of_an_array_reads_like_the_array(given_texts, first):
    array = pa.array(given_texts, pa.string())
    assert spans(letters.read(array.slice(first), 13)) == spans(letters.read(array, 13))[first:]


def test_case_width_of_spaces_and_the_marks_of_any_script_do_not_count():
    assert spans(letters.read(pa.array(["Hello, World!", "「今日は、\u3000元気？」", "a\tb\n"]), 13)) == [
        "helloworld",
        "今日は元気",
        "ab",
    ]


def test_a_composed_letter_is_the_same_as_its_parts():
    one, other, third, fourth = spans(letters.read(pa.array(["が", "か\u3099", "한", "\u1112\u1161\u11ab"]), 13))
    assert one == other
    assert third == fourth


def test_a_text_without_letters_is_its_literal_and_one_gram():
    read = letters.read(pa.array(["!!!", "🙂", "", "=" * 40]), 13)
    assert spans(read) == ["!!!", "🙂", "", "=" * 40]
    assert read.widths.tolist() == [3, 1, 0, 40]


def test_a_text_shorter_than_a_gram_is_one_gram():
    read = letters.read(pa.array(["short", "thirteenchars", "thirteen chars"]), 13)
    assert read.widths.tolist() == [5, 13, 13]
    assert (read.stops - read.starts - read.widths + 1).tolist() == [1, 1, 1]


def test_a_missing_text_is_an_empty_one():
    assert texts(pa.table({"text": pa.array([None, "a"], pa.string())}), "test").to_pylist() == ["", "a"]
