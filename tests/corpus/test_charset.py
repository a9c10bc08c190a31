"""Bytes of a page to text, whatever the page says about itself."""

import gzip
import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.charset import charset_of, decode

JAPANESE = "<p>吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。カタカナも少しある。</p>"
RUSSIAN = "<p>Мой дядя самых честных правил, когда не в шутку занемог, он уважать себя заставил.</p>"
GOLD = Path(__file__).parents[2].parent / "shared" / "data" / "html-ja-gold"


def html(charset: str) -> str:
    return f"text/html; charset={charset}"


@pytest.mark.parametrize(
    ("label", "charset"),
    [
        ("utf8", "utf-8"),
        ("Shift-JIS", "shift_jis"),
        ("x-sjis", "shift_jis"),
        ("windows-31j", "shift_jis"),
        (" EUC-JP ", "euc-jp"),
        ("latin1", "windows-1252"),
        ("us-ascii", "windows-1252"),
        ("gb2312", "gbk"),
        ("ks_c_5601-1987", "euc-kr"),
        ("utf-16", None),
        ("rot13", None),
        ("unicode_escape", None),
    ],
)
def test_labels_mean_what_they_mean_on_the_web(label, charset):
    assert charset_of(label) == charset


@pytest.mark.parametrize(
    ("python", "charset"),
    [("utf-8", "utf-8"), ("cp932", "shift_jis"), ("euc_jp", "euc-jp"), ("iso2022_jp", "iso-2022-jp")],
)
@pytest.mark.parametrize("declared", ["", "utf-8", "shift_jis", "euc-jp", "iso-8859-1", "no-such-charset"])
def test_japanese_is_read_whatever_is_declared(python, charset, declared):
    decoded = decode(JAPANESE.encode(python), html(declared) if declared else "text/html")
    assert (decoded.text, decoded.charset) == (JAPANESE, charset)


def test_the_header_comes_before_the_meta_element():
    page = f'<meta charset="koi8-r">{RUSSIAN}'
    assert decode(page.encode("cp1251"), html("windows-1251")).text == page


@pytest.mark.parametrize(
    "meta",
    [
        '<meta charset="windows-1251">',
        "<META CHARSET=windows-1251 />",
        '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">',
        '<?xml version="1.0" encoding="windows-1251"?>',
        '<!-- <meta charset="koi8-r"> --><meta charset="windows-1251">',
    ],
)
def test_a_meta_element_declares_the_charset(meta):
    page = f"<html><head>{meta}</head><p>Да</p></html>"
    assert decode(page.encode("cp1251")).text == page


def test_valid_utf_8_wins_over_a_server_that_says_latin_1():
    assert decode("<p>naïve café</p>".encode(), html("iso-8859-1")).text == "<p>naïve café</p>"


def test_a_page_that_was_cut_inside_a_character_is_still_utf_8():
    decoded = decode(JAPANESE.encode()[:-6], html("shift_jis"))
    assert decoded.charset == "utf-8"
    assert decoded.text.endswith("少しある�")


def test_windows_quotes_in_a_page_that_says_utf_8_are_read():
    assert decode("<p>It’s here</p>".encode("cp1252"), html("utf-8")).text == "<p>It’s here</p>"


@pytest.mark.parametrize("python", ["cp1251", "koi8_r"])
def test_an_undeclared_charset_is_detected(python):
    assert decode(RUSSIAN.encode(python)).text == RUSSIAN


@pytest.mark.parametrize("python", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_decides_and_is_no_part_of_the_text(python):
    assert decode(JAPANESE.encode(python), html("euc-jp")).text == JAPANESE


@pytest.mark.parametrize("python", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_seen_by_its_nuls(python):
    page = f"<html><head><title>t</title></head><body>{JAPANESE}</body></html>"
    assert decode(page.encode(python)).text == page


@pytest.mark.parametrize(
    ("bytes_", "charset"),
    [(b"\xad\xa1\xad\xea\xa1\xc1", "euc-jp"), (b"\x1b$B\x2d\x21\x2d\x6a\x21\x41\x1b(B", "iso-2022-jp")],
)
def test_characters_that_only_windows_has_are_read_in_every_japanese_charset(bytes_, charset):
    assert "①㈱～" in decode(JAPANESE.encode(charset) + bytes_, html(charset)).text


@pytest.mark.parametrize("charset", ["shift_jis", "euc-jp"])
def test_a_page_and_its_utf_8_copy_are_the_same_text(charset):
    page = JAPANESE + "～－￠￡￢∥"
    old = {"～": "〜", "－": "−", "￠": "¢", "￡": "£", "￢": "¬", "∥": "‖"}
    python = "cp932" if charset == "shift_jis" else charset
    written = page if python == "cp932" else "".join(old.get(char, char) for char in page)
    assert decode(written.encode(python), html(charset)).text == page


def test_text_has_no_damage():
    assert decode(JAPANESE.encode()).damage == 0
    assert decode(b"").damage == 0


@pytest.mark.parametrize(
    "content",
    [random.Random(0).randbytes(4096), gzip.compress(b"x" * 9999, mtime=0), b"\x00" * 99],
    ids=["noise", "gzip", "zeros"],
)
def test_binary_is_damaged_text(content):
    assert decode(content, html("utf-8")).damage > 0.05


@given(st.binary(max_size=300), st.sampled_from(["", "utf-8", "shift_jis", "euc-jp", "iso-2022-jp", "big5", "x"]))
def test_no_bytes_are_an_error_and_every_result_can_be_written(content, declared):
    decoded = decode(content, html(declared))
    assert decoded == decode(content, html(declared))
    decoded.text.encode()


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\x1b"), max_size=200))
def test_text_in_utf_8_comes_back(text):
    assert decode(f"<p>{text}".encode()).text == f"<p>{text}"


@pytest.mark.skipif(not GOLD.exists(), reason="needs ../shared/data/html-ja-gold")
def test_real_japanese_pages_are_read_in_the_charset_they_are_in():
    from corpus.warc_pages import pages

    gold = [json.loads(line) for line in (GOLD / "html-ja-gold.gold.jsonl").read_text().splitlines()]
    with (GOLD / "html-ja-gold.warc.gz").open("rb") as stream:
        read = list(pages(stream, file="html-ja-gold.warc.gz", file_digest="x"))
    assert len(read) == len(gold) == 32
    for page, truth in zip(read, gold, strict=True):
        assert decode(page.content, page.content_type).text == page.content.decode(truth["charset_real"])
