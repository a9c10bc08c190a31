import itertools
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.swallow import SwallowV1, SwallowV2, find
from manifests.rows import Document
from manifests.stage import Only
from tests.filters.golden import read
from tests.filters.judging import reason, values

TEXT = read()["texts"]["japanese"]  # 500 letters of running text that both versions keep
BOTH = pytest.mark.parametrize("stage", [SwallowV1(), SwallowV2()], ids=["v1", "v2"])
SENTENCE = "川の水は北の山から町の中を通って海へ流れる。"


def only(**on: object) -> SwallowV1:
    """Return version 1 with all rules off but these."""
    off = {name: () if name.endswith("ngrams") else None for name in SwallowV1.__slots__ if name != "expressions"}
    return SwallowV1(**(off | on))


@BOTH
@pytest.mark.parametrize(("letters", "expected"), [(399, "swallow/few_japanese_letters"), (400, None)])
def test_four_hundred_japanese_letters_are_enough(stage, letters, expected):
    whole = "".join(TEXT.split())
    assert reason(stage, whole[:letters] + " (c) 2024") == expected


@BOTH
def test_running_text_is_kept(stage):
    assert reason(stage, TEXT) is None


@BOTH
@pytest.mark.parametrize("text", ["", "\n", "。。。", " \n\u3000\n", "。", "\ud800", "\U00020bb7"])
def test_a_text_of_next_to_nothing_is_refused_for_its_letters_and_raises_nothing(stage, text):
    assert reason(stage, text) == "swallow/few_japanese_letters"


@BOTH
def test_lines_that_are_all_equal_are_refused(stage):
    assert reason(stage, f"{SENTENCE}\n" * 30) == "swallow/duplicate_lines"


@BOTH
def test_equal_sentences_in_one_line_are_refused(stage):
    assert reason(stage, SENTENCE * 30) == "swallow/duplicate_sentences"


def test_ten_hiragana_are_all_hiragana():
    found = values(SwallowV1(), "あ" * 10)
    assert (found["swallow/hiragana"], found["swallow/katakana"], found["swallow/japanese"]) == (1, 0, 1)


def test_letters_are_kana_kanji_and_japanese_punctuation():
    counted = "ぁゖァヺ一々〇〻㐀豈\U00020bb7、，。．！？"
    assert values(SwallowV1(), counted + "ー・…「」abc１ｱ!?.\n")["swallow/japanese_letters"] == len(counted)


def test_shares_of_script_are_of_the_japanese_letters_and_the_share_of_japanese_of_all_characters():
    found = values(SwallowV1(), "あアア。abcd")
    assert found["swallow/hiragana"] == 1 / 4
    assert found["swallow/katakana"] == 2 / 4
    assert found["swallow/japanese"] == 4 / 8


@pytest.mark.parametrize(("katakana", "expected"), [(5, None), (6, "swallow/much_katakana")])
def test_version_one_keeps_a_value_at_the_threshold(katakana, expected):
    assert reason(only(max_katakana=0.5), "ア" * katakana + "あ" * (10 - katakana)) == expected


@pytest.mark.parametrize(("dotted", "v1", "v2"), [(0, None, None), (1, None, False), (2, False, False)])
def test_at_a_fifth_of_sentences_in_an_ellipsis_version_one_keeps_and_version_two_refuses(dotted, v1, v2):
    text = "".join(f"{n}番目の山は高い…\n" for n in range(dotted)) + "".join(
        f"{n}番目の川は長い。" for n in range(5 - dotted)
    )
    wanted = {None: None, False: "swallow/ellipsis_sentences"}
    assert (
        reason(
            SwallowV1(min_japanese_letters=None, min_sentence_chars=None, max_top_ngrams=(), max_repeated_ngrams=()),
            text,
        )
        == wanted[v1]
    )
    assert reason(SwallowV2(min_japanese_letters=None, max_top_ngrams=()), text) == wanted[v2]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [(19, "swallow/short_sentences"), (20, None), (90, None), (91, "swallow/long_sentences")],
)
def test_version_one_bounds_the_mean_length_of_sentences(sentence, expected):
    text = "".join(chr(0x4E00 + n) + "あ" * (sentence - 2) + "。" for n in range(3))
    assert reason(only(min_sentence_chars=20, max_sentence_chars=90), text) == expected


@pytest.mark.parametrize(("size", "expected"), [(200, None), (201, "swallow/long_sentence")])
def test_version_one_refuses_one_sentence_of_more_than_two_hundred_characters(size, expected):
    assert reason(only(max_longest_sentence=200), SENTENCE + "あ" * (size - 1) + "！" + SENTENCE) == expected


def test_version_two_has_no_rule_on_script_sentence_length_or_repeated_ngrams():
    measures = {rule.measure.removeprefix("swallow/") for rule in SwallowV2().rules()}
    assert measures == {
        *("japanese_letters", "hiragana", "ellipsis_sentences", "top_2gram", "top_3gram", "top_4gram"),
        *("duplicate_lines", "duplicate_line_chars", "duplicate_sentences", "duplicate_sentence_chars"),
    }


def test_sentences_end_at_a_mark_or_at_the_line():
    found = values(SwallowV1(), "山だ。川だ！海！？本当?\n\n空")
    assert found["swallow/sentence_chars"] == (3 + 3 + 2 + 3 + 1) / 5
    assert found["swallow/longest_sentence"] == 3


def test_blank_lines_are_no_duplicate_lines():
    spaced = TEXT.replace("。", "。\n\n\n")
    assert values(SwallowV1(), spaced)["swallow/duplicate_lines"] == 0
    assert reason(SwallowV2(), spaced) is None


def test_repeated_ngrams_count_each_different_one_once():
    found = values(SwallowV1(), "あいうえおかあいうえお" + "さしすせそ")
    # 12 5-grams; あいうえお stands twice, so of 11 different ones 1 is repeated.
    assert found["swallow/repeated_5grams"] == 1 / 11


def test_top_ngrams_count_every_occurrence():
    assert values(SwallowV1(), "ああああい")["swallow/top_2gram"] == 3 / 4


def slowly(text: str) -> dict[str, float]:
    """Return what version 1 measures of repetition, the obvious way."""
    lines = [re.findall("[^。．！？!?]+[。．！？!?]?", line) for line in text.split("\n") if line.strip()]
    sentences = list(itertools.chain(*lines))
    found = {}
    for name, parts in (("line", ["".join(line) for line in lines]), ("sentence", sentences)):
        later = [part for position, part in enumerate(parts) if part in parts[:position]]
        found[f"duplicate_{name}s"] = len(later) / max(len(parts), 1)
        found[f"duplicate_{name}_chars"] = len("".join(later)) / max(len("".join(parts)), 1)
    for n in range(2, 11):
        counts = Counter(text[i : i + n] for i in range(len(text) - n + 1))
        if n <= 4:
            found[f"top_{n}gram"] = max(counts.values(), default=0) / max(counts.total(), 1)
        else:
            found[f"repeated_{n}grams"] = sum(count > 1 for count in counts.values()) / max(len(counts), 1)
    return found


@given(st.text("あい。！\n \U00020bb7", max_size=80))
def test_fast_measures_equal_the_obvious_ones(text):
    found = values(SwallowV1(), text)
    for name, expected in slowly(text).items():
        assert (found[f"swallow/{name}"] or 0) == pytest.approx(expected), name


def test_without_a_list_of_expressions_the_rule_is_off():
    assert not [rule for rule in SwallowV2().rules() if rule.measure == "swallow/expressions"]


@pytest.mark.parametrize(("count", "v1", "v2"), [(4, None, None), (5, None, False), (6, False, False)])
def test_expressions_may_cover_one_letter_in_twenty(count, v1, v2):
    text = "だめ" * count + "あ" * (40 * 5 - 2 * count)
    wanted = {None: None, False: "swallow/expressions"}
    off = {"min_japanese_letters": None, "min_sentence_chars": None, "max_sentence_chars": None}
    off |= {"max_longest_sentence": None, "max_top_ngrams": (), "max_repeated_ngrams": ()}
    assert reason(SwallowV1(expressions=("だめ",), **off), text) == wanted[v1]
    assert reason(SwallowV2(expressions=("だめ",), **off), text) == wanted[v2]


def test_the_longest_expression_is_found_and_none_within_another():
    assert list(find("だめだめよだめ", ("だめ", "だめよ", "めだ", ""))) == ["だめ", "だめよ", "だめ"]


def test_in_a_recipe_it_looks_at_japanese_rows_only():
    english, japanese = Document(text="short", language="en"), Document(text=TEXT, language="ja")
    passed, kept = Only("ja", SwallowV2())([english, japanese])
    assert passed is english
    assert kept.row is japanese
