import dataclasses

import pytest
import torch

from manifests.errors import BadRecipe, BadSource, Conflict, Damaged
from manifests.rows import Document
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from manifests.view import View
from tests.trainer.small import CONFIG, SETTINGS, Texts, sentences, tokens_in, trained
from trainer.checkpoint import MOMENTS, WEIGHTS, checkpoints, only_writer
from trainer.data import Loader, open_mix
from trainer.settings import Settings
from trainer.trace import step_rows
from trainer.train import Diverged, train


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
