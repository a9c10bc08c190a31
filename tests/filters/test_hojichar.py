from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.hojichar import HojiChar
from filters.word_list import WordList
from tests.filters.golden import read
from tests.filters.judging import reason, values

TEXT = read()["texts"]["japanese"]
OFF = {
    name: None
    for name in HojiChar.__slots__
    if name.startswith(("min_", "max_", "kana_")) and name not in {"max_advertisement", "max_unwanted"}
}


def only(**rule: object) -> HojiChar:
    return HojiChar(**(OFF | rule))


def test_running_japanese_is_kept():
    assert reason(HojiChar(), TEXT) is None


@pytest.mark.parametrize(
    ("rule", "kept", "refused", "why"),
    [
        ({"min_chars": 200}, "あ" * 200, "あ" * 199, "too_short"),
        ({"max_chars": 50}, "あ" * 50, "あ" * 51, "too_long"),
        ({"kana_within": 50}, "漢" * 49 + "あ", "漢" * 50 + "あ", "no_kana"),
        ({"max_sentence_chars": 100}, "あ" * 99 + "。", "あ" * 100 + "。", "few_full_stops"),
        ({"max_special_chars": 0.4}, "あああ、！", "ああ、 ！", "special_chars"),
        ({"max_in_a_row": 200}, "い" + "あ" * 199, "い" + "あ" * 200, "one_char_repeated"),
        ({"max_ellipsis_lines": 0.7}, "あ…\n" * 7 + "あ\n" * 3, "あ...\n" * 8 + "あ\n" * 2, "ellipsis_lines"),
        ({"max_short_lines": 0.5}, f"{'あ' * 10}\n{'あ' * 11}", f"あ\nあ\n{'あ' * 11}", "short_lines"),
        ({"max_board_words": 14}, "投稿 " * 14, "投稿 " * 14 + "2024年1月2日", "board"),
        ({"max_board_words": 2}, "第1話(月)", "第1話(月)2024-01-02", "board"),
    ],
)
def test_each_rule_has_its_threshold(rule, kept, refused, why):
    assert reason(only(**rule), kept) is None
    assert reason(only(**rule), refused) == f"hojichar/{why}"


def test_a_share_of_repeated_runs_at_the_threshold_is_refused():
    text = "あいうえお" * 20 + "かきくけこさしすせそ"
    share = values(HojiChar(), text)["hojichar/repeated_chars"]
    assert reason(only(max_repeated_chars=share), text) == "hojichar/repeated_chars"
    assert reason(only(max_repeated_chars=share + 0.01), text) is None


@given(st.text("あい。\n", max_size=60))
def test_repeated_runs_are_what_the_obvious_way_counts(text):
    counts = Counter(text[start : start + 5] for start in range(len(text) - 4))
    most = min(int(len(counts) ** 0.5), sum(count > 1 for count in counts.values()))
    expected = sum(sorted(counts.values(), reverse=True)[:most]) / max(counts.total(), 1)
    assert values(HojiChar(), text)["hojichar/repeated_chars"] == pytest.approx(expected)


def test_expressions_come_from_a_list_and_katakana_stands_alone(tmp_path):
    path = tmp_path / "unwanted.txt"
    path.write_text("アス\nだめだ\nだめ\n", encoding="utf-8")
    stage = only(unwanted=WordList(str(path)))
    assert reason(stage, "アスパラガス") is None
    assert reason(stage, "アスが来た") == "hojichar/unwanted"
    assert values(stage, "だめだ、だめだよ、だめ")["hojichar/unwanted"] == 3


def test_without_lists_their_rules_are_off():
    assert not {rule.reason for rule in HojiChar().rules()} & {"hojichar/advertisement", "hojichar/unwanted"}


@pytest.mark.parametrize("text", ["", "\n", "。", "\ud800", "あ"])
def test_a_text_of_next_to_nothing_is_too_short_and_raises_nothing(text):
    assert reason(HojiChar(), text) == "hojichar/too_short"
