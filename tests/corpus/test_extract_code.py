"""Pages with code: the gate, the second look, bad pages, and the program."""

import json
import random
from pathlib import Path

import pytest

from corpus.code_pages import CodeShare, ExtractMarkdown, HasCode, fenced_chars
from corpus.crawl import WarcFiles
from corpus.extract import ExtractText
from corpus.warc_writer import Writer
from corpus.web_code import recipe
from manifests.funnel import funnel
from manifests.rows import Document, Page
from manifests.run import run
from manifests.stage import Kept, Rejected
from manifests.store import Store
from manifests.view import View
from tests.corpus import crawl_of_ours

ROOT = Path(__file__).parents[2]
HTML = "text/html; charset=utf-8"


def page(content: bytes | str) -> Page:
    return Page(id=b"i" * 16, content=content.encode() if isinstance(content, str) else content, content_type=HTML)


def outcome(stage, row):
    (result,) = stage([row])
    return result


@pytest.mark.parametrize(
    ("content", "passes"),
    [
        ("<PRE>x</PRE>", True),
        ('<code class="x">y</code>', True),
        ("<pre\nclass=a>x", True),
        ("<pRe>x", True),
        ("<preface>x</preface> <codec>", False),
        ("<!-- <pre>x</pre> -->", True),
        ("&lt;pre&gt;", False),
        ("<html><pre>x</pre></html>".encode("utf-16"), True),
        ("", False),
    ],
)
def test_the_gate_reads_bytes(content, passes):
    result = outcome(HasCode(), page(content))
    assert isinstance(result, Kept) == passes
    if not passes:
        assert (result.reason, result.value, result.threshold) == ("code_gate/no_tag", 0, 1)


SENTENCE = "<p>A sentence that explains what the program does, at some length and with a comma.</p>"
PROSE = SENTENCE * 4


@pytest.mark.parametrize(
    "content",
    [
        f"<article><!-- <pre>x = 1</pre> -->{PROSE}</article>",
        f"<article>{PROSE}</article><footer><pre>x = 1</pre></footer>",
        f"<script>'<pre>x</pre>'</script><article>{PROSE}</article>",
    ],
)
def test_code_that_is_not_in_the_main_content_is_seen_through(content):
    result = outcome(ExtractMarkdown(), page(content))
    assert (result.reason, result.value, result.threshold) == ("code_gate/no_block", 0, 1)


def test_a_code_page_becomes_markdown_without_what_is_around_it():
    content = (
        "<html><head><title>Loops</title></head><body><nav><a href=/>Home</a></nav><main><h1>Loops</h1>"
        f"{SENTENCE}<pre><code class='language-python'>for i in x:\n\n    print(i)\n</code></pre>"
        "<div class='share-buttons'><a href=/t>Tweet</a></div></main><footer>2024</footer></body></html>"
    )
    result = outcome(ExtractMarkdown(), page(content))
    doc = result.row
    assert doc.text == (
        "# Loops\n\nA sentence that explains what the program does, at some length and with a comma.\n\n"
        "```python\nfor i in x:\n\n    print(i)\n```"
    )
    assert doc.labels == {"charset": "utf-8", "title": "Loops"}
    assert result.values["extract/code_chars"] == 25


@pytest.mark.parametrize(("share", "reason"), [(0, "code_share/little_code"), (1, "code_share/mostly_code")])
def test_the_share_of_code_decides(share, reason):
    text = "```\n" + "x\n" * 500 + "```" if share else "words " * 200
    result = outcome(CodeShare(), Document(id=b"i" * 16, text=text))
    assert isinstance(result, Rejected)
    assert result.reason == reason


def test_characters_in_fences_are_counted_to_the_right_fence():
    assert fenced_chars("a\n````rust\n```\nx\n````\nb") == len("```\nx\n")
    assert fenced_chars("> ```\n> x\n> ```\nb") == len("> x\n")


@pytest.mark.parametrize(
    "content",
    [
        "<div>" * 100_000 + "<pre>x</pre>",
        "<pre>" * 20_000 + "x",
        "<b>" * 50_000 + "<pre>code</pre>",
        "<p " + " ".join([f"a{i}=1" for i in range(300_000)]) + "><pre>x</pre>",
        "<table><tr><td>" * 5_000 + "<pre>x</pre>",
        "<ul><li>" * 5_000 + "<pre>x</pre>",
        b"<pre>" + random.Random(1).randbytes(30_000),
        b"<pre>\x00\x00a\xed\xa0\x80b</pre>" * 50,
        "<pre>日本</pre>".encode("cp932") + "<p>日本語の文章です。</p>".encode() * 20,
        "<frameset><frame src=a><noframes><pre>x</pre></noframes></frameset>",
        "<math>" + "<mrow>" * 30_000 + "x</math><pre>x</pre>",
        "\\(" * 50_000 + "<math></math><pre>x</pre>",
        "<p>" + "* _ ` <" * 50_000 + "</p><pre>x</pre>",
    ],
)
@pytest.mark.parametrize(
    "stage", [ExtractMarkdown(timeout_s=2.0), ExtractText(timeout_s=2.0)], ids=["markdown", "text"]
)
def test_bad_pages_are_refused_or_give_text_and_never_end_the_worker(stage, content):
    result = outcome(stage, page(content))
    if isinstance(result, Kept):
        result.row.text.encode()
        assert not set("\x00\ud800\ufeff") & set(result.row.text)
    else:
        assert result.reason.split("/")[0] in {"extract", "charset", "code_gate"}
        assert result.reason != "extract/crashed"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web_code")
    path = folder / "crawl.warc.gz"
    with path.open("wb") as stream:
        writer = Writer(stream, file=path.name, date=crawl_of_ours.DATE)
        for url, content in crawl_pages():
            writer.write(url, content, date=crawl_of_ours.DATE, content_type=HTML)
    store = Store(str(folder / "store"))
    return store, run(recipe(), WarcFiles.find([str(path)]), store=store, tag="web_code").manifest


def crawl_pages():
    code = "<pre><code class='language-python'>def area(width, height):\n    return width * height\n</code></pre>"
    english, japanese = crawl_of_ours.english("looms"), crawl_of_ours.japanese("風車")
    yield "https://a.example/en", crawl_of_ours.page("Looms", english + code)
    yield "https://a.example/ja", crawl_of_ours.page("風車", japanese + code)
    yield "https://b.example/en", crawl_of_ours.page("Looms", english + code)
    yield "https://a.example/prose", crawl_of_ours.page("Prose", crawl_of_ours.english("kilns"))
    yield "https://a.example/comment", crawl_of_ours.page("Comment", english + "<!-- <pre>x</pre> -->")
    yield "https://a.example/listing", crawl_of_ours.page("Listing", f"<pre>{'x = 1; ' * 400}</pre>")


def test_the_program_keeps_pages_with_code_and_refuses_the_rest_with_reasons(made):
    store, manifest = made
    assert {row.language for row in View(store, manifest)} == {"en", "ja"}
    reasons = {reason: rows for step in funnel(store, manifest) for reason, rows in step.reasons.items()}
    assert reasons == {
        "code_gate/no_tag": 1,
        "code_gate/no_block": 1,
        "code_share/mostly_code": 1,
        "exact/duplicate": 1,
    }


def test_the_markdown_is_what_it_was_when_the_stages_got_their_versions(made):
    expected = json.loads((ROOT / "tests" / "golden" / "web_code.json").read_text())
    assert {"rows": made[1].rows, "content": made[1].content} == expected
