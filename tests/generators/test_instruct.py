"""Verified instructions: questions, constraints, replies held against them, a judge, pairs judged in both orders."""

import json
import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.constraint_conflicts import contradiction
from filters.constraint_draws import composed
from filters.verifiers import IDS, constraint
from generators.constrained import CONSTRAINTS, AsQuestions, Constrain, Instruct, Verified, constraints_of, stated
from generators.duels import STRAIGHT, SWAPPED, Agreeing, Duel, Opponents
from generators.echo import Echo
from generators.engine import Reply
from generators.instruct import recipe
from manifests.errors import BadRecipe, BadRow
from manifests.rows import Conversation, Document, Message, Preference, Tokens, row_id
from manifests.run import run
from manifests.stage import Kept, Rejected
from manifests.store import Store
from manifests.view import View
from tests.filters.witness import witness
from tests.generators.tasks import ECHO, Texts, document
from tests.generators.test_generate import dropped
from tests.manifests.stages import Source

QUESTION = "How do bees find the flowers of a garden in early summer?"
FRAGE = "蜜蜂はどうやって庭の花を見つけますか。わかりやすく教えてください。"


def reply(text):
    return Reply(text, "stop", 10, 10)


def outcomes(stage, *rows):
    return [one.reason if isinstance(one, Rejected) else one for one in stage(rows)]


def constrained(*names, question=QUESTION):
    """The question with constraints that have no parameters."""
    told = {"instruction_id_list": list(names), "kwargs": [{} for _ in names]}
    return document(question, "en", labels={CONSTRAINTS: json.dumps(told)})


def answered(text, *names):
    return Instruct().parse(constrained(*names), reply(text))


def chat(*turns, **more):
    messages = tuple([Message(role, text) for role, text in turns])
    return Conversation(id=row_id("conversation", "chats", str(turns)), messages=messages, **more)


def test_the_question_of_a_chat_is_the_first_turn_of_its_user():
    row = chat(
        ("system", "Be kind."), ("user", f" {QUESTION}\n"), ("assistant", "So."), ("user", "And?"), language="en"
    )
    [kept] = AsQuestions()([row])
    assert isinstance(kept.row, Document)
    assert (kept.row.text, kept.row.parents, kept.row.language) == (QUESTION, (row.id,), "en")
    [same] = AsQuestions()([document(QUESTION)])
    assert same.row == document(QUESTION)


def test_what_is_no_question_is_refused():
    rows = [chat(), chat(("assistant", "Hello?")), document(" \n"), Tokens(input_ids=(1,)), document("x" * 501)]
    rows += [document("Why?"), chat(("user", "x" * 10))]
    made = outcomes(AsQuestions(), *rows)
    assert made[:6] == ["instruct/no_question"] * 4 + ["instruct/length"] * 2
    assert isinstance(made[6], Kept)
    [long] = AsQuestions()([document("x" * 501)])
    assert (long.value, long.threshold) == (501, 500)


def test_a_seed_and_an_id_draw_the_same_constraints_that_do_not_contradict_each_other():
    rows = [document(f"{QUESTION} {n}") for n in range(20)] + [document(f"{FRAGE}{n}", "ja") for n in range(20)]
    stage = Constrain(times=3, most=3)
    made = list(stage(rows))
    assert made == list(stage(rows))
    assert len({row.id for row in made}) == len(made) == 120
    assert [row.text for row in made[::3]] == [row.text for row in rows]
    assert [row.labels for row in made] != [row.labels for row in Constrain(times=3, seed=1)(rows)]
    for row in made:
        chosen = constraints_of(row).constraints
        assert 1 <= len(chosen) <= 3
        assert {one.made_for for one in chosen} == {row.language}
        assert contradiction(chosen) is None


def test_a_question_that_no_constraint_fits_is_refused():
    french, none = document(QUESTION, "fr"), document(QUESTION, "en")
    assert outcomes(Constrain(), french) == ["instruct/no_constraint"]
    assert outcomes(Constrain(among=("ja:letters:furigana",)), none) == ["instruct/no_constraint"]
    with pytest.raises(BadRow, match="no constraint 'x:y'"):
        Constrain(among=("x:y",))
    with pytest.raises(BadRecipe, match="expected 1 or more"):
        Constrain(least=3, most=2)


@pytest.mark.parametrize("language", IDS)
def test_the_prompt_states_each_constraint_in_the_language_of_the_question(language):
    question = FRAGE if language == "ja" else QUESTION
    for seed in range(30):
        chosen = composed(Random(seed), language, question, 3)
        told = {"instruction_id_list": [one.id for one in chosen], "kwargs": [one.kwargs for one in chosen]}
        [message] = Instruct().prompt(document(question, language, labels={CONSTRAINTS: json.dumps(told)}))
        assert message.role == "user"
        assert message.content.split("\n\n", 1)[0] == question
        assert [one.id for one in chosen if one.sentence(language) not in message.content] == []


def test_another_wording_is_another_task():
    names = stated()
    assert set(names) == {*IDS["en"], *IDS["ja"]}
    words = Instruct({**names, "punctuation:no_comma": "No commas!"})
    assert words.prompt(constrained("punctuation:no_comma"))[0].content.endswith("\n\nNo commas!")


def test_a_verified_conversation_carries_each_verdict():
    names = ("punctuation:no_comma", "startend:quotation")
    [kept] = Verified()([answered(' "Bees dance." ', *names)])
    assert kept.row.messages[1] == Message("assistant", '"Bees dance."')
    assert kept.row.parents == (constrained(*names).id,)
    assert kept.row.source == "instruct"
    verdicts = {name: score for name, score in kept.row.scores.items() if "generate" not in name}
    assert verdicts == {
        "verify/strict": 1.0,
        "verify/loose": 1.0,
        "strict/punctuation_no_comma": 1.0,
        "loose/punctuation_no_comma": 1.0,
        "strict/startend_quotation": 1.0,
        "loose/startend_quotation": 1.0,
    }


def test_a_reply_that_breaks_a_constraint_is_refused_for_its_id():
    names = ("punctuation:no_comma", "startend:quotation")
    sure = answered('Sure, here it is:\n"Bees dance."', *names)
    [refused] = Verified()([sure])
    assert (refused.reason, refused.value, refused.threshold) == ("verify/punctuation_no_comma", 0.0, 1.0)
    assert refused.values["verify/strict"] == 0.0
    assert refused.values["verify/loose"] == 1.0
    assert isinstance(next(iter(Verified(loose=True)([sure]))), Kept)
    assert outcomes(Verified(), answered("Bees dance.", *names)) == ["verify/startend_quotation"]


@pytest.mark.parametrize("label", [None, "", "{", "[]", "{}", '{"instruction_id_list": ["x:y"], "kwargs": [{}]}'])
def test_a_row_without_constraints_is_an_error_and_never_passes(label):
    labels = {} if label is None else {CONSTRAINTS: label}
    with pytest.raises(BadRow):
        list(Verified()([chat(("user", QUESTION), ("assistant", "So."), labels=labels)]))


def pair(one="Bees dance.", other="I do not know.", **labels):
    said = Message("user", QUESTION), Message("assistant", one), Message("assistant", other)
    return Preference(
        id=row_id("preference", "t", one), prompt=said[:1], chosen=said[1:2], rejected=said[2:], labels=labels
    )


def test_two_replies_of_a_question_become_a_pair_and_others_are_told_of():
    question = constrained("punctuation:no_comma")
    rows = [Instruct().parse(question, reply(text)).replace(id=bytes([n]) * 16) for n, text in enumerate("aabc")]
    alone = Instruct().parse(constrained("startend:quotation", question="x"), reply("d"))
    made = outcomes(Opponents(), *rows, alone)
    assert (made[0].chosen[0].content, made[0].rejected[0].content) == ("a", "b")
    assert made[0].parents == (rows[0].id, rows[2].id)
    assert made[0].prompt == rows[0].messages[:1]
    assert made[1:] == ["duels/joined", "duels/further", "duels/further", "duels/alone"]
    assert outcomes(Opponents(), *rows[:2]) == ["duels/alone"] * 2


def test_a_duel_shows_the_replies_in_both_orders_and_counts_in_one():
    texts = [Duel(swapped=swapped).prompt(pair("{other}"))[0].content for swapped in (False, True)]
    assert [text.index("{other}") < text.index("I do not know.") for text in texts] == [True, False]
    assert all(QUESTION in text for text in texts)
    assert Duel(swapped=False).parse(pair(), reply("So.\nBetter: 1")).labels == {STRAIGHT: "1"}
    assert Duel(swapped=True).parse(pair(), reply("So.\n**Better: 2**")).labels == {SWAPPED: "1"}
    assert Duel(swapped=True).parse(pair(), reply("優れた返答：0。")).labels == {SWAPPED: "0"}


@pytest.mark.parametrize(
    "text", ["", "1", "Better: 3", "Better: 1 or 2", "Better: 1\nI think.", "x" * 10**6, "Better: 11"]
)
def test_a_verdict_that_cannot_be_read_is_a_reject(text):
    assert Duel().parse(pair(), reply(text)).reason == "duels/no_answer"


def test_only_a_verdict_that_holds_in_both_orders_chooses():
    def decided(straight, swapped):
        return outcomes(Agreeing(), pair(**{STRAIGHT: straight, SWAPPED: swapped}))[0]

    assert decided("1", "1").chosen == pair().chosen
    turned = decided("2", "2")
    assert (turned.chosen, turned.rejected) == (pair().rejected, pair().chosen)
    assert [decided("1", "2"), decided("2", "1"), decided("1", "0")] == ["duels/place"] * 3
    assert decided("0", "0") == "duels/tie"
    with pytest.raises(BadRow, match="not judged in both orders"):
        list(Agreeing()([pair(**{STRAIGHT: "1"})]))


@given(st.text(), st.sampled_from([*IDS["en"], *IDS["ja"]]))
def test_no_reply_breaks_the_verification_or_a_duel(text, name):
    row = Instruct().parse(document(QUESTION, labels={CONSTRAINTS: drawn_label(name)}), reply(text))
    [outcome] = Verified()([row])
    assert isinstance(outcome, Kept) or outcome.reason == f"verify/{name.replace(':', '_')}"
    assert isinstance(Duel().parse(pair(), reply(text)), Rejected)


def drawn_label(name):
    from filters.constraint_draws import drawn

    made = drawn(name, Random(0), QUESTION)
    return json.dumps({"instruction_id_list": [name], "kwargs": [made.kwargs]})


def model(request):
    """A model that satisfies what it reads of constraints without parameters, and judges by a word."""
    prompt = request.prompt
    if "Better: N" in prompt:
        first, _ = prompt.split("[Reply 1]")[1].split("[Reply 2]")
        return f"So.\nBetter: {1 if 'dance' in first else 2}"
    if "Grade: 7" in prompt:
        return "No number here." if "number 3" in prompt else f"It is short.\nGrade: {3 if 'number 4' in prompt else 8}"
    number = re.findall(r"number \d", prompt)[0]
    comma = "," if "number 1" in prompt else ""
    return f"Bees{comma} {'dance' if request.candidate == 0 else 'fly'} for {number}."


QUESTIONS = tuple([f"{QUESTION} This is number {n} of the questions." for n in range(5)])


def made(tmp_path, questions=QUESTIONS, **options):
    store = Store(str(tmp_path / "s"))
    given_ = {"constraints": ("punctuation:no_comma",), "model": ECHO, "engine": Echo(model), "languages": ("en",)}
    manifest = run(recipe(**given_, **options), Source((Texts(questions),)), store=store).manifest
    return store, manifest, list(View(store, manifest))


def test_the_program_keeps_what_is_verified_and_judged_well(tmp_path):
    store, manifest, rows = made(tmp_path)
    assert sorted(row.messages[0].content.split(" of the")[0][-1] for row in rows) == ["0", "2"]
    assert {row.scores["reward/value"] for row in rows} == {8.0}
    assert {row.scores["strict/punctuation_no_comma"] for row in rows} == {1.0}
    assert all(row.messages[0].content.endswith("\n\nDo not use any commas.") for row in rows)
    assert sorted(dropped(store, manifest)) == [("score/too_low", 3.0, 7.0)]
    reasons = {reason for one in chain(store, manifest) for reason, *_ in dropped(store, one)}
    assert reasons == {"verify/punctuation_no_comma", "graded/no_number", "score/too_low"}


def chain(store, manifest):
    """The manifest, and those that it was made from."""
    parents = [store.manifest(parent) for parent in manifest.parents]
    return [manifest, *[one for parent in parents for one in chain(store, parent)]]


def test_as_preferences_the_reply_that_wins_in_both_orders_is_chosen(tmp_path):
    _, _, rows = made(tmp_path, form="preferences", candidates=2, min_grade=None)
    assert len(rows) == 4
    assert all("dance" in row.chosen[0].content and "fly" in row.rejected[0].content for row in rows)
    assert all(row.prompt[0].content.endswith("\n\nDo not use any commas.") for row in rows)


@pytest.mark.parametrize(
    "options", [{"form": "tables"}, {"form": "preferences"}, {"languages": ("fr",)}, {"least": 0}, {"most": 0}]
)
def test_what_cannot_be_made_is_refused(options):
    with pytest.raises(BadRecipe):
        recipe(**options)


def test_a_known_good_reply_passes_whatever_was_drawn():
    rows = [document(f"{QUESTION} {n}") for n in range(15)] + [document(f"{FRAGE}{n}", "ja") for n in range(15)]
    for row in Constrain(most=3)(rows):
        chosen = constraints_of(row).constraints
        [kept] = Verified()([Instruct().parse(row, reply(witness(*chosen)))])
        assert isinstance(kept, Kept), kept
    assert constraint("punctuation:no_comma", {}).check("x")


def test_the_prompts_of_a_benchmark_never_come_in(tmp_path):
    asked = "Write a cheerful letter to your oldest friend about the number 2 tram that runs along the river."
    benchmark = tmp_path / "benchmark.jsonl"
    benchmark.write_text(json.dumps({"prompt": f"{asked} Do not use any commas."}) + "\n", encoding="utf-8")
    questions = (QUESTIONS[0], asked)
    options = {"decontaminate": (f"{benchmark}#prompt",), "min_grade": None}
    store, manifest, [row] = made(tmp_path, questions, **options)
    assert row.messages[0].content.startswith(QUESTIONS[0])
    assert [reason for one in chain(store, manifest) for reason, *_ in dropped(store, one)] == ["decontaminate/ngram"]
