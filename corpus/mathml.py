"""MathML to LaTeX: the author's own source where the page carries it, else a plain rendering of the elements.

>>> tex_of(fromstring("<math><mfrac><mi>a</mi><msup><mi>b</mi><mn>2</mn></msup></mfrac></math>"))
'\\frac{a}{b^{2}}'
"""

from collections.abc import Callable

from lxml.etree import _Element as Node

_TEX = ("application/x-tex", "tex", "latex", "application/x-latex")
_MAX_DEPTH = 60  # formulas of people have some 10
_FENCES = {"{": "\\{", "}": "\\}"}
_FUNCTIONS_WORDS = "sin cos tan cot sec csc sinh cosh tanh exp log ln lim max min sup inf det dim ker gcd"
_FUNCTIONS = frozenset(_FUNCTIONS_WORDS.split())
_SYMBOLS = {
    "∑": "\\sum", "∏": "\\prod", "∫": "\\int", "∞": "\\infty", "√": "\\sqrt", "±": "\\pm", "×": "\\times", "÷": "\\div",
    "⋅": "\\cdot", "·": "\\cdot", "≤": "\\le", "≥": "\\ge", "≠": "\\ne", "≈": "\\approx", "≡": "\\equiv", "∈": "\\in",
    "∉": "\\notin", "⊂": "\\subset", "⊆": "\\subseteq", "∪": "\\cup", "∩": "\\cap", "∀": "\\forall", "∃": "\\exists",
    "→": "\\to", "⇒": "\\Rightarrow", "⇔": "\\Leftrightarrow", "∂": "\\partial", "∇": "\\nabla", "…": "\\ldots",
    "⋯": "\\cdots", "−": "-", "′": "'", "∘": "\\circ", "¬": "\\neg", "∧": "\\wedge", "∨": "\\vee", "ℝ": "\\mathbb{R}",
    "ℕ": "\\mathbb{N}", "ℤ": "\\mathbb{Z}", "ℂ": "\\mathbb{C}", "ℚ": "\\mathbb{Q}", "⟨": "\\langle", "⟩": "\\rangle",
    "α": "\\alpha", "β": "\\beta", "γ": "\\gamma", "δ": "\\delta", "ε": "\\epsilon", "ζ": "\\zeta", "η": "\\eta",
    "θ": "\\theta", "ι": "\\iota", "κ": "\\kappa", "λ": "\\lambda", "μ": "\\mu", "ν": "\\nu", "ξ": "\\xi", "π": "\\pi",
    "ρ": "\\rho", "σ": "\\sigma", "τ": "\\tau", "υ": "\\upsilon", "φ": "\\phi", "χ": "\\chi", "ψ": "\\psi",
    "ω": "\\omega", "Γ": "\\Gamma", "Δ": "\\Delta", "Θ": "\\Theta", "Λ": "\\Lambda", "Ξ": "\\Xi", "Π": "\\Pi",
    "Σ": "\\Sigma", "Φ": "\\Phi", "Ψ": "\\Psi", "Ω": "\\Omega", "\u2061": "", "\u2062": "", "\u2063": "",
}  # fmt: skip


def tex_of(math: Node) -> str:
    """Return the LaTeX of a `<math>`: its annotation, else its alttext, else what its elements say."""
    for annotation in math.iter("annotation"):
        if (annotation.get("encoding") or "").lower() in _TEX and annotation.text:
            return str(annotation.text).strip()
    alternative = math.get("alttext")
    return str(alternative).strip() if alternative else _row(math, 0)


def _row(node: Node, depth: int) -> str:
    if depth > _MAX_DEPTH:
        return " ".join("".join(node.itertext()).split())
    parts = [_tex(child, depth + 1) for child in node if isinstance(child.tag, str)]
    text = _leaf(node.text or "") if not len(node) else ""
    out = ""
    for part in (text, *parts):
        if out[-1:].isalpha() and "\\" in out[out.rfind(" ") + 1 :] and part[:1].isalpha():
            out += " "  # \alpha x, not \alphax
        out += part
    return out


def _tex(node: Node, depth: int) -> str:
    tag = node.tag.rpartition(":")[2]
    if tag in {"annotation", "annotation-xml", "mspace", "mphantom", "maligngroup", "malignmark"}:
        return ""
    if tag in _WHOLE:
        return _WHOLE[tag](node, depth)
    write = _PARTS.get(tag)
    if write is None or len(node) < write[0] or depth > _MAX_DEPTH:
        return _row(node, depth)
    return write[1](*[_tex(child, depth + 1) for child in node][: write[0]])


def _words(node: Node, _: int) -> str:
    words = " ".join("".join(node.itertext()).split())
    return f"\\text{{{words}}}" if words else ""


def _matrix(node: Node, depth: int) -> str:
    rows = [" & ".join([_row(cell, depth) for cell in row]) for row in node]
    return "\\begin{matrix}" + " \\\\ ".join(rows) + "\\end{matrix}"


def _fenced(node: Node, depth: int) -> str:
    inner = ",".join([_tex(child, depth + 1) for child in node])
    start, end = node.get("open", "("), node.get("close", ")")
    return f"{_FENCES.get(start, start)}{inner}{_FENCES.get(end, end)}"


def _letters(node: Node, _: int) -> str:
    return _leaf("".join(node.itertext()))


def _leaf(text: str) -> str:
    text = " ".join(text.split())
    if text in _FUNCTIONS:
        return f"\\{text}"
    return _SYMBOLS.get(text, _FENCES.get(text, text))


def _base(text: str) -> str:
    return text if len(text) <= 1 or (text.startswith("\\") and text[1:].isalpha()) else f"{{{text}}}"


_PARTS: dict[str, tuple[int, Callable[..., str]]] = {  # how many children, and what is made of them
    "mfrac": (2, lambda top, bottom: f"\\frac{{{top}}}{{{bottom}}}"),
    "msqrt": (1, lambda inner: f"\\sqrt{{{inner}}}"),
    "mroot": (2, lambda inner, index: f"\\sqrt[{index}]{{{inner}}}"),
    "msup": (2, lambda base, upper: f"{_base(base)}^{{{upper}}}"),
    "msub": (2, lambda base, lower: f"{_base(base)}_{{{lower}}}"),
    "msubsup": (3, lambda base, lower, upper: f"{_base(base)}_{{{lower}}}^{{{upper}}}"),
    "munder": (2, lambda base, lower: f"{_base(base)}_{{{lower}}}"),
    "mover": (2, lambda base, upper: f"\\overset{{{upper}}}{{{base}}}"),
    "munderover": (3, lambda base, lower, upper: f"{_base(base)}_{{{lower}}}^{{{upper}}}"),
}
_WHOLE: dict[str, Callable[[Node, int], str]] = {
    **dict.fromkeys(("mi", "mn", "mo", "ms"), _letters),
    "mtext": _words,
    "mtable": _matrix,
    "mfenced": _fenced,
}
