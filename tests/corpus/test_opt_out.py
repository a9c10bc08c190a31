from pathlib import Path

import pytest

from corpus.opt_out import OptOut
from filters.word_list import WordList
from manifests import canonical
from manifests.rows import Document, Page, Row
from manifests.stage import Rejected
from manifests.store import Store


def page(html: str = "", url: str = "https://www.example.co.jp/a", **headers: str) -> Page:
    return Page(
        url=url, content=html.encode(), headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def reason(row: Row, stage: OptOut | None = None) -> str | None:
    (outcome,) = (stage or OptOut())([row])
    return outcome.reason if isinstance(outcome, Rejected) else None


@pytest.mark.parametrize(
    "html",
    [
        '<meta name="robots" content="noai, noimageai">',
        "<META content='index,NOAI' NAME=Robots>",
        "<meta name=robots content=noai />",
        '<html><head>\n<meta\n  property="x"\n  name="robots"\n  content="follow; noai"\n/></head>',
        '<meta name="CCBot" content="noai">',
    ],
)
def test_a_page_that_says_noai_is_refused(html: str) -> None:
    assert reason(page(html)) == "opt_out/meta"


@pytest.mark.parametrize(
    "html",
    [
        "<p>We write noai on our pages</p>",
        '<meta name="robots" content="noindex, noimageai">',
        '<meta name="description" content="noai">',
        '<meta name="googlebot" content="noai">',
        '<!-- <meta name="robots" content="noai"> -->',
        """<script>write('<meta name="robots" content="noai">')</script>""",
        '<meta name="robots" content="noaim">',
    ],
)
def test_a_page_that_says_something_else_is_kept(html: str) -> None:
    assert reason(page(html)) is None


def test_which_directives_and_crawlers_are_heeded_is_a_decision() -> None:
    html = '<meta name="robots" content="noindex">'
    assert reason(page(html), OptOut(directives=("noai", "noindex"))) == "opt_out/meta"
    assert reason(page('<meta name="gptbot" content="noai">'), OptOut(crawlers=("gptbot",))) == "opt_out/meta"
    assert canonical.digest(OptOut()) != canonical.digest(OptOut(directives=()))


def test_a_page_in_utf_16_is_read_too() -> None:
    content = '<meta name="robots" content="noai"><p>川'.encode("utf-16")
    assert reason(Page(content=content)) == "opt_out/meta"


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("noai", "opt_out/header"),
        ("noarchive, NoAI", "opt_out/header"),
        ("ccbot: noai", "opt_out/header"),
        ("googlebot: nofollow, noai", "opt_out/header"),
        ("googlebot: noai", None),
        ("noindex, nofollow", None),
        ("unavailable_after: 25 Jun 2010 15:00:00 PST", None),
    ],
)
def test_a_header_is_heeded(tag: str, expected: str | None) -> None:
    assert reason(page(x_robots_tag=tag)) == expected


@pytest.mark.parametrize(
    ("html", "header", "expected"),
    [
        ("", "1", "opt_out/tdm"),
        ("", "0", None),
        ("", "", None),
        ('<meta name="tdm-reservation" content="1">', "", "opt_out/tdm"),
        ('<meta name="tdm-reservation" content="1">', "0", "opt_out/tdm"),
        ('<meta name="tdm-reservation" content="0">', "1", None),
    ],
)
def test_a_reservation_on_the_page_goes_before_that_of_its_server(html: str, header: str, expected: str | None) -> None:
    row = page(html, tdm_reservation=header)
    assert reason(row) == expected
    assert reason(row, OptOut(tdm=False)) is None


def test_a_listed_domain_stands_for_all_hosts_below_it(tmp_path: Path) -> None:
    path = tmp_path / "domains.txt"
    path.write_text("# those who asked us\nexample.co.jp\n")
    for stage in (OptOut(domains=("example.co.jp",)), OptOut(domains=(WordList(str(path)),))):
        assert reason(page(), stage) == "opt_out/domain"
        assert reason(Document(url="http://EXAMPLE.co.jp./x", text="a"), stage) == "opt_out/domain"
        assert reason(page(url="https://example.jp/"), stage) is None
    assert reason(page(), OptOut(domains=("co.jp",))) is None


def test_a_list_is_known_by_what_it_holds(tmp_path: Path) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("example.co.jp\n")
    second.write_text("example.co.jp\n")
    store = Store(str(tmp_path / "store"))
    stages = [OptOut(domains=(WordList(str(path)),)).resolve(store) for path in (first, second)]
    assert canonical.digest(stages[0]) == canonical.digest(stages[1])
    assert reason(page(), stages[0].within(store)) == "opt_out/domain"
    second.write_text("other.example\n")
    assert canonical.digest(OptOut(domains=(WordList(str(second)),)).resolve(store)) != canonical.digest(stages[0])


@pytest.mark.parametrize(
    "piece",
    ["<meta ", "<!--", "<script>", '<meta name="', "<meta a=", "<meta robots\t", "< meta name=robots>", "<meta x "],
)
def test_a_page_of_unfinished_markup_is_read_to_its_end(piece: str) -> None:
    html = ("noai" + piece * 200_000)[:1_000_000]
    assert reason(page(html)) is None
    assert reason(page('<meta name="robots" content="noai">' + html)) == "opt_out/meta"


def test_every_row_has_its_values() -> None:
    (outcome,) = OptOut()([page(x_robots_tag="noai")])
    assert isinstance(outcome, Rejected)
    assert outcome.values == {"opt_out/domain": 0, "opt_out/meta": 0, "opt_out/header": 1, "opt_out/tdm": 0}
    assert (outcome.value, outcome.threshold) == (1, 0)
