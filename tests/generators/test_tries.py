"""A candidate that was refused is asked for again: each try a call of its own, paid once and written down."""

import pytest

from generators.chunks import Chunks
from generators.engine import Reply, Sampling
from generators.purse import Budget, Purse, with_purse
from manifests import shard
from manifests.errors import BadRecipe, Incomplete
from manifests.run import run
from manifests.store import Store
from manifests.view import View
from tests.generators.tasks import Counting, asks, document, texts

NAMES = [f"text {n}" for n in range(30)]
TWO = Sampling(n=2)


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "s"))


def dropped(store, manifest):
    tables = [shard.read_parquet(store.get(digest)) for digest in manifest.ledger.decisions]
    return [row for table in tables for row in table.to_pylist()]


def bad_before(number):
    """Answer badly to each candidate with a number below this one."""
    return Counting(lambda request: "unspeakable" if request.candidate < number else f"fine {request.candidate}")


def test_a_refused_candidate_is_asked_for_again_under_the_next_number(store):
    answer = bad_before(2)
    made = run(asks(answer, tries=3), texts("one"), store=store).manifest
    [row] = View(store, made)
    assert (row.text, row.parents) == ("fine 2", (document("one").id,))
    assert [request.candidate for request in answer.requests] == [0, 1, 2]
    assert len({request.seed for request in answer.requests}) == 3


def test_every_failed_try_is_a_line_of_the_ledger_with_what_was_paid_for_it(store):
    made = run(asks(bad_before(2), tries=3), texts("one"), store=store).manifest
    lines = dropped(store, made)
    assert [line["reason"] for line in lines] == ["again/unspeakable"] * 2
    [row] = View(store, made)
    assert len({line["id"] for line in lines} | {row.id, document("one").id}) == 4
    [values] = [shard.read_parquet(store.get(digest)) for digest in made.ledger.values]
    assert len(values["1:generate/tokens_out"].drop_null()) == 3


def test_after_the_last_try_the_row_itself_is_refused(store):
    answer = bad_before(99)
    made = run(asks(answer, tries=3), texts("one"), store=store).manifest
    assert (made.rows, answer.calls, made.steps[1].reasons) == (0, 3, {"again/unspeakable": 3})
    assert document("one").id in {line["id"] for line in dropped(store, made)}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("much too long " * 2_000, "generate/cut_off"),
        ("", "generate/empty"),
        (Reply("", "content_filter", 5, 0), "generate/withheld"),
        ("I'm sorry, but I can't help with that.", "generate/refusal"),
    ],
)
def test_whatever_a_reply_was_refused_for_it_is_asked_for_again(store, reply, reason):
    answer = Counting(lambda request: "fine" if request.candidate else reply)
    made = run(asks(answer, tries=2), texts("one"), store=store).manifest
    assert (made.rows, answer.calls, made.steps[1].reasons) == (1, 2, {reason: 1})


def test_a_prompt_that_is_too_long_is_not_asked_again_for_it_will_be_no_shorter(store):
    answer = Counting()
    made = run(asks(answer, tries=3, max_context=20), texts("word " * 100), store=store).manifest
    assert (made.rows, made.steps[1].reasons) == (0, {"generate/too_long": 1})


def test_of_several_candidates_each_has_its_own_tries(store):
    answer = Counting(lambda request: "unspeakable" if request.candidate in {1, 3} else f"fine {request.candidate}")
    made = run(asks(answer, sampling=TWO, tries=3), texts("one"), store=store).manifest
    assert sorted(row.text for row in View(store, made)) == ["fine 0", "fine 5"]
    assert sorted(request.candidate for request in answer.requests) == [0, 1, 3, 5]


def test_more_candidates_later_take_up_the_tries_of_before(store):
    answer = bad_before(1)
    run(asks(answer, sampling=TWO, tries=2), texts("one"), store=store)
    assert answer.calls == 3  # 0, 1 and 2
    run(asks(answer, sampling=Sampling(n=4)), texts("one"), store=store)
    assert sorted(request.candidate for request in answer.requests) == [0, 1, 2, 3]


def test_only_the_part_that_was_refused_is_asked_again(store):
    def reply(request):
        return "" if "third" in request.prompt and not request.candidate else request.prompt.split("again: ")[1][:5]

    answer = Counting(reply)
    text = "First sentence here. Second one.\n\nA third sentence stands alone.\n"
    made = run(asks(answer, split=Chunks(9), tries=2), texts(text), store=store).manifest
    [row] = View(store, made)
    assert row.text == "First\n\nA thi\n"
    assert (answer.calls, made.steps[1].reasons) == (3, {"generate/empty": 1})
    assert len(row.labels["generate/calls"].split()) == 2


def test_with_all_calls_known_and_with_some_the_dataset_is_the_same_and_nothing_is_paid_twice(tmp_path, store):
    def reply(request):
        return "unspeakable" if request.seed % 3 else f"fine {request.seed}"

    recipe = asks(Counting(reply), sampling=TWO, tries=4, delay_s=0.001)
    whole = run(recipe, texts(*NAMES), store=store).manifest
    tried = recipe.steps[0].engine.answer.calls
    assert 60 < tried <= 240
    for limit in (7, None):
        again = Counting(reply)
        purse = Purse()
        recipe = with_purse(asks(again, sampling=TWO, tries=4), purse)
        known = Store(str(tmp_path / "known"))
        last = run(recipe, texts(*NAMES, units=3), store=known, limit=limit).manifest
    assert (last.content, last.rows) == (whole.content, whole.rows)
    assert purse.calls == tried
    assert purse.paid_calls == again.calls < tried


def test_a_failed_call_among_the_tries_fails_the_unit_and_is_the_only_one_asked_again(store):
    broken = [True]

    def reply(request):
        if request.candidate == 1 and broken:
            raise Incomplete("the engine is on fire")
        return "fine" if request.candidate else "unspeakable"

    answer = Counting(reply)
    with pytest.raises(Incomplete, match="1 model calls failed; the first: the engine is on fire"):
        run(asks(answer, tries=3), texts("one"), store=store)
    broken.clear()
    assert run(asks(answer, tries=3), texts("one"), store=store).manifest.rows == 1
    assert [request.candidate for request in answer.requests] == [0, 1, 1]


def test_a_budget_that_is_spent_between_two_tries_leaves_the_row_for_the_next_run(store):
    answer = bad_before(1)
    with pytest.raises(Incomplete, match="the budget is spent"):
        run(with_purse(asks(answer, tries=3), Purse(Budget(1))), texts("one"), store=store)
    assert answer.calls == 1
    assert run(asks(answer, tries=3), texts("one"), store=store).manifest.rows == 1
    assert answer.calls == 2


def test_tries_are_identity_and_one_try_is_the_recipe_that_says_nothing_of_them():
    assert asks(tries=1).fingerprint == asks().fingerprint
    assert len({asks(tries=tries).fingerprint for tries in (1, 2, 3)}) == 3
    with pytest.raises(BadRecipe, match="1 at temperature 0: all are the same"):
        asks(tries=2, sampling=Sampling(temperature=0))
