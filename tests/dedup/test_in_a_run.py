"""The selections as steps of a recipe, over a real store."""

import pyarrow as pa
import pytest

from dedup.exact import ExactDedup
from dedup.minhash import MinHashDedup
from manifests.errors import BadRecipe
from manifests.rows import Conversation, Document, Message, Tokens
from manifests.run import run
from manifests.shard import read_parquet
from manifests.stage import Recipe
from manifests.store import Store
from manifests.view import View
from tests.dedup.memory import named
from tests.manifests.stages import Source
from tests.pools import Unit

TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps beside an old wooden gate for days"


def documents(**texts):
    return Unit(tuple(Document(id=named(name), source="test", text=text) for name, text in texts.items()))


def stored(url, *units):
    """Return a store whose dataset "all" holds a shard for each unit."""
    store = Store(url)
    run(Recipe("all", ()), Source(units), store=store, tag="all")
    return store


def decisions(store, manifest):
    tables = [read_parquet(store.get(digest)) for digest in manifest.ledger.decisions]
    return pa.concat_tables(tables).to_pylist()


def test_what_one_selection_hides_the_next_one_does_not_see():
    first = documents(a=TEXT, b="alone", c=TEXT)
    store = stored("memory://dedup-run", first, documents(d=f"{TEXT}!", e=f"{TEXT}  ", f="also alone"))
    made = run(Recipe("r", (ExactDedup(), MinHashDedup())), "all", store=store).manifest
    stay = {row.id for row in View(store, made)}
    assert len(stay) == 3
    assert {named("b"), named("f")} < stay
    [near] = [line for line in decisions(store, made) if line["reason"] == "minhash/near_duplicate"]
    assert (near["value"], near["threshold"]) == (1.0, 0.8)
    assert near["twin"] in stay
    assert near["id"] not in stay


def test_signatures_are_made_once_for_each_shard():
    store = stored("memory://dedup-once", documents(a=TEXT, b=TEXT), documents(c=TEXT))
    run(Recipe("r", (MinHashDedup(),)), "all", store=store)
    asked = []

    def counting(function, items):
        items = list(items)
        asked.append((type(function).__name__, len(items)))
        return map(function, items)

    run(Recipe("r", (MinHashDedup(seed=1),)), "all", store=store, map=counting)
    assert [count for name, count in asked if name == "_MakeSide"] == [0]


def chat(name, *turns):
    return Conversation(id=named(name), source="test", messages=tuple(Message(*turn) for turn in turns))


def test_conversations_are_compared_by_what_the_user_said():
    first = chat("a", ("user", TEXT), ("assistant", "yes"), ("user", "And then?"))
    store = stored(
        "memory://dedup-chats",
        Unit((first, chat("b", ("system", "Be kind."), ("user", TEXT), ("assistant", "no"), ("user", "and then")))),
        Unit((chat("c", ("assistant", TEXT)), chat("d", ("user", "Good morning")))),
    )
    made = run(Recipe("r", (MinHashDedup(),)), "all", store=store).manifest
    stay = {row.id for row in View(store, made)}
    assert len(stay & {named("a"), named("b")}) == 1
    assert {named("c"), named("d")} < stay


@pytest.mark.parametrize("selection", [MinHashDedup()])
def test_rows_without_a_text_are_refused_with_what_to_do(selection):
    store = stored("memory://dedup-tokens", Unit((Tokens(id=named("a"), source="test", input_ids=(1, 2)),)))
    with pytest.raises(BadRecipe, match=r"rows have no text.*expected documents or conversations; derive one document"):
        run(Recipe("r", (selection,)), "all", store=store)
