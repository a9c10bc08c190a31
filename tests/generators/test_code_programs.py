"""The programs that ask models for code, on small files and with written replies."""

import json
import os
from pathlib import Path

import pytest

from dedup.clean import decontaminated
from generators import code_comments, code_describe, code_evolve, code_oss_instruct, code_rewrite, code_topics
from generators.code_solve import solving
from generators.code_variants import VARIANTS
from generators.fences import fenced
from generators.generate import Generate
from manifests import canonical
from manifests.errors import BadRecipe
from manifests.lineage import recipe_chain
from manifests.store import Store
from tests.generators.boxed import ISOLATED
from tests.generators.code_files import BEES, BROKEN, TIDES, asked, code

GOLDEN = Path(__file__).parents[1] / "golden" / "code.json"


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


def prompts(recipe):
    """Return the messages of each task of a program, for one file."""
    doc = code(BEES, keyword="math")
    tasks = [step.task for step in recipe.steps if isinstance(step, Generate)]
    return [[message.content for message in task.prompt(doc)] for task in tasks]


def commented(request):
    """Answer with the file of the request, a comment more in it."""
    file = request.prompt.split("```python\n")[1].split("\n```")[0]
    return f"Here it is:\n\n```python\n# 巣箱を数える。\n{file}\n```\nThat is all."


def solved(solution, tests, problem=""):
    first = f"[Problem]\n{problem}\n" if problem else ""
    return f"{first}[Solution]\n{fenced(solution, 'python')}\n[Tests]\n{fenced(tests, 'python')}"


DOUBLE = "def double(number):\n    return 2 * number"
GOOD = solved(DOUBLE, "assert double(2) == 4\n\n\ndef test_zero():\n    assert double(0) == 0")
WRONG = solved("def double(number):\n    return 3 * number  # wrong", "assert double(2) == 4")
LOOPS = solved("def double(number):\n    while True:\n        number += 1", "assert double(2) == 4")


def test_the_prompts_are_the_golden_ones():
    """Run with KOBA_GOLDEN=1 to write them anew."""
    recipes = {
        **{f"comments {to}": code_comments.recipe(to=to) for to in ("en", "ja")},
        **{f"describe {to}": code_describe.recipe(to=to) for to in ("en", "ja")},
        **{f"evolve {to}": code_evolve.recipe(to=to, rounds=2) for to in ("en", "ja")},
        **{f"topics {to}": code_topics.recipe(to=to) for to in ("en", "ja")},
        **{
            f"oss-instruct {variant} {to}": code_oss_instruct.recipe(variant=variant, to=to)
            for variant in VARIANTS
            for to in ("en", "ja")
        },
        "rewrite": code_rewrite.recipe(),
    }
    found = {name: prompts(recipe) for name, recipe in recipes.items()}
    if os.environ.get("KOBA_GOLDEN"):
        GOLDEN.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert found == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_comments_are_added_and_the_licences_of_file_and_model_are_carried_along(store):
    rows, reasons = asked(code_comments.recipe, store, BEES, TIDES, BROKEN, answer=commented)
    assert {row.text for row in rows} == {f"# 巣箱を数える。\n{text}" for text in (BEES, TIDES)}
    assert {row.licence for row in rows} == {"MIT AND Apache-2.0"}
    assert {row.language for row in rows} == {"ja"}
    assert all("original" not in row.labels for row in rows)
    assert reasons == {"syntax/broken": 1}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("No.", "fences/no_code"),
        ("```python\nx = 1", "fences/unclosed"),
        (fenced(BEES, "python"), "same_program/no_comments"),
        (fenced(f"# more\n{BEES}".replace("room <= 0", "room < 0"), "python"), "same_program/tree"),
        (
            fenced(f"# more\n{BEES}".replace('f"no room: {room}"', "f'no room: {room}'"), "python"),
            "same_program/tokens",
        ),
        (fenced(f"# more\n{BROKEN}", "python"), "same_program/not_python"),
    ],
)
def test_a_file_that_is_another_program_is_refused(store, answer, reason):
    rows, reasons = asked(code_comments.recipe, store, BEES, answer=lambda _: answer)
    assert (rows, reasons) == ([], {reason: 1})


SAID = "A function named hives says how many hives a number of bees needs, given the room of each, and refuses no room."


def test_code_is_described_and_written_anew_from_the_description_alone(store):
    prompts = []

    def answer(request):
        prompts.append(request.prompt)
        return SAID if "specifications" in request.prompt else fenced(DOUBLE, "python")

    rows, reasons = asked(code_describe.recipe, store, BEES, to="en", answer=answer)
    assert [row.text for row in rows] == [f"{SAID}\n\n{fenced(DOUBLE, 'python')}"]
    assert rows[0].labels == {"programming_language": "python", "generate/finish": "stop"}
    assert reasons == {}
    assert "math.ceil" in prompts[0]
    assert "math.ceil" not in prompts[1]


@pytest.mark.parametrize(
    ("said", "regenerated", "reason"),
    [
        ("Short.", "", "describe/empty"),
        (f"{SAID}\n{fenced(BEES, 'python')}", "", "describe/empty"),
        (SAID, fenced(BEES, "python"), "describe/copied"),
        (SAID, fenced(BROKEN, "python"), "syntax/broken"),
        (SAID, "I will not.", "fences/no_code"),
    ],
)
def test_descriptions_and_code_that_are_of_no_use_are_refused(store, said, regenerated, reason):
    def answer(request):
        return said if "specifications" in request.prompt else regenerated

    assert asked(code_describe.recipe, store, BEES, to="en", answer=answer) == ([], {reason: 1})


@ISOLATED
def test_a_snippet_becomes_a_problem_with_a_solution_that_passes_its_tests(store):
    answer = solved(DOUBLE, "assert double(2) == 4", "Double a number of bees.")
    rows, reasons = asked(code_oss_instruct.recipe, store, BEES, to="en", topics=("tides",), answer=lambda _: answer)
    assert [row.text for row in rows] == [f"Double a number of bees.\n\n{fenced(DOUBLE, 'python')}"]
    assert reasons == {}
    labels = rows[0].labels
    assert (labels["variant"], labels["topic"], labels["programming_language"]) == ("instruct", "tides", "python")
    assert rows[0].licence == "MIT AND Apache-2.0"
    assert "snippet" not in labels


@ISOLATED
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Sure, here is some text.", "sections/missing"),
        (GOOD, "sections/missing"),
        (f"[Problem]\np\n{GOOD}".replace("[Tests]", "[Solution]"), "sections/missing"),
        ("[Problem]\np\n[Solution]\nno code\n[Tests]\nnone", "fences/no_code"),
        (f"[Problem]\np\n{WRONG}", "tests/broken"),
        (f"[Problem]\np\n{solved(DOUBLE, 'print(double(2))')}", "tests/none"),
        (f"[Problem]\np\n{solved(DOUBLE + chr(10) + 'import sys; sys.exit()', 'assert False')}", "tests/broken"),
        (f"[Problem]\np\n{solved(BROKEN, 'assert True')}", "syntax/broken"),
        (
            f"[Problem]\np\n{solved('def double(number):' + chr(10) + '    return [0] * 10**11', 'assert double(1)')}",
            "tests/limit",
        ),
    ],
)
def test_replies_without_a_solution_that_passes_are_refused(store, answer, reason):
    rows, reasons = asked(code_oss_instruct.recipe, store, BEES, to="en", answer=lambda _: answer)
    assert (rows, reasons) == ([], {reason: 1})


@ISOLATED
def test_the_same_problem_or_solution_is_kept_once_whatever_its_white_space(store):
    def answer(request):
        spaced = "bees" in request.prompt
        solution = DOUBLE.replace("2 * number", "2*number") if spaced else DOUBLE
        return solved(solution, "assert double(2) == 4", "Double  it." if spaced else "Multiply a number by two.")

    rows, reasons = asked(code_oss_instruct.recipe, store, BEES, TIDES, to="en", with_topics=False, answer=answer)
    assert len(rows) == 1
    assert reasons == {"distinct/solution": 1}


@ISOLATED
def test_problems_are_made_harder_and_solved(store):
    harder = "Double a number of bees, and refuse what is no number of bees at all, such as a fraction."

    def answer(request):
        return harder if "harder" in request.prompt else GOOD

    text = f"Double a number of bees.\n\n{fenced(DOUBLE, 'python')}"
    rows, reasons = asked(code_evolve.recipe, store, text, to="en", answer=answer)
    assert [row.text for row in rows] == [f"{harder}\n\n{fenced(DOUBLE, 'python')}"]
    assert rows[0].labels["operator"] in code_evolve.OPERATORS
    assert reasons == {}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Sorry, I cannot do that.", "generate/refusal"),
        ("!!! ... ???", "evolve/no_words"),
        ("Double a number of bees.", "evolve/no_gain"),
        ("Double it.", "evolve/no_gain"),
        ("#Rewritten Prompt#: Double a number of bees twice.", "evolve/prompt"),
        ("New problem: Double a number of bees twice over.", "evolve/prompt"),
    ],
)
def test_problems_that_are_no_harder_are_refused(store, answer, reason):
    rows, reasons = asked(
        code_evolve.recipe, store, "Double a number of bees.", to="en", tests=False, answer=lambda _: answer
    )
    assert (rows, reasons) == ([], {reason: 1})


def test_the_rounds_of_an_evolution_draw_their_operators_anew():
    doc = code("Double it.")
    drawn = {code_evolve.evolving("en", tuple(code_evolve.OPERATORS), turn, 0).operator(doc) for turn in range(20)}
    assert drawn == set(code_evolve.OPERATORS)


@ISOLATED
def test_topics_become_subtopics_and_these_problems_with_all_their_numbers(store):
    def answer(request):
        if "subtopics" in request.prompt:
            return "1. Stable sorts\n2. Binary search\n3. stable  sorts"
        if "different problems" in request.prompt:
            return f"1. Write double, {canonical.sha256(request.prompt.encode())[:6]}.\n2. Write it. In two ways."
        if "Write it" in request.prompt:
            return "no code"
        return GOOD.replace("double", f"double{canonical.sha256(request.prompt.encode())[:6]}")

    options = {"subtopics": 3, "problems": 2, "to": "en", "macro": ("sorting",)}
    rows, reasons = asked(code_topics.recipe, store, BEES, "x = 1\n", answer=answer, **options)
    assert reasons == {"topics/no_keyword": 1, "numbered/repeated": 1, "sections/missing": 2}
    assert len(rows) == 2
    numbers = sorted(
        (*[row.labels[name] for name in ("macro", "macro_id", "subtopic", "subtopic_id", "item_id", "keyword")],)
        for row in rows
    )
    assert numbers == [
        ("sorting", "0", "Binary search", "1", "0", "math"),
        ("sorting", "0", "Stable sorts", "0", "0", "math"),
    ]


CLEAN = '"""Hives."""\n\n\ndef double(number: int) -> int:\n    """Return twice a number."""\n    return 2 * number\n'
UGLY = "import os, json\ndef f(a,b,c):\n  x=1\n  try:\n    return undefined\n  except:\n    pass\n"


def test_code_is_rewritten_twice_with_gates_before_and_after(store):
    def answer(request):
        style = f"## Evaluation\nNot bad.\n```python\nx = 1\n```\n## Improved code\n{fenced(CLEAN, 'python')}"
        return style if "review" in request.prompt else fenced(CLEAN.replace("double", "twice"), "python")

    rows, reasons = asked(code_rewrite.recipe, store, BEES, UGLY, BROKEN, answer=answer)
    assert reasons == {"syntax/broken": 1, "lint/low_score": 1}
    assert [row.text for row in rows] == [CLEAN.replace("double", "twice")]
    assert rows[0].labels["rewrite"] == "scor"
    assert rows[0].scores["lint/pylint"] == 10.0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("```python\nx = 1\n```", "fences/short"),
        (fenced(BROKEN + "# " + "x" * 60, "python"), "syntax/broken"),
        (fenced(UGLY, "python"), "lint/low_score"),
        (fenced(f"TEXT = 'да'\n{CLEAN}", "python"), "code_text/other_script"),
        (fenced(CLEAN + "# " + "repeated " * 200, "python"), "code_repetition/repeated"),
    ],
)
def test_a_rewrite_that_broke_the_code_is_refused(store, answer, reason):
    rows, reasons = asked(code_rewrite.recipe, store, BEES, methods=("scor",), answer=lambda _: answer)
    assert (rows, reasons) == ([], {reason: 1})


def test_without_lint_what_pylint_thinks_does_not_matter(store):
    rows, reasons = asked(code_rewrite.recipe, store, UGLY, lint=False, answer=lambda _: fenced(UGLY, "python"))
    assert ([row.text for row in rows], reasons) == ([UGLY], {})


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        (code_comments.recipe, {"to": "fr"}),
        (code_describe.recipe, {"to": "fr"}),
        (code_oss_instruct.recipe, {"variant": "poem"}),
        (code_oss_instruct.recipe, {"to": "fr"}),
        (code_evolve.recipe, {"operators": ("easier",)}),
        (code_topics.recipe, {"level": "genius"}),
        (code_rewrite.recipe, {"methods": ("both",)}),
        (code_describe.recipe, {"language": "cobol"}),
    ],
)
def test_what_there_is_no_prompt_for_is_no_recipe(recipe, options):
    with pytest.raises(BadRecipe, match="no "):
        recipe(**options)


def test_a_planted_problem_of_a_benchmark_is_dropped(store, tmp_path):
    words = "Given a list of hives return the number of bees that dance to the north on a sunny day in May"
    items = tmp_path / "bench.jsonl"
    items.write_text(json.dumps({"prompt": words}) + "\n")
    task = solving("en", "python", "code_evolve")
    assert task.language == "python"
    rows, reasons = asked(
        decontaminated(code_evolve.recipe),
        store,
        "Return a number of bees.",
        to="en",
        tests=False,
        decontaminate=(f"{items}#prompt",),
        answer=lambda request: f"{words}." if "harder" in request.prompt else GOOD,
    )
    assert rows == []
    assert [reason.partition("/")[0] for reason in reasons] == ["decontaminate"]


def test_every_manifest_names_the_prompts_and_the_model(store):
    asked(code_comments.recipe, store, BEES, answer=commented)
    chain = recipe_chain(store, store.manifest("code-comments-ja"))
    assert [name for part in chain for name in part.prompts] == ["CommentCode.system"]
    assert chain[-1].licences == {"MIT AND Apache-2.0": 1}
