"""What a stage names by ref is resolved before anything is fingerprinted, and a worker hands a stage its store."""

from dataclasses import dataclass, replace

from manifests.run import run
from manifests.stage import Only, Recipe, Stage
from manifests.store import Store
from tests.manifests.stages import number, numbers


@dataclass(frozen=True, slots=True)
class Named(Stage):
    """Writes what it names and the store it was given on every row."""

    model: str = "models/one"
    url: str = ""

    def resolve(self, store):
        return replace(self, model=store.resolve(self.model))

    def within(self, store):
        return replace(self, url=store.url)

    def __call__(self, rows):
        for row in rows:
            yield row.replace(labels={"model": self.model, "url": self.url})


def rows_of(stage, tmp_path):
    store = Store(str(tmp_path / "s"))
    store.tag("models/one", run(Recipe("m", ()), numbers(0, 1), store=store).manifest.id)
    made = run(Recipe("r", (stage,)), numbers(1, 4), store=store).manifest
    return store, made


def test_a_ref_is_a_digest_in_the_fingerprint_and_in_the_manifest(tmp_path):
    store, made = rows_of(Named(), tmp_path)
    assert made.steps[1].describe["fields"] == {"model": store.resolve("models/one"), "url": ""}
    assert made.fingerprint == Recipe("r", (Named(store.resolve("models/one")),)).fingerprint


def test_a_moved_ref_is_another_dataset(tmp_path):
    store, made = rows_of(Named(), tmp_path)
    store.tag("models/one", made.id)
    again = run(Recipe("r", (Named(),)), numbers(1, 4), store=store)
    assert (again.made, again.manifest.id == made.id) == (1, False)


def test_a_stage_inside_another_gets_both_the_digest_and_the_store(tmp_path):
    store, made = rows_of(Only("ja", Named()), tmp_path)
    assert made.steps[1].describe["fields"]["stage"]["fields"]["model"] == store.resolve("models/one")
    [inner] = list(Only("ja", Named()).within(store)([number(1)]))
    assert inner.labels["url"] == store.url
