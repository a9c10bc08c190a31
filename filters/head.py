"""What is learned on top of embeddings, in closed form: points by ridge regression, names by discriminant analysis.

No chance is in either, so there is no seed. The numbers are rounded to six digits, in which the orders of addition on
different processors do not show.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from manifests.errors import BadSource

RIDGE = 1.0  # added to the sums of squares; embeddings have length one, so it weighs as much as one more text
SHRINKAGE = 0.1  # share of the covariance that is replaced by one that is equal in all directions
NEVER = -1e6  # logit

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Head:
    """Weights of a linear map: one column for points, or one for each name."""

    weights: NDArray[np.float32]  # (dimensions, columns)
    bias: NDArray[np.float32]  # (columns,)

    def __call__(self, vectors: Floats) -> Floats:
        """Return the map of each vector: (texts, columns)."""
        # einsum adds in one order, on one thread
        found: Floats = np.einsum("nd,dk->nk", vectors, self.weights.astype(np.float64)) + self.bias
        return found

    def probabilities(self, vectors: Floats) -> Floats:
        """Return the probability of each name."""
        logits = self(vectors)
        grown = np.exp(logits - logits.max(axis=1, keepdims=True))
        found: Floats = grown / grown.sum(axis=1, keepdims=True)
        return found

    def to_bytes(self) -> bytes:
        """Return it as safetensors."""
        return bytes(save({"bias": self.bias, "weights": self.weights}))


def regression(vectors: Floats, points: Floats) -> Head:
    """Return the ridge regression of points on vectors."""
    centre, mean = vectors.mean(axis=0), points.mean()
    moved = vectors - centre
    squares = np.einsum("ni,nj->ij", moved, moved) + RIDGE * np.eye(vectors.shape[1])
    weights = np.linalg.solve(squares, np.einsum("ni,n->i", moved, points - mean))
    return _rounded(weights[:, None], np.array([mean - centre @ weights]))


def discriminant(vectors: Floats, classes: NDArray[np.int64], count: int) -> Head:
    """Return the linear discriminant analysis of `count` classes with one covariance; one without a text is never."""
    here, place, sizes = np.unique(classes, return_inverse=True, return_counts=True)
    means = np.stack([vectors[classes == one].mean(axis=0) for one in here])
    moved = vectors - means[place]
    covariance = np.einsum("ni,nj->ij", moved, moved) / max(1, len(vectors) - len(here))
    dimensions = vectors.shape[1]
    even = np.eye(dimensions) * max(np.trace(covariance) / dimensions, 1e-6)
    weights, bias = np.zeros((dimensions, count)), np.full(count, NEVER)
    weights[:, here] = np.linalg.solve((1 - SHRINKAGE) * covariance + SHRINKAGE * even, means.T)
    bias[here] = np.log(sizes / sizes.sum()) - np.einsum("kd,dk->k", means, weights[:, here]) / 2
    return _rounded(weights, bias)


def read_head(data: bytes, columns: int) -> Head:
    """Return a head from its bytes, which may be hostile. Raises BadSource."""
    try:
        found = load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise BadSource(f"head.safetensors: {error!s:.200}; it is damaged: train the classifier again") from error
    weights, bias = found.get("weights"), found.get("bias")
    fits = weights is not None and bias is not None and weights.ndim == 2
    if not fits or weights.shape[1] != columns or bias.shape != (columns,):
        shapes = {name: one.shape for name, one in found.items()}
        raise BadSource(f"head.safetensors: found {shapes!s:.200}; expected weights and bias with {columns} columns")
    if weights.dtype != np.float32 or not np.isfinite(weights).all() or not np.isfinite(bias).all():
        raise BadSource("head.safetensors: expected finite 32-bit floats; train the classifier again")
    return Head(weights, bias)


def _rounded(weights: Floats, bias: Floats) -> Head:
    def six(values: Floats) -> NDArray[np.float32]:
        return np.array([float(f"{value:.6g}") for value in values.ravel()], np.float32).reshape(values.shape)

    return Head(six(weights), six(bias))
