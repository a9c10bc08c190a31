"""Known answers of problems: held against their programs and solutions, and asked for backwards."""

import json
from dataclasses import dataclass

import pytest

from corpus import maths_seeds
from corpus.problem_files import ProblemFiles
from generators import mathematics_solve
from generators.backward import Backward
from generators.echo import Echo
from generators.executed import COMPUTED, Executed
from generators.problems import problems
from generators.references import Referenced
from generators.sandbox import Sandbox
from generators.solving import solving
from manifests.errors import BadRecipe
from manifests.lineage import recipe_chain
from manifests.run import run
from manifests.stage import Recipe, Rejected, Stage
from manifests.store import Store
from manifests.view import View
from tests.generators.bees import BEES, answering, reply, sandbox
from tests.generators.tasks import document, texts

PROGRAMS = {  # what a program prints, or why nothing is learnt from it
    "print(12 + 12 // 2)": "18",
    "print('She has', 18, 'bees')": "18",
    "print(3)\nprint(18.0)\nprint()": "18",
    "print(0.1 + 0.2)": "0.3",
    "print(1 / 3)": "1/3",
    "from fractions import Fraction\nprint(Fraction(3, 4))": "0.75",
    "print(bees)": "executed/failed",
    "import sys\nprint(18)\nsys.exit()": "executed/failed",
    "while True: pass": "executed/limit",
    "x = [0] * 10**10": "executed/limit",
    "print('no idea')": "executed/no_number",
    "print(3, 5)": "executed/no_number",
    "pass": "executed/no_number",
    "print(18": "executed/failed",
    "\x00": "executed/failed",
}


@pytest.mark.parametrize(("program", "expected"), PROGRAMS.items())
def test_a_program_is_run_for_the_number_on_its_last_line(program, expected):
    doc = document(BEES, labels={"program": program})
    [made] = Executed(required=True, sandbox=sandbox())([doc])
    assert (made.reason if isinstance(made, Rejected) else made.row.labels[COMPUTED]) == expected


def test_a_problem_without_a_program_that_answers_goes_on_unless_programs_are_required():
    given = [document("a"), document("b", labels={"program": "print(bees)"})]
    made = list(Executed(sandbox=sandbox())(given))
    assert [(one.row, one.values["executed/answered"]) for one in made] == [(row, 0.0) for row in given]
    assert next(iter(Executed(required=True, sandbox=sandbox())(given))).reason == "executed/none"


REFERENCES = [  # labels of a problem, and why it is refused
    ({"answer": "18"}, None),
    ({"answer": "18 bees"}, None),
    ({"answer": "$1,018.50"}, None),
    ({"answer": "1/3", "computed": "1/3"}, None),
    ({"answer": "25%", "computed": "0.25"}, None),
    ({"answer": "18", "solution": "12/2 = <<12/2=6>>6\n#### 18"}, None),
    ({}, "references/no_answer"),
    ({"answer": "none of these"}, "references/no_number"),
    ({"answer": "5(√3 + 1)"}, "references/no_number"),
    ({"answer": "3 or 5"}, "references/two_numbers"),
    ({"answer": "(0,3)"}, "references/two_numbers"),
    ({"answer": "18", "computed": "20"}, "references/program_differs"),
    ({"answer": "18", "solution": "#### 20"}, "references/solution_differs"),
    ({"answer": "18", "solution": "12/2 = <<12/2=7>>7\n#### 18"}, "references/wrong_sum"),
]


@pytest.mark.parametrize(("labels", "reason"), REFERENCES)
def test_a_known_answer_is_one_number_that_nothing_contradicts(labels, reason):
    [made] = Referenced()([document(BEES, labels=labels)])
    assert getattr(made, "reason", None) == reason
    [lenient] = Referenced(required=False)([document(BEES, labels=labels)])
    assert getattr(lenient, "reason", None) == (None if reason == "references/no_answer" else reason)


def test_a_problem_is_asked_backwards_and_its_answer_is_the_masked_number():
    seed = document("Mia has 1,012 bees and buys half as many. How many?", labels={"answer": "1518", "solution": "no"})
    [made] = Backward()([seed])
    assert made.text == (
        "Mia has X bees and buys half as many. How many? If the answer to this question is 1518, what is the value of "
        "the unknown number X?"
    )
    assert made.labels == {"answer": "1012", "change": "backward"}
    [japanese] = Backward()([document("蜂は12匹です。足は何本ですか。", "ja", labels={"answer": "72"})])
    assert japanese.text.startswith("蜂はX匹です。足は何本ですか。 この問いの答えが72")


@pytest.mark.parametrize(
    ("text", "labels", "reason"),
    [
        (BEES, {}, "backward/no_answer"),
        (BEES, {"answer": "many"}, "backward/no_answer"),
        ("Mia has twelve bees. How many?", {"answer": "12"}, "backward/no_number"),
        ("It is 10:30 on 2/3. How late is it by h2o?", {"answer": "12"}, "backward/no_number"),
    ],
)
def test_what_cannot_be_asked_backwards_is_refused(text, labels, reason):
    [made] = Backward()([document(text, labels=labels)])
    assert made.reason == reason


def test_a_problem_in_other_words_keeps_its_answer_which_decides():
    seed = document(BEES, labels={"answer": "18"})
    made = problems(("rephrase",), "elementary").parse(
        seed, reply("12 bees, and half as many more: how many are they?")
    )
    assert made.labels["answer"] == "18"
    assert solving("steps").parse(made, reply("#### 20")).labels["reference"] == "18"


@dataclass(frozen=True, slots=True)
class Ten(Stage):
    """Tell that the answer is 10."""

    def __call__(self, rows):
        for row in rows:
            yield row.replace(labels={"answer": "10"})


def test_problems_asked_backwards_are_solved_and_held_against_the_masked_number(tmp_path):
    store = Store(str(tmp_path / "store"))
    seeds = run(Recipe("seeds", (Ten(),)), texts("Mia has 5 bees and buys as many. How many?"), store=store).manifest

    def answer(request):
        return "10 / 2 = 5\n#### 5" if "unknown number X" in request.prompt else "#### 10"

    recipe = mathematics_solve.recipe(engine=Echo(answer), model="echo", solutions=2, backward=True)
    [row] = View(store, run(recipe, seeds.id, store=store).manifest)
    assert (row.labels["answer"], row.labels["reference"], row.labels["change"]) == ("5", "5", "backward")


def test_a_machine_that_cannot_isolate_programs_refuses_the_recipe_before_a_model_is_asked(tmp_path):
    class Off(Sandbox):
        def check(self):
            raise BadRecipe("user namespaces are off")

    with pytest.raises(BadRecipe, match="user namespaces are off"):
        Recipe("off", (Executed(sandbox=Off()),)).resolve(Store(str(tmp_path)))


def test_programs_that_come_with_problems_contradict_their_answers(tmp_path):
    sandbox()
    store, file = Store(str(tmp_path / "store")), tmp_path / "train.jsonl"
    lila = [
        {"input": f"Mia has {n} bees and buys as many?", "output_program": "print(5 + 5)", "output_answer": str(2 * n)}
        for n in (4, 5)
    ]
    file.write_text("".join([json.dumps(one) + "\n" for one in lila]), "utf-8")
    seeds = run(maths_seeds.recipe(), ProblemFiles.find([str(file)]), store=store).manifest
    recipe = mathematics_solve.recipe(engine=Echo(answering), model="echo", solutions=1, seed_programs=True)
    done = run(recipe, seeds.id, store=store).manifest
    assert [row.labels["answer"] for row in View(store, done)] == ["10"]
    reasons = [step.reasons for part in recipe_chain(store, done) for step in part.steps if step.reasons]
    assert reasons == [{"references/program_differs": 1}]
