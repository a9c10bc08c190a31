"""Tiny sentence models in ONNX, made for a test: each word has a vector of its own."""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WORDS = ("red", "green", "blue", "cat", "dog", "bird", "sits", "runs")
WORDS += ("sings", "on", "under", "the", "a", "mat", "tree", "roof")
DIMENSIONS = 8
OPSET = 17


def vectors(dimensions: int = DIMENSIONS) -> np.ndarray:
    """One vector for each token, the same on every machine; the special tokens have small ones."""
    tokens = ["[UNK]", "[CLS]", "[SEP]", *WORDS]
    rows = [np.frombuffer(hashlib.shake_128(word.encode()).digest(dimensions), np.uint8) for word in tokens]
    made = (np.stack(rows).astype(np.float32) - 127.5) / 128
    made[:3] *= 0.01
    return made


def model(table: np.ndarray | None = None, pooled: bool = False, inputs: tuple[str, ...] = ("input_ids",)) -> bytes:
    """A model that looks each token up; `pooled`: and takes the mean itself."""
    table = vectors() if table is None else table
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["hidden"])]
    if pooled:
        nodes.append(helper.make_node("ReduceMean", ["hidden"], ["pooled"], axes=[1], keepdims=0))
    result = ("pooled", ["batch", "size"]) if pooled else ("hidden", ["batch", "sequence", "size"])
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"]) for name in inputs],
        [helper.make_tensor_value_info(result[0], TensorProto.FLOAT, result[1])],
        [numpy_helper.from_array(table, "table")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(made)
    return made.SerializeToString()


def tokenizer() -> bytes:
    """Words at blanks; what is none of `WORDS` is [UNK]."""
    specials = ["[UNK]", "[CLS]", "[SEP]"]
    special = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    ends = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]
    text = {"Sequence": {"id": "A", "type_id": 0}}
    described = {
        "version": "1.0",
        "added_tokens": [{"id": number, "content": name, **special} for number, name in enumerate(specials)],
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [ends[0], text, ends[1]],
            "pair": [ends[0], text, ends[1], text],
            "special_tokens": {
                name: {"id": name, "ids": [specials.index(name)], "tokens": [name]} for name in specials[1:]
            },
        },
        "model": {
            "type": "WordLevel",
            "vocab": {word: number for number, word in enumerate([*specials, *WORDS])},
            "unk_token": "[UNK]",
        },
    }
    return json.dumps(described).encode()


def write_model(folder: Path, data: bytes | None = None) -> Path:
    """Write model.onnx and tokenizer.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(model() if data is None else data)
    (folder / "tokenizer.json").write_bytes(tokenizer())
    return folder
