"""MediaWiki's markup to plain text with Markdown's headings, lists, code and formulas.

Templates are programs that a dump does not run: they are left out, but for those of SHOWN, of which a parameter stands
in the sentence. Tables, references, galleries, files, categories and links to other languages are left out too, and so
is a heading with nothing below it.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import mwparserfromhell
from mwparserfromhell.nodes import ExternalLink, Heading, HTMLEntity, Tag, Template, Text, Wikilink

from corpus.extract import clean

SHOWN: Mapping[str, tuple[int, ...]] = {  # positional parameters that readers see, by the template's name
    "convert": (1, 2),
    "cvt": (1, 2),
    "ill": (1,),
    "lang": (2,),
    "nobr": (1,),
    "nowrap": (1,),
    "ruby": (1,),
    "transl": (2,),
    "ルビ": (1,),
    "仮リンク": (1,),
    "読み仮名": (1,),
    "読み仮名 ruby不使用": (1,),
}
_LEFT_OUT = frozenset(
    {
        *("ref", "references", "gallery", "timeline", "score", "imagemap", "table", "hiero", "graph", "inputbox"),
        *("templatestyles", "mapframe", "maplink", "indicator", "categorytree", "section", "style", "script"),
        *("noinclude", "includeonly"),
    }
)
_FENCED = "\n\n```\n{}\n```\n\n"
_VERBATIM = {"syntaxhighlight": _FENCED, "source": _FENCED, "pre": _FENCED, "math": "${}$", "nowiki": "{}"}
_INTERLANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z-]{1,20})?")
_SWITCH = re.compile(r"__[A-Z_]{3,30}__[ \t]{0,9}")
_LOST_TABLE = re.compile(
    r"^[ \t]*(?:\{\||\|\}|\|-).*$", re.MULTILINE
)  # one whose end is missing is no table to the parser
_EMPTY_BRACKETS = re.compile(r"[ \t]?[(（][\s、,;；・]{0,20}[)）]")  # what was in them was a template
_HEADING = re.compile(r"(#{1,6}) ")


def text_of(wikitext: str, hidden: frozenset[str]) -> str:
    """Return the text of a page; `hidden` are the names, in lower case, of the namespaces whose links show nothing."""
    shown = _Shown(hidden).all(mwparserfromhell.parse(wikitext).nodes)
    shown = _EMPTY_BRACKETS.sub("", _LOST_TABLE.sub("", _SWITCH.sub("", shown)))
    return clean(_without_empty_sections(clean(shown)))


class _Shown:
    """What readers see of nodes."""

    def __init__(self, hidden: frozenset[str]) -> None:
        self.hidden = hidden
        self.by_type: Mapping[type, Callable[[Any], str]] = {
            Text: lambda node: str(node.value),
            Heading: self._heading,
            Wikilink: self._link,
            ExternalLink: self._external,
            Template: self._template,
            Tag: self._tag,
            HTMLEntity: lambda node: str(node.normalize()),
        }

    def all(self, nodes: Any) -> str:
        """Return what is seen of nodes that follow one another; of comments and parameters, nothing."""
        parts: list[str] = []
        for node in nodes:
            show = self.by_type.get(type(node))
            part = show(node) if show else ""
            if part == "- " and parts and parts[-1].endswith("- "):
                parts[-1] = "  " + parts[-1]  # an item within an item
            else:
                parts.append(part.lstrip(" ") if parts and parts[-1].endswith("- ") else part)
        return "".join(parts)

    def _heading(self, node: Any) -> str:
        title = " ".join(self.all(node.title.nodes).split())
        return f"\n\n{'#' * node.level} {title}\n\n" if title else "\n\n"

    def _link(self, node: Any) -> str:
        title = str(node.title).strip()
        space = title.partition(":")[0].strip() if ":" in title else ""
        if space.lower() in self.hidden or _INTERLANGUAGE.fullmatch(space):
            return ""
        if node.text is not None:
            return self.all(node.text.nodes)
        return title.lstrip(":")

    def _external(self, node: Any) -> str:
        if node.title is not None:
            return self.all(node.title.nodes)
        return "" if node.brackets else str(node.url)

    def _template(self, node: Any) -> str:
        name = " ".join(str(node.name).split()).lower()
        places = SHOWN.get(name, (1,) if name.startswith("lang-") else ())
        return " ".join(self.all(node.get(place).value.nodes).strip() for place in places if node.has(place))

    def _tag(self, node: Any) -> str:
        name = str(node.tag).strip().lower()
        if name == "li" and node.wiki_markup:
            return "- "
        if name in {"br", "hr"}:
            return "\n"
        if name in _LEFT_OUT or node.contents is None:
            return ""
        verbatim = _VERBATIM.get(name)
        if verbatim:
            return verbatim.format(str(node.contents).strip("\n"))
        inner = self.all(node.contents.nodes)
        return f"`{inner}`" if name == "code" and inner.strip() else inner


def _without_empty_sections(text: str) -> str:
    """Leave out headings that are followed by one of the same or of a higher level, or by nothing."""
    kept: list[str] = []
    below = 0  # the level of the heading that was met last, going upwards; 7: text was
    fenced = False
    for block in reversed(text.split("\n\n")):
        fences = block.count("```")
        heading = None if fenced or fences else _HEADING.match(block)
        fenced ^= bool(fences % 2)
        level = len(heading[1]) if heading else 7
        if heading and level >= below:
            continue
        below = level
        kept.append(block)
    return "\n\n".join(reversed(kept))
