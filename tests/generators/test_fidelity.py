"""What can be counted of a translation beside its source."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.fidelity import (
    deviation,
    facts_lost,
    foreign,
    incomplete,
    marks_changed,
    own_share,
    sentences,
    talk,
    untranslated,
    width,
)
from generators.gates import translated
from tests.patience import in_proportion
from tests.planted_translations import DATA, PLANTS, pairs, planted, refused

ENGLISH = "Dr. Smith of NATO paid $25,000 for 300 boats in 1999. He was 42. Nobody asked why!"
JAPANESE = "NATOのスミス博士は1999年に300隻に2万5千ドルを払った。42歳だった。だれもわけを聞かなかった！"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two! Three?", 3),
        ("Dr. Smith and J. Jones paid 2.5 dollars.", 1),
        ("「行くの？」と聞いた。行った。", 3),
        ("A line\nand another", 2),
        ("...", 1),
        ("", 1),
    ],
)
def test_sentences_are_counted_by_what_ends_them(text, count):
    assert sentences(text) == count


def test_a_translation_is_about_as_wide_as_its_source_in_either_direction():
    assert width("abc de") == 5
    english = "Every evening she walks along the river and counts the boats that come home. There were nine."
    japanese = "彼女は毎晩、川沿いを歩いて、帰ってくる舟を数える。九隻いた。"
    assert abs(deviation(japanese, english)) < 2
    assert abs(deviation(english, japanese)) < 2
    assert deviation(japanese * 3, english) > 4
    assert incomplete(japanese, english) < 1.85
    assert incomplete(japanese[: len(japanese) // 2], english) > 3


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        (JAPANESE, 0),
        (JAPANESE.replace("2万5千", "25,000").replace("42", "４２"), 0),
        (JAPANESE.replace("2万5千", "多額の"), 1),
        (JAPANESE.replace("2万5千", "2万").replace("300隻", "多く").replace("NATO", "北大西洋"), 2.5),
    ],
)
def test_numbers_count_by_their_value_and_names_by_their_letters(text, lost):
    assert facts_lost(text, ENGLISH) == lost - 0.25 * 5


@pytest.mark.parametrize(
    ("text", "to", "letters"),
    [
        (JAPANESE, "ja", 0),
        ("彼は我们的村に住む。", "ja", 1),
        ("如果行くなら、ЖЖを持つ。", "ja", 4),
        ("中国政府昨日宣布新的経済計画将於明年実施", "ja", 20),
        ("日本政府、新経済計画を発表", "ja", 0),
        ("He lives in 京都 and かな.", "en", 4),
        ("Café naïve Ａｌｐｈａ ﬁne", "en", 0),
        ("`彼は` is code", "en", 0),
        ("그는 산다", "ko", 0),
        ("我们 ひ", "zh", 1),
    ],
)
def test_letters_of_other_scripts_and_chinese_forms_are_counted(text, to, letters):
    assert foreign(text, "He lives there.", to) == letters


def test_what_the_source_has_of_other_scripts_is_no_fault():
    assert foreign("ギリシャ文字のΩとαβ。", "The Greek letters Ω and α.", "ja") == 1


def test_words_that_were_taken_over_are_told_from_names():
    source = "He read the New York Times in the old town and left."
    assert untranslated("彼はNew York Timesを読んだ。", source, "ja") == 0
    assert untranslated("彼はNew York Timesをin the old townで読んだ。", source, "ja") == 4
    assert untranslated("彼は`in the old town`で読んだ。", source, "ja") == 0
    assert untranslated(source, source, "de") == 0
    assert own_share("彼はParisに", "ja") == pytest.approx(3 / 8)
    assert own_share("anything", "en") == 1.0


def test_who_speaks_of_translating_talks_about_the_task_unless_the_source_does():
    assert talk("The text was translated into English.", "Le pain est blanc.") == 1
    assert talk("The text was translated into English.", "Le texte fut traduit ; la traduction est bonne.") == 0
    assert talk("以下が翻訳です。", "The bread is white.") == 1


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("`run`は**とても**[速い](https://a.example)。", 0),
        ("`走る`は**とても**[速い](https://a.example)。", 2),
        ("`run`はとても[速い](https://a.example)。", 2),
        ("`run`は**とても**速い。", 2),
        ("# `run`は**とても**[速い](https://a.example)。", 1),
        ("`run`は**とても**\n[速い](https://a.example)。", 1),
        ("`run`は|**とても**[速い](https://a.example)。", 1),
    ],
)
def test_marks_lost_and_added_are_counted(text, changed):
    assert marks_changed(text, "`run` is **very** [fast](https://a.example).") == changed


def test_a_copy_and_another_script_are_no_faults_of_a_short_source():
    assert not {"gates/copied", "gates/own_script"} & set(translated("GitHub Actions", "GitHub Actions", "ja"))
    assert {"gates/copied", "gates/own_script"} < set(translated(ENGLISH, ENGLISH, "ja"))


@given(st.text(), st.text(), st.sampled_from(["ja", "en", "zh", "ko", "de"]))
def test_every_pair_of_texts_has_finite_measures(text, source, to):
    assert all(-1e6 < value < 1e6 for value in translated(text, source, to).values())


@pytest.mark.parametrize(
    "unit", ["1,", "A. ", "<a", "[](", "{", "`", "漢", "a b ", "9", "。」", "https://", "**", "1万2千"]
)
def test_hostile_texts_are_measured_in_time_in_proportion_to_their_length(unit):
    assert in_proportion(lambda times: translated(unit * times, "one" + unit * times, "ja"), 2_000)


needs_data = pytest.mark.skipif(not DATA.exists(), reason="the parallel texts are not part of the project: ../shared")


@needs_data
@pytest.mark.parametrize(("source", "to"), [("en", "ja"), ("ja", "en")])
def test_of_planted_faults_95_in_100_are_caught_and_of_references_5_in_100_refused(source, to):
    news = pairs(f"newstest2020.{source}-{to}", source, to, lines=3)[:200]
    assert sum(reason is not None for reason in refused(news, to)) <= 0.05 * len(news)
    for plant in PLANTS.values():
        spoilt = planted(news, plant, to)
        assert sum(reason is not None for reason in refused(spoilt, to)) >= 0.95 * len(spoilt)
