"""Checkpoints: a folder for each, which is there as a whole or not at all.

    step-00000100/model.safetensors        the weights
    step-00000100/optimizer.safetensors    two moments and a count for each weight
    step-00000100/metrics.jsonl            a line for each step so far
    step-00000100/checkpoint.json          the job (data, shape, settings), the step, the loader's state, the digests

It is written under a temporary name and renamed, so that a writer killed at any moment leaves the last one usable.
"""

import fcntl
import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from manifests.errors import BadRecipe, Conflict, Damaged, NotFound, StoreFailed
from manifests.files import sync
from manifests.records import seal, unseal
from trainer.config import Config
from trainer.data import State
from trainer.settings import Settings

RECORD = "checkpoint.json"
WEIGHTS, MOMENTS, METRICS = "model.safetensors", "optimizer.safetensors", "metrics.jsonl"
_STEP = re.compile(r"step-([0-9]{8,})")
_TEMPORARY = re.compile(r"\.[a-z]+-[0-9a-z-]+\.[0-9a-f]{16}")


@dataclass(frozen=True)
class Job:
    """What a training run is: everything that decides on its weights."""

    data: Mapping[str, float]  # weight by manifest id
    tokenizer: str  # digest
    config: Config
    settings: Settings
    start: str | None = None  # digest of the weights that it started from; none: drawn from the seed
    objective: Mapping[str, Any] = field(default_factory=dict)  # literals of another loss than the next token's

    def as_dict(self) -> dict[str, Any]:
        """Return literals, as JSON would give them back."""
        plain: dict[str, Any] = {"data": dict(self.data), "tokenizer": self.tokenizer, "start": self.start}
        if self.objective:
            plain["objective"] = dict(self.objective)
        return plain | {part: _fields(getattr(self, part)) for part in ("config", "settings")}


@dataclass(frozen=True)
class Checkpoint:
    """A stored checkpoint. Files are verified when they are read."""

    path: Path

    @cached_property
    def record(self) -> dict[str, Any]:
        """The content of `checkpoint.json`. Raises NotFound, Damaged."""
        try:
            data = (self.path / RECORD).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound(f"{self.path} is no checkpoint: it has no {RECORD}; give a folder step-<number>") from error
        record = unseal(data, str(self.path / RECORD))
        if missing := {"step", "job", "loader", "digests"} - record.keys():
            raise Damaged(f"{self.path / RECORD} has no {', '.join(sorted(missing))}; it is no checkpoint of koba's")
        return record

    @property
    def step(self) -> int:
        """How many steps were made."""
        return int(self.record["step"])

    @cached_property
    def job(self) -> Job:
        """What was trained, and on what. Raises Damaged."""
        job = self.record["job"]
        with self._known():
            shape, settings = Config(**job["config"]), Settings(**job["settings"])
            return Job(job["data"], job["tokenizer"], shape, settings, job["start"], job.get("objective", {}))

    @property
    def state(self) -> State:
        """Where the loader stood. Raises Damaged."""
        with self._known():
            return State(**self.record["loader"])

    @contextmanager
    def _known(self) -> Iterator[None]:
        try:
            yield
        except (TypeError, KeyError, BadRecipe) as error:
            raise Damaged(
                f"{self.path / RECORD} describes a job that this koba does not know ({error}); use the version "
                "that wrote it, or train again in another folder"
            ) from error

    @property
    def weights_digest(self) -> str:
        """SHA-256 of the file of weights."""
        return str(self.record["digests"][WEIGHTS])

    def weights(self) -> dict[str, Tensor]:
        """Return the weights by name. Raises Damaged."""
        tensors: dict[str, Tensor] = load_file(self._verified(WEIGHTS))
        return tensors

    def moments(self) -> dict[str, Tensor]:
        """Return the optimizer's state by name. Raises Damaged."""
        tensors: dict[str, Tensor] = load_file(self._verified(MOMENTS))
        return tensors

    def metrics(self) -> list[dict[str, Any]]:
        """Return what was measured in each step, from the first. Raises Damaged."""
        return [json.loads(line) for line in self._verified(METRICS).read_text().splitlines()]

    def _verified(self, name: str) -> Path:
        path = self.path / name
        try:
            found = file_digest(path)
        except FileNotFoundError as error:
            raise Damaged(f"{path} is missing; go on from an earlier checkpoint: move {self.path.name} away") from error
        if found != self.record["digests"][name]:
            raise Damaged(
                f"{path} has the digest {found[:16]}..., its record says {self.record['digests'][name][:16]}...: the "
                f"file was changed or its disk is failing. Go on from an earlier checkpoint: move {self.path.name} away"
            )
        return path


def write_checkpoint(
    path: Path,
    job: Job,
    state: State,
    weights: Mapping[str, Tensor],
    moments: Mapping[str, Tensor],
    metrics: Sequence[Mapping[str, Any]],
    made_of: Sequence[Mapping[str, Any]] = (),
) -> Checkpoint:
    """Write a checkpoint, durably and as a whole. One that is there already is left alone.

    `made_of` says of weights that no step made what they were made of. Raises StoreFailed.
    """
    if path.exists():
        return Checkpoint(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        temporary.mkdir(parents=True)
        save_file(dict(weights), temporary / WEIGHTS, {"format": "pt"})
        save_file(dict(moments), temporary / MOMENTS)
        (temporary / METRICS).write_text("".join([json.dumps(line) + "\n" for line in metrics]))
        digests = {name: file_digest(temporary / name) for name in (WEIGHTS, MOMENTS, METRICS)}
        record = {"step": state.step, "job": job.as_dict(), "loader": state.as_dict(), "digests": digests}
        (temporary / RECORD).write_bytes(seal(record | ({"made_of": list(made_of)} if made_of else {})))
        for file in (*temporary.iterdir(), temporary):
            sync(file)
        temporary.rename(path)
        sync(path.parent)
    except (OSError, SafetensorError) as error:  # the second one is what a full disk is to safetensors
        shutil.rmtree(temporary, ignore_errors=True)
        raise _unwritable(path, error) from error
    return Checkpoint(path)


def checkpoints(folder: Path) -> list[Checkpoint]:
    """Return the checkpoints in the folder of a run, oldest first."""
    found = [path for path in folder.glob("step-*") if _STEP.fullmatch(path.name)]
    return [Checkpoint(path) for path in sorted(found, key=lambda path: int(path.name.removeprefix("step-")))]


def checkpoint_at(path: Path) -> Checkpoint:
    """Return the checkpoint in a folder, or the newest one in the folder of a run. Raises NotFound, Damaged."""
    made = [Checkpoint(path)] if (path / RECORD).is_file() else checkpoints(path)
    if not made:
        raise NotFound(
            f"{path}: there is no checkpoint here{'' if path.is_dir() else ', and no such folder'}; expected a folder "
            f"step-<number> with a {RECORD} in it, or the folder of a run that has saved one"
        )
    found = made[-1]
    found.record  # noqa: B018 - a checkpoint that cannot be read is found here
    return found


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold the folder of a run, and clear what a killed writer left half done. Raises Conflict, StoreFailed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise _unwritable(folder, error) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(f"{folder}: another training run writes its checkpoints here; use another folder") from error
        for path in folder.iterdir():
            if _TEMPORARY.fullmatch(path.name):
                shutil.rmtree(path)
        yield


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unwritable(path: Path, error: OSError | SafetensorError) -> StoreFailed:
    return StoreFailed(
        f"cannot write {path}: {getattr(error, 'strerror', None) or error}; free some space or check its permissions "
        "and run the same command again: it goes on from the last checkpoint"
    )


def _fields(value: Config | Settings) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
