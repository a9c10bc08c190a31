"""What a training can be told beside its data and its shape, and that none of it changes what it should not."""

import dataclasses
import json
import math
import shutil

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from manifests.errors import BadRecipe, BadRow, NotFound
from manifests.records import seal
from manifests.store import Store
from tests.trainer.small import CONFIG, SETTINGS, sentences, tokens_in, trained
from tests.trainer.test_train import files, losses
from trainer.average import average, average_of_last, mean_weights
from trainer.board import SHOWN, Board
from trainer.checkpoint import MOMENTS, RECORD, Checkpoint, checkpoint_at, checkpoints
from trainer.data import Loader
from trainer.export import export
from trainer.flops import mean_keys, peak_flops, step_flops
from trainer.loop import Progress
from trainer.machine import Machine
from trainer.mix import open_mix
from trainer.model import Hybrid, Layer
from trainer.settings import PRESETS, Settings
from trainer.train import train


@pytest.fixture(scope="module")
def plain(store, tmp_path_factory):
    return trained(store, tmp_path_factory.mktemp("plain"), save_every=2)


def test_recomputed_activations_give_equal_losses_and_weights(store, plain, tmp_path):
    again = trained(store, tmp_path, machine=Machine(recompute=True))
    assert losses(again) == losses(plain)
    assert files(again) == files(plain)


def test_recomputed_activations_are_not_kept():
    def kept_bytes(recompute):
        model, saved = Hybrid(CONFIG), []
        Machine(recompute=recompute).prepare(model)
        with torch.autograd.graph.saved_tensors_hooks(lambda tensor: saved.append(tensor) or tensor, lambda t: t):
            model(torch.zeros(1, 32, dtype=torch.long))
        return sum(tensor.nbytes for tensor in saved)

    assert kept_bytes(recompute=True) < kept_bytes(recompute=False) / 3


def test_layers_are_compiled_where_that_is_chosen(monkeypatch):
    compiled = []

    def compile_layer(layer):  # the true one takes half a minute to import
        compiled.append(layer)

    monkeypatch.setattr(Layer, "compile", compile_layer)
    model = Hybrid(CONFIG)
    Machine().prepare(model)
    assert compiled == []
    Machine(compiled=True).prepare(model)
    assert compiled == list(model.model.blocks)


def test_bfloat16_trains_nearly_as_float32_does_and_keeps_weights_in_float32(store, tmp_path):
    settings = dataclasses.replace(SETTINGS, steps=20, learning_rate=5e-3)
    exact, narrow = (
        trained(store, tmp_path / precision, dataclasses.replace(settings, precision=precision))
        for precision in ("fp32", "bf16")
    )
    assert losses(narrow) != losses(exact)
    assert losses(narrow) == pytest.approx(losses(exact), rel=0.05)
    assert {value.dtype for value in (*narrow.weights().values(), *narrow.moments().values())} == {torch.float32}


def test_four_micro_batches_add_up_to_one_large_batch(store, tmp_path):
    whole, parts = (
        trained(store, tmp_path / str(count), dataclasses.replace(SETTINGS, batch=4, micro_batches=count))
        for count in (1, 4)
    )
    assert losses(parts) == pytest.approx(losses(whole), abs=1e-5)
    weights = whole.weights()
    assert all(torch.allclose(value, weights[name], atol=1e-4) for name, value in parts.weights().items())


def test_wsd_keeps_the_rate_until_its_decay():
    settings = Settings(steps=100, warmup_steps=10, learning_rate=1.0, schedule="wsd", decay_share=0.2, final_share=0.0)
    rates = [settings.rate(step, 100) for step in range(1, 101)]
    assert rates[9:80] == [1.0] * 71
    assert rates[84] == pytest.approx(1 - math.sqrt(5 / 20))
    assert rates[-1] == 0
    assert sorted(rates[79:], reverse=True) == rates[79:]


def test_wsd_without_a_decay_stays_up():
    settings = Settings(steps=20, warmup_steps=0, learning_rate=1.0, schedule="wsd", decay_share=0.0)
    assert {settings.rate(step, 20) for step in range(1, 21)} == {1.0}


def test_the_preset_has_the_values_of_the_report():
    settings = Settings(steps=1_000, warmup_steps=0, **PRESETS["swallow-cpt"])
    assert [settings.rate(1, 1_000), settings.rate(1_000, 1_000)] == pytest.approx([2.5e-5, 2.5e-6], rel=1e-4)
    assert (settings.batch, settings.clip, settings.weight_decay) == (1_024, 1.0, 0.1)
    assert (settings.beta1, settings.beta2, settings.epsilon) == (0.9, 0.95, 1e-8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schedule": "square"}, "expected cosine or wsd"),
        ({"precision": "fp8"}, "expected fp32 or bf16"),
        ({"decay_share": 2.0}, "expected a share from 0 to 1"),
        ({"batch": 8, "micro_batches": 3}, "do not divide into 3 micro-batches"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, message):
    with pytest.raises(BadRecipe, match=message):
        dataclasses.replace(SETTINGS, **change)


@pytest.mark.parametrize(("device", "message"), [("abacus", "unknown to PyTorch"), ("cuda:99", "no GPU here")])
def test_a_device_that_is_not_there_is_refused(device, message):
    if device.startswith("cuda") and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(BadRecipe, match=message):
        Machine(device=device).placed()


def test_the_mean_of_checkpoints_is_a_checkpoint_to_start_from_and_to_export(store, plain, tmp_path):
    parts = checkpoints(plain.path.parent)
    assert [part.step for part in parts] == [2, 4, 6]
    mean = average(parts[-2:], tmp_path / "mean", [3, 1])
    for name, value in mean.weights().items():
        expected = 0.75 * parts[1].weights()[name].double() + 0.25 * parts[2].weights()[name].double()
        assert torch.equal(value, expected.float())
    assert [one["share"] for one in mean.record["made_of"]] == [0.75, 0.25]
    assert mean.record["made_of"][1]["weights"] == plain.weights_digest
    done = trained(store, tmp_path / "on", start=checkpoint_at(mean.path))
    assert done.job.start == mean.weights_digest
    assert (export(store, mean, tmp_path / "exported") / "config.json").exists()


def test_the_last_checkpoints_of_a_run_are_averaged_beside_them(plain):
    made = average_of_last(plain.path.parent, 2)
    assert made.path.name == "average-00000006-of-2"
    assert checkpoint_at(plain.path.parent) == plain
    assert not made.moments()
    assert MOMENTS in {path.name for path in made.path.iterdir()}


def test_a_mean_wants_models_of_one_shape_and_a_share_for_each(store, plain, tmp_path):
    other = train(store, {"texts": 1}, dataclasses.replace(CONFIG, mlp_width=64), SETTINGS, tmp_path / "other")
    with pytest.raises(BadRecipe, match=r"input_linear.weight is \[128, 32\], in others \[96, 32\]"):
        mean_weights([plain, other])
    with pytest.raises(BadRecipe, match="give one share for each"):
        mean_weights([plain], [1, 2])
    with pytest.raises(NotFound, match="no checkpoint here"):
        average_of_last(tmp_path / "nowhere", 3)


def test_what_is_measured_goes_to_tensorboard(store, tmp_path):
    with Board(tmp_path) as board:
        done = trained(store, tmp_path / "run", on_step=board.step)
    log = EventAccumulator(str(tmp_path / "tensorboard"))
    log.Reload()
    assert set(log.Tags()["scalars"]) == {f"training/{name}" for name in SHOWN}
    assert [event.step for event in log.Scalars("training/loss")] == [1, 2, 3, 4, 5, 6]
    assert [event.value for event in log.Scalars("training/loss")] == pytest.approx(losses(done), rel=1e-6)


def test_a_board_without_steps_writes_nothing(tmp_path):
    with Board(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_operations_are_counted_from_the_shapes():
    model = Hybrid(CONFIG)
    matrices = {name: weights.numel() for name, weights in model.named_parameters() if weights.dim() >= 2}
    scan = 2 * 16 * 8 + 2 * 16 * 64 + 4 * 8 * 64
    attention = 4 * 16.5 * 32  # on average half of 32 keys, by queries and by values
    assert step_flops(model, 32) == 3 * (2 * sum(matrices.values()) + scan + attention)
    untied = Hybrid(dataclasses.replace(CONFIG, tied=False))
    assert step_flops(untied, 32) == step_flops(model, 32)


@pytest.mark.parametrize(("length", "window", "keys"), [(4, None, 2.5), (4, 2, 1.75), (4, 9, 2.5), (1, 1, 1)])
def test_a_token_sees_half_of_a_sequence_or_a_window(length, window, keys):
    seen = [min(place + 1, window or length) for place in range(length)]
    assert mean_keys(length, window) == sum(seen) / length == keys


def test_a_share_of_the_measured_speed_of_products_is_told(plain):
    assert peak_flops(torch.device("cpu"), "fp32") > 1e8
    steps = [Progress(**line) for line in plain.metrics()]
    flops = step_flops(Hybrid(CONFIG), SETTINGS.length)
    peaks = {round(step.tokens_per_s * flops / step.mfu) for step in steps}
    assert len(peaks) == 1


def test_a_token_outside_the_vocabulary_names_its_row(store):
    [source] = open_mix(store, {"texts": 1})
    size = 1 + max(int(source.tokens(place, 0, 10_000).max()) for place in range(source.rows))
    assert list(Loader([source], length=64, batch=1, seed=0, epochs=1, vocabulary=size))
    with pytest.raises(BadRow, match=rf"holds the token {size - 1}, the model has {size - 1}: .* tokenise") as refused:
        list(Loader([source], length=64, batch=1, seed=0, epochs=1, vocabulary=size - 1))
    assert any(source.id(place).hex() in str(refused.value) for place in range(source.rows))


def test_a_tokenizer_that_the_store_does_not_have_is_named(tmp_path):
    store = Store(str(tmp_path / "store"))
    manifest = tokens_in(store, sentences(3))
    [path] = (tmp_path / "store").rglob("*.tokenizer")
    path.unlink()
    with pytest.raises(NotFound, match=path.stem[:16]):
        trained(store, tmp_path / "run")
    assert manifest.rows == 3


def test_a_document_longer_than_a_sequence_goes_on_in_the_next_one(tmp_path):
    store = Store(str(tmp_path / "store"))
    manifest = tokens_in(store, ("It is a quiet day. " * 80,))
    done = trained(store, tmp_path / "run", Settings(epochs=1, batch=1, length=32))
    assert done.state.packed == manifest.tokens > 10 * 32
    assert done.step == math.ceil(manifest.tokens / 32)


def test_metrics_of_an_older_koba_are_read(plain):
    line = json.loads(json.dumps(plain.metrics()[0]))
    del line["mfu"]
    assert Progress(**line).mfu == 0


def test_a_checkpoint_of_an_older_koba_goes_on_with_the_defaults_of_today(store, plain, tmp_path):
    copy = shutil.copytree(checkpoints(plain.path.parent)[0].path, tmp_path / "step-00000002")
    record = Checkpoint(copy).record
    for part, names in (("config", ("variant", "head_width")), ("settings", ("schedule", "precision", "epsilon"))):
        for name in names:
            del record["job"][part][name]
    (copy / RECORD).write_bytes(seal(record))
    assert files(trained(store, tmp_path)) == files(plain)
