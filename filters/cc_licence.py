"""Creative Commons licences that a page declares, as SPDX identifiers.

    licence = cc_licence(tree) if mentions_cc(html.encode().lower()) else None        # "CC-BY-SA-4.0"

Declarations, the strongest first: `link`, `rel` ("license" on a, area or link), `property` (RDFa and microdata, such as
cc:license), `meta` (dc.rights and its kin), `json-ld` ("license" and "usageInfo"), `anchor` (a link to a deed where the
text around it speaks of a licence), `text` ("licensed under CC BY-SA 4.0"). The strongest kind that a page has decides,
and where it names two licences, as a gallery does for its pictures, there is none for the page.

A licence that SPDX does not list, such as many that were ported to one country, is "LicenseRef-CC-BY-2.1-JP"; one
whose version is not said is "LicenseRef-CC-BY". All of them hold for what the page says, not for what is true.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from lxml.html import HtmlElement

from filters.cc_names import from_address, from_name

_RIGHTS = frozenset(
    f"{prefix}{name}"
    for prefix in ("dc.", "dcterms.", "dc:", "dcterms:")
    for name in ("rights", "license", "rights.license")
) | {"license", "licence", "copyright", "rights-standard", "citation_license"}
_PROPERTIES = frozenset(
    ("cc:license", "dct:license", "dcterms:license", "dc:rights", "dc:license", "xhv:license", "license")
)
_LICENSED = re.compile(r"licen[cs]e|public domain|ライセンス|許諾|提供", re.IGNORECASE)
_NAME = re.compile(
    r"\bCC[\s-]?(?:BY|0\b|zero)|creative\s+commons|クリエイティブ・?\s?コモンズ|public\s+domain\s+mark", re.IGNORECASE
)
_MENTIONS = (b"commons", "コモンズ".encode(), b"public domain mark")
_SHORT = re.compile(rb"cc(?:[ -]by|[ -]?0| zero)")  # six words in the time of one: what begins a pattern is found fast
_HIDDEN = frozenset(("script", "style", "template", "noscript", "title"))
_STRENGTH = ("link", "rel", "property", "meta", "json-ld", "anchor", "text")
_JSON_CHARS = 1 << 20  # a script of data that is longer is not read
_JSON_VALUES = 100_000
_TEXT_CHARS = 20_000  # at either end of a page
_DECLARATIONS = 500  # of a page that are looked at
_PIECES = 50  # of text, around a link or in an element
_TOLD_CHARS = 1_000  # of one declaration
_NEAR_CHARS = 120  # how far from a licence's name a word such as "licensed" stands


class Declared(NamedTuple):
    """A licence, and which kind of declaration names it."""

    licence: str  # SPDX
    kind: str


def mentions_cc(html: bytes) -> bool:
    """Tell whether a page, as UTF-8 in lower case, may name Creative Commons: of most pages no tree is searched."""
    return any(mention in html for mention in _MENTIONS) or _SHORT.search(html) is not None


def cc_licence(tree: HtmlElement) -> str | None:
    """Return the Creative Commons licence of a page, None where it declares none or several that differ."""
    found = cc_licences(tree)
    named = {one.licence for one in found if one.kind == found[0].kind}
    return named.pop() if len(named) == 1 else None


def cc_licences(tree: HtmlElement) -> tuple[Declared, ...]:
    """Return every licence that a page declares, the strongest declarations first, each but once."""
    declared = ((kind, told[:_TOLD_CHARS]) for kind, told in islice(_declarations(tree), _DECLARATIONS))
    found = dict.fromkeys(
        Declared(licence, kind)
        for kind, told in declared
        if kind and (licence := from_address(told) or (from_name(told) if kind != "anchor" else None))
    )
    return tuple(sorted(found, key=lambda one: _STRENGTH.index(one.kind)))


def _declarations(tree: HtmlElement) -> Iterator[tuple[str, str]]:
    """Yield the kind and the words of everything that may declare a licence."""
    for node in tree.iter("link", "a", "area", "meta", "script"):
        if node.tag == "script":
            yield from (("json-ld", told) for told in _linked_data(node))
        elif node.tag == "meta":
            yield from _meta(node)
        elif "creativecommons" in (href := node.get("href") or "").lower():
            yield _reference(node), href
    for node in tree.xpath("//*[@property or @itemprop][not(self::meta or self::link or self::a)]"):
        if _is_property(node):
            yield "property", node.get("resource") or node.get("content") or _beginning(node)
    yield from (("text", told) for told in _sentences(tree))


def _reference(node: HtmlElement) -> str:
    """Return what kind of declaration a link is, "" for a link that is none."""
    if "license" in (node.get("rel") or "").lower().split():
        return "link" if node.tag == "link" else "rel"
    if _is_property(node):
        return "property"
    around = node.getparent()
    says = around is not None and _LICENSED.search(_beginning(around))
    return "anchor" if says and node.tag != "link" else ""


def _is_property(node: HtmlElement) -> bool:
    names = f"{node.get('property') or ''} {node.get('itemprop') or ''}".lower().split()
    return not _PROPERTIES.isdisjoint(names)


def _meta(node: HtmlElement) -> Iterator[tuple[str, str]]:
    if (node.get("name") or node.get("property") or "").strip().lower() in _RIGHTS or _is_property(node):
        yield "meta", node.get("content") or ""


def _linked_data(node: HtmlElement) -> Iterator[str]:
    """Yield the licences in a JSON-LD script. One that is no JSON, or is huge, has none."""
    script = node.text or ""
    if "ld+json" not in (node.get("type") or "").lower() or len(script) > _JSON_CHARS:
        return
    try:
        waiting: list[Any] = [json.loads(script)]
    except (ValueError, RecursionError):
        return
    for _ in range(_JSON_VALUES):
        if not waiting:
            return
        value = waiting.pop()
        if isinstance(value, dict):
            for name in ("license", "usageInfo"):
                yield from _told(value.get(name))
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _told(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        told = one.get("@id") or one.get("url") or one.get("name") if isinstance(one, dict) else one
        if isinstance(told, str):
            yield told


def _sentences(tree: HtmlElement) -> Iterator[str]:
    """Yield what follows the name of Creative Commons where the words around it speak of a licence."""
    text = _visible(tree)
    for part in (text,) if len(text) < 2 * _TEXT_CHARS else (text[:_TEXT_CHARS], text[-_TEXT_CHARS:]):
        for name in _NAME.finditer(part):
            if _LICENSED.search(part, max(0, name.start() - _NEAR_CHARS), name.end() + _NEAR_CHARS):
                yield part[name.start() : name.end() + _NEAR_CHARS]


def _visible(tree: HtmlElement) -> str:
    """Return the text of a page without scripts and styles."""
    parts: list[str] = []
    for node in tree.iter():
        if node.text and node.tag not in _HIDDEN:
            parts.append(node.text)
        if node.tail:
            parts.append(node.tail)
    return " ".join(" ".join(parts).split())


def _beginning(node: HtmlElement) -> str:
    """Return the first pieces of an element's text: all of it, for each of many nested ones, would never end."""
    return " ".join([piece[:_TOLD_CHARS] for piece in islice(node.itertext(), _PIECES)])[:_TOLD_CHARS]
