"""The code of a `<pre>` as its author wrote it, and the language that the page says it is in.

Highlighters put line numbers, copy buttons and a gutter around the code, or lay both out as a table; none of that is
code. All else is the text as the DOM gives it (innerText), character for character: `<br>` and the edges of a block
inside the `<pre>` end a line.
"""

import re
from collections.abc import Iterable, Iterator

from lxml.etree import _Element as Node
from lxml.etree import iterwalk

_LINE_ENDS = re.compile("\r\n?")
_NOT_CODE = re.compile(
    r"(?:^|\s)(?:line-?numbers?(?:-rows)?|lineno\w*|linenos?|hljs-ln-numbers|gutter|rouge-gutter|blob-num|"
    r"CodeMirror-linenumber|copy(?:-|to|_)?\w*|btn-clipboard|code-?copy\w*|clipboard\w*|sr-only|visually-hidden)(?:\s|$)",
    re.IGNORECASE,
)
_NEVER_CODE = frozenset(("button", "script", "style", "textarea", "select", "svg", "template", "clipboard-copy"))
_LANGUAGE = re.compile(
    r"(?:^|[\s;])(?:(?:language|lang|highlight-source|highlight|brush|sourceCode)\s*[-:_]\s*)([\w+#.-]+)", re.IGNORECASE
)
_KNOWN_WORDS = (
    "abap ada apache apl asm assembly awk bash basic batch bat c c++ c# clojure cmake cmd cobol coffeescript "
    "console cpp csharp css csv cuda cython d dart delphi diff docker dockerfile elixir elm erlang f# fish "
    "fortran fsharp gherkin git glsl go golang gradle graphql groovy haskell hcl html http ini java javascript js "
    "json json5 jsonc jsx julia kotlin latex less lisp llvm lua makefile markdown matlab md mermaid mysql nasm "
    "nginx nim nix objc objective-c ocaml pascal perl pgsql php plaintext postgresql powershell prolog properties "
    "protobuf ps1 py python python3 pycon r rb rs ruby rust sass scala scheme scss sh shell solidity sparql sql "
    "svelte swift tcl terraform tex text toml ts tsx typescript vb vbnet verilog vhdl vim vue wasm xml yaml yml "
    "zig zsh"
)
_KNOWN = frozenset(_KNOWN_WORDS.split())
_SAID_OTHERWISE = {
    **dict.fromkeys(("ipython", "ipython3"), "python"),
    **dict.fromkeys(("auto", "default", "none", "notranslate"), ""),
}
_PREFORMATTED = ("pre", "listing", "xmp")
_LINES = frozenset(("div", "p", "li"))  # what some highlighters put around each line
_LINE_CLASS = "gatsby-highlight-code-line"  # of a <span> that its style sheet makes a block
_BLANKS, _ENDS = " \t", ("\n", "\r")
_ANCESTORS = 3  # <div class="highlight-python"><div class="highlight"><pre>


def code_of(pre: Node) -> str:
    """Return the text of a `<pre>`, without what a highlighter put there; line ends are \\n."""
    return _text(_innermost(pre))


def language_of(pre: Node) -> str:
    """Return the language in the words of the page ("rust", "pycon"), "" where it names none."""
    inner = _innermost(pre)
    nodes = [inner, *inner.iterchildren("code")]
    above = inner.getparent()
    for _ in range(_ANCESTORS):
        if above is None or above.tag not in {"div", "figure", "td", "section", "pre", "code"}:
            break
        nodes.append(above)
        above = above.getparent()
    for node in nodes:
        for name in ("data-lang", "data-language", "data-code-language", "lang", "class"):
            value = node.get(name) or ""
            found = _language(value, is_class=name == "class") if value and (name != "lang" or node is pre) else None
            if found is not None:
                return found
    return ""


def is_gutter(pre: Node) -> bool:
    """Tell whether a `<pre>` holds the line numbers of the one beside it."""
    cell = pre.getparent()
    return cell is not None and cell.tag in {"td", "div"} and _is_gutter(cell)


def _language(value: str, *, is_class: bool) -> str | None:
    if not is_class:
        word = value.strip().lower()
        return _SAID_OTHERWISE.get(word, word) if word in _KNOWN or word in _SAID_OTHERWISE else None
    words = [found[1].lower().rstrip(".;") for found in _LANGUAGE.finditer(value)]
    for word in sorted(words, key=lambda word: word not in _KNOWN):  # "highlight-height language-typescript"
        if word in _SAID_OTHERWISE or re.search("[a-z]", word):
            return _SAID_OTHERWISE.get(word, word)
    return next(
        (word for word in value.lower().split() if word in _KNOWN and word not in {"text", "d", "r", "c"}), None
    )


def _is_gutter(cell: Node) -> bool:
    if _NOT_CODE.search(cell.get("class") or ""):
        return True
    return "".join(cell.itertext()).strip().replace("\n", "").replace(" ", "").isdigit() and cell.getnext() is not None


def _innermost(pre: Node) -> Node:
    """Return the `<pre>` or `<xmp>` that a `<pre>` holds and nothing else: blanks around it are the template's."""
    inner = next(pre.iterdescendants(*_PREFORMATTED), None)
    return inner if inner is not None and _text(inner).strip() == _text(pre).strip() else pre


def _text(pre: Node) -> str:
    columns = [cell for cell in pre.iter("td") if not _is_gutter(cell)]
    text = _LINE_ENDS.sub("\n", _joined(_pieces(pre)) if not columns else "".join(_by_rows(columns)))
    return text.removeprefix("\n")  # HTML drops one line end after <pre>; libxml2 does not


def _joined(pieces: Iterable[str | None]) -> str:
    """Join pieces of text; an edge between two of them ends a line, unless the page has a line end there already."""
    parts: list[str] = []
    edge = False
    for piece in pieces:
        if piece is None:
            edge = bool(parts)
            continue
        if edge and not parts[-1].rstrip(_BLANKS).endswith(_ENDS) and not piece.lstrip(_BLANKS).startswith(_ENDS):
            parts.append("\n")
        edge = False
        parts.append(piece)
    return "".join(parts)


def _by_rows(cells: list[Node]) -> Iterator[str]:
    """Yield a line of code for each row: highlighters that number lines put each into a row of its own."""
    for cell in cells:
        line = _joined(_pieces(cell))
        yield line if line.endswith("\n") else line + "\n"


def _pieces(root: Node) -> Iterator[str | None]:
    """Yield the text inside an element in the order of the document, None at the edges of blocks."""
    walker = iterwalk(root, events=("start", "end"))
    for event, node in walker:
        if node.tag in _LINES or node.get("class") == _LINE_CLASS:
            yield None
        if event == "end":
            if node is not root and node.tail:
                yield node.tail
        elif node is not root and (node.tag in _NEVER_CODE or _NOT_CODE.search(node.get("class") or "")):
            walker.skip_subtree()
        elif node.tag == "br":
            yield "\n"
        elif node.text:
            yield node.text
