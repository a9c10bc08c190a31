"""fastText classifiers: loaded, asked and trained. The one module that imports fastText.

As a program it trains what the JSON on its standard input lists, see `filters.fasttext_training`.
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
from numpy.typing import NDArray

from manifests.errors import BadSource

LABEL_PREFIX = "__label__"
NOT_A_NUMBER = 3  # exit code of a training whose loss is no number any more


class FastText:
    """A classifier read from a file; loaded once a worker through `load`."""

    def __init__(self, path: Path) -> None:
        try:
            self._model = fasttext.load_model(str(path))
        except ValueError as error:
            raise BadSource(f"{path}: no fastText model ({error}); expected a .bin or .ftz file") from error

    @property
    def labels(self) -> frozenset[str]:
        """Every label that the model can give, without prefix."""
        return frozenset(
            label.removeprefix(LABEL_PREFIX) for _, label in self._model.f.predict(b"\n", -1, 0.0, "strict")
        )

    def top(self, text: str) -> tuple[str, float]:
        """Return the likeliest label, without its prefix, and its probability (0 to 1, 4 digits).

        Line ends count as spaces, for fastText reads one line. Four digits are what equals on every machine.
        """
        line = " ".join(text.split()).encode("utf-8", "replace") + b"\n"
        # `predict` of the Python wrapper fails under NumPy 2 in fastText's own release; what it wraps does not.
        [(probability, label)] = self._model.f.predict(line, 1, 0.0, "strict")
        return label.removeprefix(LABEL_PREFIX), round(min(probability, 1.0), 4)

    def probabilities(self, lines: Sequence[bytes], classes: int) -> NDArray[np.float64]:
        """Return a row for each line, which has its line end, with the probabilities of the labels "0", "1", ..."""
        made = np.zeros((len(lines), classes))
        if not lines:
            return made
        labels, found = self._model.f.multilinePredict(list(lines), -1, 0.0, "strict")
        numbers = {f"{LABEL_PREFIX}{number}": number for number in range(classes)}
        rows = np.repeat(np.arange(len(lines)), [len(names) for names in labels])
        made[rows, [numbers[name] for names in labels for name in names]] = np.concatenate(found)
        made /= made.sum(axis=1, keepdims=True)  # fastText adds 1e-5 to each
        return made


@cache
def load(path: Path) -> FastText:
    """Return the model at `path`, read once in each process. Raises BadSource where there is none."""
    return FastText(path)


@cache
def model_digest(path: Path) -> str:
    """Return the SHA-256 of a model file, in hex: what the fingerprint of a stage names instead of a path."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    """Train one model after the other. Exits with NOT_A_NUMBER where the loss of one becomes none."""
    jobs: list[dict[str, Any]] = json.load(sys.stdin)
    for job in jobs:
        try:
            made = fasttext.train_supervised(job["input"], **job["settings"], thread=1, verbose=0)
        except RuntimeError as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(NOT_A_NUMBER if "NaN" in str(error) else 1)
        made.save_model(job["output"])


if __name__ == "__main__":
    main()
