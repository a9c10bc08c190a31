"""Code blocks in replies: none, several, nested, unclosed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.fences import block_of, blocks, fenced
from generators.sections import sections
from manifests.rows import Document
from manifests.stage import Rejected

DOC = Document(text="x")


def found(reply):
    return [(block.language, block.code, block.closed) for block in blocks(reply)]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("", []),
        ("no code here, only `x = 1` and ``y``", []),
        ("```python\nx = 1\n```", [("python", "x = 1", True)]),
        ("Here:\n\n```Python\nx = 1\n```\nDone.", [("python", "x = 1", True)]),
        ("```py3 title='a'\nx = 1\n```", [("python", "x = 1", True)]),
        ("```c++\nint x;\n```", [("cpp", "int x;", True)]),
        ("```\nx = 1\n```", [("", "x = 1", True)]),
        ("~~~rust\nfn a() {}\n~~~", [("rust", "fn a() {}", True)]),
        ("````python\n```\nx\n```\n````", [("python", "```\nx\n```", True)]),
        ("```python\r\nx = 1\r\n```\r\n", [("python", "x = 1", True)]),
        ("```python\nx = 1\n", [("python", "x = 1", False)]),
        ("```python\nx = 1\n``", [("python", "x = 1\n``", False)]),
        ("```python", [("python", "", False)]),
        ("```\na\n```\ntext\n```\nb\n```", [("", "a", True), ("", "b", True)]),
        ("```\na\n```\n```python\nb", [("", "a", True), ("python", "b", False)]),
        ("1. List:\n   ```python\n   x = 1\n   ```", [("python", "   x = 1", True)]),
        ("```python\n\n\n```", [("python", "\n", True)]),
    ],
)
def test_blocks_are_found_with_their_language(reply, expected):
    assert found(reply) == expected


NESTED = [
    'def f():\n    """Say.\n\n    ```\n    f()\n    ```\n    """\n    return 1',
    '"""Module.\n\n```\nf()\n```\n"""\n\n\ndef f(): ...',
    "'''\n```python\nf()\n```\n'''\nx = 1",
    'x = """\n```\n"""',
    "# see\n```python\ninner\n```\ny = 2",
    "\"\"\"One.\"\"\" '''Two.'''\nx = 1",
]


@pytest.mark.parametrize("code", NESTED)
def test_fences_inside_a_docstring_stay_in_the_block(code):
    reply = f"Before.\n```python\n{code}\n```\nAfter.\n```\nother\n```\n"
    assert found(reply) == [("python", code, True), ("", "other", True)]


def test_a_quote_that_is_never_closed_hides_no_fence():
    assert found('```text\nan odd """ mark\n```\nAfter.') == [("text", 'an odd """ mark', True)]


def test_the_text_around_a_block_is_known_by_its_place():
    reply = "Before.\n```python\nx = 1\n```\nAfter."
    [block] = blocks(reply)
    assert (reply[: block.start], reply[block.end :]) == ("Before.\n", "After.")


PROSE = st.text(st.characters(exclude_characters="`~", exclude_categories=["Cs"]), max_size=60)
CODE = st.text(st.characters(exclude_characters="\"'", exclude_categories=["Cs"]), max_size=80).filter(
    lambda code: "\r" not in code and not code.startswith("~")
)


@given(PROSE, CODE, PROSE)
def test_what_is_fenced_is_found_again_between_any_text(before, code, after):
    code = code.replace("~~~", "")
    reply = f"{before}\n{fenced(code, 'python')}\n{after}"
    [block] = blocks(reply)
    assert (block.language, block.code, block.closed) == ("python", code.removesuffix("\n"), True)
    assert reply[: block.start] == f"{before}\n"
    assert reply[block.end :] == after


@given(st.lists(st.sampled_from(["```", "````", "~~~", "```python", "   ```", '"""', "'''", "x = 1", "", "\r", " \f"])))
def test_any_heap_of_fences_is_read_in_order_and_without_overlap(lines):
    reply = "\n".join(lines)
    place = 0
    for block in blocks(reply):
        assert place <= block.start < block.end <= len(reply)
        assert block.code in reply[block.start : block.end]
        place = block.end
    assert all(block.closed for block in blocks(reply)[:-1])


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("Sorry, no.", "fences/no_code"),
        ("```python\n\n```", "fences/no_code"),
        ("```python\nx = 1\n", "fences/unclosed"),
        ("```rust\nfn a() {}\n```", "fences/other_language"),
        ("```python\nx = 1\n```", "fences/short"),
    ],
)
def test_a_reply_without_the_code_that_was_asked_for_is_refused(reply, reason):
    refused = block_of(DOC, reply, "python", min_chars=10)
    assert isinstance(refused, Rejected)
    assert refused.reason == reason


def test_of_several_blocks_the_first_or_the_last_one_in_the_language_counts():
    reply = "```bash\nls\n```\n```python\na = 1\n```\n```\nb = 2\n```"
    assert block_of(DOC, reply, "python").code == "a = 1"
    assert block_of(DOC, reply, "python", which="last").code == "b = 2"


HEADINGS = ("Problem", "Solution", "Tests")


@pytest.mark.parametrize(
    "reply",
    [
        "[Problem]\np\n[Solution]\ns\n[Tests]\nt",
        "## Problem\np\n## Solution:\ns\n## Tests\nt",
        "Sure!\n\n**Problem**\np\n\n**Solution:**\ns\n\n**Tests**\nt",
        "Problem: p\nSolution: s\nTests: t",
        "### [PROBLEM]\np\n### [SOLUTION]\ns\n### [TESTS]\nt",
    ],
)
def test_sections_are_found_under_their_headings(reply):
    assert sections(reply, HEADINGS) == ["p", "s", "t"]


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "[Problem]\np\n[Tests]\nt\n[Solution]\ns",
        "[Problem]\np\n[Solution]\ns",
        "[Problem]\n[Solution]\ns\n[Tests]\nt",
        "Problem solving is fun\nSolution found\nTests pass",
        "[Problem]\np\n```\n[Solution]\n[Tests]\n```",
    ],
)
def test_sections_that_are_missing_empty_or_out_of_order_are_none(reply):
    assert sections(reply, HEADINGS) is None


def test_headings_in_japanese_are_found_and_none_inside_code():
    code = "```python\n# [テスト]\nx = 1\n```"
    assert sections(f"【問題】\n数を数える。\n\n## 解答\n{code}\n[テスト]：\nt", ("問題", "解答", "テスト")) == [
        "数を数える。",
        code,
        "t",
    ]
