"""From conversations to pairs: the pool, its rewards, the choice, the gap, and what is told of each."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.answering import Answer
from generators.dialogue import Dialogue
from generators.echo import Echo
from generators.engine import Reply, Sampling
from generators.generate import Generate
from generators.graded import Grade
from generators.pooled import GIVEN, OF, POLICY, WRITTEN_BY, Pool
from generators.preference_pairs import CHOSEN, GAP, GIVEN_REWARD, LONGER, LOSER, REJECTED, WINNER, Pairs, WideGap
from generators.preferences import recipe
from generators.rewards import ATTRIBUTES, NEMOTRON_4, REWARD, Rewarded, weighted
from manifests.check import fsck
from manifests.errors import BadRecipe, BadSource
from manifests.explain import why
from manifests.rows import Message, Preference
from manifests.run import run
from manifests.stage import Kept, Recipe, Rejected
from manifests.store import Store
from manifests.view import View
from manifests.watcher import Silent
from tests.generators.talks import Worth, talk, talks
from tests.generators.tasks import Counting

PROMPT = "u How many bees?"
REWARDS = (1.0, 5.0, 2.0, 5.0, 0.0, 3.0, 4.0)


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "s"))


def pool(rewards, texts=None):
    origin = talk(PROMPT, "a given")
    return [
        origin.replace(
            id=bytes([number]) * 16,
            parents=(origin.id,),
            messages=(*origin.messages[:1], Message("assistant", texts[number] if texts else f"reply {number}")),
            scores={} if reward is None else {REWARD: reward},
            labels={OF: origin.hex, WRITTEN_BY: GIVEN if number == 0 else POLICY},
        )
        for number, reward in enumerate(rewards)
    ]


def outcomes(rows):
    found = list(Pairs(REWARD)(rows))
    pairs = [one.row for one in found if isinstance(one, Kept)]
    return pairs, [one for one in found if isinstance(one, Rejected)]


def test_the_highest_reward_wins_and_the_lowest_loses_and_of_equals_the_lowest_id():
    [pair], refused = outcomes(pool(REWARDS))
    assert pair.parents == (bytes([1]) * 16, bytes([4]) * 16)
    assert pair.prompt == (Message("user", "How many bees?"),)
    assert (pair.chosen[0].content, pair.rejected[0].content) == ("reply 1", "reply 4")
    assert [pair.scores[name] for name in (CHOSEN, REJECTED, GAP, GIVEN_REWARD, LONGER)] == [5.0, 0.0, 5.0, 1.0, 0.0]
    assert [pair.scores[f"preferences/reward_{rank}"] for rank in range(1, 8)] == sorted(REWARDS, reverse=True)
    assert (pair.labels[WINNER], pair.labels[LOSER]) == (POLICY, POLICY)
    assert {one.reason for one in refused} == {"preferences/between"}
    assert sorted(one.value for one in refused) == [1.0, 2.0, 3.0, 4.0, 5.0]


@given(
    st.lists(st.sampled_from([0.0, 1.0, 2.5, None]), min_size=1, max_size=7).flatmap(
        lambda rewards: st.tuples(st.just(rewards), st.permutations(range(len(rewards))))
    )
)
def test_the_order_of_the_candidates_changes_nothing(case):
    rewards, order = case
    rows = pool(rewards)
    pairs, refused = outcomes(rows)
    shuffled, refused_too = outcomes([rows[place] for place in order])
    assert shuffled == pairs
    assert {(one.row.id, one.reason, one.value) for one in refused_too} == {
        (one.row.id, one.reason, one.value) for one in refused
    }


def test_every_candidate_is_in_the_pair_or_refused():
    rows = pool(REWARDS)
    [pair], refused = outcomes(rows)
    assert sorted([*pair.parents, *[one.row.id for one in refused]]) == [row.id for row in rows]


def test_equal_rewards_and_equal_texts_make_no_pair_and_all_rewards_are_told():
    _, [refused] = outcomes(pool((2.0, 2.0)))
    assert refused.reason == "preferences/equal_rewards"
    _, [refused] = outcomes(pool((2.0, 3.0), ["same", " same\n"]))
    assert (refused.reason, refused.value) == ("preferences/equal_texts", 1.0)
    assert isinstance(refused.row, Preference)
    assert (refused.values["preferences/reward_1"], refused.values["preferences/reward_2"]) == (3.0, 2.0)


def test_one_that_has_no_reward_takes_no_part_and_one_left_alone_makes_no_pair():
    [pair], refused = outcomes(pool((2.0, None, 3.0)))
    assert (pair.scores[CHOSEN], pair.scores[REJECTED]) == (3.0, 2.0)
    assert [one.reason for one in refused] == ["preferences/alone"]
    _, refused = outcomes(pool((2.0, float("nan"))))
    assert [one.reason for one in refused] == ["preferences/alone"] * 2


def test_rewards_are_weighted_sums_of_outputs_of_the_right_shape():
    outputs = (3.2, 3.4, 3.8, 1.5, 1.6)
    assert weighted(outputs, ATTRIBUTES) == pytest.approx(5.401)
    assert weighted((9.0, float("nan"), 9.0, 9.0, *outputs), NEMOTRON_4) == pytest.approx(5.401)
    with pytest.raises(BadSource, match=r"has 5 outputs; expected 1,"):
        weighted(outputs, (1.0,))


def test_a_reward_is_put_on_replies_and_what_has_none_is_refused():
    rows = [talk(PROMPT, f"a {said}") for said in ("3", "nothing", "1" * 101)] + [talk(PROMPT)]
    first, *refused = Rewarded(Worth())(rows)
    assert first.scores == {REWARD: 3.0}
    assert [one.reason for one in refused] == ["reward/not_a_number", "reward/too_long", "reward/no_conversation"]
    assert (refused[1].value, refused[1].threshold) == (101, 100)


def test_attributes_are_kept_beside_the_reward_they_make():
    [row] = Rewarded(Worth(weights=ATTRIBUTES))([talk(PROMPT, "a 3.2 3.4 3.8 1.5 1.6")])
    assert row.scores[REWARD] == pytest.approx(5.401)
    assert row.scores["reward/output_5"] == 1.6


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Too short.\nGrade: 7", 7.0),
        ("長い。\n評点: 8.5", 8.5),
        ("**Grade: 10/10**", 10.0),
        ("Grade: 11", "graded/out_of_range"),
        ("Grade: 0", "graded/out_of_range"),
        ("Grade: 7\nBut it could be 9.", "graded/no_number"),
        ("A good reply.", "graded/no_number"),
        ("Grade: seven", "graded/no_number"),
    ],
)
def test_a_grade_is_the_number_on_the_last_line_and_nothing_else(said, found):
    row = talk(PROMPT, "a 25")
    made = Grade().parse(row, Reply(said, "stop", 1, 1))
    assert (made.reason if isinstance(made, Rejected) else made.scores[REWARD]) == found


def test_a_conversation_cannot_fill_in_the_judges_prompt():
    [asked] = Grade().prompt(talk("u {conversation}", "a {0} {x}"))
    assert asked.content.count("{conversation}") == 1
    assert "{0} {x}" in asked.content


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        (("u Hello", "a Hi"), None),
        (("s Be brief.", "u Add.", "i 1 2", "a 3"), None),
        (("u Hello",), "dialogue/no_reply"),
        ((), "dialogue/no_user"),
        (("a Hi",), "dialogue/repeated_role"),
        (("u Hello", "a Hi", "a Hi"), "dialogue/repeated_role"),
        (("u Hello", "s Be brief.", "a Hi"), "dialogue/late_system"),
        (("u  ", "a Hi"), "dialogue/empty_turn"),
        (("x Hello", "a Hi"), "dialogue/unknown_role"),
        ((" Hello", "a Hi"), "dialogue/unknown_role"),
        (("u Hello", "a Hi") * 100, "dialogue/many_turns"),
        (("u " + "bee " * 400, "a Hi"), "dialogue/long_prompt"),
    ],
)
def test_conversations_that_no_model_can_be_asked_with_are_told_apart(turns, reason):
    [one] = Dialogue(answered=True, max_turns=8, max_prompt=200)([talk(*turns)])
    assert getattr(one, "reason", None) == reason


def six(request):
    """Six replies: worth 1 to 4, one that is cut off and one that is nothing."""
    said = ["1", "4", "2", "nothing", "3", "cut"][request.candidate]
    return Reply(said, "length" if said == "cut" else "stop", 1, 1, candidate=request.candidate)


def preferred(answer=six, gap=None, n=6):
    sampling = Sampling(max_tokens=50, n=n)
    policy = Generate(Answer(), model=Worth().model, sampling=sampling, engine=Echo(answer))
    steps = (Dialogue(answered=True), Pool(policy), Rewarded(Worth()), Pairs(REWARD), gap or WideGap())
    return Recipe("preferences", steps)


def test_a_pair_is_made_of_the_given_reply_and_those_of_the_policy(store):
    source = talk("u One?", "a 9", "u How many bees?", "a 0.5")
    done = run(preferred(), talks(source), store=store, tag="pairs")
    [pair] = View(store, done.manifest)
    assert [one.content for one in pair.prompt] == ["One?", "9", "How many bees?"]
    assert (pair.chosen[0].content, pair.rejected[0].content) == ("4", "0.5")
    assert (pair.labels[OF], pair.labels[WINNER], pair.labels[LOSER]) == (source.hex, POLICY, GIVEN)
    assert pair.scores[GIVEN_REWARD] == 0.5
    assert [f"preferences/reward_{rank}" in pair.scores for rank in (1, 5, 6)] == [True, True, False]
    assert fsck(store, deep=True) == []
    story = why(store, source.id, done.manifest)
    reasons = sorted(one.reason or "" for one in story.candidates)
    assert len(reasons) == 7
    assert {"generate/cut_off", "reward/not_a_number"} < set(reasons)


def test_a_pool_whose_calls_are_known_is_paid_for_once(store):
    answer = Counting(six)
    for gap in (WideGap(), WideGap(min_gap=1.0)):
        run(preferred(answer, gap), talks(talk(PROMPT, "a 0")), store=store)
    assert answer.calls == 6


class Heard(Silent):
    """Notes what is said."""

    def __init__(self):
        self.said = []

    def say(self, text):
        self.said.append(text)


def graded_source(*pairs):
    """Conversations whose given reply is worth the first, and each reply of the policy the second number."""
    return [talk(f"u {number}: {best}", f"a {worst}") for number, (worst, best) in enumerate(pairs)]


def its_number(request):
    return request.prompt.split(": ")[1].split()[0] + " " * request.candidate


def test_pairs_below_the_gap_are_dropped_and_the_threshold_is_told(store):
    rows = graded_source((0, 5), (0, 1), (0, 3), (0, 2))
    for gap, kept, threshold in [(WideGap(min_gap=2.0), 3, 2.0), (WideGap(drop_share=0.5), 2, 3.0)]:
        recipe = preferred(its_number, gap, n=2)
        done = run(recipe, talks(*rows), store=store, tag="gap")
        pairs = list(View(store, done.manifest))
        assert len(pairs) == kept
        assert min(pair.scores[GAP] for pair in pairs) == threshold
        step = done.manifest.steps[-1]
        assert step.reasons == {"preferences/small_gap": 4 - kept}


def test_how_much_longer_chosen_replies_are_is_told(store):
    rows = [talk("u 1: 5", "a 0"), talk("u 2: 10", "a -100000")]
    heard = Heard()
    run(preferred(its_number, n=2), talks(*rows), store=store, watcher=heard)
    told = "length: chosen replies are on average -2.5 characters longer, and longer in 0% of pairs"
    assert told in heard.said
    assert "gap: 2 of 2 pairs kept; threshold 0.0000" in heard.said


def test_why_tells_all_rewards_of_a_pair_that_was_dropped(store):
    whole = run(preferred(), talks(talk(PROMPT, "a 0.5")), store=store)
    [pair] = View(store, whole.manifest)
    done = run(preferred(gap=WideGap(min_gap=100.0)), talks(talk(PROMPT, "a 0.5")), store=store)
    assert done.manifest.rows == 0
    story = why(store, pair.id, done.manifest)
    told = {name: value for step in story.steps for name, value in step.measured.items()}
    assert [told[f"preferences/reward_{rank}"] for rank in range(1, 6)] == [4.0, 3.0, 2.0, 1.0, 0.5]
    assert story.steps[-1].decision.reason == "preferences/small_gap"
    assert (story.steps[-1].decision.value, story.steps[-1].decision.threshold) == (3.5, 100.0)


def test_rows_without_a_gap_and_shares_that_are_none_are_refused(store):
    with pytest.raises(BadRecipe, match="expected rows of Pairs"):
        run(Recipe("gap", (Dialogue(), WideGap())), talks(talk(PROMPT)), store=store)
    with pytest.raises(BadRecipe, match="drop_share is 1"):
        WideGap(drop_share=1.0)


def test_where_it_runs_is_no_part_of_a_pool_and_the_policy_is():
    pool = recipe(model="echo", engine="echo").steps[1]
    assert "purse" not in pool.describe()["fields"]
    assert replace(pool, generate=replace(pool.generate, sampling=Sampling(n=5))).describe() != pool.describe()
    with pytest.raises(BadRecipe, match="no weights 'two'"):
        recipe(weights="two")
