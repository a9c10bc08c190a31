"""Crawls of the same address: one of them stays.

Addresses are the same when they differ in nothing but: scheme (http, https), letter case or "www." of the host, the
usual port, user, a slash at the end, order of the query's parameters, parameters that only track, the fragment (but for
"#!", which names a page), and how a character is escaped. International hosts are compared as punycode. Anything that
is no http address is compared as it is.
"""

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlsplit

import idna
import pyarrow as pa
import pyarrow.compute as pc

from dedup.columns import COMPARED, texts
from dedup.equal import drop_equal
from dedup.rank import Keep, Priority
from manifests.stage import Map, Rule, Selected, Selection, Side, describe

if TYPE_CHECKING:
    from manifests.view import View

# Parameters that name a visit, not a page. A looser list, as courlan's with "cid", "ref", "source" and "uid", merges
# pages that are told apart by nothing else.
_TRACKING = re.compile(
    r"(?:utm_|mtm_|pk_|hsa_|oly_|vero_|itm_)\w*|"
    r"gclid|gclsrc|dclid|fbclid|msclkid|yclid|ysclid|twclid|ttclid|igshid|igsh|wbraid|gbraid|li_fat_id|mc_[ce]id|"
    r"mkt_tok|_hsenc|_hsmi|__hs\w+|_ga|_gl|_openstat|srsltid|phpsessid|jsessionid|aspsessionid\w*",
    re.IGNORECASE,
)
_SESSION = re.compile(r";jsessionid=[^/?#;]*", re.IGNORECASE)
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_SAFE = "%!$&'()*+,/:;=@?-._~"
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class AddressDigests(Side):
    """For each row its id, 16 bytes of the SHA-256 of its address in one spelling, and its text's characters."""

    libraries: ClassVar[tuple[str, ...]] = ("idna",)
    columns: ClassVar[tuple[str, ...]] = (*COMPARED, "url")

    def __call__(self, shard: pa.Table) -> pa.Table:
        digests = [
            hashlib.sha256(address(url).encode()).digest()[:16] if url and url.strip() else None
            for url in shard.column("url").to_pylist()
        ]
        letters = pc.utf8_length(texts(shard, "url")).cast(pa.int64())
        return pa.table({"id": shard.column("id"), "digest": pa.array(digests, pa.binary(16)), "letters": letters})


@dataclass(frozen=True, slots=True)
class UrlDedup(Selection):
    """Of rows with the same address, keep one by a policy; drop the others as `url/recrawl`, whatever their texts.

    A row without a URL stays. Raises BadRecipe where the policy is not known.
    """

    version: ClassVar[int] = 2

    keep: Keep = "newest"  # by `date`; or "oldest", "longest", "random", "best" (of `score`): which row stays
    score: str = ""
    seed: int = 0  # for which of several that the policy does not tell apart

    def __post_init__(self) -> None:
        self._priority.check("url")

    def describe(self) -> dict[str, Any]:
        return {**describe(self), "side": AddressDigests()}

    def select(self, view: "View", map: Map) -> Selected:
        rule = Rule("url/recrawl", "url/crawls", "<", 1)
        found = drop_equal(view, (), map, AddressDigests(), self._priority, rule)
        # Nothing was measured that a threshold could be held against: texts may be alike or not.
        return replace(found, drops=[replace(drop, value=None, threshold=None) for drop in found.drops])

    @property
    def _priority(self) -> Priority:
        return Priority(self.keep, self.score, self.seed)


def address(url: str) -> str:
    """Return an address in the one spelling in which it is compared; what is no http address as it is.

    >>> address("HTTP://www.Example.com:80/a/?utm_source=x&b=2&a=1#part")
    'example.com/a?a=1&b=2'
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # brackets that hold no IPv6 address, a port that is no number
        return url
    if parts.scheme not in _PORTS or not parts.hostname:
        return url
    place = "" if port in {None, _PORTS[parts.scheme]} else f":{port}"
    path = _escaped(_SESSION.sub("", parts.path)).rstrip("/")
    query = "&".join(sorted(_escaped(part) for part in parts.query.split("&") if part and not _tracks(part)))
    page = f"#{parts.fragment}" if parts.fragment.startswith("!") else ""
    return f"{_host(parts.hostname)}{place}{path}{'?' if query else ''}{query}{page}"


def _tracks(parameter: str) -> bool:
    return _TRACKING.fullmatch(parameter.partition("=")[0]) is not None


def _escaped(part: str) -> str:
    """Return a part of an address in which only those characters are escaped that must be."""
    return _ESCAPE.sub(_unescaped, quote(part, safe=_SAFE))


def _unescaped(match: re.Match[str]) -> str:
    char = chr(int(match[0][1:], 16))
    return char if char in _PLAIN else match[0].upper()


@lru_cache(maxsize=2**12)
def _host(name: str) -> str:
    name = name.rstrip(".")
    if not name.isascii():
        with suppress(idna.IDNAError):
            name = idna.encode(name, uts46=True).decode()
    return name.removeprefix("www.")
