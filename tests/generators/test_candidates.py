"""Sets of candidates: gates, scores and the choice, on rows by themselves and through a whole run."""

import re
from dataclasses import dataclass, replace

import pytest

from generators.candidates import Best, Fitting, sets
from generators.choosing import CHOICES, LIKELIHOOD
from generators.echo import Echo
from generators.engine import Raw, Reply
from generators.generate import Generate
from generators.round_trip import CHRF, RoundTrip, chrf
from generators.scorers import Scored
from generators.segments import SOURCE, Segments
from generators.translate import LANGUAGES, into, recipe
from generators.weights import echo_model
from manifests.check import fsck
from manifests.errors import BadRecipe
from manifests.explain import why
from manifests.rows import Conversation, Message, row_id
from manifests.run import run
from manifests.stage import Kept, Recipe, Rejected
from manifests.store import Store
from manifests.story import sentence
from manifests.view import View
from tests.generators.tasks import Counting, document, texts
from tests.manifests.stages import Length, Source

GOOD = "ミナは川のほとりで蜂を25匹飼っている。毎晩、舟が帰ってくるのを数える。"
SOURCE_TEXT = "Mina keeps 25 bees beside the river. Every evening she counts the boats that come home."
FAULTS = {
    "gates/untouched": SOURCE_TEXT,
    "gates/other_script": "Mina tiene veinticinco abejas, 25, junto al rio. Cada noche cuenta los barcos que vuelven.",
    "gates/foreign": GOOD.replace("毎晩", "我们每天晚上"),
    "gates/untranslated": GOOD.replace("舟が", "the boats that come home "),
    "gates/broken": f"# {GOOD}",
    "gates/about_itself": f"{GOOD}以上が翻訳です。",
    "gates/circular": "毎晩舟が帰ってくる" * 9,
    "gates/overlong": f"{GOOD}しかも"
    + "".join(f"{n}番目の話は別の村の出来事である" for n in "一二三四五六七八九十百千")
    + "。",
    "gates/clause_lost": "ミナは川のほとりで蜂を25匹飼っている。",
}


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "s"))


def candidates(*scores, parent="x"):
    [segment] = Segments().rows(document(parent))
    return [
        segment.derive(candidate=n, text=f"candidate {n}", scores={} if score is None else {"q": score})
        for n, score in enumerate(scores)
    ]


def chosen(stage, rows):
    return [one.row.text for one in stage(rows) if isinstance(one, Kept)]


def test_the_best_of_each_set_stays_and_of_equals_the_first():
    rows = [*candidates(1.0, 3.0, 3.0), *candidates(2.0, None, 0.5, parent="y")]
    assert [len(one) for one in sets(rows)] == [3, 3]
    assert chosen(Best("q"), rows) == ["candidate 1", "candidate 0"]
    assert chosen(Best("q", lowest=True), rows) == ["candidate 0", "candidate 2"]
    assert chosen(Best("q"), candidates(None, None)) == ["candidate 0"]


def test_who_is_not_chosen_is_told_its_score_and_the_best_one():
    [first, _] = Best("q", lowest=True)(candidates(4.0, 1.5))
    assert (first.reason, first.value, first.threshold) == ("candidates/not_best", 4.0, 1.5)


def test_a_set_in_which_all_fail_is_a_reject_that_names_each_gate_with_its_count():
    *single, whole = Fitting((Length(12), Length(5)))(
        [row.replace(text="x" * n) for n, row in zip((20, 8, 30, 9), candidates(1, 2, 3, 4), strict=True)]
    )
    assert all(isinstance(one, Rejected) for one in single)
    assert (whole.reason, whole.value) == ("candidates/none_fits", 0.0)
    assert sum(whole.values.values()) == 4
    assert whole.values == {f"failed {single[0].reason}": 4.0}
    assert whole.row.parents == tuple(one.row.id for one in single)


def test_who_passes_goes_on_with_what_every_gate_measured():
    [short, long] = Fitting((Length(12),))(
        [row.replace(text="x" * n) for n, row in zip((3, 20), candidates(1, 2), strict=True)]
    )
    assert isinstance(short, Kept)
    assert short.values
    assert isinstance(long, Rejected)


@pytest.mark.parametrize("reason", FAULTS)
def test_each_planted_fault_is_refused_by_its_own_gate_and_the_translation_passes(reason):
    task, [segment] = into("ja"), Segments().rows(document(SOURCE_TEXT))
    gate = recipe("ja", "echo", "echo").steps[2].gates[0]
    good, bad = [task.parse(segment, Reply(text, "stop", 1, 1)) for text in (GOOD, FAULTS[reason])]
    [passed, refused] = gate([good, bad])
    assert isinstance(passed, Kept)
    assert refused.reason == reason


def answering(request):
    """A model that translates in four ways, one of them well, and back as well as it was translated."""
    back = "English" in request.prompt
    if back:
        return SOURCE_TEXT if "舟が帰ってくるのを" in request.prompt else "Mina has bees and a boat."
    return [FAULTS["gates/untouched"], GOOD.replace("帰ってくるのを", "戻るのを毎回"), GOOD, FAULTS["gates/circular"]][
        request.candidate
    ]


def made_by(choose, answer, store, *given, n=4):
    steps = recipe("ja", "echo", "echo", choose=choose, n=n).steps
    asking = Echo(answer, 0.0, 8)
    steps = tuple(replace(step, engine=asking) if isinstance(step, Generate) else step for step in steps)
    return run(Recipe("r", steps), texts(*given), store=store, tag="r").manifest


def test_the_round_trip_chooses_what_comes_back_best_and_asks_about_fitting_candidates_only(store):
    answer = Counting(answering)
    made = made_by("round_trip", answer, store, SOURCE_TEXT)
    [row] = View(store, made)
    assert row.text == GOOD
    assert row.scores[CHRF] == 100.0
    assert SOURCE not in row.labels
    assert answer.calls == 4 + 2
    assert made_by("round_trip", answer, store, SOURCE_TEXT).id == made.id
    assert answer.calls == 6


def test_the_call_of_a_chosen_row_is_the_one_that_wrote_it(store):
    made = made_by("round_trip", answering, store, SOURCE_TEXT)
    [chosen_row] = View(store, made)
    generated = store.manifest(store.manifest(made.parents[0]).parents[0])
    written = {row.id: row.call for row in View(store, generated)}
    assert chosen_row.call == written[chosen_row.id]


def test_a_translation_leads_to_its_candidates_each_with_its_score_or_its_gate(store):
    made = made_by("round_trip", answering, store, SOURCE_TEXT)
    [row] = View(store, made)
    story = why(store, row.id, made)
    told = {one.number: (one.reason is None, one.sentence) for one in story.candidates}
    assert [told[n][0] for n in range(4)] == [False, False, True, False]
    assert "gates/untouched" in told[0][1]
    assert "candidates/not_best" in told[1][1]
    assert "gates/circular" in told[3][1]
    scores = {one.number: one.scores.get(CHRF) for one in story.candidates}
    assert (scores[0], scores[2], scores[3]) == (None, 100.0, None)
    assert 0 < scores[1] < 100


def test_an_original_without_a_fitting_translation_is_told_by_gate_and_count(store):
    def bad(request):
        return SOURCE_TEXT if request.candidate else FAULTS["gates/circular"]

    made = made_by("likelihood", bad, store, SOURCE_TEXT)
    assert made.rows == 0
    generated = store.manifest(made.parents[0])
    original = next(iter(View(store, generated))).parents[0]
    story = why(store, original, made)
    assert [one.reason for one in story.candidates] == ["gates/circular", *["gates/untouched"] * 3]
    assert "of which none is left: gates/untouched 3, gates/circular 1" in sentence(story)
    assert fsck(store, deep=True) == []


def test_a_document_is_chosen_segment_by_segment_and_one_lost_segment_refuses_it(store):
    def one_way(request):
        line = re.search(r"Line (\d+)", request.prompt)
        if line is None:
            return "表題"
        return f"これは第{line[1]}行である。" if line[1] != "37" or "spoilt" not in request.prompt else "這說們"

    lines = [f"Line {n} is this one." for n in range(60)]
    made = made_by(
        "likelihood",
        one_way,
        store,
        "\n".join(lines),
        "# Title\n" + "\n\n".join(f"{line} spoilt" for line in lines),
        n=2,
    )
    assert [row.text for row in View(store, made)] == ["\n".join(f"これは第{n}行である。" for n in range(60))]
    assert made.steps[-1].reasons["segments/lost"] == 1


@dataclass(frozen=True)
class Talk:
    """A unit of one conversation."""

    key = "talk"
    file = "talk"

    def rows(self):
        turns = (
            Message("user", "How many bees does she keep?\n```\nx = 1\n```"),
            Message("assistant", "She keeps many."),
        )
        yield Conversation(id=row_id("conversation", "talk", "1"), language="en", messages=turns)


def test_a_conversation_is_translated_turn_by_turn(store):
    def one_way(request):
        return "蜂を何匹飼っていますか。" if "How many" in request.prompt else "たくさん飼っています。"

    steps = tuple(
        replace(step, engine=Echo(one_way, 0.0, 8)) if isinstance(step, Generate) else step
        for step in recipe("ja", "echo", "echo", n=2).steps
    )
    made = run(Recipe("r", steps), Source((Talk(),)), store=store).manifest
    [talk] = View(store, made)
    assert talk.language == "ja"
    assert [(turn.role, turn.content) for turn in talk.messages] == [
        ("user", "蜂を何匹飼っていますか。\n```\nx = 1\n```"),
        ("assistant", "たくさん飼っています。"),
    ]


@dataclass(frozen=True)
class Longest:
    """A metric of its own kind, for the protocol."""

    measure = "longest/chars"
    model: object = None

    def open(self, _folder):
        return self

    def scores(self, _source, given):
        return [float(len(one)) for one in given]


def test_a_score_is_put_on_each_candidate_that_says_what_it_translates(tmp_path):
    held = replace(echo_model(), store=None)
    stage = Scored(Longest(held))
    with pytest.raises(BadRecipe, match="does not say what it translates"):
        list(stage([document("x").derive()]))


def test_every_choice_is_a_recipe_and_others_are_refused_in_words(store):
    for choose in CHOICES:
        assert recipe("ja", "echo", "echo", choose=choose).steps[-2].by
    with pytest.raises(BadRecipe, match="no choice by 'luck'"):
        recipe(choose="luck")
    with pytest.raises(BadRecipe, match="no form 'poem'"):
        recipe(form="poem")


def test_the_form_of_plamo_is_its_marks_and_a_text_cannot_write_them():
    task = into("ja", "plamo")
    prompt = task.prompt(document("Hello <|plamo:op|>{text}", "en"))
    assert isinstance(prompt, Raw)
    rendered, _ = echo_model().render(prompt)
    assert rendered.startswith("<|plamo:op|>dataset\ntranslation\n<|plamo:op|>input lang=English\nHello < |")
    assert rendered.endswith("{text}\n<|plamo:op|>output lang=Japanese\n")
    assert rendered.count("<|plamo:op|>") == 3
    assert recipe(form="plamo", model="echo").steps[1].sampling.stop == ("<|plamo:op|>",)


def test_the_mean_of_the_log_probability_is_by_token():
    [segment] = Segments().rows(document(SOURCE_TEXT))
    made = into("ja").parse(segment, Reply(GOOD, "stop", 9, 20, logprob=-5.0))
    assert made.scores[LIKELIHOOD] == -0.25


def test_chrf_is_sacrebleus():
    assert chrf("the cat", "the cat") == 100.0
    assert chrf("", "the cat") == 0.0
    assert 20 < chrf("the cats sat", "the cat sits") < 90
    task = RoundTrip(tuple(LANGUAGES.items()), "en")
    assert task.parse(document("x"), Reply("y", "stop", 1, 1)).reason == "round_trip/no_source"
