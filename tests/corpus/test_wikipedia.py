import bz2
import io
from pathlib import Path
from xml.sax.saxutils import escape

import msgspec
import pytest

from corpus.encyclopedia import recipe
from corpus.wikipedia import MAX_PAGE_CHARS, WikipediaDumps, articles, wikitext_at
from corpus.wikitext import text_of
from manifests.errors import BadSource, Damaged
from manifests.rows import Document, row_id
from manifests.run import run
from manifests.stage import Recipe, Rejected
from manifests.store import Store
from manifests.view import View

HEAD = (
    '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="ja"><siteinfo>'
    "<sitename>Wikipedia</sitename><dbname>jawiki</dbname><base>https://ja.wikipedia.org/wiki/%E8%A1%A8</base>"
    '<namespaces><namespace key="0" /><namespace key="6">ファイル</namespace><namespace key="14">分類</namespace>'
    '<namespace key="10">Template</namespace></namespaces></siteinfo>'
)
ARTICLE = """{{Infobox river|length={{convert|3|km}}}}
'''川'''（{{読み仮名|川|かわ}}、{{lang-en|river}}）は[[水]]の[[流れ|ながれ]]である<ref>出典</ref>。
[[ファイル:a.jpg|thumb|[[橋]]の写真]]
== 歴史 ==
{| class="wikitable"
| 年 || 出来事
|}
* ひとつ
** そのなか
* ふたつ
== 脚注 ==
{{Reflist}}
[[分類:川]] [[en:River]]
"""


def page(
    text: str, title: str = "川 (地形)", space: int = 0, number: int = 7, more: str = "", model: str = "wikitext"
) -> str:
    return (
        f"<page><title>{title}</title><ns>{space}</ns><id>{number}</id>{more}<revision><id>90{number}</id>"
        f"<timestamp>2024-02-29T00:00:00Z</timestamp><contributor><username>x</username><id>5</id></contributor>"
        f'<model>{model}</model><text bytes="9" xml:space="preserve">{escape(text)}</text></revision></page>\n'
    )


def dump(*pages: str) -> bytes:
    return bz2.compress(f"{HEAD}{''.join(pages)}</mediawiki>".encode())


def read(data: bytes) -> list[Document | Rejected]:
    return list(articles(io.BytesIO(data), file="jawiki.xml.bz2"))


def shown(wikitext: str) -> str:
    return text_of(wikitext, frozenset({"file", "category"}))


def test_an_article_is_a_document() -> None:
    (document,) = read(dump(page(ARTICLE)))
    assert isinstance(document, Document)
    assert document.text == ("川（川、river）は水のながれである。\n\n## 歴史\n\n- ひとつ\n  - そのなか\n- ふたつ")
    assert document.id == row_id("document", "jawiki", "7/907")
    assert document.url == "https://ja.wikipedia.org/wiki/%E5%B7%9D_(%E5%9C%B0%E5%BD%A2)"
    assert (document.language, document.licence, document.date) == ("ja", "CC-BY-SA-4.0", "2024-02-29T00:00:00Z")
    assert document.labels == {"title": "川 (地形)", "page": "7", "revision": "907"}


def test_the_origin_is_the_place_of_the_page_in_the_unpacked_dump() -> None:
    data = dump(page("一"), page("二", number=8))
    for number, row in enumerate(read(data)):
        assert isinstance(row, Document)
        assert row.origin is not None
        place = bz2.decompress(data)[row.origin.offset : row.origin.offset + row.origin.length].decode()
        assert place == page("一二"[number], number=7 + number).strip()


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (page("#転送 [[水]]", more='<redirect title="水" />'), "wikipedia/redirect"),
        (page("x", space=10), "wikipedia/namespace"),
        (page("{}", model="json"), "wikipedia/not_wikitext"),
        (page("{{Reflist}}"), "wikipedia/empty"),
        (page("x" * (MAX_PAGE_CHARS + 1)), "wikipedia/too_long"),
    ],
)
def test_what_is_no_article_is_refused_and_the_next_page_is_read(given: str, reason: str) -> None:
    found = read(dump(given, page("水", number=8)))
    assert [row.reason if isinstance(row, Rejected) else row.text for row in found] == [reason, "水"]


def test_a_dump_that_breaks_off_keeps_its_whole_pages() -> None:
    whole = bz2.decompress(dump(page("一"), page("二", number=8)))
    for data in (bz2.compress(whole[:-40]), whole[:-40], bz2.compress(whole[:-30] + b"</wrong>")):
        *rows, last = read(data)
        assert next(row.text for row in rows if isinstance(row, Document)) == "一"
        assert isinstance(last, Rejected)
        assert last.reason == "wikipedia/cut_off"


def test_a_packed_dump_that_breaks_off_keeps_the_pages_of_its_whole_streams() -> None:
    streams = [bz2.compress(part.encode()) for part in (HEAD, page("一"), page("二", number=8))]
    first, last = read(b"".join(streams)[:-40])
    assert isinstance(first, Document)
    assert isinstance(last, Rejected)
    assert (first.text, last.reason) == ("一", "wikipedia/cut_off")


def test_a_dump_of_many_streams_is_read_to_its_end() -> None:
    parts = [HEAD, page("一"), page("二", number=8), "</mediawiki>"]
    found = read(b"".join(bz2.compress(part.encode()) for part in parts))
    assert [row.text for row in found if isinstance(row, Document)] == ["一", "二"]


@pytest.mark.parametrize(
    "data",
    [
        b"<html><p>Not found</p>",
        b"",
        b"no xml",
        b"BZh9 no bzip2",
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]><mediawiki>&b;</mediawiki>',
        bz2.compress(b"<html></html>"),
    ],
)
def test_what_is_no_dump_is_told(data: bytes) -> None:
    with pytest.raises(BadSource, match="expected"):
        read(data)


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("a <math>x^2</math> b", "a $x^2$ b"),
        ('<syntaxhighlight lang="py">\nprint(1)\n</syntaxhighlight>', "```\nprint(1)\n```"),
        ("<code>ls</code> and <nowiki>[[x]]</nowiki> &amp; &eacute;", "`ls` and [[x]] & é"),
        ("It is {{convert|3|km|mi}} long.", "It is 3 km long."),
        ("[https://x.example a label], [https://x.example] https://x.example", "a label,  https://x.example"),
        ("one<br>two<!-- not this -->", "one\ntwo"),
        ("[[CSI: Miami]] [[:Category:Rivers]] [[Category:Rivers]][[fr:Eau]]", "CSI: Miami Category:Rivers"),
        ("__NOTOC__ text", "text"),
        ("a\n== Empty ==\n=== Below ===\n{{x}}\n== Full ==\nb", "a\n\n## Full\n\nb"),
        ("== Top ==\n=== Below ===\nb", "## Top\n\n### Below\n\nb"),
        ("a {| never\n{| open\n|-\n| x", "a {| never\n\n| x"),
    ],
)
def test_markup_is_shown_as_readers_see_it(wikitext: str, text: str) -> None:
    assert shown(wikitext) == text


@pytest.mark.parametrize("piece", ["{{", "[[", "{|", "'''", "<ref>", "[[a|{{b|", "== ", "*#:;", "<b>"])
def test_markup_that_never_ends_is_read_to_its_end(piece: str) -> None:
    (found,) = read(dump(page("水\n\n" + piece * 2_000)))
    assert isinstance(found, Document | Rejected)
    assert found.id if isinstance(found, Document) else found.reason in {"wikipedia/timeout", "wikipedia/crashed"}


def test_a_dump_becomes_a_dataset(tmp_path: Path) -> None:
    path = tmp_path / "jawiki.xml.bz2"
    path.write_bytes(dump(page("一"), page("二", number=8), page("x", space=10, number=9)))
    made = run(Recipe("w", ()), WikipediaDumps.find([str(path)]), store=Store(str(tmp_path / "store"))).manifest
    assert (made.rows, made.steps[0].reasons) == (2, {"wikipedia/namespace": 1})
    assert [record.file for record in made.sources] == ["jawiki.xml.bz2"]


def test_the_program_keeps_articles_that_are_long_enough(tmp_path: Path) -> None:
    path = tmp_path / "jawiki.xml.bz2"
    path.write_bytes(dump(page("水" * 200), page("二", number=8), page("水" * 200, number=9)))
    store = Store(str(tmp_path / "store"))
    kept = run(recipe(), WikipediaDumps.find([str(path)]), store=store).manifest
    assert kept.rows == 1
    (article,) = [row for row in View(store, kept) if isinstance(row, Document)]
    assert (article.text, article.source, article.licence) == ("水" * 200, "jawiki", "CC-BY-SA-4.0")


def test_an_article_is_read_again_at_its_origin_and_damage_is_found() -> None:
    data = dump(page(ARTICLE, number=7), page("<!-- & --> Short & sweet, as an article may be.", number=8))
    for document, wikitext in zip(
        read(data), (ARTICLE, "<!-- & --> Short & sweet, as an article may be."), strict=True
    ):
        assert wikitext_at(io.BytesIO(data), document.origin) == wikitext.encode()
    with pytest.raises(Damaged, match="expected a page of"):
        wikitext_at(io.BytesIO(data), msgspec.structs.replace(document.origin, offset=3))
