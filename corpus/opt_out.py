"""Pages whose authors do not want them in training data, by what the page says and by lists of domains.

    OptOut(domains=(WordList("opt-out-domains.txt"),))

It stands before extraction. What a page says of itself holds as of the page's date, which is that of the crawl: who
said so later is found in a list. No list comes with koba; a domain stands for all hosts below it. Refused:

opt_out/domain      the host, or a domain above it, is listed
opt_out/meta        <meta name="robots"> (or the name of a heeded crawler) with a heeded directive
opt_out/header      an X-Robots-Tag with a heeded directive
opt_out/tdm         rights to text and data mining are reserved (TDMRep): tdm-reservation is 1 in a <meta>, or else in a
                    header. Its file on the server, /.well-known/tdmrep.json, is no part of a crawl's page

Heeded by default is "noai", and neither "noindex", which speaks of search engines, nor "noimageai".
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from filters.hosts import LIBRARIES, ancestors, host_of
from filters.url_list import Entries
from filters.word_list import WordList, remembered
from manifests.rows import Page, Row
from manifests.stage import Kept, Rejected, Rule, Stage, Values, at_most, judge
from manifests.store import Store

_RESERVATION = "tdm-reservation"
_RULES = ("opt_out/domain", "opt_out/meta", "opt_out/header", "opt_out/tdm")
# What is commented out, or a program's text, says nothing. Each alternative ends at the end of the page at the latest.
_NOT_SAID = re.compile(
    rb"<!--.*?(?:-->|\Z)|<(script|style|textarea|template)\b.*?(?:</\1|\Z)", re.IGNORECASE | re.DOTALL
)
_META = re.compile(rb"<meta[\s/]([^<>]{1,2000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([\w-]{1,40}+)\s{0,9}+=\s{0,9}+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""")
_WORD = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class OptOut(Stage):
    """Refuse what its authors do not want to be used. Rows that are no pages are held against the lists only."""

    libraries: ClassVar[tuple[str, ...]] = LIBRARIES

    domains: Entries = ()  # "example.com": it and all below it
    directives: tuple[str, ...] = ("noai",)  # of robots; "noimageai" and "noindex" are others in use
    crawlers: tuple[str, ...] = ("ccbot",)  # what is said to one of these counts as if said to all robots
    tdm: bool = True  # heed TDMRep

    def rules(self) -> tuple[Rule, ...]:
        return (
            *at_most("opt_out/domain", "opt_out/domain", 0),
            *at_most("opt_out/meta", "opt_out/meta", 0),
            *at_most("opt_out/header", "opt_out/header", 0),
            *at_most("opt_out/tdm", "opt_out/tdm", 0),
        )

    def resolve(self, store: Store) -> "OptOut":
        return self._with_lists(lambda words: words.resolve(store))

    def within(self, store: Store) -> "OptOut":
        return self._with_lists(lambda words: words.within(store))

    def __call__(self, rows: Iterable[Row]) -> Iterator[Row | Kept | Rejected]:
        rules = self.rules()
        listed = [_hosts(words) for words in self.domains if isinstance(words, WordList)]
        listed.append(_spelled([name for name in self.domains if isinstance(name, str)]))
        for row in rows:
            yield judge(row, self._measure(row, listed), rules)

    def _measure(self, row: Row, listed: list[frozenset[str]]) -> Values:
        host = host_of(row.url) if row.url else None
        names = ancestors(host) if host else ()
        values = dict.fromkeys(_RULES, 0.0)
        values["opt_out/domain"] = float(any(name in hosts for hosts in listed for name in names))
        if isinstance(row, Page):
            said = metas(row.content, (*self.directives, _RESERVATION))
            robots = [content for name, content in said if name == "robots" or name in self.crawlers]
            values["opt_out/meta"] = float(any(self._heeds(_WORD.split(content.lower())) for content in robots))
            values["opt_out/header"] = float(self._heeds(self._told(row.headers.get("x-robots-tag", ""))))
            values["opt_out/tdm"] = float(self.tdm and _is_reserved(said, row.headers))
        return values

    def _heeds(self, words: Iterable[str]) -> bool:
        return any(word in self.directives for word in words)

    def _told(self, tag: str) -> Iterator[str]:
        """Yield the directives of an X-Robots-Tag that are for all robots, or for a heeded one.

        Headers that repeat are joined by commas, so that one "otherbot: a, b" and two headers look the same: what
        follows the first directive of another robot is taken as meant for all.
        """
        for part in tag.lower().split(","):
            robot, colon, directive = part.partition(":")
            if not colon:
                yield part.strip()
            elif robot.strip() in self.crawlers:
                yield directive.strip()

    def _with_lists(self, change: Callable[[WordList], WordList]) -> "OptOut":
        changed = tuple([change(entry) if isinstance(entry, WordList) else entry for entry in self.domains])
        return replace(self, domains=changed)


def metas(content: bytes, words: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return name (in lower case) and content of the <meta> elements of a page that has one of the words in it."""
    if b"\0" in content:
        content = content.replace(b"\0", b"")  # UTF-16, but for what is not ASCII
    folded = content.lower()
    if not any(word.encode() in folded for word in words):
        return []
    found: list[tuple[str, str]] = []
    for meta in _META.finditer(_NOT_SAID.sub(b"", content)):
        attributes = {
            match[1].lower(): match[2] or match[3] or match[4] or ""
            for match in _ATTRIBUTE.finditer(meta[1].decode("utf-8", "replace"))
        }
        found.append((attributes.get("name", "").strip().lower(), attributes.get("content", "").strip()))
    return found


def _is_reserved(said: list[tuple[str, str]], headers: Mapping[str, str]) -> bool:
    """Tell whether rights are reserved: by the page itself, else by its server (TDMRep, section 4)."""
    on_page = [content for name, content in said if name == _RESERVATION]
    return "1" in (on_page or _WORD.split(headers.get(_RESERVATION, "").strip()))


def _spelled(names: Iterable[str]) -> frozenset[str]:
    return frozenset([host for name in names if (host := host_of(name))])


@remembered
def _hosts(words: WordList) -> frozenset[str]:
    return _spelled(words.entries())
