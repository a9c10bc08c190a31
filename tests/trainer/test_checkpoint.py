import os
import shutil
import signal

import pytest

from manifests.errors import Damaged, NotFound, StoreFailed
from manifests.records import seal
from tests.patience import until
from tests.trainer.small import SETTINGS, trained
from trainer.checkpoint import (
    METRICS,
    MOMENTS,
    RECORD,
    WEIGHTS,
    Checkpoint,
    checkpoint_at,
    checkpoints,
    only_writer,
    write_checkpoint,
)
from trainer.settings import Settings


@pytest.fixture(scope="module")
def done(store, tmp_path_factory):
    return trained(store, tmp_path_factory.mktemp("run"))


def test_kill_9_while_checkpoints_are_written_leaves_a_usable_last_one(store, tmp_path):
    settings = Settings(steps=100_000, batch=1, length=16)
    for turn in range(5):
        child = os.fork()
        if not child:
            try:
                trained(store, tmp_path, settings, save_every=1)
            finally:
                os._exit(1)
        until(lambda: len(checkpoints(tmp_path)) >= 3 * turn + 2)  # noqa: B023 - it is called in this turn
        until(lambda: list(tmp_path.glob(".step-*")), pause_s=0.0001)  # a checkpoint is being written
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        last = checkpoints(tmp_path)[-1]
        assert len(last.metrics()) == last.step
        assert set(last.weights()) == {name.rpartition(".")[0] for name in last.moments()}


@pytest.mark.parametrize("name", [WEIGHTS, MOMENTS, METRICS, RECORD])
def test_a_changed_file_is_found(done, tmp_path, name):
    copy = tmp_path / done.path.name
    copy.mkdir()
    for path in done.path.iterdir():
        data = bytearray(path.read_bytes())
        if path.name == name:
            data[len(data) // 2] ^= 1
        (copy / path.name).write_bytes(data)
    checkpoint = Checkpoint(copy)
    with pytest.raises(Damaged, match=name):
        checkpoint.weights(), checkpoint.moments(), checkpoint.metrics()


def test_a_checkpoint_says_what_was_trained(store, done):
    assert done.step == done.state.step == SETTINGS.steps
    assert done.job.settings == SETTINGS
    assert dict(done.job.data) == {store.manifest("texts").id: 1}
    assert [line["step"] for line in done.metrics()] == [1, 2, 3, 4, 5, 6]


def test_what_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(NotFound, match="no checkpoint"):
        Checkpoint(tmp_path).step  # noqa: B018


def test_a_disk_that_cannot_be_written_is_an_error_with_a_remedy(done, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreFailed, match="free some space"):
        write_checkpoint(tmp_path / "file" / "step-00000001", done.job, done.state, {}, {}, [])


def test_a_disk_that_fills_up_while_a_checkpoint_is_written_leaves_the_one_before(store, tmp_path, no_space):
    def in_step_5(act):
        return lambda progress: act() if progress.step == 5 else None

    with no_space() as fill, pytest.raises(StoreFailed, match=r"step-00000006: .* free some space") as stopped:
        trained(store, tmp_path, save_every=3, on_step=in_step_5(fill))
    assert "goes on from the last checkpoint" in str(stopped.value)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["step-00000003"]
    assert len(checkpoint_at(tmp_path).weights()) > 0


def test_a_folder_that_cannot_be_made_is_an_error_with_a_remedy(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreFailed, match="check its permissions"), only_writer(tmp_path / "file" / "run"):
        pass


def test_a_path_is_a_checkpoint_or_a_run_of_which_the_newest_counts(store, tmp_path):
    last = trained(store, tmp_path, save_every=2)
    assert checkpoint_at(tmp_path) == checkpoint_at(last.path) == last
    assert checkpoint_at(tmp_path / "step-00000002").step == 2


@pytest.mark.parametrize(("folder", "says"), [(".", "no checkpoint here; expected"), ("gone", "no such folder")])
def test_a_path_without_a_checkpoint_says_what_was_expected(tmp_path, folder, says):
    with pytest.raises(NotFound, match=says):
        checkpoint_at(tmp_path / folder)


@pytest.mark.parametrize("change", [{"config": {"colour": "red"}}, {"settings": {"steps": 0}}, {"start": None}])
def test_a_job_of_another_koba_is_told_from_a_damaged_one(done, tmp_path, change):
    copy = shutil.copytree(done.path, tmp_path / done.path.name)
    (copy / RECORD).write_bytes(seal(done.record | {"job": change}))
    with pytest.raises(Damaged, match="this koba does not know"):
        Checkpoint(copy).job  # noqa: B018


def test_a_record_without_its_parts_is_damaged(done, tmp_path):
    copy = shutil.copytree(done.path, tmp_path / done.path.name)
    (copy / RECORD).write_bytes(seal({"step": 3}))
    with pytest.raises(Damaged, match="has no digests, job, loader"):
        checkpoint_at(copy)
