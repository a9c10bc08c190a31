"""Mathematics as renderers leave it in a page: once, as LaTeX between dollars."""

import pytest

from corpus.blocks import blocks_of
from corpus.formulas import has_formulas
from corpus.html_tree import parse
from corpus.markdown_writer import markdown
from corpus.mathml import tex_of

MATHML = "<math{}><semantics><mrow><mi>x</mi><mo>=</mo><mn>1</mn></mrow>{}</semantics></math>"
TEX = '<annotation encoding="application/x-tex">x=1</annotation>'
KATEX = (
    '<span class="katex"><span class="katex-mathml">' + MATHML.format("", TEX) + "</span>"
    '<span class="katex-html" aria-hidden="true"><span>x</span><span>=</span><span>1</span></span></span>'
)
WIKIPEDIA = (
    '<span class="mwe-math-element"><span class="mwe-math-mathml-inline" style="display: none;">'
    + MATHML.format(' alttext="{\\displaystyle x=1}"', "")
    + '</span><img class="mwe-math-fallback-image-inline" alt="{\\displaystyle x=1}" src="x.svg"></span>'
)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (MATHML.format("", TEX), "$x=1$"),
        (MATHML.format(" display='block'", TEX), "$$x=1$$"),
        (MATHML.format(" alttext='x=1'", ""), "$x=1$"),
        (MATHML.format("", ""), "$x=1$"),
        (KATEX, "$x=1$"),
        (f'<span class="katex-display">{KATEX}</span>', "$$x=1$$"),
        (WIKIPEDIA, "$x=1$"),
        ("<span class='MathJax_Preview'>x=1</span><script type='math/tex'>x=1</script>", "$x=1$"),
        (
            "<span class='MathJax_Display'><span>glyphs</span></span><script type='math/tex;mode=display'>x=1</script>",
            "$$x=1$$",
        ),
        (
            f"<mjx-container display='true'><svg></svg><mjx-assistive-mml>{MATHML.format('', TEX)}"
            "</mjx-assistive-mml></mjx-container>",
            "$$x=1$$",
        ),
        ("<script src='MathJax.js'></script>\\(x=1\\)", "$x=1$"),
        ("<script src='MathJax.js'></script>\\[x=1\\]", "$$x=1$$"),
        ("<i class=mathjax></i><span>$\\begingroup$</span>$x=1$<span>$\\endgroup$</span>", "$x=1$"),
        ("<img class='tex' alt='x=1' src='x.png'> katex", "$x=1$ katex"),
    ],
)
def test_each_formula_is_written_once(html, expected):
    page = f"<html><body><p>Let {html} hold.</p></body></html>"
    assert has_formulas(page.encode().lower())
    root = parse(page)
    assert markdown(root.find("body"), formulas=True) == f"Let {expected} hold."
    blocks, _ = blocks_of(root, formulas=True)
    assert [block.text for block in blocks] == [f"Let {expected} hold."]


@pytest.mark.parametrize(
    ("mathml", "tex"),
    [
        ("<mfrac><mi>a</mi><msup><mi>b</mi><mn>2</mn></msup></mfrac>", "\\frac{a}{b^{2}}"),
        ("<msqrt><mi>x</mi></msqrt><mo>≤</mo><mi>π</mi>", "\\sqrt{x}\\le\\pi"),
        (
            "<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>0</mn></mrow><mi>n</mi></munderover><mi>i</mi>",
            "\\sum_{i=0}^{n}i",
        ),
        ("<mi>α</mi><mi>x</mi>", "\\alpha x"),
        ("<mi>sin</mi><mi>x</mi>", "\\sin x"),
        ("<mtext>if so</mtext>", "\\text{if so}"),
        ("<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr></mtable>", "\\begin{matrix}1 & 2\\end{matrix}"),
    ],
)
def test_mathml_without_a_source_is_written_as_latex(mathml, tex):
    assert tex_of(next(parse(f"<p><math>{mathml}</math></p>").iter("math"))) == tex


def test_mathml_nested_beyond_sense_ends():
    assert "x" in tex_of(next(parse(f"<math>{'<mrow>' * 400}x</math>").iter("math")))


def test_a_page_without_formulas_keeps_its_dollars_and_brackets():
    page = "<html><body><p>$5 \\(not math\\) and $6</p></body></html>"
    assert not has_formulas(page.encode().lower())
    assert [block.text for block in blocks_of(parse(page))[0]] == ["$5 \\(not math\\) and $6"]
