"""What `annotate` writes is what a classifier learns from."""

from filters.classified import Classified
from filters.fasttext_training import Settings
from filters.labelled import by_label
from filters.learning import learn
from filters.learning_plan import Plan
from generators.agreement import Agreed
from generators.annotate import judging
from generators.engine import Reply, Sampling
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from manifests.view import View
from tests.generators.tasks import asks, texts

GOOD, BAD = "Plants turn light into sugar.", "Buy now, free shipping on sale items."


def teacher(request):
    """A model that gives lessons three points and shops none."""
    return Reply(f"Answer: {3 if 'Plants' in str(request) else 0}", "stop", 10, 10)


def test_labels_by_a_model_become_a_classifier_that_a_recipe_applies(tmp_path):
    store = Store(str(tmp_path))
    pages = texts(*[f"{GOOD if number % 2 else BAD} {number}" for number in range(40)])
    asked = asks(teacher, task=judging("education", 3_000), sampling=Sampling(n=2))
    labelled = Recipe("labels", (*asked.steps, Agreed("education", 0.5)))
    run(labelled, pages, store=store, tag="labels")
    learned = learn(
        store,
        by_label(store, ("labels",), "education"),
        Plan("education", folds=4, fasttext=Settings(bucket=1 << 10, epoch=40), licence="Apache-2.0"),
    )
    assert (learned.config.most, learned.config.threshold) == (5, 2.5)  # of the rubric: no text has 4 or 5
    assert learned.evaluation.measure("f1") == 1
    store.tag("models/education", learned.manifest.id)
    kept = run(Recipe("kept", (Classified("models/education", min_points=3),)), texts(GOOD, BAD), store=store)
    assert [row.text for row in View(store, kept.manifest)] == [GOOD]
