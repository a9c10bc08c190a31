"""Generators as commands, their plans and their budgets."""

import json

import pytest
from click.testing import CliRunner

from generators import paraphrase, translate
from generators.engine import Sampling
from generators.generate import Generate, tried
from generators.plan import plan
from generators.purse import Budget, Price, Purse, with_purse
from generators.together import Threads
from manifests.errors import BadRecipe, Incomplete
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from tests.generators.tasks import Counting, asks, texts

ENGLISH = "The keeper of the factory walks along the river every evening and counts the boats that come home. "
NAMES = tuple(f"{ENGLISH}Tonight there were {n} of them, and {n + 3} in the morning." for n in range(12))


@pytest.fixture
def store(tmp_path):
    store = Store(str(tmp_path / "s"))
    run(Recipe("import", ()), texts(*NAMES, units=3), store=store, tag="stories")
    return store


def invoke(command, store, *arguments):
    return CliRunner().invoke(command, ["stories", "--store", store.url, *arguments], catch_exceptions=False)


ECHO = ("--model", "echo", "--engine", "echo")


def test_translate_runs_as_a_command_and_again_for_nothing(store):
    done = invoke(translate.main, store, *ECHO, "--to", "en", "--n", "2", "--json")
    first = json.loads(done.stdout)
    assert first["ref"] == "translate-en@1"
    again = json.loads(invoke(translate.main, store, *ECHO, "--to", "en", "--n", "2", "--json").stdout)
    assert (again["manifest"], again["made"]) == (first["manifest"], 0)


def test_a_preview_shows_prompts_and_replies_and_writes_nothing(store):
    before = list(store.files.keys(""))
    done = invoke(paraphrase.main, store, *ECHO, "--style", "easy", "--preview", "2")
    assert done.exit_code == 0
    assert done.stdout.count("--- prompt") == done.stdout.count("--- reply (stop)") == 2
    assert "in short sentences and small words, for a child." in done.stdout
    assert "2 rows came through; nothing was written" in done.stderr
    refused = invoke(paraphrase.main, store, *ECHO, "--style", "qa", "--preview", "2")
    assert "0 rows came through (paraphrase/no_pairs 2); nothing was written" in refused.stderr
    assert list(store.files.keys("")) == before


def test_a_plan_counts_what_a_run_will_take(store):
    recipe = asks(sampling=Sampling(n=3))
    foreseen = plan(recipe, "stories", store=store, sample=4)
    purse = Purse()
    run(with_purse(recipe, purse), "stories", store=store)
    assert (foreseen.rows, foreseen.sampled, foreseen.calls) == (12, 4, 36)
    assert purse.calls == purse.paid_calls == 24  # the sample was kept
    assert foreseen.tokens_in == pytest.approx(purse.tokens_in * 36 / 24, rel=0.05)
    assert foreseen.hours is not None
    assert "12 rows: about 36 calls" in invoke(translate.main, store, *ECHO, "--n", "3", "--plan", "4").stdout


def test_a_budget_stops_a_run_cleanly_and_the_next_one_goes_on(store):
    answer = Counting()
    recipe, purse = asks(answer, capacity=1), Purse(Budget(300))
    with pytest.raises(Incomplete, match="the budget is spent"):
        run(with_purse(recipe, purse), "stories", store=store, tag="told")
    asked = answer.calls
    assert 0 < asked < 12
    assert store.head("told") is None
    assert run(recipe, "stories", store=store, tag="told").manifest.rows == 12
    assert answer.calls == 12


def test_a_budget_that_just_suffices_stops_nothing(store):
    purse = Purse()
    recipe = asks()
    run(with_purse(recipe, purse), "stories", store=Store(store.url))
    exact = Purse(Budget(purse.paid_tokens))
    again = asks(sampling=Sampling(seed=9))
    assert run(with_purse(again, exact), "stories", store=store).manifest.rows == 12


def test_a_budget_in_money_stops_a_run_as_one_in_tokens_does(store):
    answer = Counting()
    purse = Purse(Budget(cost=0.001), Price(of_input=1.0, of_output=20.0))
    with pytest.raises(Incomplete, match=r"the budget is spent: \d+ tokens for 0\.00\d+"):
        run(with_purse(asks(answer, capacity=1), purse), "stories", store=store)
    assert 0.001 <= purse.cost < 0.012
    assert 0 < answer.calls < 12


class Sums:
    """A tally in this process, of what several purses paid before."""

    def __init__(self, *before: float) -> None:
        self.sums = before
        self.told = 0

    def add(self, *amounts: float) -> tuple[float, ...]:
        self.told += 1
        self.sums = tuple(a + b for a, b in zip(self.sums, amounts, strict=True))
        return self.sums


def test_what_others_paid_counts_against_the_budget(store):
    answer = Counting()
    purse = Purse(Budget(100_000), tally=Sums(99_900.0, 0.0))
    with pytest.raises(Incomplete, match="the budget is spent: 100,0"):
        run(with_purse(asks(answer, capacity=1), purse), "stories", store=store)
    assert 0 < answer.calls < 12


def test_the_others_are_told_at_each_thousandth_of_the_budget_and_no_more_often(store):
    tally = Sums(0.0, 0.0)
    purse = Purse(Budget(250_000), tally=tally)
    run(with_purse(asks(capacity=1), purse), "stories", store=store)
    assert sum(purse.untold[:1]) + tally.sums[0] == purse.paid_tokens
    assert tally.told <= purse.paid_tokens / 250
    assert purse.untold[0] < 250 + 150


def test_a_run_that_was_planned_is_reconciled_with_the_plan_in_its_record(store):
    money = ("--price-in", "0.5", "--price-out", "2")
    planned = invoke(translate.main, store, *ECHO, "--n", "3", *money, "--plan", "3").stdout
    assert "about 36 calls" in planned
    assert ", for about 0.0" in planned
    done = invoke(translate.main, store, *ECHO, "--n", "3", *money)
    [record] = [record for record in store.runs() if record["ref"] == "translate-ja@1"]
    calls = record["model_calls"]
    assert (calls["asked"]["calls"], calls["paid"]["calls"], calls["predicted"]["calls"]) == (36, 27, 36)
    assert calls["asked"]["rows"] == calls["predicted"]["rows"] == 12
    assert calls["predicted"]["tokens_in"] == pytest.approx(calls["asked"]["tokens_in"], rel=0.05)
    asked = calls["asked"]
    assert asked["cost"] == pytest.approx((0.5 * asked["tokens_in"] + 2 * asked["tokens_out"]) / 1e6)
    assert 0 < calls["paid"]["cost"] < asked["cost"]
    assert "36 model calls, of which 27 new" in done.stderr
    assert "foreseen were 36 calls" in done.stderr


def test_a_run_that_nobody_planned_says_what_it_paid(store):
    done = invoke(translate.main, store, *ECHO, "--n", "3")
    assert "36 model calls, of which 36 new" in done.stderr
    assert "foreseen" not in done.stderr
    assert next(store.runs())["recipe"] == "import"
    [*_, record] = store.runs()
    assert record["model_calls"]["predicted"] is None


def test_where_the_money_comes_from_is_not_in_the_fingerprint():
    assert with_purse(asks(), Purse(Budget(5))).fingerprint == asks().fingerprint


def test_units_in_threads_are_the_run_of_one_after_the_other(store, tmp_path):
    whole = run(asks(), texts(*NAMES, units=6), store=Store(str(tmp_path / "alone"))).manifest
    recipe = asks(delay_s=0.002)
    spread = run(recipe, texts(*NAMES, units=6), store=Store(str(tmp_path / "spread")), map=Threads(3)).manifest
    assert spread.id == whole.id


def test_in_threads_a_missing_unit_is_an_error_after_the_others_are_finished(tmp_path):
    def answer(request):
        if "were 5" in request.prompt:
            raise Incomplete("no")
        return "fine"

    store, counting = Store(str(tmp_path / "s")), Counting(answer)
    with pytest.raises(Incomplete, match="1 units are missing; the first: 1 model calls failed"):
        run(asks(counting), texts(*NAMES, units=6), store=store, map=Threads(2))
    assert counting.calls == 12


def test_what_cannot_be_asked_for_is_refused_in_words(store):
    with pytest.raises(BadRecipe, match="'xx' is no language we have a name for"):
        translate.recipe(to="xx")
    with pytest.raises(BadRecipe, match="expected one of easy, wiki, hard, qa"):
        paraphrase.recipe(style="loud")
    result = invoke(translate.main, store, *ECHO, "--budget-cost", "5")
    assert result.exit_code == 2
    assert "--budget-cost without a price" in result.stderr


def test_tries_are_an_option_of_every_program_with_calls_and_those_at_temperature_0_are_asked_once():
    def asking(temperature: float) -> Generate:
        return Generate(paraphrase.styled("easy", ["en"]), sampling=Sampling(temperature=temperature))

    recipe = Recipe("r", (asking(temperature=0.0), asking(temperature=0.5)))
    assert [step.tries for step in tried(recipe, 3).steps] == [1, 3]
