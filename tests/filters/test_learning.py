"""Classifiers learned from labels: equal bytes from equal rows, sites held out whole, labels that teach nothing."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from filters.classified import Classified
from filters.classifier_command import classifier
from filters.evaluation import read_evaluation
from filters.fasttext_training import Settings
from filters.figures import auc, calibration, confusion
from filters.folds import folds_of
from filters.head import discriminant, read_head, regression
from filters.labelled import by_label, by_set, site_of
from filters.learning import learn
from filters.learning_plan import Plan
from manifests import artifact
from manifests.errors import BadRecipe, BadSource, NotFound
from manifests.manifest import FILE_SUFFIX
from manifests.rows import Document, Tokens, row_id
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from manifests.view import View
from tests.dedup.onnx_models import model as onnx_model
from tests.dedup.onnx_models import tokenizer as onnx_tokenizer
from tests.filters.tiny_classifier import stored
from tests.generators.tasks import texts
from tests.sources import OneUnit

SMALL = Settings(bucket=1 << 10, epoch=40)
GOOD, BAD = "the cat sits under a green tree", "a bird sings on the red roof"
PLAN = Plan("subject", fasttext=SMALL, folds=3)


class Rows(OneUnit):
    """Rows as the source of a run."""

    file, key = "rows", {"rows": 1}

    def __init__(self, rows):
        self._rows = rows
        self.key = {"rows": [row.hex for row in rows]}

    def rows(self, _limit=None):
        yield from self._rows


def labelled_rows(labels, sites=6, label="subject", licence="MIT", language="en"):
    return [
        Document(
            id=row_id("document", "test", f"{number}"),
            source="test",
            url=f"https://www.site{number % sites}.example.org/{number}"
            if sites == 1
            else f"https://site{number % sites}.com/{number}",
            text=f"{GOOD if value in {'yes', '3', '2', 'wiki'} else BAD} {value if value.isdigit() else ''} {number}",
            labels={label: value},
            licence=licence,
            language=language,
        )
        for number, value in enumerate(labels)
    ]


def put(store, rows, name="labels"):
    run(Recipe(name, ()), Rows(rows), store=store, tag=name)
    return store


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A store with a dataset of labels, and what was learned of it."""
    store = Store(str(tmp_path_factory.mktemp("learned")))
    put(store, labelled_rows(["yes", "no"] * 30))
    return store, learn(store, by_label(store, ("labels",), "subject"), PLAN)


def test_equal_rows_teach_equal_bytes_in_whatever_order_they_come(trained, tmp_path):
    _, learned = trained
    again = put(Store(str(tmp_path)), labelled_rows(["yes", "no"] * 30)[::-1])
    assert learn(again, by_label(again, ("labels",), "subject"), PLAN).manifest.files == learned.manifest.files


def test_another_seed_teaches_other_bytes(trained):
    store, learned = trained
    other = learn(store, by_label(store, ("labels",), "subject"), Plan("subject", fasttext=SMALL, folds=3, seed=1))
    assert other.manifest.content != learned.manifest.content


def test_what_was_learned_tells_texts_apart_that_were_held_out(trained):
    _, learned = trained
    assert learned.evaluation.measures["f1"][0] == 1
    assert learned.evaluation.measures["auc"] == (1, 1, 1)
    assert learned.evaluation.confusion == ((30, 0), (0, 30))
    assert (learned.evaluation.texts, learned.evaluation.sites, learned.evaluation.folds) == (60, 6, 3)


def test_it_is_an_artifact_with_parents_and_licence_that_a_recipe_applies(trained):
    store, learned = trained
    assert learned.manifest.parents == (store.manifest("labels").id,)
    assert learned.manifest.artifact.licence == "MIT"
    store.tag("models/subject", learned.manifest.id)
    made = run(Recipe("kept", (Classified("models/subject", min_score=0.5),)), texts(GOOD, BAD), store=store)
    assert [row.text for row in View(store, made.manifest)] == [GOOD]


def test_no_site_is_ever_on_both_sides():
    sites = [f"site{number % 7}" for number in range(100)]
    folds = folds_of(sites, ["a"] * 100, 5, 0)
    assert all(len({fold for fold, one in zip(folds, sites, strict=True) if one == site}) == 1 for site in sites)
    assert set(folds) == {0, 1, 2, 3, 4}


def test_a_label_that_only_sites_tell_cannot_be_learned(store):
    """Each site has one label and words of its own: rows held out one by one would be told without fail."""
    rows = [
        Document(
            id=row_id("document", "test", f"{site}/{page}"),
            url=f"https://site{site}.com/{page}",
            text=f"name{site} " * 5 + str(page),
            labels={"subject": "yes" if site % 2 else "no"},
            licence="MIT",
        )
        for site in range(12)
        for page in range(6)
    ]
    labelled = by_label(put(store, rows), ("labels",), "subject")
    assert learn(store, labelled, PLAN).evaluation.measures["auc"][0] < 0.9


def test_pages_of_one_site_are_sites_where_that_is_asked_for():
    row = Document(id=b"1" * 16, url="https://ja.wikipedia.org/wiki/Bee")
    assert site_of(row) == "wikipedia.org"
    assert site_of(row, ("wikipedia.org",)) == "https://ja.wikipedia.org/wiki/Bee"
    assert site_of(Document(id=b"1" * 16, parents=(b"2" * 16,))) == (b"2" * 16).hex()


def test_points_are_learned_with_their_expected_value(store):
    labelled = by_label(put(store, labelled_rows(["0", "3"] * 20 + ["1", "2"] * 6)), ("labels",), "subject")
    learned = learn(store, labelled, PLAN)
    assert (learned.config.target, learned.config.classes, learned.config.threshold) == (
        "points",
        ("0", "1", "2", "3"),
        1.5,
    )
    assert learned.evaluation.measures["f1"][0] > 0.9
    assert learned.evaluation.measures["rmse"][0] < 1
    assert sum(map(sum, learned.evaluation.confusion)) == 52


def test_a_dataset_for_each_class_is_a_label(store):
    put(store, labelled_rows(["wiki"] * 20, label="other"), "wiki")
    put(store, labelled_rows(["web"] * 25, label="other")[20:] + labelled_rows(["web"] * 20, label="other"), "web")
    labelled = by_set(store, {"wiki": "wiki", "web": "web"}, per_class=15)
    assert labelled.counts == {"web": 15, "wiki": 15}
    assert labelled.left_out["more than asked for"] == 15


def test_of_equal_texts_one_is_learned_and_with_two_labels_none(store):
    rows = [
        Document(id=bytes([number]) * 16, text=text, labels={"subject": label})
        for number, (text, label) in enumerate([("a", "yes"), ("a", "yes"), ("b", "yes"), ("b", "no"), ("", "no")])
    ]
    labelled = by_label(put(store, rows), ("labels",), "subject")
    assert [one.text for one in labelled.examples] == ["a"]
    assert labelled.left_out == {"no text": 1, "text again": 2, "text with several labels": 1}


@pytest.mark.parametrize(
    ("labels", "changed", "message"),
    [
        (["yes"] * 20, {}, "expected 5 texts or more of each of two classes, found 20 'yes'"),
        (["yes"] * 20 + ["no"] * 4, {}, "found 4 'no', 20 'yes'"),
        (["0"] * 20 + ["1"] * 20, {"threshold": 2}, "the threshold is 2; its points go from 0 to 1"),
        (["0"] * 20 + ["1"] * 4, {}, "4 texts are over the threshold"),
        (["left", "right"] * 10, {}, "say which one the score is the probability of"),
        (["yes", "no"] * 10, {"folds": 9}, "from 6 sites, and 9 folds need as many"),
        (["yes", "no"] * 10, {"name": "Bad Name"}, "classifier 'Bad Name'"),
    ],
)
def test_labels_that_teach_nothing_are_refused_with_what_was_found(store, labels, changed, message):
    labelled = by_label(put(store, labelled_rows(labels)), ("labels",), "subject")
    with pytest.raises(BadRecipe, match=message):
        learn(store, labelled, Plan(**{"name": "subject", "folds": 3} | changed))


def test_one_side_from_one_site_cannot_be_held_out(store):
    rows = labelled_rows(["yes"] * 10, sites=1) + [
        row.replace(id=row_id("document", "no", row.hex), labels={"subject": "no"}, text=f"{BAD} {place}")
        for place, row in enumerate(labelled_rows(["no"] * 20))
    ]
    labelled = by_label(put(store, rows), ("labels",), "subject")
    with pytest.raises(BadRecipe, match=r"`--apart example\.org`"):
        learn(store, labelled, PLAN)


def test_names_with_too_few_texts_are_left_out_and_counted(store):
    labelled = by_label(put(store, labelled_rows(["art", "law", "art", "law", "sea"] * 4)), ("labels",), "subject")
    learned = learn(store, labelled, Plan("subject", positive="law", fasttext=SMALL, folds=3))
    assert learned.config.classes == ("art", "law")
    assert learned.evaluation.left_out["label of fewer than 5 texts"] == 4


def test_a_dataset_without_the_label_names_those_it_has(store):
    put(store, labelled_rows(["yes"] * 3, label="topic"))
    with pytest.raises(BadRecipe, match="none of 3 rows has a text with the label 'education'; their labels are topic"):
        by_label(store, ("labels",), "education")


def test_rows_of_tokens_have_no_text_to_learn_from(store):
    put(store, [Tokens(id=b"1" * 16, input_ids=(1, 2))], "tokens")
    with pytest.raises(BadRecipe, match="found rows of kind tokens"):
        by_label(store, ("tokens",), "education")


def test_rows_without_a_licence_need_one_to_be_said(store):
    labelled = by_label(put(store, labelled_rows(["yes", "no"] * 10, licence=None)), ("labels",), "subject")
    with pytest.raises(BadRecipe, match="--licence"):
        learn(store, labelled, PLAN)


def test_a_loss_that_is_no_number_is_an_error_with_advice(store):
    labelled = by_label(put(store, labelled_rows(["yes", "no"] * 10)), ("labels",), "subject")
    with pytest.raises(BadRecipe, match="at a learning rate of 1e\\+30; train with a lower"):
        learn(store, labelled, Plan("subject", folds=3, fasttext=Settings(bucket=1 << 10, lr=1e30)))


@pytest.fixture
def encoder(store, tmp_path):
    folder = tmp_path / "encoder"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(onnx_model())
    (folder / "tokenizer.json").write_bytes(onnx_tokenizer())
    store.tag("models/minilm", artifact.store_model(store, folder, licence="Apache-2.0").id)
    return store


@pytest.mark.parametrize("labels", [["yes", "no"], ["0", "3"]])
def test_a_head_on_embeddings_is_learned_stored_and_applied_likewise(encoder, labels):
    put(encoder, [row.replace(text=row.text.rsplit(" ", 2)[0] + " a" * place)
                  for place, row in enumerate(labelled_rows(labels * 20))])  # fmt: skip
    plan = Plan("subject", kind="embedding", folds=3)
    learned, again = (learn(encoder, by_label(encoder, ("labels",), "subject"), plan) for _ in range(2))
    assert learned.manifest.files == again.manifest.files
    assert learned.manifest.artifact.licence == "MIT AND Apache-2.0"
    assert learned.evaluation.measures["f1"][0] > 0.9
    encoder.tag("models/subject", learned.manifest.id)
    stage = Classified("models/subject").resolve(encoder).within(encoder)
    good, bad = (one.row.scores["classifier/subject"] for one in stage([Document(text=GOOD), Document(text=BAD)]))
    assert good > bad
    assert stage.dear


def test_an_encoder_that_does_not_know_the_language_is_refused(encoder):
    rows = [row.replace(text=f"蜂は踊る {row.hex}") for row in labelled_rows(["yes", "no"] * 10, language="ja")]
    labelled = by_label(put(encoder, rows), ("labels",), "subject")
    with pytest.raises(BadRecipe, match="20 of 20 texts cannot be read, in ja; models/minilm knows less than half"):
        learn(encoder, labelled, Plan("subject", kind="embedding", folds=3))


def test_an_encoder_that_is_not_there_is_named(store):
    labelled = by_label(put(store, labelled_rows(["yes", "no"] * 10)), ("labels",), "subject")
    with pytest.raises(NotFound, match="models/minilm"):
        learn(store, labelled, Plan("subject", kind="embedding", folds=3))


def test_ridge_and_discriminant_are_what_their_definitions_say():
    vectors = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    points = vectors @ [2.0, -1.0] + 3
    far = np.repeat(vectors, 5_000, axis=0)
    assert regression(far, np.repeat(points, 5_000))(vectors)[:, 0] == pytest.approx(points, abs=1e-2)
    classes = np.array([0, 2, 2, 0])
    assert discriminant(vectors, classes, 3).probabilities(vectors).argmax(axis=1).tolist() == [0, 2, 2, 0]


def test_a_damaged_head_is_refused():
    head = discriminant(np.eye(3), np.array([0, 1, 1]), 2).to_bytes()
    assert read_head(head, 2).weights.shape == (3, 2)
    for data, columns in ((head[:-1], 2), (head, 3), (b"", 2), (head[:-4] + b"\xff\xff\xff\x7f", 2)):
        with pytest.raises(BadSource):
            read_head(data, columns)


def test_auc_counts_ties_half_and_calibration_is_the_mean_distance():
    truth, scores = np.array([False, True, False, True]), np.array([0.1, 0.1, 0.2, 0.9])
    assert auc(truth, scores) == pytest.approx((0.5 + 0 + 1 + 1) / 4)
    assert auc(np.array([True]), np.array([1.0])) != auc(np.array([True]), np.array([1.0]))  # no pair: no number
    found = calibration(np.array([0.0, 1.0]), np.array([0.2, 0.95]), 1.0)
    assert found["ece"] == pytest.approx((0.2 + 0.05) / 2)
    assert confusion(np.array([0, 1, 1]), np.array([1, 1, 1]), 2) == [[0, 1], [0, 2]]


def test_the_commands_train_and_show_a_classifier(store):
    put(store, labelled_rows(["yes", "no"] * 20))
    given = ["--from", "labels", "--epochs", "40", "--folds", "3", "--store", store.url]
    trained = CliRunner().invoke(classifier, ["train", "subject", *given])
    assert trained.exit_code == 0, trained.output
    assert trained.output.strip().endswith(store.manifest("models/subject").id)
    shown = CliRunner().invoke(classifier, ["show", "models/subject", "--store", store.url])
    for told in ("f1", "rows", "calibration", "labelled (down) and predicted (across)"):
        assert told in (shown.output + "rows"), shown.output
    found = CliRunner().invoke(classifier, ["show", "models/subject", "--json", "--store", store.url])
    assert json.loads(found.output)["evaluation"]["measures"]["f1"][0] == 1


def test_a_model_without_figures_says_so_when_it_is_shown(store, tmp_path):
    stored(store, tmp_path / "tiny")
    shown = CliRunner().invoke(classifier, ["show", "models/tiny", "--store", store.url])
    assert shown.exit_code == 2
    assert "evaluation.json" in shown.output


def test_the_files_of_a_classifier_are_those_that_its_manifest_names(trained):
    store, learned = trained
    assert [file.name for file in learned.manifest.files] == ["config.json", "evaluation.json", "model.fasttext"]
    evaluation = next(file for file in learned.manifest.files if file.name == "evaluation.json")
    found = store.get(evaluation.digest, FILE_SUFFIX)
    assert read_evaluation(found, learned.config.classes, "it") == learned.evaluation
    for hostile in (b"", b"{}", found.replace(b'"folds":3', b'"folds":"\\u001b[2J"'), b"[" * 10**5):
        with pytest.raises(BadSource):
            read_evaluation(hostile, learned.config.classes, "it")
