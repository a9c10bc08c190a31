"""From a page to a document, and all that can be wrong with a page."""

import json
import random
import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.extract import ExtractText, HtmlPages, clean, main_text
from manifests.rows import Origin, Page
from manifests.stage import Kept, Recipe, Rejected

GOLD = Path(__file__).parents[2].parent / "shared" / "data" / "html-ja-gold"
ARTICLE = """<!DOCTYPE html><html><head><title>How to
 loop &amp; stop</title></head><body><nav><a href="/">Home</a> <a href="/all">All posts</a></nav><main>
<h1>How to loop</h1>
<p>A loop says what is done again and again, until there is nothing left to do it with.</p>
<pre><code>for i in range(3):
    print(i)

print("&lt;done&gt;")
</code></pre>
<ul><li>It has a beginning, which is run once.</li><li>It has an end, or so one hopes.</li></ul>
<p>日本語の段落もあります。ここで文が終わります。</p>
<table><tr><th>loop</th><th>use</th></tr><tr><td>for</td><td>a known number</td></tr></table>
</main><footer><p>Copyright 2024 by nobody. <a href="/legal">Legal</a></p></footer></body></html>"""
TEXT = """How to loop
A loop says what is done again and again, until there is nothing left to do it with.
for i in range(3):
    print(i)

print("<done>")
- It has a beginning, which is run once.
- It has an end, or so one hopes.
日本語の段落もあります。ここで文が終わります。
| loop | use |
| for | a known number |"""


SHELL = "<html><head><title>App</title></head><body><div id='root'></div><script src='a.js'></script></body></html>"
FRAMES = "<html><frameset cols='20%,80%'><frame src='menu.html'><frame src='main.html'></frameset></html>"


def page(content: bytes | str, content_type: str = "text/html; charset=utf-8", **more) -> Page:
    body = content.encode() if isinstance(content, str) else content
    return Page(id=b"i" * 16, content=body, content_type=content_type, **more)


def outcome(stage, row: Page):
    (result,) = stage([row])
    return result


def refusal(stage, row: Page) -> tuple[str, float | None, float | None]:
    result = outcome(stage, row)
    assert isinstance(result, Rejected), result
    assert result.row is row
    return result.reason, result.value, result.threshold


def text_of(content: bytes | str, **fields) -> str:
    return outcome(ExtractText(**fields), page(content)).row.text


@pytest.mark.parametrize(
    ("row", "refused"),
    [
        (page(ARTICLE, status=404), ("page/status", 404, 200)),
        (page(""), ("page/empty", 0, 1)),
        (page("x" * 101), ("page/too_many_bytes", 101, 100)),
        (page("{}", "application/json"), ("page/not_html", 0, 1)),
        (page(b"%PDF-1.4 <html>"), ("page/not_html", 0, 1)),
        (page("just words", "text/plain"), ("page/not_html", 0, 1)),
        (page("<!-- x -->words", ""), ("page/not_html", 0, 1)),
    ],
)
def test_what_is_no_page_is_refused_with_the_value(row, refused):
    assert refusal(HtmlPages(max_bytes=100), row) == refused


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        ("anything", "text/html"),
        ("anything", "text/html;charset=utf-8"),
        ("anything", "application/xhtml+xml"),
        ("\n <!doctype html><p>", ""),
        ("<!-- <b> --><?xml version='1.0'?><html lang='ja'>", "text/plain"),
        ("\ufeff<html>".encode("utf-16"), "application/octet-stream"),
        (b"\xef\xbb\xbf<HTML>", "text/xml; charset=utf-8"),
    ],
)
def test_html_is_known_by_its_header_or_else_by_its_first_bytes(content, content_type):
    assert isinstance(outcome(HtmlPages(), page(content, content_type)), Kept)


def test_a_thousand_comments_do_not_keep_the_gate_busy():
    assert refusal(HtmlPages(), page("<!---->" * 1000, ""))[0] == "page/not_html"


def test_a_page_becomes_its_main_text():
    assert text_of(ARTICLE) == TEXT


def test_a_document_keeps_what_is_known_of_its_page():
    origin = Origin("crawl-data/a.warc.gz", 10, 20, "sha256:00")
    row = page(
        ARTICLE,
        source="web",
        url="https://a.example/",
        date="2024-01-01",
        origin=origin,
        labels={"truncated": "length"},
    )
    kept = outcome(ExtractText(), row)
    doc = kept.row
    assert (doc.kind, doc.id, doc.source, doc.url, doc.date) == ("document", row.id, "web", row.url, row.date)
    assert doc.origin == origin
    assert doc.labels == {"truncated": "length", "charset": "utf-8", "title": "How to loop & stop"}
    share = kept.values["extract/share"]
    assert 0.9 < share < 1
    assert kept.values == {
        "page/bytes": len(row.content),
        "charset/damage": 0,
        "extract/chars": len(TEXT),
        "extract/share": share,
        "extract/code_chars": len('for i in range(3):\n    print(i)\n\nprint("<done>")'),
    }


def test_extraction_knows_nothing_of_earlier_pages():
    texts = [ARTICLE.replace("loop", word) for word in ("loop", "walk", "loop", "sleep", "loop", "loop")]
    pages = [page(text) for text in texts] + [page(b"\x00" * 50), page("<p>short</p>")]
    first = list(ExtractText()(pages))
    order = list(range(len(pages)))
    random.Random(7).shuffle(order)
    again = dict(zip(order, ExtractText()([pages[i] for i in order]), strict=True))
    assert [again[i] for i in range(len(pages))] == first


EMPTY = ["", "  \n", "<html></html>", "<script>x</script>", "<div>" * 100_000, SHELL, FRAMES]


@pytest.mark.parametrize("content", EMPTY)
def test_a_page_without_text_is_refused(content):
    assert refusal(ExtractText(), page(content)) == ("extract/empty", 0, 1)


@pytest.mark.parametrize("content", [b"\x00" * 1000, random.Random(0).randbytes(20_000)])
def test_binary_that_says_it_is_html_is_refused(content):
    reason, value, threshold = refusal(ExtractText(), page(content))
    assert (reason, threshold) == ("charset/undecodable", 0.05)
    assert value is not None
    assert value > 0.05


def test_a_page_that_takes_too_long_is_refused():
    slow = "<p>A sentence of a very long page, one of many.</p>" * 200_000
    assert refusal(ExtractText(timeout_s=0.2), page(slow)) == ("extract/timeout", 0.2, 0.2)


def test_a_page_that_takes_too_much_memory_is_refused():
    large = b"<p>" + b"words " * 8_000_000
    assert refusal(ExtractText(memory_bytes=1 << 26), page(large)) == ("extract/out_of_memory", None, 1 << 26)


def test_a_page_that_makes_the_extractor_raise_is_refused_and_the_next_one_is_not():
    broken = ExtractText(max_damage="none")  # type: ignore[arg-type]  # a comparison that raises in the helper
    assert refusal(broken, page(ARTICLE))[0] == "extract/crashed"
    assert text_of(ARTICLE) == TEXT


def test_fifty_megabytes_of_nothing_do_no_harm():
    assert refusal(HtmlPages(), page(b"<" * 50_000_000))[0] == "page/too_many_bytes"
    assert outcome(ExtractText(timeout_s=0.2), page(b"<" * 50_000_000)).reason == "extract/timeout"


def test_a_page_that_leaves_out_its_body_tag_is_a_page():
    assert text_of(
        f"<title>t</title><script>x</script><main>{'<p>A sentence of the main text.</p>' * 3}</main>"
    ).startswith("A")


def test_a_forum_keeps_its_answers_and_an_article_loses_its_comments():
    said = "".join([f"<div class='comment'><p>Part {i} of what people say, in words.</p></div>" for i in range(9)])
    text = "<p>What the author has to say about it, in a few more words than the others.</p>" * 8
    content = f"<html><body><article>{text}</article><div id='comments'>{said}</div></body></html>"
    assert "Part 8" not in text_of(content)
    asked = outcome(ExtractText(), page(content, url="https://forum.example/t/1"))
    assert "Part 8" in asked.row.text


def test_what_a_page_says_only_to_browsers_without_scripts_is_taken_where_it_is_much():
    posts = "<p>A post in a forum that draws itself with scripts.</p>" * 20
    assert "A post" in text_of(f"<html><body><div id=app></div><noscript>{posts}</noscript></body></html>")
    text = "<p>The text of the page, a sentence long.</p>" * 5
    assert "pixel" not in text_of(f"<html><body>{text}<noscript>pixel</noscript></body></html>")


def test_text_after_deep_nesting_is_not_lost():
    deep = "<p>The first paragraph, long enough to be one.</p>" + "<div>" * 1000 + "</div>" * 1000
    assert "the last" in text_of(f"<html><body>{deep}<p>And the last paragraph, long enough as well.</p></body></html>")


@pytest.mark.parametrize(
    "content",
    [
        "<p>Words of a\x00\x1b\x7f page</p>" + "<p>and a second paragraph without any trouble</p>" * 3,
        "<html lang='en' /><body><p>Words of a page that closes itself at once.</p></body>",
        "<p>Words of a page that is only a paragraph</p>",
        "\ufeff<html><body><p>Words of a page in two bytes a letter</p></body></html>".encode("utf-16"),
        "<html><body><pre>Words of code\x1b[0m\r\n\r\n\r\n  and more</pre></body></html>",
    ],
)
def test_odd_bytes_do_not_hide_the_words_around_them(content):
    text = text_of(content)
    assert text.startswith("Words of")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffd]", text)


def test_clean_leaves_plain_text_alone():
    assert clean(TEXT) == TEXT


def test_clean_folds_what_differs_without_meaning():
    assert (
        clean("\n\ncafe\u0301 \u3000\r\n\r\n\r\n\tx\u2028y\x00\ud800\ufeff\n\n\n\n  z \n\n") == "café\n\n\tx\ny\n\n  z"
    )


@given(st.text(st.characters(codec=None)))
def test_clean_text_can_be_written_and_is_clean(text):
    cleaned = clean(text)
    cleaned.encode()
    assert clean(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)


def test_the_fingerprint_names_the_libraries():
    assert set(ExtractText().describe()["libraries"]) == {"lxml", "charset-normalizer"}
    assert Recipe("a", (ExtractText(),)).fingerprint != Recipe("a", (ExtractText(timeout_s=9.0),)).fingerprint


@pytest.mark.skipif(not GOLD.exists(), reason="needs ../shared/data/html-ja-gold")
def test_real_japanese_pages_give_their_main_text():
    from corpus.warc_pages import pages

    gold = [json.loads(line)["main_content"] for line in (GOLD / "html-ja-gold.gold.jsonl").read_text().splitlines()]
    with (GOLD / "html-ja-gold.warc.gz").open("rb") as stream:
        read = list(pages(stream, file="html-ja-gold.warc.gz", file_digest="x"))
    scores = [
        _f1(main_text(row.content, row.content_type, row.url, 0.05).text, truth)
        for row, truth in zip(read, gold, strict=True)
        if len(truth) >= 200
    ]
    assert sum(scores) / len(scores) > 0.9


def _f1(found: str, truth: str) -> float:
    found_tokens, true_tokens = (Counter(re.findall(r"[぀-ヿ一-鿿]|\w+?", text.lower())) for text in (found, truth))
    return 2 * (found_tokens & true_tokens).total() / max(1, found_tokens.total() + true_tokens.total())
