import pytest

from filters.swallow_cleaning import SwallowCleaning, punctuated
from filters.word_list import WordList
from manifests.rows import Document


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("山は高い．川は，長い．", "山は高い。川は、長い。"),
        ("山は高い．川は長い。", "山は高い．川は長い。"),  # as many of one as of the other
        ("山，川，海。空。森．", "山、川、海。空。森．"),  # each sign by itself
        ("値は３．１４で，ＡＢＣ．だ，", "値は３．１４で、ＡＢＣ．だ、"),  # between figures and after Latin letters
        ("「山」，（川），𠮷，", "「山」、（川）、𠮷、"),
        ("1,234.5 and more, yes.", "1,234.5 and more, yes."),
    ],
)
def test_signs_follow_the_majority_in_japanese(text, expected):
    assert punctuated(text)[0] == expected


@pytest.fixture
def stage(tmp_path):
    path = tmp_path / "footer.txt"
    path.write_text("トップページ\n無断転載\n著作権\n", encoding="utf-8")
    return SwallowCleaning(footer=WordList(str(path)))


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        (["本文です。", "無断転載を禁じます", "次の行"], 1),
        (["本文です。", "トップページへ戻る", ""], 1),
        (["本文です。", "著作権について書かれた本を読んだ。"], 2),  # 3 characters of 17
        (["無断転載", *["本文です。"] * 10], 11),  # before the last ten lines
        (["無断転載", *["本文です。"] * 9], 0),
    ],
)
def test_a_footer_goes_from_its_first_line_on(stage, lines, kept):
    doc = Document(id=b"1" * 16, text="\n".join(lines))
    [found] = stage([doc])
    assert (found.row.id, found.row.text) == (doc.id, "\n".join(lines[:kept]))
    assert found.values["swallow/footer_lines"] == len(lines) - kept


def test_without_anything_to_mend_the_row_is_the_same_object():
    doc = Document(text="山は高い。\n\n無断転載\n")
    [found] = SwallowCleaning()([doc])
    assert found.row is doc
    assert found.values == {"swallow/signs": 0, "swallow/footer_lines": 0}
