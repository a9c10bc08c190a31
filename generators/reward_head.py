"""A reward learnt from pairs on a CPU: a Bradley-Terry head on what a small model makes of replies.

    head = train_head(better, worse)            # features of chosen and of rejected replies, row by row
    save_head(head, encoder, folder, length=False)
    Rewarded(HeadReward("models/reward-head"))

P(a beats b) = sigmoid(r(a) - r(b)) with r linear in the features (Bradley and Terry 1952): a logistic regression
without intercept on differences, solved by Newton's method in 64-bit floats. Equal pairs give equal heads.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from generators.reward_features import TOKENS, Features
from generators.rewards import Rater, Rating, found
from generators.weights import Model
from manifests.errors import BadRecipe, BadSource
from manifests.model_folder import CONFIG, ONNX
from manifests.rows import Message

TYPE = "koba-reward-head"
HEAD = "model.safetensors"
STEPS = 50  # of Newton's method, which takes fewer than ten
CLOSE = 1e-10


@dataclass(frozen=True, slots=True)
class Head:
    """Reward of features: `(features / scale) @ weights`."""

    weights: NDArray[np.float64]
    scale: NDArray[np.float64]

    def rewards(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the reward of each row of features. Raises BadSource where they are of another shape."""
        if features.shape[-1:] != self.weights.shape:
            raise BadSource(
                f"reward head: features of the shape {features.shape}; expected {len(self.weights)} in a row: "
                "take the encoder that it was trained on"
            )
        rewards: NDArray[np.float64] = (features / self.scale) @ self.weights
        return rewards


def train_head(better: NDArray[np.float64], worse: NDArray[np.float64], penalty: float = 30.0) -> Head:
    """Return the head that tells better from worse. `penalty` is what a squared weight costs, in pairs.

    Raises BadRecipe unless there are as many better as worse ones, of the same features, all of them finite.
    """
    if better.shape != worse.shape or better.ndim != 2 or not len(better):
        raise BadRecipe(f"reward head: {better.shape} better and {worse.shape} worse; expected equal shapes, 1 or more")
    differences = better - worse
    if not np.isfinite(differences).all():
        raise BadRecipe("reward head: a feature is no finite number; look at what wrote it")
    spread = np.sqrt((differences**2).mean(axis=0))
    scale = np.where(spread > 0, spread, 1.0)
    scaled = differences / scale
    weights = np.zeros(scaled.shape[1])
    for _ in range(STEPS):
        wins = 1 / (1 + np.exp(-np.clip(scaled @ weights, -50, 50)))
        slope = scaled.T @ (1 - wins) - penalty * weights
        curve = (scaled * (wins * (1 - wins))[:, None]).T @ scaled + penalty * np.eye(len(weights))
        step = np.linalg.solve(curve, slope)
        weights = weights + step
        if np.abs(step).max() < CLOSE:
            break
    return Head(weights, scale)


def save_head(head: Head, encoder: Path, folder: Path, *, length: bool) -> None:
    """Write a head with its encoder into a folder, for `koba models add`; its configuration is part of its digest.

    Raises BadSource where there is no encoder.
    """
    if missing := [name for name in (ONNX, TOKENS) if not (encoder / name).is_file()]:
        raise BadSource(
            f"{encoder}: expected a sentence model, found no {', '.join(missing)}: `koba models add minilm`"
        )
    folder.mkdir(parents=True, exist_ok=True)
    save_file({"weights": head.weights, "scale": head.scale}, folder / HEAD)
    for name in (ONNX, TOKENS):
        shutil.copyfile(encoder / name, folder / name)
    (folder / CONFIG).write_text(json.dumps({"model_type": TYPE, "length": length}), encoding="utf-8")


class HeadRater:
    """A head that was read from a folder, with its encoder."""

    def __init__(self, folder: Path) -> None:
        """Read it. Raises BadSource where the folder holds no head."""
        try:
            config = json.loads((folder / CONFIG).read_bytes())
            read = load_file(folder / HEAD)
            self._head = Head(read["weights"], read["scale"])
            length = bool(config["length"])
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise BadSource(f"{folder}: expected a reward head of koba, found: {error!r:.200}") from error
        if config["model_type"] != TYPE:
            raise BadSource(f"{folder}: expected a reward head, {TYPE}; found {config['model_type']!r:.60}")
        self._features = Features(folder, length=length)

    def rate(self, messages: Sequence[Message]) -> Rating:
        """Return the reward of the last message; what goes on behind the encoder's limit is not read by it."""
        return Rating(0, (float(self._head.rewards(self._features.of(messages))),))


@dataclass(frozen=True, slots=True)
class HeadReward:
    """A head as a reward."""

    model: str | Model = "models/reward-head"
    weights: tuple[float, ...] = (1.0,)
    max_tokens: int = 4_096  # never reached: a head reads the beginning of a text

    def open(self) -> Rater:
        """Load it."""
        return opened(found(self.model))


@lru_cache(maxsize=2)
def opened(model: Model) -> HeadRater:
    """Return the rater of a model, loaded once in each process."""
    return HeadRater(model.folder())
