import gzip
import hashlib
import json
from pathlib import Path

import pytest

from filters.fasttext_model import load
from filters.language import LanguageIs, kana_share, model_path
from manifests import canonical
from manifests.errors import BadRecipe, BadSource
from manifests.rows import Document
from manifests.stage import Kept, Rejected
from tests.filters.judging import reason, values

SHARED = Path(__file__).parents[2].parent / "shared" / "data"

ENGLISH = "The ferry to the island leaves at nine, and it does not wait for anybody who is late."
GERMAN = "Die Fähre zur Insel fährt um neun Uhr ab, und sie wartet auf niemanden, der zu spät kommt."
JAPANESE = "島へのフェリーは九時に出ます。遅れた人を待つことはありません。"
CODE = "for name in sorted(names):\n    if name.startswith('a'):\n        print(name, len(name))\n"


def test_language_and_score_are_written_on_the_row_and_nothing_else_changes():
    [kept] = LanguageIs("en")([Document(id=b"1" * 16, text=ENGLISH, url="https://example.org/")])
    assert isinstance(kept, Kept)
    assert (kept.row.language, kept.row.language_score) == ("en", kept.values["language/score"])
    assert kept.row.replace(language=None, language_score=None) == Document(
        id=b"1" * 16, text=ENGLISH, url="https://example.org/"
    )


def test_a_text_in_another_language_is_refused_with_its_language_on_the_row():
    [refused] = LanguageIs("en")([Document(text=GERMAN)])
    assert isinstance(refused, Rejected)
    assert (refused.reason, refused.row.language) == ("language/other", "de")


def test_a_doubtful_text_is_refused_with_its_score_and_the_threshold():
    [refused] = LanguageIs("en", min_score=0.999)([Document(text=ENGLISH)])
    assert (refused.reason, refused.threshold) == ("language/low_score", 0.999)
    assert refused.value == refused.row.language_score < 0.999


@pytest.mark.parametrize("text", [ENGLISH, GERMAN, JAPANESE])
def test_every_wanted_language_is_kept(text):
    assert reason(LanguageIs(("en", "de", "ja")), text) is None


@pytest.mark.parametrize("text", ["やはり慣れですかね！", "こーんにーちはー。", "髪は黒！！ピアス禁止！！"])
def test_short_lines_of_kana_are_japanese_though_the_model_says_korean_ukrainian_or_chinese(text):
    assert load(model_path()).top(text)[0] != "ja"
    assert reason(LanguageIs("ja"), text) is None


def test_a_japanese_text_about_code_is_judged_without_its_code():
    text = JAPANESE + "\n" + CODE * 5
    assert load(model_path()).top(text)[1] < 0.65
    assert reason(LanguageIs("ja"), text) is None
    assert reason(LanguageIs("ja", min_kana_in_doubt=None), text) is not None


@pytest.mark.parametrize(("written", "read"), [("utf-8", "cp932"), ("euc_jp", "cp932"), ("utf-8", "euc_jp")])
def test_japanese_in_a_wrong_charset_is_not_japanese(written, read):
    assert reason(LanguageIs("ja"), (JAPANESE * 5).encode(written).decode(read, "replace")) is not None


def test_english_prose_that_quotes_some_kana_stays_english():
    text = ENGLISH * 2 + " Its name is ありがとう, which is Japanese for thanks."
    assert kana_share(text) > 0.02
    assert reason(LanguageIs("en"), text) is None


def test_chinese_without_kana_is_not_japanese():
    assert values(LanguageIs("ja"), "今天的天气很好，我们一起去公园散步吧。孩子们都很高兴。")["language/wanted"] == 0


@pytest.mark.parametrize("text", ["", " \n\t\u3000", "\n" * 10_000])
def test_a_text_without_characters_has_no_language(text):
    [refused] = LanguageIs("en")([Document(text=text)])
    assert (refused.reason, refused.row.language, refused.row.language_score) == ("language/other", None, None)


@pytest.mark.parametrize("text", ["\ud800 lone", "\x00\x01", "1234 5678", "🙂🙂", "a" * 100_000])
def test_no_text_makes_it_raise(text):
    assert values(LanguageIs("en"), text)["language/score"] <= 1


def test_line_ends_do_not_count():
    assert values(LanguageIs("en"), ENGLISH.replace(" ", "\r\n")) == values(LanguageIs("en"), ENGLISH)


def test_only_the_beginning_is_looked_at():
    assert reason(LanguageIs("en", max_chars=len(ENGLISH)), ENGLISH + JAPANESE * 50) is None


def test_one_language_reads_the_same_as_a_tuple_of_one():
    assert canonical.digest(LanguageIs("ja")) == canonical.digest(LanguageIs(("ja",)))


def test_the_digest_of_the_model_is_described_and_its_path_is_not():
    described = canonical.encode(LanguageIs("ja"))
    assert hashlib.sha256(model_path().read_bytes()).hexdigest().encode() in described
    assert b"site-packages" not in described


def test_a_language_the_model_does_not_know_is_a_bad_recipe():
    with pytest.raises(BadRecipe, match="'jp'"):
        canonical.digest(LanguageIs(("jp", "en")))


def test_a_file_that_is_no_model_is_a_bad_source(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"no model")
    for name in ("model.bin", "missing.bin"):
        with pytest.raises(BadSource, match=name):
            load(tmp_path / name)


def test_no_page_of_a_japanese_book_about_code_is_lost():
    path = SHARED / "rust-book-ja" / "rust-book-ja.markdown.jsonl.gz"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        pages = [json.loads(line)["markdown"] for line in lines]
    assert [page[:40] for page in pages if page.strip() and reason(LanguageIs("ja"), page)] == []
