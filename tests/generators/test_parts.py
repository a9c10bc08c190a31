"""A generated part stands for itself: later steps start from it, and its manifest says what wrote it."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import save_file

from generators.echo import Echo
from generators.prompts import prompts_of
from generators.translate import into
from koba import main
from manifests import canonical
from manifests.artifact import store_model
from manifests.check import fsck
from manifests.report.page import dataset_page
from manifests.run import run
from manifests.stage import Only, Recipe
from manifests.store import Store
from tests.generators.tasks import Again, Counting, Texts, asks, texts
from tests.manifests.stages import Length, Source, numbers

TEMPLATE = "{% for m in messages %}{{ m.content }}\n{% endfor %}"


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "s"))


@pytest.fixture
def model(store, tmp_path):
    """The id of a model in the store, `models/tiny`: it has weights, a tokenizer and a template, and cannot be run."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    save_file({"weight": np.zeros(4, np.float32)}, folder / "model.safetensors")
    (folder / "config.json").write_text('{"model_type": "tiny"}')
    (folder / "tokenizer.json").write_text('{"added_tokens": []}')
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    made = store_model(store, folder, licence="MIT", source="https://models.example/tiny")
    store.tag("models/tiny", made.id)
    return made.id


def koba(store, *arguments):
    return CliRunner().invoke(main, [*arguments, "--store", store.url], catch_exceptions=False).stdout


@pytest.mark.parametrize("wrap", [lambda stage: stage, lambda stage: Only("en", stage)], ids=["bare", "inside Only"])
def test_a_later_gate_that_is_edited_makes_no_call_and_does_not_touch_what_was_generated(store, wrap):
    answer = Counting()
    asking = wrap(asks(answer).steps[0])
    source = Source((Texts(("one", "two")), Texts(("さん",), "ja")))
    first = run(Recipe("r", (asking, Length(300))), source, store=store).manifest
    [generated] = first.parents
    paths = [store.files.root / f"objects/{e.shard[:2]}/{e.shard}.parquet" for e in store.manifest(generated).entries]
    before = [path.stat() for path in paths]
    called = answer.calls
    again = run(Recipe("r", (asking, Length(10))), source, store=store)
    assert answer.calls == called
    assert again.manifest.parents == (generated,)
    assert again.manifest.rows < first.rows
    assert [(path.stat().st_mtime_ns, path.stat().st_ino) for path in paths] == [
        (one.st_mtime_ns, one.st_ino) for one in before
    ]


def test_an_only_around_a_cheap_stage_cuts_nothing(store):
    made = run(Recipe("r", (Only("ja", Length(5)), Length(50))), numbers(0, 10), store=store).manifest
    assert (made.parents, len(made.steps)) == ((), 3)


def test_the_manifest_of_a_generated_part_names_model_and_prompts_and_no_other_does(store, model):
    stage = replace(asks(model="models/tiny").steps[0], max_context=50)
    made = run(Recipe("r", (Length(40), Only("en", stage), Length(300))), texts("one"), store=store, tag="r").manifest
    [generated] = map(store.manifest, made.parents)
    task = Again()
    assert generated.models == {"models/tiny": model}
    assert generated.prompts == {
        "Again.system": canonical.sha256(task.system.encode()),
        "Again.template": canonical.sha256(task.template.encode()),
    }
    assert (made.models, made.prompts) == ({}, {})
    shown = koba(store, "show", "r")
    assert f"model    models/tiny: {model[:12]}" in shown
    assert f"prompt   Again.template: {generated.prompts['Again.template'][:12]}" in shown
    assert "<b>models/tiny</b>model" in dataset_page(store, made, "r")


def test_a_model_without_a_manifest_is_named_with_another_digest(store):
    made = run(asks(), texts("one"), store=store).manifest
    assert made.models == {"echo": canonical.digest("echo")}


def test_a_store_with_a_generated_dataset_is_whole_and_keeps_its_model(store, model):
    recipe = Recipe("r", (replace(asks(model="models/tiny").steps[0], engine=Echo()),))
    run(recipe, texts("one"), store=store, tag="r")
    assert fsck(store, deep=True) == []
    store.files.delete("refs/models/tiny/1.json")
    koba(store, "gc", "--grace-hours", "0", "--delete")
    assert store.manifest(model).files
    assert fsck(store, deep=True) == []


def test_a_prompt_is_a_text_wherever_it_stands_among_the_literals_of_a_task():
    assert [*prompts_of(into("ja"))] == ["Translate.system", "Translate.template"]
    with_language = {"style": "wiki", "prompts": {"en": ("Rewrite.", "{text}"), "ja": ("書き換え", "{text}")}}

    class Described:
        def describe(self):
            return with_language

    names = [*prompts_of(Described())]
    assert names == [f"Described.prompts.{language}.{place}" for language in ("en", "ja") for place in (0, 1)]


def test_a_model_is_shown_with_its_files_its_licence_its_source_and_its_digests(store, model):
    shown = koba(store, "show", "models/tiny")
    made = store.manifest(model)
    assert "models/tiny: model, 4 files" in shown
    for part in (model, made.content, made.artifact.weights, made.artifact.tokenizer, made.artifact.chat_template):
        assert part in shown
    for file in made.files:
        assert file.name in shown
        assert file.digest in shown
    assert "licence   MIT" in shown
    assert "source    https://models.example/tiny" in shown
