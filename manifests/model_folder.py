"""A folder with a model or a tokenizer as Hugging Face libraries write it, and whether it is whole."""

import json
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from safetensors import SafetensorError, safe_open

from manifests import canonical
from manifests.errors import BadSource

CONFIG = "config.json"
WEIGHTS = "*.safetensors"
FASTTEXT = "model.fasttext"  # a classifier as fastText writes it, without pickle
ONNX = "model.onnx"  # weights and computation in one file: of several exports beside each other, the plain one
TEMPLATE = "chat_template.jinja"
TOKENIZER_CONFIG = "tokenizer_config.json"
VOCABULARY = ("tokenizer.json", "*.model", "*.tiktoken", "vocab.json", "vocab.txt")
TOKENIZER = (*VOCABULARY, TOKENIZER_CONFIG, "special_tokens_map.json", "added_tokens.json", "merges.txt")
TAKEN = (WEIGHTS, ONNX, FASTTEXT, "*.json", "*.jinja", *TOKENIZER)
STARTS = {  # of an ONNX file the format's version, which exporters write first: field 1 of a protobuf message
    ONNX: (b"\x08", "ONNX"),
    FASTTEXT: (b"\xba\x16\x4f\x2f", "fastText's format"),  # the number 793712314
}
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle")


class ModelFolder:
    """What is taken of a model's folder: weights, ONNX or fastText, JSON, tokenizer and chat template."""

    def __init__(self, folder: Path) -> None:
        """Look for the files. Raises BadSource where there is no such folder."""
        if not folder.is_dir():
            raise BadSource(f"{folder}: there is no such folder; expected one with {CONFIG} and {WEIGHTS}")
        self.folder = folder
        self.all = visible(folder)
        self.files = {name: path for name, path in self.all.items() if fits(name, TAKEN)}  # sorted by name

    def check(self) -> None:
        """Raise BadSource unless the folder holds a whole, readable model or tokenizer."""
        weights = [path for name, path in self.files.items() if fits(name, (WEIGHTS,))]
        others = [path for name, path in self.files.items() if fits(name, STARTS)]
        pickles = [name for name in self.all if fits(name, PICKLES)]
        if pickles and not weights and not others:
            raise BadSource(
                f"{self.folder}: its weights are pickles ({', '.join(pickles):.120}), which run code when they are "
                "read; save them as safetensors (`model.save_pretrained` does) and try again"
            )
        bare = [path.name for path in (*weights, *others) if path.name != ONNX]  # which says all of itself
        if bare and CONFIG not in self.files:
            raise BadSource(f"{self.folder}: expected {CONFIG} beside {bare[0]}, found none")
        if not bare and not any(fits(name, VOCABULARY) for name in self.files):
            raise BadSource(
                f"{self.folder}: expected a model ({CONFIG} and {WEIGHTS}, or {ONNX}) or a tokenizer (one of "
                f"{', '.join(VOCABULARY)}), found {', '.join(self.all) or 'nothing':.200}"
            )
        for path in weights:
            _read_header(path)
        for path in others:
            _check_start(path)
        for name, path in self.files.items():
            if fits(name, (CONFIG, TOKENIZER_CONFIG)):
                _read_object(path)
            elif fits(name, ("*.safetensors.index.json",)):
                _check_shards(path)
            elif fits(name, ("*.json",)):
                _read_json(path)

    def template(self) -> str | None:
        """Return the digest of the chat template, from its own file or from the tokenizer's configuration."""
        if TEMPLATE in self.files:
            return canonical.sha256(self.files[TEMPLATE].read_bytes())
        config = _read_object(self.files[TOKENIZER_CONFIG]) if TOKENIZER_CONFIG in self.files else {}
        template = config.get("chat_template")
        if isinstance(template, str):
            return canonical.sha256(template.encode())
        return canonical.digest(template) if template else None


def visible(folder: Path) -> dict[str, Path]:
    """Return the files below a folder by their relative names, sorted; hidden files and folders are left out."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not path.is_dir()}
    return {name: found[name] for name in sorted(found) if "/." not in f"/{name}"}


def fits(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether the last part of a relative name fits one of the patterns."""
    return any(fnmatchcase(PurePosixPath(name).name, pattern) for pattern in patterns)


def _read_header(path: Path) -> None:
    try:
        with safe_open(path, "np"):
            return
    except (SafetensorError, OSError) as error:
        raise BadSource(
            f"{path}: expected safetensors, found: {error}; it is damaged, cut short or something else: get it again"
        ) from error


def _check_start(path: Path) -> None:
    """Refuse what is plainly something else. Who opens the file reads all of it."""
    start, what = STARTS[path.name]
    with path.open("rb") as stream:
        found = stream.read(16)
    if not found.startswith(start):
        raise BadSource(f"{path}: expected a model in {what}, found a file that starts with {found!r}; get it again")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError, OSError) as error:
        raise BadSource(f"{path}: expected JSON, found: {error!s:.120}; get it again") from error


def _read_object(path: Path) -> dict[str, Any]:
    read = _read_json(path)
    if not isinstance(read, dict):
        raise BadSource(f"{path}: expected a JSON object, found a {type(read).__name__}; get it again")
    return read


def _check_shards(path: Path) -> None:
    shards = _read_object(path).get("weight_map")
    if not isinstance(shards, dict):
        raise BadSource(f"{path}: expected a `weight_map` of weight files, found none; get it again")
    missing = sorted({str(name) for name in shards.values() if not (path.parent / str(name)).is_file()})
    if missing:
        raise BadSource(f"{path}: it names weight files that are not there: {', '.join(missing):.200}; get them too")
