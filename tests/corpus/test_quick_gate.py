"""A quick look at a page's language: what is surely another one is refused, what is in doubt goes through."""

from pathlib import Path

import pytest

from corpus.extract import main_text
from corpus.quick_gate import QuickLanguage, longest_runs, without_scripts
from corpus.warc_pages import pages
from filters.language import LanguageIs
from manifests import canonical
from manifests.errors import BadRecipe
from manifests.rows import Page
from manifests.stage import Kept, Rejected

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "html-ja-gold" / "html-ja-gold.warc.gz"
GERMAN = "Die kleine Fabrik am Rande der Stadt stellt jeden Tag Datensätze her, und niemand weiß genau, wozu. " * 4
ENGLISH = "The little factory at the edge of town makes datasets every day, and nobody knows what the reason is. " * 4
JAPANESE = "町はずれの小さな工場では毎日データが作られている。しかし、それが何のためかは誰も知らないのである。" * 4
RUSSIAN = "Маленькая фабрика на окраине города каждый день делает наборы данных, и никто не знает зачем. " * 4
MENU = "".join(f'<li><a href="/{n}">Entry {n}</a></li>' for n in range(100))


def page(text, charset="utf-8", head=""):
    body = f"<html><head>{head}</head><body><ul>{MENU}</ul><p>{text}</p></body></html>"
    return Page(id=bytes(16), content=body.encode(charset), content_type=f"text/html; charset={charset}")


def outcome(page, languages=("ja", "en"), **how):
    [found] = QuickLanguage(languages, **how)([page])
    return found.reason if isinstance(found, Rejected) else "kept"


@pytest.mark.parametrize(
    ("text", "charset", "expected"),
    [
        (ENGLISH, "utf-8", "kept"),
        (JAPANESE, "utf-8", "kept"),
        (JAPANESE, "shift_jis", "kept"),
        (JAPANESE, "euc-jp", "kept"),
        (JAPANESE, "iso-2022-jp", "kept"),
        (JAPANESE, "utf-16", "kept"),
        (GERMAN, "utf-8", "quick/other_language"),
        (GERMAN, "windows-1252", "quick/other_language"),
        (RUSSIAN, "koi8-r", "quick/other_language"),
        (RUSSIAN, "utf-16", "quick/other_language"),
    ],
)
def test_a_page_is_refused_when_it_is_surely_in_another_language(text, charset, expected):
    assert outcome(page(text, charset)) == expected


def test_what_is_refused_depends_on_the_languages_wanted():
    assert outcome(page(GERMAN), ("de",)) == "kept"
    assert outcome(page(ENGLISH), ("de",)) == "quick/other_language"
    assert outcome(page(JAPANESE * 2), ("de",)) == "quick/other_language"


def test_little_text_goes_through():
    assert outcome(page(GERMAN[:150])) == "kept"
    assert outcome(page(GERMAN[:150]), min_chars=100) == "quick/other_language"
    assert outcome(page("")) == outcome(Page(id=bytes(16))) == "kept"


def test_a_doubtful_score_goes_through():
    mixed = page(GERMAN[:100] + "<p>" + ENGLISH[:101] + "<p>" + RUSSIAN[:90])
    assert outcome(mixed) == "kept"
    assert outcome(mixed, min_score=0.1) == "quick/other_language"


def test_some_japanese_among_long_english_goes_through_where_japanese_is_wanted():
    manual = page(ENGLISH + "</p><p>工場の説明</p><p>機械の使い方</p><p>停止の手順")
    assert outcome(manual, ("ja",)) == "kept"
    assert outcome(page(ENGLISH), ("ja",)) == "quick/other_language"


def test_english_in_scripts_styles_and_comments_is_no_text():
    words = "function words of an English comment in a script, " * 20
    head = f"<script>{words}</script><STYLE>{words}</STYLE><!-- {words} --><script src=x></script>"
    assert outcome(page(GERMAN, head=head)) == "quick/other_language"
    assert words[:20].encode() not in without_scripts(page(GERMAN, head=head).content, 10**6)


def test_a_script_without_an_end_ends_the_page():
    assert without_scripts(b"<p>before<script>var x = '<p>not text'", 10**6) == b"<p>before "


def test_what_is_looked_at_is_bounded_and_cuts_no_character():
    markup = without_scripts("<p>工場".encode() * 50_000, 1_000)
    assert len(markup) <= 1_000
    assert markup.decode().startswith("<p>工場")
    assert len(longest_runs("<p>" + "word " * 100_000, 600)) <= 600
    assert len(longest_runs("<p>" + "x" * 100_000 + "<p>" + "y" * 90_000, 600)) == 600


def test_the_longest_runs_come_first_and_menus_not_at_all():
    text = longest_runs(
        "<li>Home<li>Imprint<p>A sentence of some length.<p>A sentence that is longer &amp; later.", 600
    )
    assert text == "A sentence that is longer & later. A sentence of some length."


def test_the_score_of_the_other_language_is_recorded():
    [refused] = QuickLanguage(("en",))([page(GERMAN)])
    assert refused.values == {"quick/other_score": refused.value}
    assert refused.value >= refused.threshold == 0.9
    [kept] = QuickLanguage(("en",))([page(ENGLISH)])
    assert isinstance(kept, Kept)
    assert kept.values == {"quick/other_score": 0.0}


def test_the_identity_has_the_model_and_all_rules_of_the_language():
    described = QuickLanguage(("en",)).describe()
    assert described["language"] == LanguageIs(("en",)).describe()
    assert canonical.digest(QuickLanguage(("en",))) != canonical.digest(QuickLanguage(("ja",)))
    with pytest.raises(BadRecipe, match="no languages"):
        QuickLanguage(("english",)).describe()


@pytest.mark.skipif(not REAL.exists(), reason="needs the Japanese pages of ../shared/data")
@pytest.mark.parametrize("languages", [("ja",), ("ja", "en")])
def test_no_real_japanese_page_is_refused_that_the_careful_way_would_keep(languages):
    with REAL.open("rb") as stream:
        found = [page for page in pages(stream, file="x", file_digest="x") if isinstance(page, Page)]
    careful = LanguageIs(languages)
    texts = [main_text(page.content, page.content_type, page.url or "", 0.05).text for page in found]
    wanted = [page for page, text in zip(found, texts, strict=True) if careful.identify(text)[0] in languages]
    assert len(wanted) > 20
    assert [page.url for page in wanted if outcome(page, languages) != "kept"] == []
