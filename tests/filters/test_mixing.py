import json

import pytest
from click.testing import CliRunner

from filters.mix_command import mix_datasets
from filters.mixing import Portion, mix, portions, warnings
from manifests.check import fsck
from manifests.errors import BadRecipe, BadSource
from manifests.explain import why
from manifests.funnel import by_group
from manifests.report.page import dataset_page
from manifests.rows import Conversation, Message, row_id
from manifests.run import run
from manifests.stage import Recipe
from manifests.view import View
from tests.manifests.stages import Source
from tests.pools import Unit, doc, kept, stored


def named(store, name, rows):
    run(Recipe(name, ()), Source((Unit(tuple(rows)),)), store=store, tag=name)


@pytest.fixture
def store():
    made = stored(
        [doc(f"web {n}", token_count=10) for n in range(60)], [doc(f"web b{n}", token_count=10) for n in range(40)]
    )
    named(made, "code", [doc(f"code {n}", token_count=5) for n in range(20)])
    return made


def test_a_mix_is_as_large_as_the_rarest_dataset_allows(store):
    parts = portions(store, {"pool": 3, "code": 1})
    assert [(part.name, part.size, part.taken, part.share) for part in parts] == [
        ("pool", 1_000, 300, 0.75),
        ("code", 100, 100, 0.25),
    ]
    assert warnings(parts) == ()


def test_without_weights_all_of_all_datasets_is_taken(store):
    parts = portions(store, {"pool": None, "code": None})
    assert [part.epochs for part in parts] == [1.0, 1.0]


def test_epochs_are_those_of_the_field():
    part = Portion("swallow", "", 1.0, 6_340_000_000, 48_310_000_000)
    assert round(part.epochs, 2) == 7.62
    assert "7.62 times" in warnings([part])[0]


def test_a_mix_has_a_portion_of_each_and_copies_nothing(store):
    parts = portions(store, {"pool": 3, "code": 1})
    before = {entry.shard for name in ("pool", "code") for entry in store.manifest(name).entries}
    made, ref = mix(store, parts, tag="mix")
    texts = kept(store, made)
    assert sum(text.startswith("web") for text in texts) == 30
    assert sum(text.startswith("code") for text in texts) == 20
    assert {entry.shard for entry in made.entries} == before
    assert mix(store, parts, tag="mix") == (made, ref)


def test_a_mix_is_a_dataset_like_any_other(store):
    made, _ = mix(store, portions(store, {"pool": 3, "code": 1}), tag="mix")
    assert fsck(store, deep=True) == []
    row = next(iter(View(store, made)))
    assert why(store, row.id, made).kept
    assert by_group(store, made, "language")["kept"].sum() == 50
    assert "Mix" in dataset_page(store, made, "mix")


def test_a_row_of_two_datasets_is_kept_once(store):
    named(store, "more", [*(doc(f"web {n}", token_count=10) for n in range(30)), doc("new", token_count=10)])
    made, _ = mix(store, portions(store, {"pool": None, "more": None}), tag="mix")
    assert made.rows == 101
    assert made.steps[1].reasons == {"input/repeated_id": 30}


def test_a_dataset_that_would_be_read_again_is_planned_and_not_made(store):
    parts = portions(store, {"pool": 1, "code": 9}, size=1_000)
    assert parts[1].epochs == 9.0
    assert "code would be read 9.00 times" in warnings(parts)[0]
    with pytest.raises(BadRecipe, match=r"code 9.00 times.*koba train pool=0.1 code=0.9"):
        mix(store, parts, tag="mix")


def test_bad_mixes_are_refused(store):
    with pytest.raises(BadRecipe, match="pool=-1"):
        portions(store, {"pool": -1, "code": 1})
    with pytest.raises(BadRecipe, match="each named once"):
        portions(store, {"pool": 1, "pool@1": 1})
    named(store, "plain", [doc("x")])
    with pytest.raises(BadSource, match="plain has no tokens"):
        portions(store, {"pool": 1, "plain": 1})
    chat = Conversation(id=row_id("conversation", "test", "a"), source="test", messages=(Message("user", "hi"),))
    named(store, "chats", [chat])
    with pytest.raises(BadRecipe, match="several kinds"):
        mix(store, portions(store, {"pool": None, "chats": None}, of="rows"), of="rows", tag="mix")


def test_the_command_tells_and_makes(store):
    given = ["pool=3", "code=1", "--store", store.url]
    told = CliRunner().invoke(mix_datasets, given, catch_exceptions=False).stdout
    assert "75.0 %" in told
    assert store.head("mix") is None
    done = CliRunner().invoke(mix_datasets, [*given, "--tag", "mix", "--json"], catch_exceptions=False)
    assert json.loads(done.stdout)["ref"] == "mix@1"
