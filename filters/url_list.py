"""Addresses that are not wanted: by domain, by address, by words in them, as FineWeb and RefinedWeb refuse them.

    UrlList(domains=("5ch.net", WordList("ut1/adult/domains")), soft_words=(WordList("soft.txt"),))

No list comes with koba. A domain stands for all hosts below it. Hosts are compared in one spelling (`filters.hosts`),
addresses without scheme, fragment, "www." and slash at the end. A row without an address is kept. It looks at
nothing else, so it can stand before extraction. Refused:

url/domain       the host, or a domain above it, is listed
url/address      the address is listed
url/hard_word    a word of the address is listed: one is enough
url/soft_words   different words of the address that are listed: two are needed
url/part         a listed part stands somewhere in the letters and digits of the address
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, TypeAlias
from urllib.parse import unquote

from filters.hosts import LIBRARIES, ancestors, host_of
from filters.word_list import WordList, remembered
from manifests.rows import Row
from manifests.stage import Kept, Rejected, Rule, Stage, at_most, below, judge
from manifests.store import Store

Entries: TypeAlias = tuple[str | WordList, ...]  # entries, and files of entries

_WORD = re.compile(r"[^\W_]+")
_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]*:)?(?://)?[^/?#]*?(?P<port>:\d*)?(?P<path>[/?][^#]*)?(?:#.*)?", re.IGNORECASE
)
_USUAL_PORTS = (":", ":80", ":443")


@dataclass(frozen=True, slots=True)
class UrlList(Stage):
    """Keep the rows whose address is on no list."""

    libraries: ClassVar[tuple[str, ...]] = LIBRARIES

    domains: Entries = ()  # "example.com": it and all below it
    addresses: Entries = ()
    hard_words: Entries = ()
    soft_words: Entries = ()
    min_soft_words: int = 2  # so many refuse a row
    parts: Entries = ()  # of at least a few letters, for they are found within words

    def rules(self) -> tuple[Rule, ...]:
        return (
            *at_most("url/domain", "url/domain", 0),
            *at_most("url/address", "url/address", 0),
            *at_most("url/hard_word", "url/hard_words", 0),
            *below("url/soft_words", "url/soft_words", self.min_soft_words),
            *at_most("url/part", "url/parts", 0),
        )

    def resolve(self, store: Store) -> "UrlList":
        return self._with_lists(lambda words: words.resolve(store))

    def within(self, store: Store) -> "UrlList":
        return self._with_lists(lambda words: words.within(store))

    def __call__(self, rows: Iterable[Row]) -> Iterator[Row | Kept | Rejected]:
        rules = self.rules()
        lists = _Lists(self)
        nothing = dict.fromkeys([rule.measure for rule in rules])
        for row in rows:
            yield judge(row, lists.measure(row.url) if row.url else nothing, rules)

    def _with_lists(self, change: Callable[[WordList], WordList]) -> "UrlList":
        def changed(entries: Entries) -> Entries:
            return tuple([change(entry) if isinstance(entry, WordList) else entry for entry in entries])

        return replace(
            self,
            domains=changed(self.domains),
            addresses=changed(self.addresses),
            hard_words=changed(self.hard_words),
            soft_words=changed(self.soft_words),
            parts=changed(self.parts),
        )


class _Lists:
    """The entries of a stage, ready to be looked up."""

    def __init__(self, stage: UrlList) -> None:
        self.domains = _sets(stage.domains, _hosts_of, _hosts)
        self.addresses = _sets(stage.addresses, _addresses_of, _addresses)
        nothing: frozenset[str] = frozenset()
        self.hard_words = nothing.union(*_sets(stage.hard_words, _words_of, _words))
        self.soft_words = nothing.union(*_sets(stage.soft_words, _words_of, _words))
        parts = sorted(nothing.union(*_sets(stage.parts, _words_of, _words)))
        self.parts = re.compile("|".join(map(re.escape, parts)) or r"(?!)")

    def measure(self, url: str) -> dict[str, float | None]:
        host = host_of(url)
        names = ancestors(host) if host else ()
        in_order = _WORD.findall(unquote(url).lower())
        words = set(in_order)
        return {
            "url/domain": float(any(name in listed for listed in self.domains for name in names)),
            "url/address": float(any(address_of(url) in listed for listed in self.addresses)),
            "url/hard_words": float(len(words & self.hard_words)),
            "url/soft_words": float(len(words & self.soft_words)),
            "url/parts": float(len(set(self.parts.findall("".join(in_order))))),
        }


def address_of(url: str) -> str:
    """Return an address in the one spelling in which addresses are compared."""
    found = _ADDRESS.fullmatch(url.strip())
    port, path = (found["port"] or "", found["path"] or "") if found else ("", "")
    host = (host_of(url) or "").removeprefix("www.")
    return f"{host}{'' if port in _USUAL_PORTS else port}{unquote(path)}".rstrip("/")


def _sets(
    entries: Entries, of: Callable[[Iterable[str]], frozenset[str]], of_file: Callable[[WordList], frozenset[str]]
) -> tuple[frozenset[str], ...]:
    """Return what the entries that stand in the recipe make, and what each file makes."""
    literals = of([entry for entry in entries if isinstance(entry, str)])
    files = [of_file(entry) for entry in entries if isinstance(entry, WordList)]
    return tuple(found for found in (literals, *files) if found)


def _hosts_of(entries: Iterable[str]) -> frozenset[str]:
    return frozenset([name for entry in entries if (name := host_of(entry))])


def _addresses_of(entries: Iterable[str]) -> frozenset[str]:
    return frozenset(map(address_of, entries))


def _words_of(entries: Iterable[str]) -> frozenset[str]:
    return frozenset([entry.lower() for entry in entries])


@remembered
def _hosts(words: WordList) -> frozenset[str]:
    return _hosts_of(words.entries())


@remembered
def _addresses(words: WordList) -> frozenset[str]:
    return _addresses_of(words.entries())


@remembered
def _words(words: WordList) -> frozenset[str]:
    return _words_of(words.entries())
