"""What a reward head sees of a reply: the vectors of a sentence model, and its surface.

The prompt alone says nothing of which reply is better, so it only appears together with the reply.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from math import log1p
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manifests.errors import BadSource
from manifests.model_folder import ONNX
from manifests.rows import Message
from manifests.sentence_model import SentenceModel

TOKENS = "tokenizer.json"
MAX_TOKENS = 256  # of a text; more than sentence models were made for
CHARS = 20_000  # of a reply whose surface is looked at
LENGTHS = ("chars", "lines")  # the surface that grows with the reply
SURFACE = ("items", "repeated", "of_prompt", "ascii", "kanji", "ended")
_ITEM = re.compile(r"^[ \t]*(?:[-*+・]|\d{1,3}[.)、])", re.MULTILINE)
_KANJI = re.compile(r"[一-鿿]")


class Features:
    """The features of replies by a sentence model in a folder."""

    def __init__(self, folder: Path, *, length: bool) -> None:
        """Open the model. Raises BadSource where the folder holds none. `length`: whether length is a feature."""
        try:
            model, tokenizer = (folder / ONNX).read_bytes(), (folder / TOKENS).read_bytes()
        except FileNotFoundError as error:
            raise BadSource(
                f"{folder}: expected a sentence model, {ONNX} with {TOKENS}: `koba models add minilm`"
            ) from error
        self.length = length
        self._model = SentenceModel(model, tokenizer, MAX_TOKENS, "mean")
        self._vector = lru_cache(maxsize=256)(self._read)  # a prompt has several replies

    def of(self, messages: Sequence[Message]) -> NDArray[np.float64]:
        """Return the features of the last message, as a reply to those before."""
        prompt, reply = messages[-2].content if len(messages) > 1 else "", messages[-1].content
        asked, said = self._vector(prompt), self._vector(reply)
        near = [float(asked @ said)]
        return np.concatenate([said, asked * said, near, surface(prompt, reply, length=self.length)])

    def _read(self, text: str) -> NDArray[np.float64]:
        vector = self._model.read(text).vector
        return np.zeros(self._model.dimensions) if vector is None else vector.astype(np.float64)


def surface(prompt: str, reply: str, *, length: bool) -> NDArray[np.float64]:
    """Return what can be counted in a reply: repetition, lists, scripts, words of the prompt, and perhaps length."""
    text = reply.strip()[:CHARS]
    pairs = Counter(pairwise(text))
    total = max(1, pairs.total())
    asked = set(pairwise(prompt))
    counted = {
        "items": log1p(len(_ITEM.findall(text))),
        "repeated": 1 - len(pairs) / total,
        "of_prompt": len(asked & pairs.keys()) / max(1, len(asked)),
        "ascii": sum(map(str.isascii, text)) / max(1, len(text)),
        "kanji": len(_KANJI.findall(text)) / max(1, len(text)),
        "ended": float(text.endswith(("。", ".", "!", "?", "！", "？", "」", "`"))),
        "chars": log1p(len(text)),
        "lines": log1p(text.count("\n")),
    }
    return np.array([counted[name] for name in (*SURFACE, *(LENGTHS if length else ()))])
