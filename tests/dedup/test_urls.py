import pytest

from dedup.urls import UrlDedup, address
from manifests.errors import BadRecipe
from tests.dedup.memory import named
from tests.dedup.pages import Page, view

PAGE = "https://example.com/a/page?b=2&a=1"


def gone(selection, *slices):
    """Each slice is a dictionary from a row's name to (address, date, text); return the twin of each row that goes."""
    names = [list(rows) for rows in slices]
    known = {named(name): name for rows in names for name in rows}
    pages = [{name: Page(text, url, date) for name, (url, date, text) in rows.items()} for rows in slices]
    found = selection.select(view(*pages), map)
    assert {(drop.reason, drop.value, drop.threshold) for drop in found.drops} <= {("url/recrawl", None, None)}
    return {names[drop.shard][drop.row]: known[drop.twin] for drop in found.drops}


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a/page?b=2&a=1",
        "HTTPS://WWW.Example.COM./a/page?b=2&a=1",
        "https://example.com:443/a/page/?a=1&b=2",
        "http://user:word@example.com:80/a/page?b=2&a=1",
        "https://example.com/a/page?b=2&utm_source=mail&gclid=xyz&a=1&fbclid=1",
        "https://example.com/a/page;jsessionid=12?PHPSESSID=34&b=2&a=1&",
        "https://example.com/a/p%61ge?b=%32&a=1#comments",
        " https://example.com/a/page?b=2&a=1\n",
    ],
)
def test_one_page_has_many_spellings(url):
    assert address(url) == address(PAGE) == "example.com/a/page?a=1&b=2"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/A/page?b=2&a=1",
        "https://example.com/a/page?b=2",
        "https://example.com/a/page?b=2&a=1&cid=7",
        "https://example.com/a/page?b=2&a=1&ref=1",
        "https://example.com/a%2Fpage?b=2&a=1",
        "https://example.com:8080/a/page?b=2&a=1",
        "https://m.example.com/a/page?b=2&a=1",
        "https://example.com/a/page?b=2&a=1#!other",
        "https://example.com/a/page?b=2%26a=1",
        "ftp://example.com/a/page?b=2&a=1",
    ],
)
def test_what_may_be_another_page_is_another_page(url):
    assert address(url) != address(PAGE)


def test_international_hosts_and_paths_are_compared_as_they_are_sent():
    sent = "https://xn--wgv71a119e.jp/%E3%81%82"
    assert address("https://日本語.jp/あ") == address(sent) == "xn--wgv71a119e.jp/%E3%81%82"


@pytest.mark.parametrize("url", ["http://[::1", "http://a:b/", "a text", "https://", "http://" + "a" * 70 + "é.com"])
def test_what_is_no_address_breaks_nothing(url):
    assert address(url)


def test_of_several_crawls_the_newest_stays_and_is_the_twin_of_the_others():
    first = {"old": (PAGE, "2020-01-01", "x"), "new": (f"{PAGE}#top", "2024-01-01T00:00:00Z", "y")}
    second = {"undated": (f"{PAGE}&utm_id=1", None, "z"), "other": ("https://example.com/b", "2021-01-01", "x")}
    assert gone(UrlDedup(), first, second) == {"old": "new", "undated": "new"}
    assert gone(UrlDedup(keep="oldest"), first, second) == {"new": "old", "undated": "old"}


def test_the_longest_can_stay_instead():
    rows = {"short": (PAGE, "2024-01-01", "ああ"), "long": (PAGE, "2020-01-01", "abc"), "empty": (PAGE, None, "")}
    assert gone(UrlDedup(keep="longest"), rows) == {"short": "long", "empty": "long"}


def test_rows_without_an_address_stay():
    rows = {"a": (None, None, "x"), "b": (None, None, "x"), "c": ("", None, "x"), "d": (" ", None, "x")}
    assert gone(UrlDedup(), rows) == {}


def test_order_and_shards_have_no_say_where_dates_are_the_same():
    rows = {str(n): (f"https://example.com/{n % 3}", "2024", "x") for n in range(30)}
    parts = [dict(list(rows.items())[start : start + 7][::-1]) for start in range(0, 30, 7)]
    assert gone(UrlDedup(), rows) == gone(UrlDedup(), *parts[::-1])


def test_an_unknown_policy_is_refused():
    with pytest.raises(BadRecipe, match="url: keep is 'latest'; expected one of"):
        UrlDedup(keep="latest")
