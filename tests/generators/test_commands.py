"""Generators as commands, their plans and their budgets."""

import json

import pytest
from click.testing import CliRunner

from generators import paraphrase, translate
from generators.engine import Sampling
from generators.plan import plan
from generators.purse import Purse, with_purse
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
    recipe, purse = asks(answer, capacity=1), Purse(budget_tokens=300)
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
    exact = Purse(budget_tokens=purse.paid_tokens)
    again = asks(sampling=Sampling(seed=9))
    assert run(with_purse(again, exact), "stories", store=store).manifest.rows == 12


def test_where_the_money_comes_from_is_not_in_the_fingerprint():
    assert with_purse(asks(), Purse(5)).fingerprint == asks().fingerprint


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
    result = invoke(translate.main, store, *ECHO, "--budget-tokens", "5", "--workers", "2")
    assert result.exit_code == 2
    assert "leave out --workers" in result.stderr
