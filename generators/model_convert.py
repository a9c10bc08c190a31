"""A GGUF file as a folder that transformers and vLLM read: bf16 safetensors, tokenizer, chat template.

vLLM does not read GGUF. Quantised numbers become float32 and are then rounded to bf16. The same file gives the same
bytes with the same versions of transformers, tokenizers, gguf and safetensors; another version may lay out the JSON
files otherwise.
"""

import json
import sys
from contextlib import nullcontext, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import torch
import transformers
from gguf import GGUFReader
from tokenizers import pre_tokenizers

from manifests.errors import BadSource
from manifests.model_folder import CONFIG, TOKENIZER_CONFIG

_library: Any = transformers  # half of it has no types
GENERATION_CONFIG = "generation_config.json"
SPECIAL_IDS = ("bos_token_id", "eos_token_id", "pad_token_id")
# What says on which machine and by which version a file was written, not what it is.
PASSING = ("transformers_version", "_name_or_path", "_from_model_config", "is_local", "local_files_only")
FAST_CLASS = "PreTrainedTokenizerFast"  # known to transformers 4 and 5 alike


def convert_gguf(gguf: Path, folder: Path) -> None:
    """Write the model of a GGUF file into an empty folder. Raises BadSource where the file is none."""
    fields = _fields(gguf)
    # A minute with a bar: but only people want to see it.
    quiet = nullcontext() if sys.stderr.isatty() else redirect_stderr(StringIO())
    try:
        with quiet:
            tokenizer = _library.AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
            loaded = _library.AutoModelForCausalLM.from_pretrained(
                gguf.parent, gguf_file=gguf.name, dtype=torch.float32
            )
    except (ValueError, KeyError, OSError, RuntimeError) as error:
        raise BadSource(f"{gguf}: expected a model that transformers can convert, found: {error!s:.200}") from error
    config = loaded.config.to_dict()
    del config["quantization_config"]
    model = _library.AutoModelForCausalLM.from_config(type(loaded.config).from_dict(config), dtype=torch.bfloat16)
    model.load_state_dict(loaded.state_dict())
    model.generation_config = _library.GenerationConfig(**{name: config.get(name) for name in SPECIAL_IDS})
    with quiet:
        model.save_pretrained(folder)
    _save_tokenizer(tokenizer, fields, config["max_position_embeddings"], folder)
    for name in (CONFIG, GENERATION_CONFIG):
        _tidy(folder / name)


def _fields(gguf: Path) -> dict[str, Any]:
    """Return what a GGUF file says of its tokenizer."""
    try:
        reader = GGUFReader(gguf)
        return {name: field.contents() for name in _READ if (field := reader.get_field(name))}
    except (ValueError, KeyError, IndexError, OSError) as error:
        raise BadSource(f"{gguf}: expected a GGUF file, found: {error!s:.200}; get it again") from error


def _save_tokenizer(tokenizer: Any, fields: dict[str, Any], max_tokens: int, folder: Path) -> None:
    split = _SPLITS.get(fields.get(_PRE, ""))
    if split:
        tokenizer.backend_tokenizer.pre_tokenizer = split
    tokenizer.chat_template = fields.get(_TEMPLATE)
    tokenizer.model_max_length = max_tokens
    tokenizer.save_pretrained(folder)
    _tidy(folder / TOKENIZER_CONFIG, tokenizer_class=FAST_CLASS)


def _tidy(path: Path, **changed: str) -> None:
    read = json.loads(path.read_text(encoding="utf-8"))
    kept = {name: value for name, value in read.items() if name not in PASSING} | changed
    path.write_text(json.dumps(kept, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


_PRE = "tokenizer.ggml.pre"
_TEMPLATE = "tokenizer.chat_template"
_READ = (_PRE, _TEMPLATE)
_SPLITS = {  # how a tokenizer cuts texts before BPE, where transformers reads another one out of GGUF
    # Digits stand alone (tokenizer.json of HuggingFaceTB/SmolLM2); without it, blanks before a digit are cut otherwise.
    "smollm": pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    ),
}
