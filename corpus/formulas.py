"""Mathematics in a page as LaTeX between dollars: what KaTeX, MathJax, MathML and Wikipedia's images leave there.

A renderer writes each formula two or three times (source, MathML, glyphs); one of them is taken, the source first.
"""

import re

from lxml.etree import _Element as Node

from corpus.mathml import tex_of

_TRACES = (b"katex", b"mjx-")
_MATH = re.compile(rb"math(?:/tex|jax|(?<=<math)|(?<=mwe-math))")  # what begins a pattern is found fast
_HOLDER = re.compile(
    r"(?:^|\s)(?:katex(?:-display)?|mwe-math-element|MathJax(?:_Display|_SVG|_CHTML)?|math-container)(?:\s|$)"
)
_GLYPHS = re.compile(r"(?:^|\s)(?:katex-html|MathJax_Preview|MathJax(?:_Display|_SVG|_CHTML)?)(?:\s|$)")
_PICTURE = re.compile(r"(?:^|\s)(?:mwe-math-fallback-image\S*|tex|latex|math|eq)(?:\s|$)")
_INLINE = re.compile(r"\\\((.{1,2000}?)\\\)", re.DOTALL)
_DISPLAY = re.compile(r"\\\[(.{1,4000}?)\\\]", re.DOTALL)
_GROUP = re.compile(r"\\?\$\\(?:begin|end)group\\?\$")  # Stack Exchange puts them around each post
_STYLE = re.compile(r"^\{\\(displaystyle|textstyle)\s+(.*)\}$", re.DOTALL)
HOLDERS = frozenset(("math", "script", "mjx-container", "span", "div", "img"))


def has_formulas(html: bytes) -> bool:
    """Tell whether a page, as UTF-8 in lower case, may hold formulas: most pages are spared the rest."""
    return any(trace in html for trace in _TRACES) or _MATH.search(html) is not None


def formula(node: Node) -> str | None:
    """Return the LaTeX of an element that stands for a formula, "" for a second copy of one, None for any other."""
    tag = node.tag
    if tag == "math":
        return _dollars(tex_of(node), display=node.get("display") == "block")
    if tag == "script":
        kind = node.get("type") or ""
        return _dollars(node.text or "", display="display" in kind) if kind.startswith("math/tex") else None
    names = node.get("class") or ""
    if tag == "img":
        return _dollars(node.get("alt") or "", display="display" in names) if _PICTURE.search(names) else None
    if tag != "mjx-container" and not _HOLDER.search(names):
        return "" if "katex-html" in names or "MathJax_Preview" in names else None
    display = "katex-display" in names or "_Display" in names or node.get("display") in {"true", "block"}
    for inner in node.iter("math", "script", "img"):
        found = formula(inner)
        if found:
            return _dollars(found.strip("$"), display=display or found.startswith("$$"))
    return "" if _GLYPHS.search(names) else None


def delimited(text: str) -> str:
    r"""Return the text with \(...\) and \[...\] as dollars, as MathJax and KaTeX read them."""
    if "\\" not in text:
        return text
    return _DISPLAY.sub(r"$$\1$$", _INLINE.sub(r"$\1$", _GROUP.sub("", text)))


def _dollars(tex: str, *, display: bool) -> str:
    tex = " ".join(tex.replace("% <![CDATA[", "").replace("%]]>", "").split()).strip("$").strip()
    styled = _STYLE.match(tex)
    if styled:
        tex = styled[2].strip()
    if not tex:
        return ""
    return f"$${tex}$$" if display else f"${tex}$"
