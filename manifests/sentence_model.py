"""A sentence model in ONNX: a text becomes a vector of length one. The one module that imports onnxruntime.

Each text is run alone, on one thread, so that its vector depends on no other text and on no padding: a model whose
activations are quantised takes their scale from the whole batch. For 250 tokens that is as fast as batches of 8 to 32,
for 30 tokens three quarters as fast.
"""

import json
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import tokenizers
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as failures  # type: ignore[import-untyped]

from manifests.errors import BadRecipe, BadSource
from manifests.manifest import FILE_SUFFIX
from manifests.store import Store

Pooling: TypeAlias = Literal["mean", "cls"]
POOLINGS = ("mean", "cls")
INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})
CHARS = 64  # read of a text for each token it may have: 50 MB are not cut into tokens for 256 of them
KNOWN = 0.5  # share of the tokens that the model must know to have a say
UNREADABLE = (
    failures.Fail,
    failures.InvalidArgument,
    failures.InvalidGraph,
    failures.InvalidProtobuf,
    failures.NotImplemented,
    failures.RuntimeException,
)


class Sentence(NamedTuple):
    """What a model makes of a text."""

    vector: NDArray[np.float32] | None  # None: it knows less than half of the tokens, or there are none
    cut: bool  # the text goes on after what was read


class SentenceModel:
    """A model and its tokenizer, read from the bytes of their files."""

    def __init__(self, model: bytes, tokenizer: bytes, max_tokens: int, pooling: Pooling) -> None:
        """Open a session. Raises BadSource where the bytes are no sentence model."""
        self.max_tokens, self.pooling = max_tokens, pooling
        self._tokenizer, self._unknown = _tokenizer(tokenizer, max_tokens)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except UNREADABLE as error:
            raise BadSource(
                f"model: expected one file in ONNX, with its weights, that onnxruntime {onnxruntime.__version__} "
                f"reads; found: {error!s:.200}; export it again"
            ) from error
        self._inputs = [one.name for one in self._session.get_inputs()]
        if "input_ids" not in self._inputs or not INPUTS.issuperset(self._inputs):
            raise BadSource(
                f"model: its inputs are {', '.join(self._inputs):.200}; expected input_ids, and none but "
                f"{', '.join(sorted(INPUTS))}; export a sentence model"
            )
        self.dimensions = len(self._run([0]))

    def read(self, text: str) -> Sentence:
        """Return the vector of the first `max_tokens` tokens of a text. Raises BadSource where it is no vector."""
        start = text.lstrip()
        limit = CHARS * self.max_tokens
        found = self._tokenizer.encode(start[:limit])
        cut = len(start) > limit or bool(found.overflowing)
        own = [token for token, special in zip(found.ids, found.special_tokens_mask, strict=True) if not special]
        known = sum(token != self._unknown for token in own)
        if not own or known < KNOWN * len(own):
            return Sentence(None, cut)
        vector = self._run(found.ids)
        length = float(np.linalg.norm(vector))
        if not np.isfinite(length) or length == 0:
            raise BadSource(
                f"model: the vector of {text!r:.60} has length {length}; expected a positive number; "
                "the model is damaged or was converted badly"
            )
        return Sentence((vector / length).astype(np.float32), cut)

    def _run(self, tokens: list[int]) -> NDArray[np.float64]:
        ids = np.array([tokens], np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        try:
            hidden = self._session.run(None, {name: given[name] for name in self._inputs})[0]
        except UNREADABLE as error:
            raise BadSource(
                f"model: it cannot read {len(tokens)} tokens, numbered up to {max(tokens)}: {error!s:.200}; "
                "lower max_tokens to what it was made for, or take the tokenizer that belongs to it"
            ) from error
        if hidden.ndim == 2 and len(hidden) == 1:
            return np.asarray(hidden[0], np.float64)
        if hidden.ndim != 3 or hidden.shape[:2] != ids.shape:
            raise BadSource(
                f"model: its first output for {len(tokens)} tokens has the shape {hidden.shape}; expected "
                f"(1, {len(tokens)}, dimensions), or (1, dimensions) of one that pools itself"
            )
        states: NDArray[np.float64] = np.asarray(hidden[0], np.float64)
        pooled: NDArray[np.float64] = states[0] if self.pooling == "cls" else states.mean(axis=0)
        return pooled


@lru_cache(maxsize=2)
def opened(store: Store, model: str, tokenizer: str, max_tokens: int, pooling: Pooling) -> SentenceModel:
    """Return the model whose two files a store has by these digests, opened once in each process.

    Raises NotFound, Damaged, BadSource.
    """
    return SentenceModel(store.get(model, FILE_SUFFIX), store.get(tokenizer, FILE_SUFFIX), max_tokens, pooling)


def _tokenizer(data: bytes, max_tokens: int) -> tuple[Any, int | None]:
    """Return a tokenizer that cuts texts at `max_tokens`, and the token that stands for what it does not know."""
    try:
        described = json.loads(data)["model"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadSource(
            f"tokenizer: expected a tokenizer.json of the `tokenizers` library, found: {error!r:.120}"
        ) from error
    made = tokenizers.Tokenizer.from_buffer(data)
    if max_tokens <= made.num_special_tokens_to_add(is_pair=False):
        raise BadRecipe(f"max_tokens is {max_tokens}; expected more than the tokenizer's special tokens")
    made.encode_special_tokens = True  # "[SEP]" in a crawled text is text
    made.no_padding()
    made.enable_truncation(max_tokens)
    unknown = described.get("unk_token")
    return made, described.get("unk_id") if unknown is None else made.token_to_id(unknown)
