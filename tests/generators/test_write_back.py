"""What won in a pair, written back into the conversations."""

import pytest
from click.testing import CliRunner

from generators.write_back import CANDIDATE, GAIN, PAIR, WriteBack
from generators.write_back_command import write_back
from manifests.errors import BadRecipe, BadRow
from manifests.explain import why
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from manifests.view import View
from tests.generators.talks import talk, talks
from tests.generators.test_preferences import its_number, preferred

LOW = talk("u 1: 5", "a 2")  # the policy says 5, the given reply is worth 2
CLOSE = talk("u 2: 5", "a 4.5")
BETTER = talk("u 3: 5", "a 9")
OTHER = talk("u 4: 5", "a 0", "u 4: 7", "a 0.5")


@pytest.fixture
def store(tmp_path):
    store = Store(str(tmp_path / "s"))
    run(Recipe("import", ()), talks(LOW, CLOSE, BETTER, OTHER), store=store, tag="sft")
    run(preferred(its_number, n=2), "sft", store=store, tag="pairs")
    return store


def written(store, margin=1.0, pairs="pairs"):
    return run(Recipe("write-back", (WriteBack(pairs, margin),)), "sft", store=store, tag="better").manifest


def test_a_chosen_reply_takes_the_place_of_one_that_it_beats_by_the_margin(store):
    rows = {row.messages[0].content: row for row in View(store, written(store))}
    assert {name: row.messages[-1].content for name, row in rows.items()} == {
        "1: 5": "5",
        "2: 5": "4.5",
        "3: 5": "9",
        "4: 5": "5",
    }
    assert (rows["2: 5"].id, rows["3: 5"].id) == (CLOSE.id, BETTER.id)
    assert [one.content for one in rows["4: 5"].messages] == ["4: 5", "0", "4: 7", "5"]


def test_a_reply_that_was_written_back_tells_its_history(store):
    made = written(store)
    [row] = [row for row in View(store, made) if row.parents == (LOW.id,)]
    pairs = {pair.hex: pair for pair in View(store, store.manifest("pairs"))}
    pair = pairs[row.labels[PAIR]]
    assert (row.call, row.labels[CANDIDATE]) == (pair.call, pair.parents[0].hex())
    assert row.call is not None
    assert row.scores[GAIN] == 3.0
    assert why(store, row.id, made).made_by == "WriteBack"
    assert why(store, pair.parents[0], store.manifest("pairs")).row_id == pair.parents[0]


def test_a_smaller_margin_replaces_more_and_never_a_reply_that_is_as_good(store):
    assert [written(store, margin).steps[1].derived for margin in (4.0, 1.0, 0.5, 0.0, -9.0)] == [1, 2, 3, 3, 3]


def test_what_is_no_dataset_of_pairs_is_refused(store):
    with pytest.raises(BadRecipe, match="kind conversation; expected pairs"):
        written(store, pairs="sft")


def test_pairs_of_another_version_are_refused(store):
    run(Recipe("import", ()), talks(LOW.replace(messages=BETTER.messages)), store=store, tag="sft")
    with pytest.raises(BadRow, match="make the pairs from this version"):
        written(store)


def test_the_command_says_how_many_were_replaced(store):
    told = CliRunner().invoke(write_back, ["sft", "pairs", "--margin", "1", "--tag", "better", "--store", store.url])
    assert told.exit_code == 0, told.output
    assert told.stdout.strip() == store.manifest("better").id
    assert "2 of 4 replies replaced" in told.stderr
