"""Inline HTML to Markdown: emphasis, code, links, images and formulas of one paragraph."""

import re
from collections.abc import Callable

from lxml.etree import _Element as Node

from corpus.blocks import BORDERS, SKIPPED
from corpus.formulas import HOLDERS, delimited, formula
from corpus.white_space import fold

MAX_DEPTH = 100  # of nested elements; people reach 40. What is deeper is taken as bare text

_MARKS = {"b": "**", "strong": "**", "i": "*", "em": "*", "cite": "*", "del": "~~", "s": "~~", "strike": "~~"}
_MAX_URL_CHARS = 500
_AUTOLINK = re.compile(r"https?://[^\s<>]+")
_NO_LINK = ("#", "javascript:", "data:", "about:")
_PLAIN_ICONS = re.compile(r"^[#¶§🔗\s]*$")  # what documentation generators put beside headings

# Only what would be read as markup: "snake_case" and "2 * 3" stay as they are.
_MARKUP = re.compile(
    r"\\(?=[!-/:-@\[-`{-~])|`|(?<!\w)[*_]+(?=[^\s*_])|(?<=[^\s*_])[*_]+(?!\w)|<(?=[a-zA-Z/!?])|\](?=\()"
)
_AT_LINE_START = re.compile(r"^(#{1,6}(?=\s|$)|>|[-+*](?=\s)|={3,}|-{3,}|~{3,})", re.MULTILINE)
_NUMBER_AT_LINE_START = re.compile(r"^(\d{1,9})([.)])(?=\s)", re.MULTILINE)


def inline(node: Node, *, formulas: bool, depth: int = 0) -> str:
    """Return the Markdown of what is inside `node`; its lines end at `<br>`, all other white space is one blank."""
    parts: list[str] = []
    if node.text:
        parts.append(prose(node.text, formulas=formulas))
    for child in node:
        parts.append(span(child, formulas=formulas, depth=depth + 1))
        if child.tail:
            parts.append(prose(child.tail, formulas=formulas))
    return "".join(parts)


def prose(text: str, *, formulas: bool) -> str:
    """Return text between tags with its markup characters escaped; formulas in it are left alone."""
    text = fold(text)
    if formulas:
        text = delimited(text)
        if "$" in text:
            return text
    return _MARKUP.sub(r"\\\g<0>", text)


def span(node: Node, *, formulas: bool, depth: int) -> str:
    """Return the Markdown of one inline element, without its tail."""
    tag = node.tag
    if formulas and tag in HOLDERS and (tex := formula(node)) is not None:
        return tex
    leaf = _LEAVES.get(tag)
    if leaf is not None:
        return leaf(node)
    if tag in SKIPPED or depth > MAX_DEPTH:
        return "" if tag in SKIPPED else prose("".join(node.itertext()), formulas=formulas)
    inner = inline(node, formulas=formulas, depth=depth)
    if tag == "a":
        return _link(node, inner)
    if tag in {"sup", "sub"}:
        inner = f"<{tag}>{inner}</{tag}>" if inner.strip() and "\n" not in inner else inner
    return f" {inner} " if tag in BORDERS else _marked(inner, _MARKS.get(tag, ""))


def code_span(text: str) -> str:
    """Return text as inline code, between more backticks than it holds in a row."""
    text = fold(text)
    if not text.strip():
        return text
    longest = max([len(run) for run in re.findall("`+", text)], default=0)
    ticks = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def paragraph(text: str) -> str:
    """Return inline Markdown as a paragraph: no blanks at the ends of lines, nothing that begins a list or heading."""
    lines = [line.strip() for line in text.split("\n")]
    text = re.sub(" {2,}", " ", "\n".join([line for line in lines if line]))
    return _NUMBER_AT_LINE_START.sub(r"\1\\\2", _AT_LINE_START.sub(r"\\\1", text))


def _marked(inner: str, mark: str) -> str:
    """Put marks around the words only: `** bold**` is not bold."""
    core = inner.strip()
    if not mark or not core or "\n" in core or mark in core:
        return inner
    before, after = inner[: len(inner) - len(inner.lstrip())], inner[len(inner.rstrip()) :]
    return f"{before}{mark}{core}{mark}{after}"


def _link(node: Node, inner: str) -> str:
    target = (node.get("href") or "").strip()
    text = inner.strip()
    if _PLAIN_ICONS.match(text) and target.startswith("#"):
        return ""
    if not text or not target or target.lower().startswith(_NO_LINK) or len(target) > _MAX_URL_CHARS:
        return inner
    before, after = inner[: len(inner) - len(inner.lstrip())], inner[len(inner.rstrip()) :]
    if text == target and _AUTOLINK.fullmatch(target):
        return f"{before}<{target}>{after}"
    return f"{before}[{' '.join(text.split())}]({_url(target)}){after}"


def _image(node: Node) -> str:
    words = " ".join((node.get("alt") or "").split())
    source = (node.get("src") or "").strip()
    if not words:
        return ""
    if source.startswith("data:") or len(source) > _MAX_URL_CHARS:
        source = ""
    return f"![{words.replace(']', '')}]({_url(source)})"


def _url(target: str) -> str:
    target = re.sub(r"\s", "%20", target)
    return f"<{target}>" if "(" in target or ")" in target else target


def _code(node: Node) -> str:
    return code_span("".join(node.itertext()))


_LEAVES: dict[str, Callable[[Node], str]] = {
    "br": lambda _: "\n",
    "code": _code,
    "kbd": _code,
    "samp": _code,
    "tt": _code,
    "img": _image,
    "picture": lambda node: "".join([_image(image) for image in node.iter("img")]),
}
