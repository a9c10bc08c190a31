"""Export in the layout of Hugging Face: transformers and vLLM load it as GraniteMoeHybridForCausalLM.

A model of PLaMo 2's variant is written in that one's layout, for the ports that read it (llama.cpp, mlx-lm), and for
transformers with the code that comes with PLaMo 2's published weights.
"""

import json
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from safetensors.torch import save_file

from manifests.artifact import REFS, store_model
from manifests.manifest import SourceRecord
from manifests.store import Ref, Store
from manifests.tokens import Tokenizer, load_tokenizer
from trainer.checkpoint import WEIGHTS, Checkpoint
from trainer.config import Config
from trainer.granite_layout import granite_config
from trainer.plamo_layout import plamo_config


class TokenizerWarning(UserWarning):
    """An exported tokenizer that transformers cannot read."""


class WindowWarning(UserWarning):
    """An exported model whose window other programs do not heed."""


def export(
    store: Store,
    checkpoint: Checkpoint,
    folder: Path,
    *,
    begin: str = "<|begin|>",
    end: str = "<|end|>",
    pad: str = "<|pad|>",
    max_tokens: int | None = None,
) -> Path:
    """Write config.json, model.safetensors and the tokenizer to `folder`, and return it.

    `max_tokens` is the longest text that other programs may ask for; default: the length of a training sequence.
    Logits are equal for models without a window. With one, the key `sliding_window` is written and a WindowWarning
    given: transformers ignores it.
    """
    job = checkpoint.job
    tokenizer = load_tokenizer(store, job.tokenizer)
    ids = {name: tokenizer.token_id(token) for name, token in (("bos", begin), ("eos", end), ("pad", pad))}
    body = hugging_face_config(job.config, max_tokens or job.settings.length)
    body |= {f"{name}_token_id": number for name, number in ids.items()}
    if job.config.window is not None and job.config.variant == "granite":
        warnings.warn(
            f"{folder}: attention sees {job.config.window} tokens only, which transformers ignores: its logits will "
            "differ for longer texts. Train on with window=None before you export, or evaluate with koba",
            WindowWarning,
            stacklevel=2,
        )
    folder.mkdir(parents=True, exist_ok=True)
    save_file(checkpoint.weights(), folder / "model.safetensors", {"format": "pt"})
    _write_json(folder / "config.json", body)
    _write_json(folder / "generation_config.json", {f"{name}_token_id": number for name, number in ids.items()})
    write_tokenizer(tokenizer, folder, begin=begin, end=end, pad=pad)
    return folder


def add_trained(store: Store, name: str, checkpoint: Checkpoint, *, licence: str) -> Ref:
    """Store an export as `models/<name>`; its manifest names the checkpoint and the datasets it was trained on."""
    weights = checkpoint.path / WEIGHTS
    source = SourceRecord(f"{checkpoint.path.name}/{WEIGHTS}", checkpoint.weights_digest, weights.stat().st_size)
    with TemporaryDirectory() as folder:
        made = export(store, checkpoint, Path(folder))
        manifest = store_model(store, made, licence=licence, source=source, parents=list(checkpoint.job.data))
    return store.tag(f"{REFS}/{name.removeprefix(f'{REFS}/')}", manifest.id)


def write_tokenizer(tokenizer: Tokenizer, folder: Path, *, begin: str, end: str, pad: str) -> None:
    """Write a tokenizer so that transformers' AutoTokenizer gives the same tokens.

    A SentencePiece model that is no BPE is written as it is, with a TokenizerWarning: transformers has no class for it.
    """
    (folder / tokenizer.file_name).write_bytes(tokenizer.data)
    if tokenizer.transformers_class is None:
        warnings.warn(
            f"{folder}: transformers cannot read {tokenizer.file_name}, a SentencePiece model that is no BPE; hand "
            "token ids to the model, or train with a tokenizer.json",
            TokenizerWarning,
            stacklevel=2,
        )
        return
    body = {"bos_token": begin, "eos_token": end, "pad_token": pad, "clean_up_tokenization_spaces": False}
    _write_json(folder / "tokenizer_config.json", body | {"tokenizer_class": tokenizer.transformers_class})


def hugging_face_config(config: Config, max_tokens: int) -> dict[str, Any]:
    """Return the `config.json` of a model, without the ids of special tokens.

    Raises BadRecipe where the layout of its variant cannot say it.
    """
    return (plamo_config if config.variant == "plamo2" else granite_config)(config, max_tokens)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
