"""HTML to Markdown: code character for character, and all that stands around it."""

import gzip
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml.etree import tostring

from corpus.addresses import make_absolute
from corpus.code_block import code_of, language_of
from corpus.code_pages import main_markdown
from corpus.html_tree import parse
from corpus.markdown_writer import fenced, markdown
from corpus.warc_pages import pages
from tests.corpus.fences import blocks_found

BOOK = Path(__file__).parents[2].parent / "shared" / "data" / "rust-book-ja"


def body(html: str):
    return parse(f"<html><body>{html}</body></html>").find("body")


def md(html: str, *, formulas: bool = False) -> str:
    return markdown(body(html), formulas=formulas)


def first_pre(html: str):
    return next(body(html).iter("pre"))


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<h2>How to <em>loop</em></h2><p>One\n two.</p>", "## How to *loop*\n\nOne two."),
        ("<p>Use <code>a ` b</code> and <b>not </b>that.</p>", "Use ``a ` b`` and **not** that."),
        (
            "<p>See <a href='/x y'>this <b>page</b></a>, <a href='#a'>here</a>.</p>",
            "See [this **page**](/x%20y), here.",
        ),
        ("<h3>Loops <a class='headerlink' href='#loops'>¶</a></h3>", "### Loops"),
        ("<p><img src='a.png' alt='A cat'> <img src='b.png'></p>", "![A cat](a.png)"),
        ("<img src='data:image/png;base64,AAAA' alt='dot'>", "![dot]()"),
        ("<ul><li>a<ul><li>b</li><li>c</li></ul></li><li>d</li></ul>", "- a\n  - b\n  - c\n- d"),
        ("<ol start='3'><li>a</li><li>b</li></ol>", "3. a\n4. b"),
        ("<ol><li><p>a</p><pre>x\n  y</pre></li></ol>", "1. a\n\n   ```\n   x\n     y\n   ```"),
        ("<blockquote><p>a</p><p>b</p></blockquote>", "> a\n>\n> b"),
        ("<dl><dt>term</dt><dd>what it is</dd></dl>", "term\n: what it is"),
        ("<dl><dt>f(x)</dt><dd><p>does.</p><pre>f(1)</pre></dd></dl>", "f(x)\n\ndoes.\n\n```\nf(1)\n```"),
        ("<div class='admonition note'><p>Note</p><p>Mind it.</p></div>", "> Note\n>\n> Mind it."),
        ("<details><summary>More</summary><p>inside</p></details>", "**More**\n\ninside"),
        ("a<hr>b<br>c", "a\n\n---\n\nb\nc"),
        ("<p>文は\n  ここで続く。and\n so</p>", "文はここで続く。and so"),
        ("<p>10<sup>6</sup></p>", "10<sup>6</sup>"),
        ("<p>anyway<sup><a href='#f1'>1</a></sup></p>", "anyway<sup>1</sup>"),
        ("<p>at <a href='https://a.example/b'>https://a.example/b</a></p>", "at <https://a.example/b>"),
        ("<div><div><span>JS</span></div><pre class='brush: js'>x</pre></div>", "```js\nx\n```"),
        (
            "<p>snake_case, 2 * 3, *literal*, a `tick` &lt;b&gt;</p>",
            "snake_case, 2 * 3, \\*literal\\*, a \\`tick\\` \\<b>",
        ),
        ("<p># no heading</p><p>1. no list</p><p>- nor this</p>", "\\# no heading\n\n1\\. no list\n\n\\- nor this"),
        ("<a href='/x'><div>block in a link</div></a>", "block in a link"),
    ],
)
def test_elements_become_markdown(html, expected):
    assert md(html) == expected


def test_data_becomes_a_table_and_layout_becomes_text():
    data = (
        "<table><tr><th>a</th><th>b|c</th></tr><tr><td colspan=2>1</td></tr><tr><td>2</td><td>3<br>4</td></tr></table>"
    )
    assert md(data) == "| a | b\\|c |\n|---|---|\n| 1 |  |\n| 2 | 3 4 |"
    assert md("<table><tr><td><h2>Left</h2></td><td><p>right</p></td></tr></table>") == "## Left\n\nright"
    assert (
        md("<table role=presentation><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>")
        == "a\n\nb\n\nc\n\nd"
    )


CODE = "def f(x):\n\treturn x\n\n\n    # <b> & `ticks` ``` and ~~~\n  \\n 日本語\n"


def test_code_comes_back_character_for_character():
    escaped = CODE.replace("&", "&amp;").replace("<", "&lt;")
    assert md(f"<pre><code class='language-python'>{escaped}</code></pre>") == f"```python\n{CODE}```"


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("ab `~\n\t\\*_#<>&;日"), min_size=1).filter(lambda text: text.strip()))
def test_a_fence_is_longer_than_any_in_the_code(code):
    lines = fenced(code).split("\n")
    assert lines[-1] == lines[0]
    assert "\n".join(lines[1:-1]) == code.removesuffix("\n")
    assert not any(line.lstrip(" ").startswith(lines[0]) for line in lines[1:-1])


@pytest.mark.parametrize(
    ("html", "language"),
    [
        ("<pre><code class='language-rust ignore'>x</code></pre>", "rust"),
        ("<pre class='brush: js; toolbar: false'>x</pre>", "js"),
        ("<pre data-lang='Go'>x</pre>", "go"),
        ("<div class='highlight-python notranslate'><div class='highlight'><pre>x</pre></div></div>", "python"),
        ("<div class='highlight highlight-source-shell'><pre>x</pre></div>", "shell"),
        ("<pre class='lang-c++ prettyprint'>x</pre>", "c++"),
        ("<pre class='sourceCode haskell'><code>x</code></pre>", "haskell"),
        ("<div class='highlight-default'><pre>x</pre></div>", ""),
        ("<pre class='code wide'>x</pre>", ""),
        ("<pre class='highlight-height language-typescript'><code><xmp>x</xmp></code></pre>", "typescript"),
        ("<pre><pre class='playground'><code class='language-rust'>x</code></pre></pre>", "rust"),
        ("<pre class='lang-auto'>x</pre>", ""),
    ],
)
def test_the_language_is_what_the_page_says(html, language):
    assert language_of(first_pre(html)) == language


@pytest.mark.parametrize(
    "html",
    [
        "<pre>a = 1\nb = 2</pre>",
        "<pre>\na = 1\nb = 2</pre>",
        "<pre><button>Copy</button><code><span class='k'>a</span> = 1\nb = 2</code></pre>",
        "<pre><span class='lineno'>1 </span>a = 1\n<span class='lineno'>2 </span>b = 2</pre>",
        "<pre>a = 1<br>b = 2</pre>",
        "<pre><code><div class='line'>a = 1</div><div class='line'>b = 2</div></code></pre>",
        "<pre><span class='gatsby-highlight-code-line'>a = 1</span>"
        "<span class='gatsby-highlight-code-line'>b = 2</span></pre>",
        "<pre><code><div>a = 1<br></div><div>b = 2</div></code></pre>",
        "<pre><code><div>a = 1</div>\n<div>b = 2</div></code></pre>",
        "<pre>\n   <code>\n   <xmp>a = 1\nb = 2</xmp>\n  </code>\n</pre>",
        "<pre><table><tr><td class='gutter'>1\n2</td><td class='code'>a = 1\nb = 2</td></tr></table></pre>",
        "<pre><table><tr><td class='hljs-ln-numbers'>1</td><td>a = 1</td></tr>"
        "<tr><td class='hljs-ln-numbers'>2</td><td>b = 2</td></tr></table></pre>",
    ],
)
def test_what_a_highlighter_adds_is_no_code(html):
    assert code_of(first_pre(html)).removesuffix("\n") == "a = 1\nb = 2"


def test_a_column_of_line_numbers_beside_the_code_is_left_out():
    html = "<table><tr><td class='linenos'><pre>1\n2</pre></td><td><pre>a = 1\nb = 2</pre></td></tr></table>"
    assert md(html) == "```\na = 1\nb = 2\n```"


@pytest.mark.parametrize(
    ("head", "html", "expected"),
    [
        ("", "<a href='b?c'>x</a>", "[x](https://a.example/doc/b?c)"),
        ("", "<a href='/b'>x</a>", "[x](https://a.example/b)"),
        ("", "<a href='#b'>x</a>", "x"),
        ("", "<a href='javascript:b()'>x</a>", "x"),
        ("", "<a href='http://['>x</a>", "[x](http://[)"),
        ("", "<img src='b.png' alt='x'>", "![x](https://a.example/doc/b.png)"),
        ("<base href='../other/'>", "<a href='b'>x</a>", "[x](https://a.example/other/b)"),
        ("<base href='http://['>", "<a href='b'>x</a>", "[x](b)"),
    ],
)
def test_links_lead_somewhere_outside_the_page_too(head, html, expected):
    page = parse(f"<html><head>{head}</head><body><p>{html}</p></body></html>")
    make_absolute(page, "https://a.example/doc/page.html")
    assert markdown(page.find("body")) == expected


def test_the_links_of_a_file_stay_as_they_are():
    page = body("<p><a href='b.html'>x</a></p>")
    make_absolute(page, "file:///usr/share/doc/a.html")
    assert markdown(page) == "[x](b.html)"


def test_what_nests_too_deep_is_kept_as_text():
    deep = "<div><b><ul><li>" * 400 + "the end" + "</li></ul></b></div>" * 400
    assert "the end" in md(deep)


def test_dropped_elements_leave_what_follows_them():
    node = body("<p>a</p><div>menu</div> tail <p>b</p>")
    assert markdown(node, [node[1]]) == "a\n\ntail\n\nb"
    assert b"menu" in tostring(node)


@pytest.mark.skipif(not BOOK.exists(), reason="needs ../shared/data/rust-book-ja")
def test_pages_of_a_japanese_book_come_back_as_their_markdown_source():
    gold = {}
    with gzip.open(BOOK / "rust-book-ja.markdown.jsonl.gz", "rt") as lines:
        for line in lines:
            row = json.loads(line)
            gold[row["url"]] = row["markdown"]
    with (BOOK / "rust-book-ja.warc.gz").open("rb") as stream:
        read = list(pages(stream, file="book", file_digest="x"))[::6]
    blocks = equal = 0
    scores = []
    for page in read:
        text = main_markdown(page.content, page.content_type, page.url, 0.05).text
        found = blocks_found(page, text)
        blocks += found.blocks
        equal += found.equal
        scores.append(_f1(text, gold[page.url]))
    assert blocks > 80
    assert equal / blocks >= 0.99
    assert sum(scores) / len(scores) >= 0.98


def _f1(found: str, truth: str) -> float:
    ours, true = (Counter(re.findall(r"[぀-ヿ一-鿿]|\w+?", text.lower())) for text in (found, truth))
    return 2 * (ours & true).total() / max(1, ours.total() + true.total())
