"""Labels by a model: how answers are read, how several passes become one, what is refused."""

import json
import os
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.agreement import Agreed, outcome_of
from generators.annotate import judging, recipe
from generators.engine import Reply, Sampling
from generators.forms import Choice
from generators.rubrics import EDUCATION, RUBRICS, TOPIC
from manifests.errors import BadRecipe
from manifests.run import run
from manifests.stage import Kept, Recipe, Rejected
from manifests.store import Store
from manifests.view import View
from tests.generators.tasks import asks, document, texts

GOLDEN = Path(__file__).parents[1] / "golden" / "annotate.json"
DOCS = {
    "en": document("Bees dance to say where flowers are.", "en"),
    "ja": document("蜂は踊りで花の場所を伝える。", "ja"),
}


def reply(text):
    return Reply(text, "stop", 10, 10)


def test_the_prompts_are_the_golden_ones():
    """Run with KOBA_GOLDEN=1 to write them anew; a changed prompt is a changed dataset by itself, for it is a field."""
    found = {
        f"{name} {language}": [message.content for message in judging(name, 20).prompt(doc)]
        for name in RUBRICS
        for language, doc in DOCS.items()
    }
    if os.environ.get("KOBA_GOLDEN"):
        GOLDEN.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert found == json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("It explains dances.\nAnswer: 3", 3),
        ("**Answer: 4/5**\n\n", 4),
        ("理由はこうです。\n答え：５", 5),
        ("Answer: 3\nThank you!", 3),
        ("Score: 2 points\nIt is short.", 2),
        ("Score: 2\nTotal: 3", None),
        ("Total: 1\nTotal: 2\nAnswer: 3", 3),
        ("5", 5),
        ("I give it 4", None),
        ("Answer: 3-4", None),
        ("Answer: 2.5", None),
        ("Answer: 4/10", None),
        ("合計点：３点", 3),
        ("Answer: the total, a whole number from 0 to 5", None),
        ("Answer: 6", None),
        ("Answer: -1", None),
        ("Answer: ³", 3),
        ("three points", None),
        ("", None),
    ],
)
def test_points_stand_on_a_line_that_is_marked(said, expected):
    value = EDUCATION.read(said)
    assert (None if value is None else EDUCATION.points(value)) == expected


def test_a_name_is_one_of_those_that_were_asked_for():
    assert TOPIC.points(TOPIC.read("It is on bees.\nAnswer: Nature.")) == TOPIC.names.index("nature")
    assert TOPIC.points(TOPIC.read("Answer: bees")) is None


@given(st.text())
def test_no_reply_breaks_the_reader(text):
    for rubric in RUBRICS.values():
        value = rubric.read(text)
        points = None if value is None else rubric.points(value)
        assert points is None or 0 <= points <= (rubric.most or len(rubric.names) - 1)


def test_replies_that_do_not_end_as_asked_are_refused_with_the_reason():
    task, doc = judging("education", 3_000), DOCS["en"]
    assert task.parse(doc, reply("I like it.")).reason == "annotate/no_answer"
    assert task.parse(doc, reply("Answer: 7")).reason == "annotate/out_of_range"
    made = task.parse(doc, reply("Answer: 2"))
    assert (made.text, made.labels, made.scores) == (doc.text, {"education": "2"}, {"annotate/education": 2.0})


def test_only_the_beginning_of_a_text_is_judged():
    assert judging("code", 10).prompt(document("0123456789abc"))[1].content.startswith("0123456789\n\n---\n")


def test_without_reasons_the_engine_is_asked_for_the_values_alone():
    task, sampling = (step := recipe(reasons=False, rubric="code").steps[1]).task, step.sampling
    assert sampling.form == Choice(("yes", "no"))
    assert task.prompt(DOCS["en"])[1].content.endswith("Answer with nothing but one of these names: yes, no.")
    assert judging("education", 9).rubric.choice == Choice(tuple("012345"))
    for value in "012345":
        assert task.rubric.read("yes") == "yes"
        assert EDUCATION.points(EDUCATION.read(value)) == int(value)


def judged(doc, rubric, *votes):
    return [
        doc.derive(candidate=number, scores={f"annotate/{rubric}": float(vote)}, labels={rubric: str(vote)})
        for number, vote in enumerate(votes)
    ]


@pytest.mark.parametrize(
    ("rubric", "votes", "outcome", "share"),
    [
        ("education", (2, 3, 5), "3", 2 / 3),
        ("education", (4,), "4", 1.0),
        ("education", (0, 5), "0", 0.5),
        ("code", (1, 1, 0), "no", 2 / 3),
        ("code", (0, 1), "yes", 0.5),
    ],
)
def test_passes_become_one_row_with_the_share_that_agrees(rubric, votes, outcome, share):
    first, *others = list(Agreed(rubric)(judged(DOCS["en"], rubric, *votes)))
    assert isinstance(first, Kept)
    assert first.row.labels[rubric] == outcome
    assert first.values["agreement/share"] == pytest.approx(share)
    assert [other.reason for other in others] == ["agreement/joined"] * (len(votes) - 1)


def test_passes_that_do_not_agree_are_all_refused():
    found = list(Agreed("education", 0.7)(judged(DOCS["en"], "education", 0, 3, 5)))
    assert [(one.reason, one.threshold) for one in found] == [("agreement/low", 0.7)] * 3


@given(st.lists(st.integers(0, 5), min_size=1, max_size=9))
def test_the_order_of_the_passes_does_not_matter(votes):
    for rubric in (EDUCATION, TOPIC):
        assert outcome_of(rubric, votes) == outcome_of(rubric, votes[::-1])
        assert outcome_of(rubric, votes)[0] in votes


def test_a_run_labels_each_text_once_and_counts_what_was_refused():
    turns = count()

    def answer(request):
        number = next(turns)
        return "no idea" if number % 5 == 4 else f"Because.\nAnswer: {2 + number % 2}"

    asked = asks(answer, task=judging("education", 3_000), sampling=Sampling(n=3, temperature=0.7)).steps
    store = Store("memory://annotate")
    recipe_of = Recipe("annotate", (*asked, Agreed("education")))
    made = run(recipe_of, texts(*[f"text {number}" for number in range(10)]), store=store).manifest
    rows = list(View(store, made))
    assert len(rows) == 10
    assert {row.labels["education"] for row in rows} <= {"2", "3"}
    assert all(row.scores["agreement/passes"] in {2.0, 3.0} for row in rows)
    refused = [step.reasons for part in (made, store.manifest(made.parents[0])) for step in part.steps]
    assert sum(reasons.get("annotate/no_answer", 0) for reasons in refused) == 6


def test_a_rubric_or_language_that_we_do_not_have_is_refused():
    with pytest.raises(BadRecipe, match="no rubric 'beauty'; expected one of education, liberal_arts, topic, format"):
        recipe(rubric="beauty")
    with pytest.raises(BadRecipe, match="no prompts in fr; expected en or ja"):
        recipe(languages=("fr",))
    assert isinstance(next(iter(Agreed("code", 2.0)(judged(DOCS["en"], "code", 1)))), Rejected)
