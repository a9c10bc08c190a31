"""Mathematics by models: what is asked, what is refused, how programs and votes decide, whole runs with an echo."""

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.problem_files import ProblemFiles
from generators import mathematics, mathematics_rewrite, mathematics_solve
from generators.echo import Echo
from generators.problems import CHANGES, problems
from generators.solving import PROGRAM, STYLES, WriteProgram, solving
from generators.spoken import Spoken
from generators.weights import echo_model
from manifests.errors import BadRecipe
from manifests.explain import why
from manifests.lineage import recipe_chain
from manifests.rows import Document
from manifests.run import run
from manifests.stage import Recipe, Rejected
from manifests.store import Store
from manifests.tables import print_story
from manifests.view import View
from tests.generators.bees import BEES, ENGLISH, JAPANESE, answering, reply, sandbox
from tests.generators.tasks import document, texts

GOLDEN = Path(__file__).parents[1] / "golden" / "mathematics.json"
SEEDS = Path(__file__).parents[2].parent / "shared" / "data" / "math-seeds"
TASKS = {
    **{f"change {name}": problems((name,), "elementary", ("bees",)) for name in CHANGES},
    **{f"solve {style}": solving(style) for style in STYLES},
    "program": WriteProgram(PROGRAM),
    **{f"rewrite {form}": mathematics_rewrite.rewriting(form) for form in mathematics_rewrite.FORMS},
}


def test_the_prompts_are_the_golden_ones():
    """Run with KOBA_GOLDEN=1 to write them anew."""
    found = {
        f"{name} {doc.language}": echo_model().render(task.prompt(doc))[0]
        for name, task in TASKS.items()
        for doc in (ENGLISH, JAPANESE)
    }
    if os.environ.get("KOBA_GOLDEN"):
        GOLDEN.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert found == json.loads(GOLDEN.read_text(encoding="utf-8"))


@given(st.text(max_size=200) | st.text("#0123456789=<>`{}\\boxedp\n .?", max_size=200))
def test_no_reply_breaks_a_task(text):
    for task in TASKS.values():
        for said in (text, f"```python\n{text}\n```", f"#### {text}", f"Solution: \\boxed{{{text}"):
            made = task.parse(ENGLISH, reply(said))
            assert isinstance(made, Document | Rejected)


# Problems


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Ken has 8 ants. How many legs is that?", "Ken has 8 ants. How many legs is that?"),
        ("**New Problem:** Ken has 8 ants. How many?", "Ken has 8 ants. How many?"),
        ("Ken has eight ants. How many?\n\n**Solution:** 8", "Ken has eight ants. How many?"),
        ("問題：ケンは蟻を8匹飼っています。足は何本ですか。\n解答：48", "ケンは蟻を8匹飼っています。足は何本ですか。"),
        ("Here is the problem:\n", "mathematics/empty"),
        ("Solution:\n5", "mathematics/no_question"),
        ("Ken has 8 ants.", "mathematics/no_question"),
        ("Ken has ants. How nice?", "mathematics/no_number"),
        (f" {BEES.upper()}\n", "mathematics/copy"),
        ("How many? " * 500, "mathematics/too_long"),
    ],
)
def test_a_reply_is_a_new_problem_or_refused(said, expected):
    made = problems(tuple(CHANGES), "elementary").parse(ENGLISH, reply(said))
    assert (made.reason if isinstance(made, Rejected) else made.text) == expected


def test_a_new_problem_forgets_the_answer_of_its_seed():
    seed = document(BEES, "en", labels={"answer": "18", "solution": "12 + 6", "dataset": "ours"})
    made = problems(("numbers",), "middle", to="ja").parse(seed, reply("蜂は8匹です。足は何本ですか。"))
    assert made.labels == {"dataset": "ours", "change": "numbers"}
    assert (made.language, made.parents) == ("ja", (seed.id,))


def test_each_seed_gets_one_change_drawn_by_its_id():
    task, seeds = problems(tuple(CHANGES), "elementary"), [document(f"{n} bees?") for n in range(60)]
    drawn = [task.change(seed) for seed in seeds]
    assert drawn == [task.change(seed) for seed in seeds]
    assert {change for change, _ in drawn} == set(CHANGES)
    assert drawn != [problems(tuple(CHANGES), "elementary", seed=1).change(seed) for seed in seeds]


@pytest.mark.parametrize("options", [{"changes": ("letters",)}, {"changes": ()}, {"level": "nursery"}, {"to": "fr"}])
def test_a_change_level_or_language_without_prompts_is_refused(options):
    with pytest.raises(BadRecipe, match="expected changes among numbers, fractions"):
        mathematics.recipe(**options)
    with pytest.raises(BadRecipe, match="no style 'song'; expected one of calculator, steps, boxed"):
        mathematics_solve.recipe(style="song")


def test_problems_in_other_languages_are_refused_before_they_are_asked_about():
    given = [ENGLISH, JAPANESE, ENGLISH.replace(language=None), JAPANESE.replace(language=None), document(BEES, "fr")]
    made = list(Spoken()(given))
    assert [one.language for one in made[:4]] == ["en", "ja", "en", "ja"]
    assert made[4].reason == "spoken/other"


# Solutions and programs


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("12/2 = <<12/2=6>>6\n12+6 = 18\n#### 18", "18"),
        (r"It is \boxed{\frac{1}{2}}.", "0.5"),
        ("答えは１８匹です。", "18"),
        ("The answer is 25%.", "25%"),
        ("I think she has some.", "solve/no_answer"),
        ("#### 18\n#### 20", "solve/two_answers"),
        (r"\boxed{3 \text{ or } 5}", "solve/two_answers"),
        ("The answer is Tuesday.", "solve/no_number"),
    ],
)
def test_a_solution_is_a_row_with_its_answer_or_refused(said, expected):
    made = solving("steps").parse(ENGLISH, reply(said))
    assert (made.reason if isinstance(made, Rejected) else made.labels["answer"]) == expected


def test_a_solution_stands_behind_its_problem_and_the_known_answer_is_kept_beside_it():
    seed = document(BEES, "en", labels={"answer": "18", "solution": "12 + 6", "program": "print(18)"})
    made = solving("steps").parse(seed, reply("#### 20"))
    assert made.text == f"{BEES}\n\n#### 20"
    assert made.labels == {
        "answer": "20", "reference": "18", "problem": BEES, "style": "steps", "program": "print(18)",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("```python\nprint(18)\n```", "print(18)"),
        ("Sure:\n\n```\nx = 12\nprint(x + 6)\n```\nThat prints it.", "x = 12\nprint(x + 6)"),
        ("```py\r\nprint(18)\r\n```", "print(18)"),
        ("```python\nprint('''\n    ```\n''')\n```", "print('''\n    ```\n''')"),
        ("print(18)", None),
        ("```python\nprint(18)", None),
        ("```python\nprint(18)\n```\nor\n```python\nprint(6)\n```", None),
        ("", None),
    ],
)
def test_a_problem_gets_the_one_program_of_a_reply(said, code):
    made = WriteProgram(PROGRAM).parse(ENGLISH, reply(said))
    assert made.id == ENGLISH.id
    assert made.labels.get("program") == code


# Rewriting


@pytest.mark.parametrize(
    ("form", "said", "expected"),
    [
        ("steps", r"Task: a\nApproach: b\nSteps: 12 + 6 = 18 and nothing else.\nAnswer: \boxed{18}", "18"),
        ("steps", "Task: what is 12 + 6? Approach: adding. Steps: 12 + 6 = 18.", "mathematics_rewrite/no_answer"),
        ("steps", r"Task: what is 12 + 6? Answer: \boxed{18} or is it \boxed{19}?", "mathematics_rewrite/two_answers"),
        ("steps", r"\boxed{18}", "mathematics_rewrite/short"),
        ("clean", "A page on bees that is about adding 12 to 6 and nothing else at all.", None),
        ("clean", "A page on bees with one exercise that is solved in it.\n#### 18", "18"),
        ("clean", "A page with two exercises: they are both solved.\n#### 18\n and \n#### 20", None),
    ],
)
def test_a_rewrite_is_a_row_or_refused(form, said, expected):
    made = mathematics_rewrite.rewriting(form).parse(ENGLISH, reply(said))
    assert (made.reason if isinstance(made, Rejected) else made.labels.get("answer")) == expected


def test_a_form_that_we_do_not_have_is_refused():
    for options in ({"form": "song"}, {"languages": ("fr",)}):
        with pytest.raises(BadRecipe, match="expected one of clean, steps, in ja or en"):
            mathematics_rewrite.recipe(**options)


# Whole runs


def test_problems_and_solutions_are_made_checked_and_voted_on_in_one_run(tmp_path):
    sandbox()
    store = Store(str(tmp_path / "store"))
    recipe = mathematics.recipe(changes=("numbers",), solutions=4, engine=Echo(answering), model="echo")
    seeds = texts("Mia has 4 bees. How many legs?", "Mia has 5 bees. How many legs?")
    made = run(recipe, seeds, store=store, tag="maths").manifest
    [row] = View(store, made)
    assert row.text.startswith("Ken has 50 bees and buys as many.")
    assert row.text.endswith("50 + 50 = 100\nThat is 0 of\n#### 100")
    assert (row.labels["answer"], row.labels["computed"], row.scores["votes/share"]) == ("100", "100", 0.75)
    refused = {}
    for part in recipe_chain(store, made):
        for step in part.steps:
            refused |= step.reasons
    assert refused == {"votes/program_differs": 4, "votes/minority": 1, "paths/same": 2}


def test_why_tells_the_votes_of_a_rejected_solution(tmp_path, capsys):
    store = Store(str(tmp_path / "store"))
    recipe = mathematics_solve.recipe(engine=Echo(answering), model="echo", trust_reference=False)
    made = run(recipe, texts("Mia has 5 bees and buys as many. How many?"), store=store).manifest
    [row] = View(store, made)
    story = why(store, row.id, made)
    lost = next(one for one in story.candidates if one.reason == "votes/minority")
    print_story(why(store, lost.id, made))
    told = capsys.readouterr().out
    assert "dropped by Votes: votes/minority: 1, threshold 3" in " ".join(told.split())
    assert "votes/answer 10, votes/most 3, votes/own 1, votes/own_answer 7" in " ".join(told.split())
    assert lost.measured["votes/own_answer"] == 7.0


def test_a_rewrite_with_a_wrong_sum_does_not_come_through(tmp_path):
    def answer(request):
        wrong = "5 bees" in request.prompt
        return f"Task: add bees to other bees, which is a sum.\nSteps: 12 + 6 = {19 if wrong else 18}\n\\boxed{{18}}"

    store = Store(str(tmp_path / "store"))
    pages = [
        f"This is a long page about {n} bees, and how to add them to the other bees that are there." for n in (4, 5)
    ]
    made = run(mathematics_rewrite.recipe(engine=Echo(answer), model="echo"), texts(*pages), store=store).manifest
    assert made.rows == 1
    assert made.steps[-1].reasons == {"calculator/wrong_equation": 1}


# Decontamination

HELD_OUT = (
    "A robe takes 2 bolts of blue fiber and 3 bolts of white fiber. Ada sews 15 robes a week for 4 weeks and sells 12 "
    "of them at 30 dollars each. How many bolts does she need?"
)
SWAPPED = re.sub("[0-9]+", lambda number: str(int(number[0]) + 5), HELD_OUT)
OTHER = "Ken has 8 ants that carry 3 leaves each, and twice as many beetles that carry 5. How many leaves is that?"


def decontaminated(store, held_out, *made):
    """Return the reasons for which problems that a model made are refused, and those that are left."""
    answers = iter(made)

    def answer(request):
        return next(answers) if "pupils of" in request.prompt else "5 + 5 = 10\n#### 10"

    recipe = mathematics.recipe(
        engine=Echo(answer), model="echo", programs=False, solutions=1, decontaminate=held_out, changes=("numbers",)
    )
    done = run(recipe, texts(*[f"Mia has {n} bees. How many legs?" for n in range(len(made))]), store=store).manifest
    chain = recipe_chain(store, done)
    reasons = {reason: count for part in chain for step in part.steps for reason, count in step.reasons.items()}
    return reasons, [row.labels["problem"] for row in View(store, done)]


def test_a_held_out_problem_and_its_copy_with_other_numbers_are_found_before_they_are_solved(tmp_path):
    store = Store(str(tmp_path / "store"))
    run(Recipe("tests", ()), texts(HELD_OUT), store=store, tag="maths-tests")
    planted = f"Here is one more. {HELD_OUT}"
    reasons, left = decontaminated(store, ("maths-tests",), planted, SWAPPED, OTHER)
    assert reasons == {"decontaminate/exact": 1, "decontaminate/template": 1}
    assert left == [OTHER]


def test_a_planted_test_problem_of_gsm8k_and_of_mgsm_is_found(tmp_path):
    if not SEEDS.exists():
        pytest.skip("needs ../shared/data/math-seeds")
    store, known = Store(str(tmp_path / "store")), {}
    for name, file in {"gsm8k": "gsm8k_test.jsonl", "mgsm": "mgsm_ja.tsv"}.items():
        files = ProblemFiles.find([str(SEEDS / file)])
        made = run(Recipe("tests", ()), files, store=store, tag=name, limit=100).manifest
        known[name] = next(iter(View(store, made))).text
    swapped = re.sub("[0-9]+", lambda number: str(int(number[0]) + 3), known["gsm8k"])
    reasons, left = decontaminated(store, ("gsm8k", "mgsm"), known["gsm8k"], swapped, known["mgsm"], OTHER)
    assert left == [OTHER]
    assert reasons.pop("decontaminate/exact") == 2
    assert list(reasons) in (["decontaminate/ngram"], ["decontaminate/template"])
