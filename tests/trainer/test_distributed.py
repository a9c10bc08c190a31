"""Several processes train what one process trains: with each strategy, and through Ray Train."""

import dataclasses
import pickle
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.multiprocessing

from manifests.errors import BadRecipe, Diverged
from tests.trainer.small import CONFIG, SETTINGS, trained
from tests.trainer.test_train import files, losses
from trainer.checkpoint import checkpoint_at
from trainer.distributed import train_together
from trainer.world import World

FOUR = dataclasses.replace(SETTINGS, batch=4)
HALVES = dataclasses.replace(FOUR, micro_batches=2)


JOBS = {"ddp": HALVES, "fsdp": FOUR}  # by strategy


def process(rank, store, folder):
    """One of two processes: trains with each strategy, is stopped after a checkpoint, and goes on from it."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2, timeout=timedelta(minutes=5)
    )
    for strategy, settings in JOBS.items():
        options = {"world": World(rank, 2, strategy), "save_every": 3}
        with pytest.raises(KeyboardInterrupt):
            trained(store, Path(folder) / strategy, settings, **options, on_step=interrupt)
        trained(store, Path(folder) / strategy, settings, **options)
    torch.distributed.destroy_process_group()


def interrupt(progress):
    if progress.step == 5:
        raise KeyboardInterrupt


@pytest.fixture(scope="module")
def together(store, tmp_path_factory):
    """What two processes trained, over gloo, by strategy."""
    folder = tmp_path_factory.mktemp("together")
    torch.multiprocessing.start_processes(process, (store, str(folder)), nprocs=2, start_method="fork")
    return {strategy: checkpoint_at(folder / strategy) for strategy in ("ddp", "fsdp")}


@pytest.mark.parametrize("strategy", JOBS)
def test_two_processes_have_the_losses_of_one(store, together, tmp_path, strategy):
    alone = trained(store, tmp_path, JOBS[strategy])
    assert losses(together[strategy]) == pytest.approx(losses(alone), abs=1e-5)
    assert together[strategy].state == alone.state
    weights = alone.weights()
    for name, value in together[strategy].weights().items():
        assert torch.allclose(value, weights[name], atol=1e-4), name


def test_two_parts_of_a_batch_add_up_to_the_same_bits_in_one_process_and_in_two(store, together, tmp_path):
    alone = trained(store, tmp_path, HALVES)
    assert losses(together["ddp"]) == losses(alone)
    assert files(together["ddp"]) == files(alone)


@pytest.mark.parametrize("strategy", JOBS)
def test_one_process_goes_on_where_two_stopped(store, together, tmp_path, strategy):
    (tmp_path / "step-00000003").symlink_to(together[strategy].path.parent / "step-00000003")
    resumed = trained(store, tmp_path, JOBS[strategy])
    assert losses(resumed)[:3] == losses(together[strategy])[:3]
    if strategy == "ddp":
        assert files(resumed) == files(together[strategy])
    assert losses(resumed) == pytest.approx(losses(together[strategy]), abs=1e-5)


@pytest.fixture
def free_ray():
    """A Ray of which no other test's workers hold the slots."""
    if "ray" in sys.modules:  # whose first import is left to koba, which hands it a token
        sys.modules["ray"].shutdown()
    yield
    sys.modules["ray"].shutdown()


def test_ray_train_trains_with_two_processes_and_tells_each_step(store, tmp_path, free_ray):
    seen = []
    made = train_together(store, {"texts": 1}, CONFIG, FOUR, tmp_path / "run", workers=2, on_step=seen.append)
    assert losses(made) == pytest.approx(losses(trained(store, tmp_path / "alone", FOUR)), abs=1e-5)
    assert [progress.step for progress in seen] == [1, 2, 3, 4, 5, 6]


def test_a_batch_that_does_not_divide_among_the_processes_is_refused(store, tmp_path):
    with pytest.raises(BadRecipe, match="4 sequences do not divide among 3 processes; choose"):
        train_together(store, {"texts": 1}, CONFIG, FOUR, tmp_path, workers=3)


def test_an_error_with_its_rows_comes_back_from_another_process():
    error = pickle.loads(pickle.dumps(Diverged("step 3 gave nan", (b"a", b"b"))))  # noqa: S301
    assert (str(error), error.rows) == ("step 3 gave nan", (b"a", b"b"))
