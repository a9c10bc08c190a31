import json
import math
from dataclasses import replace

import pytest
import torch
from click.testing import CliRunner

from filters.chosen import RandomShare
from manifests.errors import BadRecipe, BadSource
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from manifests.view import View
from tests.pools import decisions, doc, stored
from tests.trainer.small import CONFIG, Texts, sentences
from trainer import ablate as ablation
from trainer.ablate import ablate, half_interval
from trainer.ablate_command import ablate_datasets
from trainer.held_out import HeldOut
from trainer.judge import Judged, losses, measure
from trainer.model import Hybrid

NOISE = tuple("".join(chr(97 + (n * 7 + place * place * (n + 3)) % 26) for place in range(80)) for n in range(60))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A store with texts that can be learned, and letters by chance that cannot."""
    made = tmp_path_factory.mktemp("ablate")
    store = Store(str(made / "store"))
    for name, texts in (("plain", sentences(120)), ("noise", NOISE)):
        run(Recipe(name, ()), Texts(texts, name), store=store, tag=name)
    return made


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(ablation, "BATCH", 4)
    monkeypatch.setattr(ablation, "LENGTH", 64)


def compared(folder, datasets=("plain", "noise"), **options):
    given = {"tokens": 4 * 64 * 8, "folder": folder / "runs", "config": CONFIG, "held_out": 0.2, "seeds": (0, 1)}
    return ablate(Store(str(folder / "store")), datasets, **given | options)


def test_the_dataset_that_is_like_the_texts_it_is_judged_by_teaches_more(folder):
    found = compared(folder)
    means = {(one.judged_by, one.measure, one.dataset): one.mean for one in found.scores}
    for name, other in (("plain", "noise"), ("noise", "plain")):
        judged_by = f"held out of {name}"
        assert means[judged_by, "loss", name] < means[judged_by, "loss", other]
    [difference] = [one for one in found.differences() if (one.judged_by, one.measure) == ("held out of plain", "loss")]
    assert difference.dataset == "noise"
    assert difference.mean - difference.half > 0


def test_every_model_reads_as_much_and_is_found_again(folder):
    found = compared(folder)
    assert [len(one.checkpoints) for one in found.datasets] == [2, 2]
    assert [one.epochs * one.tokens for one in found.datasets] == pytest.approx([found.tokens] * 2)
    again = compared(folder)
    assert again == found
    assert [one.weights for one in again.datasets] == [one.weights for one in found.datasets]
    assert found.warnings == ()
    often = replace(found, datasets=(replace(found.datasets[0], epochs=7.62),))
    assert ["was read 7.6 times" in warning for warning in often.warnings] == [True]


def test_what_is_held_out_of_one_dataset_is_trained_on_in_none():
    rows = [doc(f"d{n}") for n in range(200)]
    store = stored(rows)
    run(Recipe("half", (RandomShare(0.5),)), "pool", store=store, tag="half")

    def ids(name, side):
        return {row.id for row in View(store, run(Recipe("r", (HeldOut(side, 0.3),)), name, store=store).manifest)}

    assert ids("pool", "train") | ids("pool", "judge") == {row.id for row in rows}
    assert ids("half", "judge") < ids("pool", "judge")
    assert not ids("half", "judge") & ids("pool", "train")
    assert 30 < len(ids("pool", "judge")) < 90


def test_rows_of_a_set_to_judge_by_are_trained_on_in_none():
    store = stored([doc(f"d{n}") for n in range(100)])
    run(Recipe("judges", (RandomShare(0.2),)), "pool", store=store, tag="judges")
    made = run(Recipe("r", (HeldOut("train", 0.1, judged_by=("judges",)),)), "pool", store=store).manifest
    judges = {row.id for row in View(store, store.manifest("judges"))}
    assert not judges & {row.id for row in View(store, made)}
    assert {line["reason"] for line in decisions(store, made)} == {"held_out/to_judge_by", "held_out/evaluated"}


def test_padding_beside_a_row_does_not_change_its_loss():
    model = Hybrid(CONFIG).eval()
    rows = [list(range(5, 25)), list(range(40, 47)), [9, 8, 7]]
    with torch.no_grad():
        together = losses(model, rows, [1, 1, 1])
        alone = [losses(model, [row], [1])[0] for row in rows]
    assert together == pytest.approx(alone, rel=1e-4)
    assert sum(alone) / 27 == pytest.approx(math.log(300), rel=0.2)


def test_losses_are_told_by_source_and_domain():
    rows = tuple(tuple(range(n, n + 70)) for n in range(40))
    groups = tuple((f"source: {'ab'[n % 2]}", "language: en") for n in range(40))
    found = measure(Hybrid(CONFIG), Judged("set", rows, groups), 64)
    assert set(found) == {"loss", "loss, source: a", "loss, source: b", "endings found"}
    assert found["loss"] == pytest.approx((found["loss, source: a"] + found["loss, source: b"]) / 2)


def test_an_interval_of_two_values_is_wide():
    assert half_interval([1.0, 2.0]) == pytest.approx(12.706 * 0.5)
    assert math.isnan(half_interval([1.0]))


@pytest.mark.parametrize(
    ("datasets", "options", "error", "told"),
    [
        (("plain",), {}, BadRecipe, "two or more different"),
        (("plain", "plain@1"), {}, BadRecipe, "two or more different"),
        (("plain", "noise"), {"tokens": 10}, BadRecipe, "10 tokens"),
        (("plain", "noise"), {"seeds": (1, 1)}, BadRecipe, "different seeds"),
        (("plain", "noise"), {"held_out": 1e-9}, BadSource, "nothing is held out of 120 rows"),
        (("plain", "noise"), {"held_out": 1.0}, BadRecipe, "held_out"),
    ],
)
def test_a_comparison_that_cannot_be_made_is_refused(folder, datasets, options, error, told):
    with pytest.raises(error, match=told):
        compared(folder, datasets, **options)


def test_the_command_prints_a_table_and_json(folder, monkeypatch):
    monkeypatch.setattr(ablation, "CONFIG", CONFIG)
    given = ["plain", "noise", "--tokens", "512", "--seeds", "1", "--width", "32", "--held-out", "0.2"]
    given += ["--folder", str(folder / "told"), "--store", str(folder / "store")]
    done = CliRunner().invoke(ablate_datasets, [*given, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert [one["name"] for one in told["datasets"]] == ["plain", "noise"]
    assert told["scores"][0]["half"] is None
    done = CliRunner().invoke(ablate_datasets, given, catch_exceptions=False)
    assert "held out of plain" in done.stdout
    assert "noise - plain" in done.stdout
