"""A classifier as a stage: what it says of texts, what it refuses, what a damaged or hostile model comes to."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.classified import Classified
from filters.classifier import expected_points, integer_points, judged
from filters.classifier_config import read_config
from filters.fasttext_file import check
from filters.token_line import apart, apart_ref, code_line, line_of, token_line
from manifests import artifact, canonical
from manifests.errors import BadRecipe, BadSource, Damaged
from manifests.rows import Document
from manifests.run import run
from manifests.stage import Recipe, Rejected
from manifests.store import Store
from manifests.view import View
from tests.filters.tiny_classifier import WORDS, config, fasttext_bytes, stage, stored
from tests.generators.tasks import document, texts

LABELS = tuple(f"__label__{number}" for number in range(3))


@pytest.fixture
def store(tmp_path):
    return stored(Store(str(tmp_path / "store")), tmp_path / "tiny")


def outcome(made, text, **more):
    [found] = made([document(text, **more)])
    return found


def test_the_score_is_the_sum_of_points_times_probability():
    """METHODS: Swallow Corpus v2 gives 2.0 here."""
    assert expected_points(np.array([[0.1, 0.2, 0.3, 0.4]])) == pytest.approx([2.0])


@pytest.mark.parametrize(("score", "points"), [(2.49, 2), (2.51, 3), (-0.3, 0), (6.1, 5), (0.0796, 0)])
def test_integer_points_are_rounded_and_clipped_as_by_fineweb_edu(score, points):
    assert integer_points(np.array([score]))[0] == points


def test_what_a_model_says_is_what_its_numbers_come_to(store):
    """The mean of the words' vectors times the labels', softmax: by hand."""
    for text, vector in {
        "plants": (1.0, 0.0),
        "光": (0.0, 1.0),
        "sale": (-1.0, 0.0),
        "plants sale": (0.0, 0.0),
    }.items():
        logits = np.array([-sum(vector), 0.0, sum(vector)])
        expected = np.exp(logits) / np.exp(logits).sum() @ [0, 1, 2]
        assert outcome(stage(store), text).row.scores["classifier/tiny"] == pytest.approx(expected, abs=2e-4)


def test_a_row_gets_score_and_label_and_the_ledger_the_values(store):
    found = outcome(stage(store, min_points=1), "plants")
    assert found.values == {"classifier/tiny": 1.5752, "classifier/tiny_points": 2.0}
    assert found.row.labels == {"classifier/tiny": "2"}


def test_a_row_under_a_threshold_is_refused_with_value_and_threshold(store):
    low = outcome(stage(store, min_points=2), "sale")
    assert (low.reason, low.value, low.threshold) == ("classifier/low_points_tiny", 0.0, 2)
    low = outcome(stage(store, min_score=1.0), "sale")
    assert (low.reason, low.value, low.threshold) == ("classifier/low_score_tiny", 0.4248, 1.0)


def test_other_languages_and_texts_without_a_token_are_not_measured_and_stay(store):
    for found in (outcome(stage(store, min_points=2), "plantes", language="fr"), outcome(stage(store), " \n")):
        assert not isinstance(found, Rejected)
        assert found.values == {"classifier/tiny": None, "classifier/tiny_points": None}
        assert found.row.scores == {}


def test_rows_keep_their_order_over_batches(store):
    rows = [document(f"plants {number}") for number in range(600)]
    assert [one.row.id for one in stage(store)(iter(rows))] == [row.id for row in rows]


def test_a_run_stores_scores_names_the_classifier_and_finds_its_work_again(store):
    recipe = Recipe("classified", (Classified("models/tiny", min_points=1),))
    made = run(recipe, texts("plants", "sale", "光"), store=store, tag="classified")
    rows = {row.text: row.scores["classifier/tiny"] for row in View(store, made.manifest)}
    assert rows == {"plants": 1.5752, "光": 1.5752}
    assert made.manifest.models == {"models/tiny": store.manifest("models/tiny").id}
    again = run(recipe, texts("plants", "sale", "光"), store=store)
    assert (again.manifest.id, again.made) == (made.manifest.id, 0)


def test_the_fingerprint_is_the_models_and_the_thresholds_and_no_name(store, tmp_path):
    stored(store, tmp_path / "copy", "models/copy")
    stored(store, tmp_path / "other", "models/other", max_chars=10)
    one, copy, other, higher = (
        canonical.digest(Classified(name, min_points=least).resolve(store))
        for name, least in [("models/tiny", 1), ("models/copy", 1), ("models/other", 1), ("models/tiny", 2)]
    )
    assert one == copy
    assert len({one, other, higher}) == 3


def test_a_stage_without_a_fingerprint_says_so():
    with pytest.raises(BadRecipe, match="resolve it first"):
        canonical.digest(Classified("models/tiny"))


def test_thresholds_that_no_text_can_reach_are_refused(store):
    with pytest.raises(BadRecipe, match="min_points is 9; its scores go from 0 to 2"):
        Classified("models/tiny", min_points=9).resolve(store)


def test_points_of_a_choice_are_refused(store, tmp_path):
    stored(store, tmp_path / "two", "models/two", target="choice", classes=("no", "yes"), positive="yes", threshold=0.5)
    with pytest.raises(BadRecipe, match="give min_score, a probability"):
        Classified("models/two", min_points=1).resolve(store)


def test_a_model_of_another_kind_is_no_classifier(store, tmp_path):
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "tokenizer.json").write_text("{}")
    store.tag("models/words", artifact.store_model(store, tmp_path / "words", licence="MIT").id)
    with pytest.raises(BadRecipe, match="expected a classifier, found a model with tokenizer"):
        Classified("models/words").resolve(store)


def test_one_of_two_classes_is_scored_by_its_probability():
    two = config(target="choice", classes=("no", "yes"), positive="no", threshold=0.3)
    found = judged(np.array([[0.4, 0.6], [0.2, 0.8]]), two)
    assert found.scores.tolist() == [0.4, 0.2]
    assert [two.classes[one] for one in found.classes] == ["no", "yes"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected 92 to"),
        (fasttext_bytes()[:-1], "expected a matrix of 3 rows"),
        (fasttext_bytes()[:120], "ends before all words were read"),
        (fasttext_bytes() + b"x", "1 bytes follow its end"),
        (fasttext_bytes(magic=1), "magic = 1"),
        (fasttext_bytes(words=1 << 30, entries=(1 << 30) + 3), "words = 1073741824"),
        (fasttext_bytes(bucket=1 << 30), "bucket = 1073741824"),
        (fasttext_bytes(bucket=1), "expected a matrix of 7 rows"),
        (fasttext_bytes(word_ngrams=1 << 20), "word_ngrams = 1048576"),
        (fasttext_bytes(maxn=6), "maxn = 6"),
        (fasttext_bytes(dim=0), "dim = 0"),
        (fasttext_bytes({**WORDS, "bad": (float("nan"), 0.0)}), "no numbers"),
        (fasttext_bytes(classes={"0": (0, 0), "evil": (0, 0)}), "its labels are __label__0, __label__evil"),
    ],
)
def test_hostile_bytes_are_refused_before_fasttext_reads_them(data, message):
    with pytest.raises(BadSource, match=message):
        check(data, LABELS)


def test_a_flipped_bit_of_a_stored_model_is_found(store):
    made = stage(store)
    digest = dict(made.files)["model.fasttext"]
    key = f"objects/{digest[:2]}/{digest}.file"
    data = bytearray(store.files.read(key))
    data[-1] ^= 1
    store.files.overwrite(key, bytes(data))
    with pytest.raises(Damaged):
        outcome(made, "plants")


def test_a_folder_with_something_else_as_a_model_is_refused(tmp_path):
    (tmp_path / "model.fasttext").write_bytes(b"not a model")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BadSource, match="expected a model in fastText's format"):
        artifact.store_model(Store("memory://refused"), tmp_path, licence="MIT")


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"classes": ["0", "2"]}, BadSource, "classes of points are 0, 1, 2"),
        ({"spelling": 99}, BadRecipe, "texts in spelling 99"),
        ({"name": "../up"}, BadSource, "name"),
        ({"max_chars": 10**9}, BadSource, "max_chars"),
        ({"unknown": 1}, BadSource, "unknown"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(changed, error, message):
    import msgspec

    plain = msgspec.to_builtins(config()) | changed
    with pytest.raises(error, match=message):
        read_config(json.dumps(plain).encode(), "models/tiny")


@pytest.mark.parametrize("hostile", ["__label__2 x", "a\n__label__2 b", "a </s> b", "a\x00b __LABEL__2", "\ud800 x"])
def test_no_text_passes_for_a_label_or_ends_its_line(hostile):
    line = line_of(hostile, "text", 100).decode()
    assert line.count("\n") == 1
    assert not [word for word in line.split(" ") if word.startswith("__label__") or word == "</s>"]


def test_letters_of_japanese_stand_apart_and_other_words_do_not():
    assert token_line("光はＡＢＣ_x").split() == ["光", "は", "abc", "_", "x"]


@given(st.text(st.sampled_from("a光はカ。 \n\ud800\uffff𠮷漢x")))
def test_letters_are_set_apart_by_number_as_by_their_class(text):
    assert apart(text).split() == apart_ref(text).split()


def test_code_of_markdown_is_read_apart_from_prose():
    text = "Call `f(x)`:\n\n```py\nx = 2\n```\nDone."
    assert code_line(text, 100) == "`x `= `2 `f `( `x `)"
    assert line_of("No code, a lone ` here.", "code", 100) == token_line("No code, a lone ` here.").encode() + b"\n"


def test_only_the_beginning_of_a_text_is_read():
    assert line_of("ab" * 10**6, "text", 4) == b"abab\n"


def test_the_stage_has_no_say_on_rows_it_does_not_know():
    with pytest.raises(BadRecipe, match="called outside a store"):
        list(Classified("models/tiny")([Document(text="x")]))
