"""fastText models trained so that equal input gives equal bytes.

With fewer than ten threads fastText fills a tenth of its input matrix for each with numbers by chance and leaves the
rest as the memory was: equal trainings differ, and some stop with "Encountered NaN" at any learning rate (0.9.2 and
the builds for NumPy 2). So it runs in a process of its own whose memory is all zero when it is handed out: the
commonest words begin at random, the others at zero.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filters.fasttext_file import check
from filters.fasttext_model import LABEL_PREFIX, NOT_A_NUMBER, FastText
from manifests.errors import BadRecipe, Incomplete

ROOT = Path(__file__).parents[1]
ZEROED = {"MALLOC_PERTURB_": "255", "GLIBC_TUNABLES": "glibc.malloc.perturb=255"}  # old and new name, of glibc's malloc


@dataclass(frozen=True, slots=True)
class Settings:
    """How a model is trained; the names are fastText's own."""

    lr: float = 0.5  # learning rate
    epoch: int = 25  # DCLM: 5, on 400,000 texts
    dim: int = 16
    wordNgrams: int = 2  # noqa: N815 - pairs of words; 3 for Japanese, whose words are letters here
    bucket: int = 1 << 18  # cells that those are hashed into; 64 bytes each
    minCount: int = 2  # noqa: N815 - a word that occurs once tells texts apart and not classes
    seed: int = 0


def train(
    lines: Sequence[bytes], targets: NDArray[np.int64], parts: Sequence[NDArray[np.int64]], settings: Settings
) -> list[bytes]:
    """Return a model for each part, which are rows of `lines` to learn from.

    A target t is the label "t". Raises BadRecipe where the loss becomes no number.
    """
    with TemporaryDirectory(prefix="koba-classifier-") as folder:
        jobs: list[dict[str, Any]] = []
        for number, part in enumerate(parts):
            source, made = Path(folder, f"{number}.txt"), Path(folder, f"{number}.bin")
            source.write_bytes(
                b"".join([b"%b%d %b" % (LABEL_PREFIX.encode(), targets[row], lines[row]) for row in part])
            )
            described = {name: getattr(settings, name) for name in Settings.__slots__}
            jobs.append({"input": str(source), "output": str(made), "settings": described})
        done = subprocess.run(
            [sys.executable, "-m", "filters.fasttext_model"],
            input=json.dumps(jobs),
            env={**os.environ, **ZEROED, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == NOT_A_NUMBER:
            raise BadRecipe(
                f"fastText's loss is no number any more at a learning rate of {settings.lr}; train with a lower "
                "`--learning-rate`, such as a tenth of it"
            )
        if done.returncode:
            raise Incomplete(f"fastText's training ended with {done.returncode}: {done.stderr.strip()[-300:]}")
        return [Path(job["output"]).read_bytes() for job in jobs]


def opened(data: bytes, classes: int) -> FastText:
    """Return a model from its bytes, which may be hostile. Raises BadSource."""
    check(data, tuple([f"{LABEL_PREFIX}{number}" for number in range(classes)]))
    with TemporaryDirectory(prefix="koba-classifier-") as folder:
        path = Path(folder, "model.bin")
        path.write_bytes(data)
        return FastText(path)
