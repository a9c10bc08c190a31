"""Replies of a form: asked for in the same words on every machine, and looked at again whatever an engine claims."""

import json
import time
from dataclasses import dataclass

import pytest

from generators.engine import Sampling
from generators.example_replies import example
from generators.forms import Choice, JsonSchema, Regex
from manifests import canonical
from manifests.errors import BadRecipe
from manifests.rows import Message
from manifests.run import run
from manifests.store import Store
from manifests.view import View
from tests.generators.tasks import Again, Counting, asks, texts

VERDICT = {
    "type": "object",
    "properties": {"why": {"type": "string"}, "points": {"type": "integer", "minimum": 0, "maximum": 5}},
    "required": ["why", "points"],
    "additionalProperties": False,
}


def test_a_choice_takes_its_texts_and_no_other():
    form = Choice(("yes", "no"))
    assert [form.fault(text) for text in ("yes", " no\n")] == [None, None]
    assert form.fault("Yes, of course") == "'Yes, of course' is none of the 2"
    assert form.fault("") is not None


def test_a_pattern_fits_from_end_to_end():
    form = Regex(r"Answer: [0-5]|答え: [0-5]")
    assert [form.fault(text) for text in ("Answer: 3", "答え: 0")] == [None, None]
    assert all(form.fault(text) for text in ("Answer: 3.", "Answer: 6", "The Answer: 3", "Answer: 3\n", ""))


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        ('{"why": "it is short", "points": 2}', None),
        (' \n{"points": 2, "why": ""} ', None),
        ('{"why": "it is short", "points": 9}', "$.points: 9 is greater than the maximum of 5"),
        ('{"why": "it is short"}', "$: 'points' is a required property"),
        ('{"why": "a", "points": NaN}', "no JSON: NaN is no number"),
        ('{"why": "a", "points": 2', "no JSON: Expecting ',' delimiter: line 1 column 25 (char 24)"),
        ('Sure! {"why": "a", "points": 2}', "no JSON: Expecting value: line 1 column 1 (char 0)"),
        ("", "no JSON: Expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_json_is_held_against_its_schema(reply, fault):
    assert JsonSchema(VERDICT).fault(reply) == fault


HOSTILE = ("[" * 200_000, '{"a":' * 100_000, "9" * 100_000, '"\\ud800"', '{"why": "' + "x" * 2_000_000)


@pytest.mark.parametrize("reply", HOSTILE, ids=lambda reply: reply[:8])
def test_a_hostile_reply_is_a_fault_and_no_error(reply):
    tree = {"$defs": {"tree": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}, "$ref": "#/$defs/tree"}
    forms = (JsonSchema(VERDICT), JsonSchema(tree), JsonSchema({"type": "string", "pattern": "^a$"}), Choice(("a",)))
    assert all(form.fault(reply) for form in forms)


def test_patterns_take_time_in_proportion_to_a_text():
    bad = "a" * 50_000 + "b"
    start = time.thread_time()
    assert Regex("(a+)+").fault(bad)
    assert JsonSchema({"type": "string", "pattern": "^(a+)+$"}).fault(json.dumps(bad))
    assert time.thread_time() - start < 60  # where each letter doubled the time, it would not end


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        (lambda: Choice(()), "expected the texts to choose from"),
        (lambda: Choice(("yes", " ")), "blanks at an end"),
        (lambda: Regex("(?=a)b"), "no pattern of RE2"),
        (lambda: Regex("("), "no pattern of RE2"),
        (lambda: JsonSchema("{"), "expected a schema of draft 2020-12"),
        (lambda: JsonSchema({"type": "objekt"}), "expected a schema of draft 2020-12"),
        (lambda: JsonSchema({"const": float("nan")}), "only finite numbers"),
        (lambda: JsonSchema({"$ref": "https://elsewhere.example/schema"}), "write out what it stands for"),
    ],
)
def test_a_form_that_nothing_can_be_held_against_is_refused(form, wrong):
    with pytest.raises(BadRecipe, match=wrong):
        form()


def test_equal_forms_are_equal_keys_however_they_were_written():
    one = Sampling(form=JsonSchema({"type": "integer", "minimum": 1.0}))
    assert one.key == Sampling(form=JsonSchema('{"minimum": 1, "type": "integer"}')).key
    assert one.key.hex()[:16] == "abc8d404707e4bdb"  # on every machine
    assert Sampling(form=Choice(("a", "b"))).key == Sampling(form=Choice(("b", "a", "b"))).key
    keys = {Sampling(form=form).key for form in (None, Choice(("a",)), Regex("a"), JsonSchema({"const": "a"}))}
    assert len(keys) == 4


def test_the_order_of_properties_is_part_of_the_form_for_engines_write_them_in_it():
    why, points = VERDICT["properties"].items()
    thinks, guesses = (JsonSchema(VERDICT | {"properties": dict(order)}) for order in ((why, points), (points, why)))
    assert Sampling(form=thinks).key != Sampling(form=guesses).key
    assert list(json.loads(thinks.text)["properties"]) == ["why", "points"]


def test_without_a_form_calls_and_fingerprints_are_those_of_before_there_were_any():
    assert Sampling(temperature=0.5).key.hex()[:16] == "d5fa3ef2b6483332"
    assert canonical.digest(Sampling(n=2))[:16] == "91b855d7e46820fa"


@pytest.mark.parametrize("form", [Choice(("yes", "no")), JsonSchema(VERDICT), JsonSchema({"enum": [1, 2]})], ids=str)
def test_an_example_is_of_its_form(form):
    assert {form.fault(example(form, number)) for number in range(20)} == {None}


@dataclass(frozen=True, slots=True)
class Judge:
    """Ask for a verdict on a text."""

    def prompt(self, doc):
        return (Message("user", f"Judge: {doc.text}"),)

    def parse(self, doc, reply):
        return doc.replace(scores={"points": float(json.loads(reply.text)["points"])})


def test_an_echo_answers_in_the_form_that_was_asked_for(tmp_path):
    store = Store(str(tmp_path / "s"))
    made = run(asks(task=Judge(), sampling=Sampling(form=JsonSchema(VERDICT))), texts("one", "two"), store=store)
    assert all(0 <= row.scores["points"] <= 5 for row in View(store, made.manifest))


def test_a_reply_of_an_engine_that_ignores_the_form_is_refused_for_it(tmp_path):
    answer = Counting(lambda request: "maybe" if "two" in request.prompt else "yes")
    store = Store(str(tmp_path / "s"))
    recipe = asks(answer, task=Again(), sampling=Sampling(form=Choice(("yes", "no"))))
    made = run(recipe, texts("one", "two"), store=store).manifest
    assert (made.rows, made.steps[1].reasons) == (1, {"generate/bad_form": 1})
