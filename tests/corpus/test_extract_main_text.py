"""Which blocks are the main text: pruning by names, the root, and lists of links."""

import gzip
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from corpus.blocks import blocks_of
from corpus.boilerplate import BYLINE, CONTENT, NAVIGATION, RELATED, SHARE, SIDE, is_button, signals
from corpus.extract import main_text
from corpus.html_tree import parse
from corpus.main_text import main_blocks
from corpus.plain_text import plain_text
from corpus.warc_pages import pages
from corpus.white_space import fold

GOLD = Path(__file__).parents[2].parent / "shared" / "data" / "wcxb-dev"
ENGLISH = "<p>A sentence of the main text, which says what the page is there to say.</p>"
JAPANESE = "<p>本文の段落です。ここには、このページが伝えたいことが書いてあります。</p>"


def main(html: str, url: str = "") -> str:
    blocks, elements = blocks_of(parse(f"<html><body>{html}</body></html>"))
    return plain_text(blocks, main_blocks(blocks, elements, url))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("related-posts", RELATED),
        ("sidebarLeft", SIDE),
        ("cross-sell", RELATED),
        ("gNavi topicPath", NAVIGATION),
        ("pankuzu", NAVIGATION),
        ("sns_share", SHARE),
        ("entry-content", CONTENT),
        ("has-sidebar no-sidebar sidebar-filled:rounded", 0),
        ("author", BYLINE),
        ("preface canvas", 0),
    ],
)
def test_names_say_what_an_element_is(names, said):
    assert (
        signals(names) & (NAVIGATION | RELATED | SIDE | SHARE | BYLINE | CONTENT) == said
        or signals(names) & said == said
    )
    assert said or signals(names) == 0


@pytest.mark.parametrize("text", [ENGLISH, JAPANESE])
@pytest.mark.parametrize(
    "around",
    [
        "<nav><a href=/>Home</a> <a href=/b>Other</a></nav>",
        "<div class='breadcrumb'>Home &gt; News &gt; 記事</div>",
        "<aside><h2>Popular</h2><a href=/x>Another article of ours</a></aside>",
        "<div id='sidebar'><p>About the author of this page and other things.</p></div>",
        "<div class='related'><a href=/x>関連記事その一</a> <a href=/y>関連記事その二</a></div>",
        "<div class='cookie-consent'><p>We use cookies, as all do. Do you accept them?</p></div>",
        "<footer><p>Copyright 2026, all rights reserved. No part may be copied.</p></footer>",
        "<div class='share-buttons'>ツイート シェア</div>",
        "<div id='comments'><p>First comment, by somebody who has read it.</p></div>",
        "<p>続きを読む</p>",
    ],
)
def test_what_stands_around_the_text_goes(text, around):
    expected = "\n".join([re.sub("<.*?>", "", text)] * 8)
    assert main(f"{around}<article>{text * 8}</article>") == expected
    assert main(f"<div>{text * 8}</div>{around}") == expected


def test_a_name_does_not_outweigh_most_of_the_text():
    assert main(f"<div class='sidebar-layout'>{ENGLISH * 8}</div>").count("A sentence") == 8
    assert main(f"<form id='aspnetForm'>{ENGLISH * 8}</form>").count("A sentence") == 8


def test_an_element_that_says_that_it_is_the_article_is_taken():
    html = f"<div><div class='lead'><p>{'Something else of some length, and more. ' * 4}</p></div>"
    assert "Something" not in main(f"{html}<div class='article-body'>{ENGLISH * 6}</div></div>")
    assert "Something" not in main(f"{html}<div itemprop='articleBody'>{ENGLISH * 6}</div></div>")


def test_sections_and_answers_of_one_kind_stay_together():
    section = "<div class='section'>" + ENGLISH + "</div>"
    assert main(f"<main>{section * 3}<div class='section'>{ENGLISH * 60}</div></main>").count("A sentence") == 63


def test_a_page_that_is_a_list_of_links_is_kept():
    items = "".join([f"<li><a href=/{i}>Engineer number {i}, at a company in some town</a></li>" for i in range(30)])
    assert "number 29" in main(
        f"<nav><a href=/>Home</a></nav><section><h1>Jobs</h1></section><div><ul>{items}</ul></div>"
    )


def test_a_list_of_links_in_a_long_text_is_not():
    items = "".join([f"<li><a href=/{i}>Another article of ours, number {i}</a></li>" for i in range(9)])
    assert "number 8" not in main(f"<article>{ENGLISH * 40}<ul>{items}</ul></article>")


def test_a_link_that_nobody_closed_does_not_make_the_page_a_menu():
    assert main(f"<a href=/><div>{ENGLISH * 8}</div>").count("A sentence") == 8


@pytest.mark.parametrize(
    ("text", "button"), [("Read more »", True), ("もっと見る", True), ("•", True), ("Read", False), ("日本", False)]
)
def test_words_on_buttons_are_known(text, button):
    assert is_button(text) == button


def test_lines_of_japanese_are_joined_without_a_blank():
    assert fold("文は\n  ここで続く。a\n b") == "文はここで続く。a b"
    assert main(f"<div>{ENGLISH}<p>一行目の文は\n二行目に続きます。</p></div>").endswith(
        "一行目の文は二行目に続きます。"
    )


def test_rows_items_and_powers_keep_their_form():
    html = "<ul><li><p>first of the items</p></li></ul><table><tr><td>mass</td><td>10<sup>6</sup> kg</td></tr></table>"
    assert main(ENGLISH * 3 + html).splitlines()[3:] == ["- first of the items", "| mass | 10^6 kg |"]


def test_readings_of_kanji_are_left_out():
    assert "漢字" in main(
        f"{JAPANESE}<p><ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字<rt>じ</rt></ruby>を読む人のための文です。</p>"
    )


@pytest.mark.skipif(not GOLD.exists(), reason="needs ../shared/data/wcxb-dev")
def test_real_english_pages_give_their_main_text():
    with gzip.open(GOLD / "wcxb-dev.gold.jsonl.gz", "rt") as lines:
        gold = [json.loads(line)["main_content"] or "" for line in lines]
    with (GOLD / "wcxb-dev.warc.gz").open("rb") as stream:
        both = list(zip(pages(stream, file="wcxb", file_digest="x"), gold, strict=True))[::8]
    scores = [
        _f1(main_text(page.content, page.content_type, page.url, 0.05).text, truth) for page, truth in both if truth
    ]
    assert len(scores) > 90
    assert sum(scores) / len(scores) > 0.86


def _f1(found: str, truth: str) -> float:
    ours, true = (Counter(re.findall(r"\w+", text.lower())) for text in (found, truth))
    return 2 * (ours & true).total() / max(1, ours.total() + true.total())
