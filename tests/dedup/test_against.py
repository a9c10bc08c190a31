"""Another snapshot against what is there, and policies for which row stays."""

import pytest

from dedup.exact import ExactDedup
from dedup.minhash import MinHashDedup
from dedup.urls import UrlDedup
from manifests.errors import BadRecipe, NotFound
from manifests.rows import Document
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from manifests.view import View
from tests.dedup.memory import named
from tests.dedup.test_in_a_run import TEXT, Unit, decisions, documents
from tests.dedup.test_minhash import distinct
from tests.manifests.stages import Source

NEAR = [f"{TEXT}, {distinct(3, seed=number)}" for number in range(6)]


def kept(store, manifest):
    return {row.id for row in View(store, manifest)}


def dataset(store, tag, *units, **fields):
    run(Recipe("all", ()), Source(units), store=store, tag=f"{tag}-raw")
    return run(Recipe("r", (MinHashDedup(**fields),)), f"{tag}-raw", store=store, tag=tag).manifest


@pytest.mark.parametrize("seed", range(6))
def test_rows_of_a_new_snapshot_go_for_those_that_are_there(seed):
    store = Store(f"memory://against-{seed}")
    dataset(store, "old", documents(a=NEAR[0], b="something else altogether"))
    new = dataset(store, "new", documents(c=NEAR[1], d=NEAR[2], e="new and different"), against=("old",), seed=seed)
    assert kept(store, new) == {named("e")}
    assert {line["twin"] for line in decisions(store, new)} == {named("a")}


@pytest.mark.parametrize("seed", range(6))
def test_a_survivor_stays_when_its_dataset_grows(seed):
    store = Store(f"memory://grows-{seed}")
    first = documents(a=NEAR[0], b=NEAR[1], c="something else altogether")
    old = dataset(store, "chats", first)
    [survivor] = kept(store, old) & {named("a"), named("b")}
    grown = dataset(store, "grown", first, documents(d=NEAR[2], e=NEAR[3]), against=("chats",), seed=seed)
    assert kept(store, grown) == {survivor, named("c")}
    assert {line["twin"] for line in decisions(store, grown)} == {survivor}


def test_a_policy_has_the_say_over_a_survivor():
    store = Store("memory://policy")
    first = documents(a=NEAR[0], c="something else altogether")
    dataset(store, "chats", first)
    grown = dataset(store, "grown", first, documents(d=f"{NEAR[0]} and on"), against=("chats",), keep="longest")
    assert kept(store, grown) == {named("c"), named("d")}


def test_rows_that_are_not_in_the_dataset_stay_whatever_the_policy():
    store = Store("memory://stay")
    dataset(store, "old", documents(a=NEAR[0], b=NEAR[1]), threshold=0.999)
    new = dataset(store, "new", documents(d=f"{NEAR[0]} and on"), against=("old",), keep="longest")
    assert kept(store, new) == set()


def test_only_the_signatures_of_new_shards_are_computed():
    store = Store("memory://incremental")
    first = documents(a=NEAR[0], b="something else altogether")
    dataset(store, "old", first)
    run(Recipe("all", ()), Source((first, documents(d=NEAR[2]))), store=store, tag="both")
    made = []

    def counting(function, items):
        items = list(items)
        if type(function).__name__ == "_MakeSide":
            made.append(len(items))
        return map(function, items)

    run(Recipe("r", (MinHashDedup(against=("old",)),)), "both", store=store, map=counting)
    assert sum(made) == 1


def test_what_is_compared_with_is_named_by_its_digest():
    store = Store("memory://digest")
    old = dataset(store, "old", documents(a=NEAR[0]))
    step = MinHashDedup(against=("old",))
    assert step.resolve(store).against == (old.id,)
    with pytest.raises(NotFound):
        MinHashDedup(against=("nothing",)).resolve(store)


DATED = [
    Document(id=named("a"), source="test", text=NEAR[0], date="2024-02-01T00:00:00Z", scores={"edu": 0.2}),
    Document(id=named("b"), source="test", text=f"{NEAR[0]}, longer", date="2023-12-01", scores={"edu": 0.9}),
    Document(id=named("c"), source="test", text=NEAR[0], date="2024-06-01", scores={"other": 5}),
    Document(id=named("d"), source="test", text=NEAR[0]),
]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"keep": "oldest"}, "b"),
        ({"keep": "newest"}, "c"),
        ({"keep": "longest"}, "b"),
        ({"keep": "best", "score": "edu"}, "b"),
        ({"keep": "best", "score": "other"}, "c"),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_a_policy_says_which_row_stays(fields, expected, seed):
    store = Store(f"memory://keep-{expected}-{fields}-{seed}".replace(" ", ""))
    made = dataset(store, "dated", Unit(tuple(DATED[:2])), Unit(tuple(DATED[2:])), seed=seed, **fields)
    assert kept(store, made) == {named(expected)}


def test_chance_decides_among_rows_that_a_policy_does_not_tell_apart():
    stays = set()
    for seed in range(20):
        store = Store(f"memory://tie-{seed}")
        stays |= kept(store, dataset(store, "tie", documents(a=TEXT, b=TEXT), keep="newest", seed=seed))
    assert stays == {named("a"), named("b")}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"keep": "first"}, "keep is 'first'; expected one of random, oldest, newest, longest, best"),
        ({"keep": "best"}, "keep is 'best' and score is ''; best needs one"),
        ({"score": "edu"}, "keep is 'random' and score is 'edu'"),
        ({"search": "hnsw"}, "search is 'hnsw'; expected one of bands, faiss"),
    ],
)
def test_policies_that_are_not_known_are_refused(fields, message):
    with pytest.raises(BadRecipe, match=message):
        MinHashDedup(**fields)


def test_an_exact_copy_in_a_new_snapshot_does_not_push_out_a_survivor():
    store = Store("memory://exact")
    first = documents(a=TEXT, b="something else altogether")
    steps = ExactDedup(), MinHashDedup()
    run(Recipe("all", ()), Source((first,)), store=store, tag="raw")
    run(Recipe("r", steps), "raw", store=store, tag="chats")
    for seed in range(6):
        run(Recipe("all", ()), Source((first, documents(c=TEXT, d=f"{TEXT}!"))), store=store, tag="both")
        grown = (ExactDedup(seed=seed, against=("chats",)), MinHashDedup(seed=seed, against=("chats",)))
        made = run(Recipe("r", grown), "both", store=store).manifest
        assert kept(store, made) == {named("a"), named("b")}


def test_a_row_is_not_dropped_for_one_that_an_earlier_step_took_out():
    store = Store("memory://earlier")
    page = {"source": "test", "url": "https://example.org/a"}
    old = Document(id=named("a"), text=TEXT, date="2023-01-01", **page)
    new = Document(id=named("b"), text=f"{TEXT}!", date="2024-01-01", **page)
    dataset(store, "old", Unit((old,)))
    run(Recipe("all", ()), Source((Unit((old,)), Unit((new,)))), store=store, tag="both")
    steps = UrlDedup(), ExactDedup(against=("old",)), MinHashDedup(against=("old",))
    assert kept(store, run(Recipe("r", steps), "both", store=store).manifest) == {named("b")}


@pytest.mark.parametrize("seed", range(4))
def test_a_survivor_that_two_files_hold_stays(seed):
    store = Store(f"memory://twice-{seed}")
    old = dataset(store, "old", documents(a=NEAR[0], b="something else altogether"))
    twice = documents(a=NEAR[0]), documents(c=NEAR[1], a=NEAR[0], b="something else altogether", d=NEAR[0])
    run(Recipe("all", ()), Source(twice), store=store, tag="both")
    steps = ExactDedup(seed=seed, against=("old",)), MinHashDedup(seed=seed, against=("old",))
    assert kept(store, run(Recipe("r", steps), "both", store=store).manifest) == kept(store, old)


def test_equal_rows_of_another_dataset_are_compared_though_one_of_them_is_here_with_another_text():
    store = Store("memory://left-out")
    old = Unit(tuple(Document(id=named(name), source="test", text=TEXT) for name in ("a", "b")))
    run(Recipe("all", ()), Source((old,)), store=store, tag="old")
    near = documents(a=NEAR[0], c=NEAR[1])
    run(Recipe("all", ()), Source((near,)), store=store, tag="new-raw")
    step = MinHashDedup(threshold=0.5, bands=64, rows=2, against=("old",))
    made = run(Recipe("r", (step,)), "new-raw", store=store).manifest
    assert kept(store, made) == set()
    assert {line["twin"] for line in decisions(store, made)} == {named("b")}
