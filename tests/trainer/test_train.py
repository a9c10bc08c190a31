import dataclasses

import pytest

from manifests.errors import BadRecipe, BadSource, Conflict, Damaged, Diverged, StoreFailed
from manifests.run import run
from manifests.stage import Drop, Recipe, Rejected, Selected, Selection, Stage
from manifests.store import Store
from manifests.tokens import Tokenize, train_tokenizer
from manifests.view import View
from tests.trainer.small import CONFIG, SETTINGS, Texts, sentences, tokens_in, trained
from trainer.checkpoint import MOMENTS, WEIGHTS, checkpoints, only_writer
from trainer.mix import open_mix
from trainer.model import Hybrid
from trainer.seen import step_rows
from trainer.settings import Settings
from trainer.step import make_optimizer
from trainer.train import train


@dataclasses.dataclass(frozen=True, slots=True)
class DropsAll(Stage):
    """Refuses every row."""

    def __call__(self, rows):
        for row in rows:
            yield Rejected(row, "test/all")


@dataclasses.dataclass(frozen=True, slots=True)
class EverySecond(Selection):
    """Hides every second row."""

    def select(self, view, map):  # noqa: ARG002
        return Selected([Drop(part.ordinal, row, "test/second") for part in view.slices for row in range(0, 10, 2)])


class Killed(BaseException):
    """What stops a training in these tests, as a signal would."""


def stop_after(step):
    def on_step(progress):
        if progress.step == step:
            raise Killed

    return on_step


def files(checkpoint):
    return [(checkpoint.path / name).read_bytes() for name in (WEIGHTS, MOMENTS)]


def losses(checkpoint):
    return [line["loss"] for line in checkpoint.metrics()]


@pytest.fixture(scope="module")
def uninterrupted(store, tmp_path_factory):
    return trained(store, tmp_path_factory.mktemp("run"), save_every=3)


def test_the_loss_falls(store, tmp_path):
    done = trained(store, tmp_path, Settings(steps=40, batch=4, length=32, warmup_steps=5, learning_rate=5e-3))
    assert losses(done)[0] > 5
    assert losses(done)[-1] < 2


@pytest.mark.parametrize("stops", [(1,), (2, 3), (5, 5)])
def test_a_training_resumed_any_number_of_times_ends_in_the_same_bits(store, uninterrupted, tmp_path, stops):
    for stop in stops:
        with pytest.raises(Killed):
            trained(store, tmp_path, save_every=1, on_step=stop_after(stop + 1))
        assert checkpoints(tmp_path)[-1].step == stop
    resumed = trained(store, tmp_path, save_every=1)
    assert files(resumed) == files(uninterrupted)
    assert losses(resumed) == losses(uninterrupted)
    assert resumed.state == uninterrupted.state


def test_a_finished_training_is_not_run_again(store, uninterrupted):
    steps = []
    again = trained(store, uninterrupted.path.parent, on_step=steps.append)
    assert steps == []
    assert again.path == uninterrupted.path


def test_two_micro_batches_give_nearly_the_same_step(store, uninterrupted, tmp_path):
    parts = trained(store, tmp_path, dataclasses.replace(SETTINGS, micro_batches=2))
    assert losses(parts) == pytest.approx(losses(uninterrupted), abs=1e-4)


def test_an_epoch_shows_every_row_once_and_ends(store, tmp_path):
    done = trained(store, tmp_path, Settings(epochs=2, batch=4, length=64))
    rows = [seen for step in range(1, done.step + 1) for seen in step_rows(store, done, step)]
    manifest = store.manifest("texts")
    sizes = {row.id: len(row.input_ids) for row in View(store, manifest)}
    shown = dict.fromkeys(sizes, 0)
    for seen in rows:
        shown[seen.row] += seen.stop - seen.start
    assert shown == {row: 2 * size for row, size in sizes.items()}
    assert done.step == Settings(epochs=2, batch=4, length=64).total_steps(manifest.tokens)
    assert done.state.packed + done.state.padding == done.step * 4 * 64


def test_weights_of_another_job_are_a_start(store, uninterrupted, tmp_path):
    longer = dataclasses.replace(CONFIG, rope_theta=1e6)
    done = train(store, {"texts": 1}, longer, SETTINGS, tmp_path, start=uninterrupted)
    assert done.job.start == uninterrupted.weights_digest
    assert losses(done)[0] < losses(uninterrupted)[0]


def test_a_folder_takes_one_job_only(store, uninterrupted):
    with pytest.raises(BadRecipe, match="another job: its settings is"):
        trained(store, uninterrupted.path.parent, dataclasses.replace(SETTINGS, seed=1))


def test_a_folder_takes_one_writer_only(store, tmp_path):
    with only_writer(tmp_path), pytest.raises(Conflict, match="another training run"):
        trained(store, tmp_path)


def test_a_loss_that_is_no_number_stops_and_names_the_rows(store, tmp_path):
    burning = dataclasses.replace(SETTINGS, learning_rate=1e30, warmup_steps=1)
    with pytest.raises(Diverged, match=r"gave the loss (nan|inf).*rows") as stopped:
        trained(store, tmp_path, burning, save_every=1)
    last = checkpoints(tmp_path)[-1]
    assert str(last.path) in str(stopped.value)
    assert stopped.value.rows == tuple(dict.fromkeys(seen.row for seen in step_rows(store, last, last.step + 1)))


def test_a_flipped_bit_in_a_shard_is_found_before_it_is_trained_on(tmp_path):
    store = Store(str(tmp_path / "store"))
    manifest = tokens_in(store, sentences(10))
    shard = manifest.entries[0].shard
    path = tmp_path / "store" / "objects" / shard[:2] / f"{shard}.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(Damaged, match=shard[:16]):
        trained(store, tmp_path / "run")


def test_no_space_for_the_tokens_is_an_error_with_a_remedy(tmp_path, no_space):
    store = Store(str(tmp_path / "store"))
    tokens_in(store, sentences(300))
    with no_space() as fill:
        fill()
        with pytest.raises(StoreFailed, match="set TMPDIR to a larger disk"):
            trained(store, tmp_path / "run")


def test_rows_behind_a_mask_are_not_trained_on(tmp_path):
    store = Store(str(tmp_path / "store"))
    whole = tokens_in(store, sentences(10))
    masked = run(Recipe("masked", (EverySecond(),)), "texts", store=store, tag="masked").manifest
    done = train(store, {"masked": 1}, CONFIG, Settings(epochs=1, batch=2, length=32), tmp_path / "run")
    seen = {seen.row for step in range(1, done.step + 1) for seen in step_rows(store, done, step)}
    assert seen == {row.id for row in View(store, masked)}
    assert seen < {row.id for row in View(store, whole)}


def test_a_dataset_of_documents_is_refused(tmp_path):
    store = Store(str(tmp_path))
    run(Recipe("documents", ()), Texts(sentences(3)), store=store, tag="documents")
    with pytest.raises(BadSource, match="rows of kind 'document'"):
        open_mix(store, {"documents": 1})


def test_a_dataset_without_tokens_is_refused(tmp_path):
    store = Store(str(tmp_path))
    run(Recipe("empty", ()), Texts(()), store=store, tag="empty")
    with pytest.raises(BadSource, match="kind 'document'"):
        open_mix(store, {"empty": 1})
    tokens_in(store, ("a",), "full")
    run(Recipe("none", (DropsAll(),)), "full", store=store, tag="none")
    with pytest.raises(BadSource, match="holds no tokens"):
        open_mix(store, {"none": 1})


def test_a_mix_of_tokenizers_is_refused(store, tmp_path):
    store = Store(str(tmp_path / "store"))
    tokens_in(store, sentences(3), "one")
    other = train_tokenizer(sentences(3), 290).save(store)
    recipe = Recipe("other", (Tokenize(other, store),))
    run(recipe, Texts(sentences(3), "other"), store=store, tag="other")
    with pytest.raises(BadRecipe, match="different tokenizers"):
        train(store, {"one": 1, "other": 1}, CONFIG, SETTINGS, tmp_path / "run")


def test_a_model_with_too_few_tokens_is_refused(store, tmp_path):
    with pytest.raises(BadRecipe, match="the model has 200 tokens"):
        train(store, {"texts": 1}, dataclasses.replace(CONFIG, vocabulary=200), SETTINGS, tmp_path)


def test_settings_want_steps_or_epochs():
    with pytest.raises(BadRecipe, match="either steps or epochs"):
        Settings()
    with pytest.raises(BadRecipe, match="batch is 0"):
        Settings(steps=1, batch=0)


def test_the_rate_warms_up_and_falls_as_a_cosine():
    settings = Settings(steps=110, warmup_steps=10, learning_rate=1.0, final_share=0.1)
    assert [settings.rate(step, 110) for step in (1, 10, 60, 110)] == pytest.approx([0.1, 1.0, 0.55, 0.1])


def test_what_is_no_matrix_does_not_decay(store):
    model = Hybrid(CONFIG)
    decays, keeps = make_optimizer(model, SETTINGS).param_groups
    names = {id(weights): name for name, weights in model.named_parameters()}
    kept = {names[id(weights)].rpartition("layers.")[2] for weights in keeps["params"]}
    assert keeps["weight_decay"] == 0
    assert {"0.mamba.A_log", "0.mamba.D", "0.mamba.dt_bias", "0.mamba.norm.weight", "0.mamba.conv1d.bias"} < kept
    assert {names[id(weights)] for weights in decays["params"]} >= {"model.embed_tokens.weight"}
