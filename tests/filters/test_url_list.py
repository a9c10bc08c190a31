import pytest

from filters.hosts import ancestors, host_of, registered_domain
from filters.url_list import UrlList, address_of
from filters.word_list import WordList
from manifests import canonical
from manifests.collect import objects_of
from manifests.errors import BadRecipe, BadSource
from manifests.rows import Document, row_id
from manifests.run import run
from manifests.stage import Kept, Recipe, Rejected
from manifests.store import Store
from tests.sources import OneUnit


def reason(stage: UrlList, url: str | None) -> str | None:
    [outcome] = stage([Document(url=url)])
    return outcome.reason if isinstance(outcome, Rejected) else None


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://User:pw@WWW.Example.CO.JP.:8080/a", "www.example.co.jp"),
        ("example.com/x", "example.com"),
        ("//example.com?x", "example.com"),
        ("https://例え.jp/あ", "xn--r8jz45g.jp"),
        ("https://ＥＸＡＭＰＬＥ。com/", "example.com"),
        ("http://%65xample.com/", "example.com"),
        ("http://[2001:db8::1]:80/", "2001:db8::1"),
        ("http:\\\\example.com\\x", "example.com"),
        ("http://[bad/", None),
        ("", None),
        ("http:///path", None),
    ],
)
def test_a_host_has_one_spelling(url, host):
    assert host_of(url) == host


def test_names_above_a_host_end_at_what_somebody_registered():
    assert ancestors("a.b.example.co.jp") == ("a.b.example.co.jp", "b.example.co.jp", "example.co.jp")
    assert registered_domain("x.city.kawasaki.jp") == "city.kawasaki.jp"  # an exception of the public suffix list
    assert ancestors("blog.blogspot.com") == ("blog.blogspot.com", "blogspot.com")
    assert ancestors("192.0.2.1") == ("192.0.2.1",)
    assert ancestors("intranet") == ("intranet",)


@pytest.mark.parametrize(
    ("entry", "url", "expected"),
    [
        ("example.com", "https://example.com/x", "url/domain"),
        ("example.com", "https://a.b.example.com:8443/x", "url/domain"),
        ("Example.COM.", "https://www.example.com./", "url/domain"),
        ("例え.jp", "https://xn--r8jz45g.jp/", "url/domain"),
        ("xn--r8jz45g.jp", "https://www.例え.jp/", "url/domain"),
        ("192.0.2.1", "http://192.0.2.1:80/", "url/domain"),
        ("a.example.com", "https://b.a.example.com/", "url/domain"),
        ("a.example.com", "https://example.com/", None),
        ("example.com", "https://notexample.com/", None),
        ("example.com", "https://example.com.jp/", None),
        ("example.com", "https://other.jp/?to=example.com", None),
        ("co.jp", "https://example.co.jp/", None),  # nobody's domain
    ],
)
def test_a_domain_stands_for_all_hosts_below_it(entry, url, expected):
    assert reason(UrlList(domains=(entry,)), url) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://www.example.com/a/b", "url/address"),
        ("https://EXAMPLE.com:443/a/b/#part", "url/address"),
        ("https://example.com/a%2Fb", "url/address"),
        ("https://example.com/a/b?x=1", None),
        ("https://example.com:8080/a/b", None),
        ("https://example.com/A/b", None),
    ],
)
def test_an_address_is_compared_without_scheme_www_port_and_fragment(url, expected):
    assert reason(UrlList(addresses=("https://example.com/a/b/",)), url) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x.jp/free-stuff", None),
        ("https://x.jp/FREE/cups", "url/soft_words"),
        ("https://x.jp/free/free/free", None),  # one word, said thrice
        ("https://x.jp/freecups", None),
        ("https://x.jp/casino_club", "url/hard_word"),
        ("https://x.jp/%E8%B3%AD%E5%8D%9A/", "url/hard_word"),  # 賭博
        ("https://x.jp/mega-cas-ino77", "url/part"),
        (None, None),
    ],
)
def test_words_are_hard_soft_or_parts(url, expected):
    stage = UrlList(hard_words=("casino", "賭博"), soft_words=("free", "cups"), parts=("megacas",))
    assert reason(stage, url) == expected


def test_a_row_without_an_address_has_no_values():
    [kept] = UrlList(domains=("example.com",))([Document()])
    assert isinstance(kept, Kept)
    assert set(kept.values.values()) == {None}


@pytest.mark.parametrize(
    "url", ["", "http://", "::", "http://[", "\n", "a" * 5_000, "http://" + "a." * 3_000, "\ud800"]
)
def test_odd_addresses_raise_nothing(url):
    assert reason(UrlList(domains=("example.com",), parts=("zzz",)), url) is None
    assert isinstance(address_of(url), str)


@pytest.fixture
def listed(tmp_path):
    path = tmp_path / "domains.txt"
    path.write_text("# adult\nexample.com\n\n  Example.ORG  \n", encoding="utf-8")
    return path


def test_the_identity_of_a_list_is_what_its_file_holds(listed, tmp_path):
    copy = tmp_path / "copy.txt"
    copy.write_bytes(listed.read_bytes())
    first, second = (canonical.digest(UrlList(domains=(WordList(str(path)),))) for path in (listed, copy))
    assert first == second
    copy.write_text("example.net\n")
    assert canonical.digest(UrlList(domains=(WordList(str(copy)),))) != first


class Pages(OneUnit):
    """A source of three addresses."""

    key = "pages"
    file = "pages"

    def rows(self):
        for url in ("http://www.example.com/", "http://example.org/", "http://example.jp/"):
            yield Document(id=row_id("document", "pages", url), url=url, text="text")


def test_a_run_stores_its_lists_and_needs_their_files_no_more(listed):
    store = Store("memory://lists")
    recipe = Recipe("urls", (UrlList(domains=("example.jp", WordList(str(listed)))),))
    made = run(recipe, Pages(), store=store).manifest
    assert made.steps[1].reasons == {"url/domain": 3}
    [(digest, suffix)] = [found for found in objects_of(made) if found[1] == ".list"]
    assert store.get(digest, suffix) == listed.read_bytes()
    listed.unlink()
    again = run(Recipe("urls", (UrlList(domains=("example.jp", WordList(digest))),)), Pages(), store=store)
    assert (again.manifest.id, again.made) == (made.id, 0)
    assert WordList(digest).within(store).entries() == ("example.com", "Example.ORG")


def test_a_list_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(BadSource, match=r"nowhere\.txt"):
        reason(UrlList(domains=(WordList(str(tmp_path / "nowhere.txt")),)), "http://example.com")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9.example\n")
    with pytest.raises(BadSource, match="expected UTF-8"):
        reason(UrlList(domains=(WordList(str(tmp_path / "latin.txt")),)), "http://example.com")
    with pytest.raises(BadRecipe, match="within a store"):
        reason(UrlList(domains=(WordList("0" * 64),)), "http://example.com")
